"""Replays: only what is on record happens, in whatever order a policy asks for it."""

from pathlib import Path
from queue import SimpleQueue

import pytest

from dgm.archive import Archive, Reader
from dgm.config import Config, PolicyConfig
from dgm.events import RunConfigured
from dgm.executors import Inline
from dgm.flight import Flight
from dgm.jobs import Evaluate, Expand, Job
from dgm.machine import run
from dgm.policies import POLICIES, open_policy
from dgm.settings import resolved
from dgm.simulation.replayed import Recorded, recorded, replay
from dgm.testing import World, numbered
from tests.cli.archives import look

TASKS = tuple(f"toy/{n:02}" for n in range(20))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 150 evaluations in the scripted world, some of whose jobs the environment failed."""
    path = tmp_path_factory.mktemp("replayed") / "run"
    with Archive(path) as archive:
        archive.configure(RunConfigured(1e9, "0", resolved(Config()), TASKS, "v1"))
        archive.seed(numbered(0.3))
        flight = Flight(World(archive, faults=0.0), Inline(), SimpleQueue())
        run(archive, open_policy(PolicyConfig(), 150), flight, 1, random_seed=1)
    return path


@pytest.fixture(scope="module")
def record(folder: Path) -> Recorded:
    return recorded(folder)


@pytest.mark.parametrize("name", POLICIES)
def test_only_what_is_on_record_happens(name: str, record: Recorded) -> None:
    tree = record.tree
    met: list[Job] = []
    refused: list[Job] = []

    def told(job: Job, known: bool) -> None:
        (met if known else refused).append(job)

    found = replay(record, PolicyConfig(name=name), 75, 1, told)
    for job in met:
        assert not isinstance(job, Evaluate) or job.task in tree.agents[job.agent].results
    for job in refused:
        assert not isinstance(job, Evaluate) or job.task not in tree.agents[job.agent].results
    assert found.evaluations == sum(isinstance(job, Evaluate) for job in met)
    assert found.expansions == sum(isinstance(job, Expand) for job in met) <= tree.expansions
    pairs = [(job.agent, job.task) for job in refused if isinstance(job, Evaluate)]
    assert len(pairs) == len(set(pairs))
    best = tree.agents[found.agent]
    assert (found.solved, found.tried) == (best.solved, best.evaluations)
    assert found == replay(record, PolicyConfig(name=name), 75, 1)


def test_what_asks_for_everything_gets_the_whole_record(record: Recorded) -> None:
    """With money for all, HGM ends where no wish is left that the record can answer, and knows nothing wrong."""
    found = replay(record, PolicyConfig(), 150, 1)
    assert found.evaluations <= record.tree.evaluations
    assert 0 < found.met <= 1


def test_the_archive_is_untouched(folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    recorded(folder)
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert Reader(folder).tree.evaluations == 150


def test_a_table_of_policies(folder: Path) -> None:
    done = look("simulate", "--archive", folder, "--policies", "hgm,greedy", "--seeds", "3")
    assert done.returncode == 0, done.stderr
    assert "hgm" in done.stdout
    assert "The whole record" in done.stdout
    assert "75 of them" in done.stderr
    found = look("simulate", "--archive", folder, "--policies", "hgm", "--seeds", "2", "--budget", "20", "--json")
    assert '"budget":20' in found.stdout.replace(" ", "")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--families", "hgm"), "--families has no meaning"),
        (("--out", "there"), "--out"),
        (("--budget", "10,20"), "one number"),
    ],
)
def test_options_without_a_meaning_are_refused(folder: Path, words: tuple[str, ...], said: str) -> None:
    done = look("simulate", "--archive", folder, *words)
    assert done.returncode == 2
    assert said in done.stderr


def test_a_folder_without_a_run_is_named(tmp_path: Path) -> None:
    done = look("simulate", "--archive", tmp_path / "none")
    assert done.returncode not in (0, 130)
    assert "holds no run" in done.stderr
