"""The ways to cheat, leak, escape and flood that are known, tried on this very machine.

A case is data: a small hostile program, or a hostile patch, with what it tries and how that must end (`data/*.toml`).

Invariant: an attack that could not be made is never taken for one that was held off, and one that is known to remain
says so in what is expected of it.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

from msgspec import Struct

from dgm.attacks.cases import Case, read_cases
from dgm.attacks.ground import Ground, containers, prepared
from dgm.attacks.seen import NotTried
from dgm.attacks.trying import tried
from dgm.config import SandboxConfig
from dgm.protocols import SandboxFault
from dgm.text import clip

__all__ = ["Case", "Defence", "attack", "read_cases", "try_all"]

SLOTS = 3


class Defence(Struct, frozen=True):
    """How a case came out. `found`: what the attack got, or why it was not made; empty where all is well."""

    name: str
    tries: str
    expected: str
    result: Literal["held", "remains", "FAILED", "not tried"]
    """`remains`: it gets through, as expected, and is flagged as expected."""
    found: str = ""


def attack(config: SandboxConfig, cases: Sequence[Case] | None = None) -> Iterator[Defence]:
    """Try `cases` (all) in the sandbox that `config` asks for, each outcome as soon as it is there.

    Raises `SandboxFault` where that sandbox cannot be used at all.
    """
    with prepared(config) as ground:
        yield from try_all(ground, read_cases() if cases is None else cases)


def try_all(ground: Ground, cases: Iterable[Case]) -> Iterator[Defence]:
    """The defences against `cases` in their order, and at the end whether the host kept or was left anything."""
    with ThreadPoolExecutor(SLOTS) as pool:
        yield from pool.map(lambda pair: defence(ground, pair[1], pair[0]), enumerate(cases, 1))
    yield kept(ground)
    yield left(ground)


def defence(ground: Ground, case: Case, job: int) -> Defence:
    try:
        result, found = tried(ground, case, job)
    except NotTried as reason:
        return Defence(case.name, case.tries, case.expected, "not tried", str(reason))
    except SandboxFault as fault:
        found = f"it passed for a failure of the environment, which is tried again and paid for: {fault}"
        return Defence(case.name, case.tries, case.expected, "FAILED", found)
    return Defence(case.name, case.tries, case.expected, result, clip(found, 400))


def kept(ground: Ground) -> Defence:
    """Whether anything that was kept of all these attacks holds the key."""
    found = [
        str(path.relative_to(ground.folder))
        for path in sorted(ground.folder.rglob("*"))
        if path.is_file() and ground.key.encode() in path.read_bytes()
    ]
    tries = "have the host write the key into a transcript or a record"
    return Defence("keys/what is kept", tries, "held", "FAILED" if found else "held", ", ".join(found[:5]))


def left(ground: Ground) -> Defence:
    tries = "leave a container behind"
    name = "container/nothing is left"
    if not ground.contained:
        return Defence(name, tries, "held", "not tried", "the local sandbox has none")
    found = containers(ground)
    return Defence(name, tries, "held", "FAILED" if found else "held", ", ".join(found[:5]))
