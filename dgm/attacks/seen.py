"""What the host saw of an attack.

Invariant: made by the host alone, from what it measured and received.
"""

from collections.abc import Sequence
from typing import NamedTuple

from dgm.attacks.cases import Case
from dgm.attacks.ground import Ground
from dgm.protocols import Chat, Ran


class NotTried(Exception):
    """An attack that cannot be made here, and why."""


class Seen(NamedTuple):
    ground: Ground
    case: Case
    job: int
    run: Ran | None = None
    """How its program ended, if it has one."""
    requests: Sequence[Chat] = ()
    """What reached its model."""
    abandoned: bool = False
    """Whether a call was still under way when its door was closed."""

    @property
    def ran(self) -> Ran:
        assert self.run is not None
        return self.run
