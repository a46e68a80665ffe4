"""The agents of a run as commits in a bare git repository, written and read without running git.

Invariant: an object or ref appears under its name complete and on the disk, or not at all; bytes come back as they went
in, whatever attribute, ignore or configuration files an agent wrote; and nothing that is stored is ever executed.
"""

import os
import re
import time
import zlib
from collections.abc import Iterator, Mapping
from hashlib import sha1
from pathlib import Path

from dulwich.errors import ChecksumMismatch, FileFormatException
from dulwich.object_store import DiskObjectStore
from dulwich.objects import Blob, Commit, ObjectID, ShaFile, Tree
from dulwich.refs import DiskRefsContainer, Ref

from dgm.durable import make_folder, place, sync_folder
from dgm.files import BadFiles, File, Files, checked, folded
from dgm.jobs import AgentId
from dgm.log import Damaged

AGENTS = "refs/heads/agents"
"""A branch an agent, so that a plain clone carries all of them."""
BEST = "refs/heads/best"
NOTES = "refs/notes/dgm"

FILE, PROGRAM, FOLDER = 0o100644, 0o100755, 0o040000

CONFIG = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n\tfsync = committed,reference\n"
ATTRIBUTES = "* -text -eol -ident -filter -working-tree-encoding -export-ignore -export-subst\n"
"""Stands above any `.gitattributes` of an agent wherever this repository itself is checked out or exported."""


class Repository:
    """A bare repository with one writer. Anybody's git may read it, also while it is written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._store = DiskObjectStore(path / "objects")
        self._refs = DiskRefsContainer(path)

    @classmethod
    def create(cls, path: Path) -> "Repository":
        """Open the repository at `path`; make it, or what is missing of it after a crash, first."""
        for folder in ("objects/info", "objects/pack", "refs/tags", "refs/notes", AGENTS, "info"):
            make_folder(path / folder)
        # HEAD comes last: without it, git takes the folder for no repository.
        for name, text in (("info/attributes", ATTRIBUTES), ("config", CONFIG), ("HEAD", f"ref: {BEST}\n")):
            if not (path / name).exists():
                place(path / name, path / f"{name}.lock", text.encode(), 0o644)
                sync_folder((path / name).parent)
        return cls(path)

    def close(self) -> None:
        self._store.close()

    # ------------------------------------------------------------ agents

    def commit(self, files: Files, parents: tuple[AgentId, ...], message: str, at: float) -> AgentId:
        """Store `files` as a commit, equal for equal arguments, of which the tree hash is `dgm.files.digest`.

        `at`: seconds since 1970. Nothing refers to the commit until `keep`. Raises `BadFiles`, `OSError`.
        """
        for path, file in checked(files).items():
            _check_special(path, file)
        fresh: set[Path] = set()
        commit = _commit(self._tree(files, fresh), parents, message, at)
        self._put(commit, fresh)
        for changed in fresh:
            sync_folder(changed)
        return ObjectID(commit.id).decode()

    def keep(self, agent: AgentId, replace: bool = False) -> None:
        """Name the commit `agent` by a branch of its own. Doing so twice is harmless.

        Where the branch is another commit, it is only set right on `replace`. Raises `Damaged`, `OSError`.
        """
        self._point(f"{AGENTS}/{agent}", agent, replace)

    def kept(self) -> dict[AgentId, AgentId]:
        """What each branch of an agent is called, to the commit that it points to; the two should be the same."""
        base = Ref(AGENTS.encode())
        return {
            name.decode(): (self._refs.read_ref(Ref(base + b"/" + name)) or b"").decode(errors="replace")
            for name in sorted(self._refs.subkeys(base))
            if not name.endswith(b".lock")
        }

    def files(self, agent: AgentId) -> Files:
        """The source of `agent`. Raises `Damaged` if it is missing or not what was stored."""
        return dict(self._walk(self.digest(agent), "", set()))

    def verify(self, agent: AgentId, seen: set[str]) -> None:
        """Read all of `agent` but the objects in `seen`, and add these to it. Raises `Damaged`."""
        for _ in self._walk(self.digest(agent), "", seen, again=False):
            pass

    def digest(self, agent: AgentId) -> str:
        """The tree hash of `agent`. Raises `Damaged`."""
        return ObjectID(self._read_commit(agent).tree).decode()

    def parents(self, agent: AgentId) -> tuple[AgentId, ...]:
        """Raises `Damaged`."""
        return tuple(parent.decode() for parent in self._read_commit(agent).parents)

    def message(self, agent: AgentId) -> str:
        """Raises `Damaged`."""
        return bytes(self._read_commit(agent).message).decode(errors="replace")

    # ------------------------------------------------------------ what plain git shows besides

    def point_head(self, agent: AgentId) -> None:
        """Let the branch `best`, which is HEAD, be `agent`, so that a clone checks it out. Raises `OSError`."""
        self._point(BEST, agent, replace=True)

    def best(self) -> AgentId | None:
        return self._get(BEST)

    def write_notes(self, notes: Mapping[AgentId, str], at: float, afresh: bool = False) -> None:
        """Replace all notes by `notes`: a copy of what the log says, never more. Raises `OSError`.

        `afresh`: write every object again, because those that are there may be damaged.
        """
        fresh: set[Path] = set()
        folders: dict[str, Tree] = {}
        for agent, text in notes.items():
            blob = Blob.from_string(text.encode())
            self._put(blob, fresh, afresh)
            folders.setdefault(agent[:2], Tree()).add(agent[2:].encode(), FILE, blob.id)
        root = Tree()
        for name, folder in folders.items():
            self._put(folder, fresh, afresh)
            root.add(name.encode(), FOLDER, folder.id)
        if not afresh and root.id == self._notes_tree():
            return
        self._put(root, fresh, afresh)
        commit = _commit(root.id, (), "Tallies, as the log has them", at)
        self._put(commit, fresh, afresh)
        for changed in fresh:
            sync_folder(changed)
        self._point(NOTES, commit.id.decode(), replace=True)

    def notes(self) -> dict[AgentId, str]:
        """Raises `Damaged`."""
        tree = self._notes_tree()
        files = dict(self._walk(tree.decode(), "", set())) if tree else {}
        return {path.replace("/", ""): file.text for path, file in files.items()}

    def _notes_tree(self) -> ObjectID | None:
        commit = self._get(NOTES)
        return self._read_commit(commit).tree if commit else None

    def sweep_locks(self) -> int:
        """Remove what a killed writer left half done; for the one who holds the run's lock. Returns how many."""
        stale = [*self.path.glob("objects/tmp_obj_*"), *self.path.glob("*.lock"), *self.path.glob("info/*.lock")]
        for here, _, names in os.walk(self.path / "refs"):
            stale += [Path(here, name) for name in names if name.endswith(".lock")]
        for path in stale:
            path.unlink()
        return len(stale)

    # ------------------------------------------------------------ objects

    def _tree(self, files: Files, fresh: set[Path]) -> ObjectID:
        tree = Tree()
        folders: dict[str, dict[str, File]] = {}
        for path, file in files.items():
            head, _, rest = path.partition("/")
            if rest:
                folders.setdefault(head, {})[rest] = file
                continue
            blob = Blob.from_string(file.data)
            self._put(blob, fresh)
            tree.add(head.encode(), PROGRAM if file.executable else FILE, blob.id)
        for name, below in folders.items():
            tree.add(name.encode(), FOLDER, self._tree(below, fresh))
        self._put(tree, fresh)
        return tree.id

    def _put(self, item: ShaFile, fresh: set[Path], afresh: bool = False) -> None:
        """Write `item` unless it is there. The folders in `fresh` have to be synced before anything may refer to it."""
        name = item.id.decode()
        objects = self.path / "objects"
        path = objects / name[:2] / name[2:]
        if not afresh and (path.exists() or self._store.contains_packed(item.id)):
            return
        make_folder(path.parent)
        place(path, objects / f"tmp_obj_{name}", item.as_legacy_object(), 0o444)
        fresh.add(path.parent)

    def _read(self, id: str, kind: type[ShaFile]) -> bytes:
        try:
            number, data = self._store.get_raw(ObjectID(id.encode()))
        except KeyError as error:
            raise Damaged(f"{self.path} has no {kind.type_name.decode()} {id}") from error
        # An empty file, as a power cut may leave, is a TypeError to dulwich.
        except (ValueError, TypeError, AssertionError, zlib.error, FileFormatException, ChecksumMismatch) as error:
            raise self._unreadable(id) from error
        header = b"%b %d\0" % (kind.type_name, len(data))
        if number != kind.type_num or sha1(header + data, usedforsecurity=False).hexdigest() != id:
            raise self._unreadable(id)
        return data

    def _unreadable(self, id: str) -> Damaged:
        return Damaged(
            f"{self.path}: the object {id} is not what was stored. Fetch it from a clone of this repository, if there "
            "is one; `git fsck` lists all that is wrong"
        )

    def _read_commit(self, id: str) -> Commit:
        return Commit.from_string(self._read(id, Commit))

    def _walk(self, tree: str, prefix: str, seen: set[str], again: bool = True) -> Iterator[tuple[str, File]]:
        """The files below `tree`; unless `again`, without those of objects that were `seen` before."""
        seen.add(tree)
        for entry in Tree.from_string(self._read(tree, Tree)).iteritems():
            name, mode, id = entry.path.decode(), entry.mode, entry.sha.decode()
            if id in seen and not again:
                continue
            if mode == FOLDER:
                yield from self._walk(id, f"{prefix}{name}/", seen, again)
            elif mode in (FILE, PROGRAM):
                seen.add(id)
                yield prefix + name, File(self._read(id, Blob), mode == PROGRAM)
            else:
                raise Damaged(f"{self.path}: {prefix}{name} in the tree {tree} is no regular file")

    # ------------------------------------------------------------ refs

    def _get(self, ref: str) -> str | None:
        value = self._refs.read_ref(Ref(ref.encode()))
        return value.decode(errors="replace") if value else None

    def _point(self, ref: str, commit: str, replace: bool) -> None:
        """Let `ref` be `commit`, by git's own locking; where it is another, only if it may be replaced."""
        path, lock = self.path / ref, self.path / f"{ref}.lock"
        # Packing the refs, as `git gc` does, removes folders that have become empty.
        make_folder(path.parent)
        _take(lock)
        before = self._get(ref)
        if before is None or (replace and before != commit):
            place(path, lock, f"{commit}\n".encode(), 0o644)
            sync_folder(path.parent)
            return
        lock.unlink()
        if before != commit:
            raise Damaged(f"{self.path}: {ref} should be {commit} and is {before}: remove it with `git update-ref -d`")


def _take(lock: Path) -> None:
    """Create `lock`; somebody's `git gc` may hold it for a moment. Raises `FileExistsError` after a second."""
    for pause in (0.01, 0.04, 0.15, 0.8, 0.0):
        try:
            os.close(os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644))
            return
        except FileExistsError:
            if not pause:
                raise
            time.sleep(pause)


def _commit(tree: ObjectID, parents: tuple[AgentId, ...], message: str, at: float) -> Commit:
    commit = Commit()
    commit.tree = tree
    commit.parents = [ObjectID(parent.encode()) for parent in parents]
    commit.author = commit.committer = b"dgm <dgm@localhost>"
    commit.author_time = commit.commit_time = max(0, int(at))
    commit.author_timezone = commit.commit_timezone = 0
    commit.encoding = b"UTF-8"
    commit.message = message.encode()
    return commit


def _check_special(path: str, file: File) -> None:
    """Refuse files to which git gives a meaning that its own check of a repository may object to."""
    parts = path.split("/")
    for depth, part in enumerate(parts, 1):
        plain = folded(part)
        if plain == ".gitmodules" or re.fullmatch(r"(gitmod|gi7eb[0-9a-f]*)~\d+", plain):
            raise BadFiles(f"{path!r}: an agent has no git submodules")
        if plain != ".gitattributes" and not re.fullmatch(r"(gitatt|gi7d2[0-9a-f]*)~\d+", plain):
            continue
        if depth < len(parts) or any(len(line) > 2_000 for line in file.data.split(b"\n")):
            raise BadFiles(f"{path!r}: {part} is a folder or has a line of more than 2,000 bytes")
