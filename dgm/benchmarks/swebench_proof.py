"""What pytest says of itself, past all printing, set against what the log says.

Invariant: a proof can turn a pass into a fail, never a fail into a pass.
"""

import re
from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from dgm.benchmarks.swebench_official import OK
from dgm.benchmarks.swebench_rows import Row

GOOD = ("passed", "xfailed", "xpassed")
CANARIES = 4
NODE = re.compile(r"(?:at \w+ of )?(.*?::.*?)(?: - .*)?", re.DOTALL)
"""An id as the parsers read it; some take what pytest prints around it for a part of it."""


class Result(Struct, frozen=True):
    """`out/result.json` of `swebench_grader`."""

    barred: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    traces: tuple[str, ...] = ()
    log_bytes: int = 0
    exit: int | None = None
    altered: tuple[str, ...] = ()
    started: bool = False
    nonce: str = ""
    proof: str = ""
    seconds: float = 0.0


class Proof(Struct, frozen=True):
    """What the plugin sent. `outcomes`: by node id."""

    state: Literal["absent", "left", "whole"]
    outcomes: Mapping[str, str] = {}
    altered: tuple[str, ...] = ()
    canaries: tuple[str, ...] = ()
    trouble: tuple[str, ...] = ()
    distributed: bool = False
    interrupted: bool = False

    @property
    def dubious(self) -> bool:
        """Whether it is none, or not as it must be."""
        return self.state == "absent" or bool(self.odd)

    @property
    def odd(self) -> tuple[str, ...]:
        """What must not be, as flags."""
        flags = [f"altered:{name}" for name in self.altered] + [f"proof-trouble:{text}" for text in self.trouble]
        wanted = CANARIES // 2 if self.interrupted else CANARIES
        counted = len(self.canaries) == wanted or (not self.outcomes and not self.canaries)
        if self.state == "whole" and not self.distributed and not (counted and set(self.canaries) <= {"good"}):
            flags.append("canary")
        return tuple(flags)


def read_proof(result: Result) -> Proof:
    """The first complete message that carries the nonce; whatever else was written to the line is ignored."""
    if not result.started:
        return Proof("absent", altered=result.altered)
    start = result.proof.find(result.nonce + "\n") if result.nonce else -1
    end = result.proof.find(f"\n{result.nonce} end\n", max(start, 0))
    if start < 0 or end < 0:
        return Proof("left", altered=result.altered)
    lists: dict[str, list[str]] = {"altered": list(result.altered), "canary": [], "trouble": []}
    outcomes: dict[str, str] = {}
    lines = result.proof[start:end].split("\n")[1:]
    for line in lines:
        kind, _, rest = line.partition(" ")
        if kind in lists:
            lists[kind].append(rest)
        elif kind == "test":
            outcome, _, node = rest.partition(" ")
            outcomes[node] = worst(outcomes.get(node), outcome)
    altered, canaries, trouble = (tuple(lists[kind]) for kind in ("altered", "canary", "trouble"))
    return Proof("whole", outcomes, altered, canaries, trouble, "distributed" in lines, "interrupted" in lines)


def worst(one: str | None, other: str) -> str:
    return one if one == "failed" else other


def contradicted(required: Mapping[str, str], proof: Proof) -> list[str]:
    """The required tests that the log shows as good, but pytest itself does not."""
    by_word: dict[str, list[str]] = {}
    by_function: dict[str, list[str]] = {}
    for node, outcome in proof.outcomes.items():
        by_word.setdefault((node.split() or [""])[0], []).append(outcome)
        by_function.setdefault(node.split("[")[0], []).append(outcome)
    wrong = []
    for case, status in required.items():
        # What has no `::` is no test, but something printed that the parsers take for one.
        if "::" not in case or status not in (*OK, "SKIPPED"):
            continue
        plain = case if case in proof.outcomes else NODE.fullmatch(case)[1]  # type: ignore[index]
        exact = [proof.outcomes[plain]] if plain in proof.outcomes else []
        found = exact or by_word.get(plain) or by_function.get(plain.split("[")[0]) or []
        good = "failed" not in found and any(outcome in GOOD for outcome in found)
        if not (good or (status == "SKIPPED" and found and "failed" not in found)):
            wrong.append(case)
    return wrong


def provable(row: Row) -> bool:
    """Whether the tests are one run of pytest."""
    one = len(row.commands) == 1 and re.search(r"\b(pytest|py\.test|tox)\b", row.commands[0])
    return "pytest" in row.log_parser and bool(one)
