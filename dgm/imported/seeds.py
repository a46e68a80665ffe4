"""The source that all patches of a run begin with: the repository as the agents' container had it.

Invariant: of a foreign folder only regular files are read, up to a size, and no link is followed.
"""

import fnmatch
import os
import re
from pathlib import Path

from dgm.files import BadFiles, File, Files, FilesLimit, checked, without_litter
from dgm.imported.folder import Folder
from dgm.imported.outputs import ROOT

IGNORE, LONGEST = ".dockerignore", 100_000
POLYGLOT, PLAIN = "coding_agent_polyglot.py", "coding_agent.py"
SWEBENCH_ONLY = ("utils/eval_utils.py", "utils/swe_log_parsers.py")


def find_seed(outputs: Path) -> Path | None:
    """HGM keeps a copy of its seed's source among its outputs."""
    folder = outputs / ROOT / "src"
    return folder if folder.is_dir() and not folder.is_symlink() and not folder.parent.is_symlink() else None


def read_seed(folder: Path, polyglot: bool) -> Files:
    """What of `folder` an agent's container held when the first child was made. Raises `BadFiles`, `OSError`.

    Both systems copy what `.dockerignore` leaves, and then take away what belongs to the other benchmark.
    """
    lines = (Folder(folder).bytes(IGNORE, LONGEST) or b"").decode(errors="replace").splitlines()
    ignored = [line.strip().rstrip("/") for line in lines if line.strip() and not line.startswith(("#", "<"))]
    files: dict[str, File] = {}
    room = FilesLimit().bytes
    for here, folders, names in os.walk(folder):
        inside = Path(here).relative_to(folder)
        folders[:] = sorted(one for one in folders if one != ".git" and not matches(str(inside / one), ignored))
        for name in sorted(names):
            path = Path(here, name)
            key = (inside / name).as_posix()
            if name == ".git" or matches(key, ignored) or path.is_symlink() or not path.is_file():
                continue
            room -= path.stat().st_size
            if room < 0:
                raise BadFiles(f"{folder} holds more than {FilesLimit().bytes:,} bytes: name the agent's source alone")
            files[key] = File(path.read_bytes(), os.access(path, os.X_OK))
    return checked(without_litter(fitted(files, polyglot)))


def matches(path: str, patterns: list[str]) -> bool:
    """Whether `path`, or a folder above it, matches one of the `patterns`, as far as these two systems use them."""
    parts = path.split("/")
    for pattern in patterns:
        if pattern.startswith("**/"):
            if any(fnmatch.fnmatchcase(part, pattern[3:]) for part in parts):
                return True
            continue
        wanted = pattern.split("/")
        if len(wanted) <= len(parts) and all(map(fnmatch.fnmatchcase, parts, wanted)):
            return True
    return False


def fitted(files: Files, polyglot: bool) -> Files:
    """`files` as they are after the setup of the container, where they are those of a checkout."""
    if POLYGLOT not in files:
        return files
    kept = {path: file for path, file in files.items() if path != POLYGLOT}
    if polyglot:
        kept = {path: file for path, file in kept.items() if path not in SWEBENCH_ONLY}
        kept[PLAIN] = files[POLYGLOT]
    return kept


def is_polyglot(tasks: frozenset[str]) -> bool:
    """Whether these are exercises such as `cpp__clock`, and not issues such as `django__django-10880`."""
    return bool(tasks) and not any(re.search(r"-\d+$", task) for task in tasks)
