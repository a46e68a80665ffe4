"""The tables as pictures.

Invariant: shows the numbers of `dgm.simulation.tables`, and computes none.
"""

from collections.abc import Sequence
from pathlib import Path

from dgm.config import ConfigError
from dgm.simulation.tables import Cell


def check_library() -> None:
    """Raises `ConfigError` where Matplotlib is missing."""
    from importlib.util import find_spec

    if find_spec("matplotlib") is None:
        raise ConfigError("--figures needs Matplotlib: pip install 'dgm[plots]'")


def draw(cells: Sequence[Cell], against: str, folder: Path) -> list[Path]:
    """Returns the files that were written."""
    return []
