"""The seeds and benchmarks that come with dgm: beside the package in a checkout, inside it once installed.

Invariant: a plain name means what is shipped; anything with a path separator means the user's own folder.
"""

from pathlib import Path
from typing import Literal

from dgm.config import ConfigError

Kind = Literal["agents_seed", "benchmarks"]


def home(kind: Kind) -> Path:
    """The folder that holds all shipped seeds or benchmarks."""
    package = Path(__file__).resolve().parent
    installed = package / "data" / kind
    return installed if installed.is_dir() else package.parent / kind


def names(kind: Kind) -> list[str]:
    return sorted(path.name for path in home(kind).iterdir() if path.is_dir() and not path.name.startswith("."))


def shipped(kind: Kind, name: str) -> Path:
    """The folder called `name`: a shipped one, or a path. Raises `ConfigError`."""
    if "/" not in name and name in names(kind):
        return home(kind) / name
    path = Path(name).expanduser()
    if not path.is_dir():
        known = ", ".join(names(kind))
        raise ConfigError(f"no folder {name!r}; {kind} has {known}, and a path such as ./mine means a folder of yours")
    return path
