"""Families fitted to runs: near the truth where a tree tells it, near the defaults where it does not."""

from pathlib import Path

import pytest

from dgm.archive import NoArchive
from dgm.events import AgentBorn, RunConfigured
from dgm.simulation.estimators import grown
from dgm.simulation.evidence import DEFAULT
from dgm.simulation.families import Family, family
from dgm.simulation.fitted import fit, fitted_family
from dgm.simulation.trial import Trial, play
from dgm.tree import Tree
from tests.cli.archives import grow, look


@pytest.fixture(scope="module")
def fits() -> dict[str, list[Family]]:
    """Of worlds of two families that differ in what can be told."""
    return {
        name: [fitted_family(Tree(grown(Trial("hgm", name, seed, 500))[1])) for seed in range(3)]
        for name in ("null", "random-3")
    }


@pytest.mark.parametrize(
    ("setting", "tolerance"),
    [("hard", 0.6), ("spread", 0.6), ("shift", 0.15), ("broken", 0.12), ("stillborn", 0.06), ("expanding", 2.5)],
)
def test_what_is_told_is_near_the_truth(fits: dict[str, list[Family]], setting: str, tolerance: float) -> None:
    for name, found in fits.items():
        mean = sum(getattr(one, setting) for one in found) / len(found)
        assert mean == pytest.approx(getattr(family(name), setting), abs=tolerance), name


def test_steps_are_told_from_none(fits: dict[str, list[Family]]) -> None:
    steps = {name: sum(one.step for one in found) / len(found) for name, found in fits.items()}
    assert steps["null"] < steps["random-3"]


def test_a_thin_archive_gives_the_defaults_and_says_so() -> None:
    found = fit(Tree(grown(Trial("hgm", "flat", 1, 20))[1]))
    for setting in ("step", "shift", "broken", "ceiling", "idle", "wander"):
        assert getattr(found.family, setting) == getattr(DEFAULT, setting)
    assert any(line.startswith("step, shift, broken: ") for line in found.defaults)


def test_prices_are_those_of_the_run() -> None:
    found = fit(Tree(grown(Trial("hgm", "hgm", 1, 400, k=12.0))[1]))
    assert found.usd == pytest.approx(1.0)
    assert found.k == pytest.approx(12.0, abs=1.0)
    assert found.seconds > 0


def test_nothing_comes_of_nothing() -> None:
    with pytest.raises(ValueError, match="nothing was evaluated"):
        fit(Tree([RunConfigured(1.0, "", {}, ("t",), ""), AgentBorn(1.0, "s", "s")]))


def test_a_folder_is_a_family(tmp_path: Path) -> None:
    grow(tmp_path / "run")
    name = f"fitted:{tmp_path / 'run'}"
    assert family(name).name == "fitted"
    assert play(Trial("hgm", name, 1, 30)).evaluations == 30
    with pytest.raises(NoArchive):
        family(f"fitted:{tmp_path / 'none'}")


def test_simulate_takes_it(tmp_path: Path) -> None:
    grow(tmp_path / "run")
    small = ("--policies", "hgm", "--seeds", "2", "--budget", "30", "--jobs", "1")
    done = look("simulate", "--families", f"fitted:{tmp_path / 'run'}", *small)
    assert done.returncode == 0, done.stderr
    assert "fitted to 12 evaluations" in done.stderr
    assert "wander: " in done.stderr
    missing = look("simulate", "--families", f"fitted:{tmp_path / 'none'}", *small)
    assert missing.returncode != 0
    assert "none" in missing.stderr
    assert "Traceback" not in missing.stderr
