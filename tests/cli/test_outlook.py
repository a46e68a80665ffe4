"""`dgm plan` as its users meet it."""

import json
from pathlib import Path

import pytest

from dgm.policies.budget import affordable, worth
from tests.cli.archives import grow, look

QUICK = ("--policies", "hgm,best-of-n", "--families", "jumps,null", "--seconds", "1", "--slots", "2")


def test_a_budget_in_dollars_is_kept() -> None:
    prices = ("--usd-per-evaluation", "0.5", "--usd-per-expansion", "2")
    done = look("plan", "--usd", "60", *prices, *QUICK, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["k"] == 4
    assert found["usd"] <= 60 < 0.5 * worth(found["evaluations"] + 1, 4)
    assert found["slots"] == 2
    assert found["worlds"] >= 3
    assert {one["policy"] for one in found["prospects"]} == {"hgm", "best-of-n"}
    for one in found["prospects"]:
        assert one["low"] <= one["high"]
        assert one["cost"] <= worth(found["simulated"], 4) + 4
        assert one["families"]["null"] <= 0
    assert "trials" in done.stderr


def test_the_text_says_what_is_guessed_and_simulated(tmp_path: Path) -> None:
    grow(tmp_path / "run")
    done = look("plan", "--archive", tmp_path / "run", "--evaluations", "40", *QUICK)
    assert done.returncode == 0, done.stderr
    for text in ("measured in", "jumps, null", "40 evaluations", "policy.name=", "A simulation of worlds"):
        assert text in done.stdout


def test_the_configured_model_may_be_free() -> None:
    done = look("plan", "--evaluations", "20", *QUICK)
    assert done.returncode == 0, done.stderr
    assert "scripted costs nothing" in done.stdout
    assert "is guessed to cost 5 evaluations" in done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--usd", "10"), "--usd-per-evaluation"),
        (("--usd", "10", "--evaluations", "10"), "two budgets"),
        (("--usd", "0.1", "--usd-per-evaluation", "1"), "buys no evaluation"),
        (("--usd-per-evaluation", "-1"), "above 0"),
        (("--usd-per-expansion", "1"), "--usd-per-evaluation"),
        (("--policies", "nobody"), "no such policy"),
        (("--families", "nowhere"), "no such family"),
    ],
)
def test_what_cannot_be_planned_is_said(words: tuple[str, ...], said: str) -> None:
    done = look("plan", *words)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_what_an_amount_buys() -> None:
    for amount in (0.5, 1.0, 6.0, 40.0, 1000.0):
        for k in (0.0, 1.0, 20.0):
            b = affordable(amount, k)
            assert b == 0 or worth(b, k) <= amount
            assert worth(b + 1, k) > amount
