"""What a case is, and where cases come from: the tables in `data/*.toml`.

Invariant: a case is read whole, unknown keys refused, before any attack is made.
"""

import tomllib
from importlib.resources import files as resources

import msgspec
from msgspec import Struct

from dgm.files import File
from dgm.protocols import Limits, Patch

SMALL = {"seconds": 30.0, "memory_mb": 256, "pids": 64, "disk_mb": 64}
"""What an attack may use unless it says otherwise: this machine has other things to do."""
GROUPS = (
    *("keys", "network", "gateway", "container", "floods", "leavings"),
    *("history", "injection", "grading", "pytest", "polyglot"),
)


class Case(Struct, frozen=True, forbid_unknown_fields=True):
    """One attack. It has a `program`, a patch (`files`, `deleted`), or only a `check`. An honest one may have none."""

    name: str
    tries: str
    expected: str = "held"
    """Or `remains: ...`, where it is known to get through; then what shows it. Or `solved`, where it is honest."""
    program: str = ""
    """Python, run in a sandbox after `prelude.py.txt`. It prints a line `GOT ...` for all that it should not get."""
    check: str = ""
    """A function of `dgm.attacks.checks` that looks at what came of it, from the host's side."""
    everywhere: bool = False
    """The local sandbox holds this off too; other attacks are not made there."""
    needs: tuple[str, ...] = ()
    """Tools that the image has to have."""
    door: bool = False
    """It gets a door to a model."""
    in_image: bool = False
    """It runs with the rights of a task that lives in the image."""
    ends: tuple[str, ...] = ("exited",)
    """How it may end."""
    any_exit: bool = False
    finishes: bool = True
    """Whether it comes to its own end; a program that breaks off before has not been tried."""
    limits: dict[str, float] = {}
    files: dict[str, str] = {}
    """What a hostile patch writes."""
    deleted: tuple[str, ...] = ()
    flag: str = ""
    """What the flags of the verdict on the patch have to begin with, for one of them."""
    language: str = ""
    """The exercise that it claims to solve, for patches to exercises."""

    def allowed(self) -> Limits:
        return msgspec.convert({**SMALL, **self.limits}, Limits)

    @property
    def patch(self) -> Patch:
        return Patch({path: File(text.encode()) for path, text in self.files.items()}, self.deleted)

    @property
    def honest(self) -> bool:
        """Whether it is no attack, but a solution that has to pass."""
        return self.expected == "solved"

    @property
    def remains(self) -> bool:
        return self.expected.startswith("remains")


class Cases(Struct, frozen=True, forbid_unknown_fields=True):
    case: tuple[Case, ...]


def read_cases() -> tuple[Case, ...]:
    """All cases, group by group."""
    here = resources("dgm.attacks").joinpath("data")
    found: list[Case] = []
    for group in GROUPS:
        text = here.joinpath(f"{group}.toml").read_text(encoding="utf-8")
        found += msgspec.convert(tomllib.loads(text), Cases).case
    return tuple(found)


def prelude() -> str:
    """What hostile programs have at hand."""
    return resources("dgm.attacks").joinpath("data", "prelude.py.txt").read_text(encoding="utf-8")
