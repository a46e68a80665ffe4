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
