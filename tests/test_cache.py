import subprocess
import sys
from pathlib import Path

from dgm.cache import cache_folder


def test_the_cache_is_where_the_environment_says_and_for_its_owner_alone(tmp_path: Path) -> None:
    home = {"XDG_CACHE_HOME": str(tmp_path / "xdg")}
    assert cache_folder(home) == tmp_path / "xdg" / "dgm"
    assert cache_folder(home | {"DGM_CACHE": str(tmp_path / "own")}) == tmp_path / "own"
    assert (tmp_path / "own").stat().st_mode & 0o777 == 0o700
    assert cache_folder(home) == tmp_path / "xdg" / "dgm", "and it may be there already"


def test_tests_have_a_cache_of_their_own(cache_of_its_own: Path) -> None:
    assert cache_folder() == cache_of_its_own


FULL = """
import resource, sys
from pathlib import Path
from dgm.cache import keep
from dgm.readiness import Finding
resource.setrlimit(resource.RLIMIT_FSIZE, (1, 1))
try:
    keep(Path(sys.argv[1]), Finding("t", "sound"))
except OSError as error:
    print(error.filename)
"""


def test_a_record_that_does_not_fit_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-c", FULL, tmp_path / "tasks" / "a.json"],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(Path(__file__).parents[1])},
    )
    assert told.stdout.strip() == str(tmp_path / "tasks" / "a.json")
    assert not list((tmp_path / "tasks").iterdir())
