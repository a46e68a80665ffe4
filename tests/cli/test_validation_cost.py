"""What a validation may cost, and what it never pays for twice. The provider is a local server."""

from pathlib import Path

import msgspec
import pytest

from dgm import settings
from dgm.archive import Archive, Reader
from dgm.benchmarks import open_benchmark
from dgm.cli.validating import Report
from dgm.events import RunConfigured
from dgm.jobs import Evaluate, Expand, Rewrite, Verdict
from dgm.selection import choose
from tests.cli.archives import Told, dgm
from tests.cli.test_paying import paid
from tests.provider_server import KEY, provider
from tests.shells import SMOKED, shell

HELD = 4
CALL = 0.11
"""Dollars; an attempt is one call, and the word before each start is another."""


def searched(folder: Path, url: str) -> None:
    """A run with a child that was found to be better than the seed, and paid for nothing yet."""
    chosen = [f"run.held_out={HELD}", "run.tasks=3", "run.slots=1", "caps.usd_per_job=0.5"]
    config = settings.load(None, {}, [*(word.removeprefix("--set=") for word in paid(url)), *chosen])
    benchmark = open_benchmark(config.run.benchmark, config.grading)
    selection = choose(config.run, benchmark)
    with Archive(folder) as archive:
        archive.configure(
            RunConfigured(
                1e9, "0", settings.resolved(config), selection.tasks, benchmark.version, held_out=selection.held_out
            )
        )
        seed = archive.seed(shell(SMOKED))
        job = archive.start(Expand(seed))
        archive.finish(job.id, Rewrite(shell(f"{SMOKED}\necho a child"), "a child"))
        child = list(archive.tree.agents)[-1]
        for agent in (seed, child):
            for task in selection.tasks:
                job = archive.start(Evaluate(agent, task))
                archive.finish(job.id, Verdict(agent == child))


@pytest.mark.slow
def test_a_validation_stops_at_its_cap_and_goes_on_under_a_higher_one(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with provider() as server:
        searched(folder, server.url)

        def validate(*more: str) -> Told:
            done = dgm(
                "validate", "--archive", folder, "--trust", *more, THE_KEY=KEY, DGM_CACHE=str(tmp_path / "cache")
            )
            assert KEY not in done.stdout + done.stderr
            return done

        stopped = validate("--usd", "0.9", "--json")
        assert stopped.returncode == 3, stopped.stderr
        found = msgspec.json.decode(stopped.stdout, type=Report).validation
        assert not found.finished
        assert found.matches[0].verdict == "undecided"
        assert 0 < found.usd <= 0.9
        assert "with a larger --usd the same command goes on" in stopped.stderr
        assert "undecided" in dgm("best", "--archive", folder).stdout

        finished = validate("--usd", "2", "--json")
        assert finished.returncode == 0, finished.stderr
        found = msgspec.json.decode(finished.stdout, type=Report).validation
        assert found.finished
        assert found.number == 1
        assert found.usd == pytest.approx(2 * HELD * CALL), "no attempt was paid for twice"
        calls = len(server.seen)
        assert validate("--usd", "2").returncode == 0
        assert len(server.seen) == calls, "what is finished is only shown"
        again = validate("--usd", "3", "--repeats", "2", "--json")
        found = msgspec.json.decode(again.stdout, type=Report).validation
        assert (found.number, found.usd) == (2, pytest.approx(4 * HELD * CALL)), "a repeat is paid anew"
        assert Reader(folder).tree.spent.usd == 0, "nothing of it is booked in the run"
