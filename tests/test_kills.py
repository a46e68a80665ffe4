"""A driver that is killed again and again, at random moments, finishes the run as if nothing had happened."""

import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from dgm.archive import read_tree
from dgm.check import check
from tests.driver import SLOTS

EVALUATIONS = 400


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_hundred_kills_lose_nothing_and_repeat_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    command = [sys.executable, "-m", "tests.driver", str(folder)]
    rng = Random(1)
    kills, evaluations, log = 0, EVALUATIONS, b""
    while True:
        driver = subprocess.Popen([*command, str(evaluations)], stderr=subprocess.PIPE)
        try:
            driver.wait(rng.uniform(0.4, 1.4))
        except subprocess.TimeoutExpired:
            driver.kill()
            kills += 1
        _, errors = driver.communicate()
        assert driver.returncode in (0, -9), errors.decode()
        if (folder / "events.log").exists():
            grown = (folder / "events.log").read_bytes()
            whole = log[: log.rfind(b"\n") + 1]
            assert grown.startswith(whole), "what was recorded is never changed"
            log = grown
        if driver.returncode == 0 and kills >= 100:
            break
        if driver.returncode == 0:
            evaluations += 200  # not yet killed often enough: ask for more
    tree = read_tree(folder)
    assert not [finding for finding in check(folder) if finding.level == "damage"]
    assert tree.evaluations == evaluations
    assert tree.evaluations == sum(len(agent.results) for agent in tree.agents.values())
    assert not tree.running
    assert tree.failures["interrupted"] <= kills * SLOTS
