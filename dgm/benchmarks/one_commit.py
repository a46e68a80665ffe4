"""Makes the repository of an image forget its past: one commit of what is there, and nothing else to be found.

Sent into a sandbox to derive the image for agents: `python -I -S -B -c SOURCE WORKSPACE`. The files of the workspace
are not touched. What is tracked stays tracked, submodules' files included, with the changes that the image holds. What
goes is every other object, ref, reflog, remote, stash, worktree and alternate, and the archives and caches in which a
later version of the project may lie.

Where no image can be derived it is done before every attempt, so what it costs counts: all objects go into one pack in
one go, and nothing is imported that an image without compiled libraries would have to compile.

Invariant: it exits with 0 only if the repository then holds one commit and no object beside it.

Standard library only, Python >= 3.6; git >= 2.17.
"""

import os
import stat
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator  # noqa: F401  # in comments

WHO = b"task <task@localhost> 946684800 +0000"
CONFIG = """[core]
	repositoryformatversion = 0
	filemode = true
	bare = false
	logallrefupdates = true
[user]
	name = agent
	email = agent@localhost
"""
ARCHIVES = (".whl", ".egg", ".zip", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
CACHES = ("/root/.cache/pip", "/root/.cache/uv", "/root/.cache/pypoetry", "/root/.cache/pipenv")
CHUNK = 1 << 20
# What lies on disk counts against what the agent may write, and a compression of 1 takes little longer than none.
# Nothing stays loose, nothing waits for the disk, no file is larger than limits allow, and what is huge need not fit
# into memory.
IMPORT = (
    *("-c", "fastimport.unpackLimit=0", "-c", "pack.compression=1", "-c", "core.logAllRefUpdates=false"),
    *(
        "-c",
        "core.bigFileThreshold=16m",
        "-c",
        "core.fsync=none",
        "fast-import",
        "--quiet",
        "--depth=0",
        "--max-pack-size=256m",
    ),
)


def git(work, *words, given=(), lenient=False):  # type: (str, str, Iterable[bytes], bool) -> bytes
    """What git prints; a failure ends everything. It must not print before it has read all of `given`."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    env["GIT_CONFIG_NOSYSTEM"] = "1"
    (source, feed), (answer, sink) = os.pipe(), os.pipe()
    child = os.fork()
    if not child:
        try:
            os.dup2(source, 0)
            os.dup2(sink, 1)
            os.execvpe("git", ["git", "-C", work, *words], env)  # noqa: S606
        finally:
            os._exit(127)
    os.close(source)
    os.close(sink)
    try:
        for data in given:
            while data:
                data = data[os.write(feed, data) :]
    except BrokenPipeError:
        pass  # It says why.
    os.close(feed)
    with open(answer, "rb") as file:
        said = file.read()
    if os.waitpid(child, 0)[1] and not lenient:
        sys.exit("git {} failed".format(" ".join(words)))
    return said


# ---------------------------------------------------------------- what is there


def tracked(work):  # type: (str) -> list[bytes]
    """The paths that git tracks in `work`, those in submodules included."""
    paths = {}  # type: dict[bytes, None]
    for entry in git(work, "ls-files", "-s", "-z").split(b"\0"):
        mode, _, path = entry.partition(b"\t")
        inner = os.path.join(os.fsencode(work), path)
        if path and not mode.startswith(b"160000"):
            paths[path] = None
        elif path and os.path.lexists(os.path.join(inner, b".git")):
            paths.update((path + b"/" + name, None) for name in tracked(os.fsdecode(inner)))
    return list(paths)


def present(work, paths):  # type: (str, list[bytes]) -> dict[bytes, os.stat_result]
    """Those of `paths` that can be tracked as they are: files and links that no link leads to."""
    found, real = {}, {}  # type: dict[bytes, os.stat_result], dict[bytes, bool]
    base = os.path.realpath(os.fsencode(work))
    for path in paths:
        folder = os.path.dirname(path)
        if folder not in real:
            inner = os.path.join(base, folder).rstrip(b"/")
            real[folder] = os.path.realpath(inner) == inner
        try:
            info = os.lstat(os.path.join(base, path))
        except OSError:
            continue
        if real[folder] and (stat.S_ISREG(info.st_mode) or stat.S_ISLNK(info.st_mode)):
            found[path] = info
    return found


def elsewhere(work):  # type: (str) -> set[str]
    """Folders outside of the workspace in which git keeps more of this repository."""
    said = git(work, "rev-parse", "--git-dir", "--git-common-dir").splitlines()
    found = {os.path.join(work, os.fsdecode(line)) for line in said}
    for folder in list(found):
        if os.path.basename(folder) == ".git":
            found.add(os.path.dirname(folder))
        trees = os.path.join(folder, "worktrees")
        for name in os.listdir(trees) if os.path.isdir(trees) else ():
            found.update(named(os.path.join(trees, name), "gitdir"))
        found.update(named(os.path.join(folder, "objects"), "info/alternates"))
    for line in git(work, "config", "--get-regexp", r"^remote\..*\.url$", lenient=True).splitlines():
        url = os.fsdecode(line.partition(b" ")[2])
        found.add(url[len("file://") :] if url.startswith("file://") else url)
    work = os.path.realpath(work)
    real = (os.path.realpath(path) for path in found if path.startswith("/"))
    return {path for path in real if not (work + "/").startswith(path + "/") and is_git(path)}


def named(folder, name):  # type: (str, str) -> list[str]
    """The folders that hold what the lines of a file of git's name, relative to `folder`."""
    try:
        with open(os.path.join(folder, name), "rb") as file:
            return [os.path.dirname(os.path.join(folder, os.fsdecode(line.strip()))) for line in file]
    except OSError:
        return []


def is_git(path):  # type: (str) -> bool
    return os.path.lexists(os.path.join(path, ".git")) or (
        os.path.isdir(os.path.join(path, "objects")) or os.path.isfile(os.path.join(path, "commondir"))
    )


# ---------------------------------------------------------------- what goes


def remove(path):  # type: (str) -> None
    if not os.path.isdir(path) or os.path.islink(path):
        if os.path.lexists(path):
            os.unlink(path)
        return
    for folder, folders, names in os.walk(path, topdown=False):
        for name in names:
            os.unlink(os.path.join(folder, name))
        for name in folders:
            inner = os.path.join(folder, name)
            (os.unlink if os.path.islink(inner) else os.rmdir)(inner)
    os.rmdir(path)


def forget(work, kept):  # type: (str, set[bytes]) -> None
    """Repositories, and packages that may hold another version of the project: wheels anywhere, other archives in
    folders for what was built."""
    home = os.environ.get("HOME", "/tmp/home")  # noqa: S108
    for path in (*elsewhere(work), *CACHES):
        remove(path)
    for root in (work, "/root", "/tmp"):  # noqa: S108
        for folder, folders, names in os.walk(root):
            if root == work and ".git" in folders + names:
                remove(os.path.join(folder, ".git"))
            folders[:] = [name for name in folders if name != ".git" or root != work]
            folders[:] = [name for name in folders if os.path.join(folder, name) != home]
            built = root != work or os.path.basename(folder) in ("dist", "wheelhouse", "sdist")
            for name in names:
                path = os.path.join(folder, name)
                if (
                    name.endswith(ARCHIVES if built else ".whl")
                    and os.fsencode(os.path.relpath(path, work)) not in kept
                ):
                    remove(path)


# ---------------------------------------------------------------- what comes


def commit(work, paths):  # type: (str, list[bytes]) -> None
    place = os.path.join(work, ".git")
    for folder in ("objects/info", "objects/pack", "refs/heads", "refs/tags"):
        os.makedirs(os.path.join(place, folder))
    for name, text in (("HEAD", "ref: refs/heads/main\n"), ("config", CONFIG)):
        with open(os.path.join(place, name), "w") as file:
            file.write(text)
    files = present(work, paths)
    git(work, *IMPORT, given=stream(work, files, {}))
    # Now that git knows what is there as it is, it writes only what its attributes want otherwise, such as line ends.
    index = ("-c", "core.looseCompression=1", "update-index", "--add", "-z", "--stdin")
    git(work, *index, given=[b"".join(path + b"\0" for path in files)])
    words = git(work, "diff-index", "--cached", "-z", "HEAD").split(b"\0")
    # `:<old mode> <new mode> <old id> <new id> <status>`, then the path
    others = {path: tuple(word.split()[1:4:2]) for word, path in zip(words[::2], words[1::2])}  # noqa: B905
    if others:
        remove(os.path.join(place, "refs", "heads", "main"))
        remove(os.path.join(place, "objects", "pack"))
        os.mkdir(os.path.join(place, "objects", "pack"))
        git(work, *IMPORT, given=stream(work, files, others))


def stream(work, files, others):
    # type: (str, dict[bytes, os.stat_result], dict[bytes, tuple[bytes, ...]]) -> Iterator[bytes]
    """What `git fast-import` reads: a commit of `files`; of `others`, the mode and the id of what git made of them."""
    message = b"The state of the repository\n"
    yield b"commit refs/heads/main\nauthor %s\ncommitter %s\ndata %d\n%s\n" % (WHO, WHO, len(message), message)
    base = os.fsencode(work)
    for path, info in files.items():
        if path in others:
            continue
        if stat.S_ISLNK(info.st_mode):
            target = os.readlink(os.path.join(base, path))
            yield b"M 120000 inline %s\ndata %d\n%s\n" % (quoted(path), len(target), target)
            continue
        mode, left = (b"100755" if info.st_mode & 0o100 else b"100644"), info.st_size
        head = b"M %s inline %s\ndata %d\n" % (mode, quoted(path), left)
        with open(os.path.join(base, path), "rb", buffering=0) as file:
            while True:
                data = file.read(min(left, CHUNK))
                left -= len(data)
                if left and not data:
                    sys.exit("a file changed while it was read: " + repr(path))
                yield head + data + (b"" if left else b"\n")
                if not left:
                    break
                head = b""
    for path, (mode, id) in others.items():
        yield b"M %s %s %s\n" % (mode, id, quoted(path))


def quoted(path):  # type: (bytes) -> bytes
    return b'"' + path.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n") + b'"'


def check(work):  # type: (str) -> None
    """End with a complaint unless all that can be found is one commit."""
    place = os.path.join(work, ".git")
    found = {os.path.relpath(os.path.join(top, name), place) for top, _, names in os.walk(place) for name in names}
    odd = {name for name in found if not name.startswith("objects/") or name.startswith("objects/info/")}
    if odd - {"index"} != {"HEAD", "config", "refs/heads/main"}:
        sys.exit("there is more in .git than a commit: " + ", ".join(sorted(odd)))
    every = git(work, "cat-file", "--batch-all-objects", "--batch-check=%(objectname) %(objecttype)").splitlines()
    reachable = {line[:40] for line in git(work, "rev-list", "--objects", "--all", "--reflog").splitlines()}
    if {line[:40] for line in every} != reachable:
        sys.exit(f"there are {len(every)} objects, of which {len(reachable)} belong to the commit")
    if sum(line.endswith(b" commit") for line in every) != 1:
        sys.exit("there is more than one commit left")


def trust(work):  # type: (str) -> None
    """Let git work there, whoever owns it; some versions know the star, all know the name. Agents have another home,
    and not every version would believe this of an environment."""
    with open(os.path.join(os.path.expanduser("~"), ".gitconfig"), "a") as file:
        name = work.replace("\\", "\\\\").replace('"', '\\"')
        file.write(f'\n[safe]\n\tdirectory = *\n\tdirectory = "{name}"\n')
    for name in ("*", work):
        git("/", "config", "--system", "--add", "safe.directory", name, lenient=True)


def main():  # type: () -> None
    work = sys.argv[1]
    if not any(os.access(os.path.join(place, "git"), os.X_OK) for place in os.get_exec_path()):
        sys.exit("the image has no git, which SWE-bench's images need")
    trust(work)
    if not os.path.lexists(os.path.join(work, ".git")):
        sys.exit(work + " is no git repository: is this the workspace of the image?")
    paths = tracked(work)
    forget(work, set(paths))
    commit(work, paths)
    check(work)


if __name__ == "__main__":
    main()
