"""The folder in which this machine keeps what it has found out once: which tasks are sound here, what images hold.

Invariant: all of it can be lost without changing a run that has begun; it only has to be found out again.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from secrets import token_hex

import msgspec

from dgm.durable import make_folder, place

VARIABLE = "DGM_CACHE"


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """`$DGM_CACHE`, else `$XDG_CACHE_HOME/dgm`, else `~/.cache/dgm`; made where it is missing. Raises `OSError`."""
    if named := environ.get(VARIABLE):
        folder = Path(named)
    else:
        folder = Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dgm"
    make_folder(folder.absolute(), 0o700)
    return folder.absolute()


def keep(path: Path, record: msgspec.Struct) -> None:
    """Replace `path` by `record` in one step, for `dgm.store.load`; others may do so at once. Raises `OSError`."""
    make_folder(path.parent, 0o700)
    place(path, path.with_name(f"{path.name}.{token_hex(4)}.new"), msgspec.json.encode(record), 0o600)
