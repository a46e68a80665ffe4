"""Source trees as values: a mapping from relative path to regular file.

Invariant: a `Files` that passed `checked` is safe to write below any folder and to commit: no links, devices, absolute
or parent paths, nothing named `.git`, nothing oversized. Agents' trees, patches and tasks all travel in this form.
"""

import io
import os
import tarfile
import unicodedata
from collections.abc import Iterable, Mapping
from hashlib import sha1
from pathlib import Path, PurePosixPath

from msgspec import Struct

LITTER = ("__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", "node_modules")
"""Folders that running code leaves behind; they never enter a child or a patch."""


class File(Struct, frozen=True, gc=False):
    data: bytes
    executable: bool = False

    @property
    def text(self) -> str:
        """What of it is not UTF-8 is replaced."""
        return self.data.decode(errors="replace")


Files = Mapping[str, File]


class BadFiles(ValueError):
    """Files that cannot be stored faithfully and safely. The text names the path and the rule it breaks."""


class FilesLimit(Struct, frozen=True):
    """How much a tree of files may hold."""

    files: int = 2_000
    bytes: int = 8_000_000


def checked(files: Files, limit: FilesLimit = FilesLimit()) -> Files:
    """`files` in sorted order; raises `BadFiles` if any path is unsafe or the tree is too large."""
    if len(files) > limit.files:
        raise BadFiles(f"{len(files)} files are more than the {limit.files} allowed")
    size = sum(len(file.data) for file in files.values())
    if size > limit.bytes:
        raise BadFiles(f"{size:,} bytes are more than the {limit.bytes:,} allowed")
    for path in files:
        check_path(path)
    folders = {str(folder) for path in files for folder in PurePosixPath(path).parents}
    if clash := folders & files.keys():
        raise BadFiles(f"{min(clash)!r} is both a file and a folder")
    return dict(sorted(files.items()))


def check_path(path: str) -> None:
    """Raises `BadFiles` unless `path` is a plain relative path that is safe to write and to commit on any host."""
    if len(path.encode(errors="surrogateescape")) > 1_000:
        raise BadFiles(f"the path {path[:40]!r}... is too long")
    if path.startswith("/") or "\\" in path or not path.isprintable():
        raise BadFiles(f"the path {path!r} is not a plain relative path")
    for part in path.split("/"):
        if part in ("", ".", ".."):
            raise BadFiles(f"the path {path!r} is not a plain relative path")
        if len(part.encode()) > 255:
            raise BadFiles(f"the name {part[:40]!r}... is too long")
        if folded(part) in (".git", "git~1"):
            raise BadFiles(f"the path {path!r} names a git folder")


def folded(name: str) -> str:
    """What a file system somewhere may take `name` for: without case, ignorable characters, streams, final dots."""
    plain = "".join(c for c in unicodedata.normalize("NFKC", name) if unicodedata.category(c) != "Cf")
    return plain.split(":")[0].rstrip(". ").lower()


def without_litter(files: Files) -> Files:
    """`files` less caches and compiled files, which are by-products of running, not source."""
    return {
        path: file
        for path, file in files.items()
        if not path.endswith((".pyc", ".pyo")) and not any(part in LITTER for part in path.split("/"))
    }


def patched(files: Files, changed: Files, deleted: Iterable[str]) -> Files:
    """`files` after a patch: `changed` files put in place, `deleted` ones removed."""
    gone = set(deleted)
    return {path: file for path, file in files.items() if path not in gone} | dict(changed)


def digest(files: Files) -> str:
    """The git tree hash of `files`, 40 hexadecimal digits: equal for equal sources, whoever wrote them."""
    nested: dict[str, File | dict[str, File]] = {}
    for path, file in files.items():
        head, _, rest = path.partition("/")
        if rest:
            below = nested.setdefault(head, {})
            assert isinstance(below, dict)
            below[rest] = file
        else:
            nested[head] = file
    entries = []
    for name, item in nested.items():
        if isinstance(item, File):
            mode, key, oid = (b"100755" if item.executable else b"100644"), name, _object("blob", item.data)
        else:
            mode, key, oid = b"40000", name + "/", digest(item)
        entries.append((key.encode(), mode + b" " + name.encode() + b"\0" + bytes.fromhex(oid)))
    return _object("tree", b"".join(entry for _, entry in sorted(entries)))


def _object(kind: str, data: bytes) -> str:
    return sha1(f"{kind} {len(data)}\0".encode() + data, usedforsecurity=False).hexdigest()


def read_folder(folder: Path, limit: FilesLimit = FilesLimit()) -> Files:
    """The regular files below a *trusted* folder, such as a shipped seed or benchmark. Raises `BadFiles`."""
    files = {}
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in LITTER)
        for name in names:
            path = Path(here, name)
            if path.is_symlink() or not path.is_file():
                raise BadFiles(f"{path} is not a regular file")
            files[path.relative_to(folder).as_posix()] = File(path.read_bytes(), os.access(path, os.X_OK))
    return checked(without_litter(files), limit)


def write_folder(files: Files, folder: Path) -> None:
    """Write `files` below `folder`, which must be empty or absent. Raises `BadFiles`, `FileExistsError`."""
    files = checked(files)
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty")
    for path, file in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.data)
        target.chmod(0o755 if file.executable else 0o644)


def pack(files: Files) -> bytes:
    """`files` as an uncompressed tar, equal bytes for equal files."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path, file in sorted(files.items()):
            info = tarfile.TarInfo(path)
            info.size = len(file.data)
            info.mode = 0o755 if file.executable else 0o644
            tar.addfile(info, io.BytesIO(file.data))
    return out.getvalue()


def unpack(data: bytes, limit: FilesLimit = FilesLimit()) -> Files:
    """The regular files of an *untrusted* tar, read in memory; nothing touches the disk. Raises `BadFiles`."""
    files: dict[str, File] = {}
    size = 0
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tar:
            for member in tar:
                if member.isdir():
                    continue
                if not member.isreg() or member.issparse():
                    raise BadFiles(f"{member.name!r} is not a regular file")
                size += member.size
                if size > limit.bytes or len(files) >= limit.files:
                    raise BadFiles(f"it holds more than {limit.files} files or {limit.bytes:,} bytes")
                content = tar.extractfile(member)
                assert content is not None
                files[member.name.removeprefix("./")] = File(content.read(), bool(member.mode & 0o100))
    except (tarfile.TarError, EOFError, UnicodeError) as error:
        raise BadFiles(f"it is not a readable tar: {error}") from error
    return checked(files, limit)
