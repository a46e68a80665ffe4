"""Makes the repository of an image forget its past: one commit of what is there, and nothing else to be found.

Sent into a sandbox and run as its setup, before the agent comes: `python -I -S -B -c SOURCE WORKSPACE`. The files of
the workspace are not touched. What is tracked stays tracked, submodules' files included, with the changes that the
image holds. What goes is every other object, ref, reflog, remote, stash, worktree and alternate, and the archives and
caches in which a later version of the project may lie.

Invariant: it exits with 0 only if the repository then holds one commit and no object beside it.

Standard library only, Python >= 3.6.
"""

import os
import shutil
import subprocess
import sys

WHO = {
    "GIT_AUTHOR_NAME": "task",
    "GIT_AUTHOR_EMAIL": "task@localhost",
    "GIT_AUTHOR_DATE": "2000-01-01T00:00:00Z",
    "GIT_COMMITTER_NAME": "task",
    "GIT_COMMITTER_EMAIL": "task@localhost",
    "GIT_COMMITTER_DATE": "2000-01-01T00:00:00Z",
}
ARCHIVES = (".whl", ".egg", ".zip", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
CACHES = ("/root/.cache/pip", "/root/.cache/uv", "/root/.cache/pypoetry", "/root/.cache/pipenv")


def git(work, *words, given=b"", lenient=False):  # type: (str, str, bytes, bool) -> bytes
    """What git prints; a failure ends everything."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    env.update(WHO, GIT_CONFIG_NOSYSTEM="1")
    done = subprocess.run(  # noqa: UP022
        ("git", "-C", work, *words),
        input=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=env,
    )
    if done.returncode and not lenient:
        sys.exit("git {} failed: {}".format(" ".join(words), done.stderr.decode("utf-8", "replace")[-1000:]))
    return done.stdout


def tracked(work):  # type: (str) -> list[bytes]
    """The paths that git tracks in `work`, those in submodules included."""
    paths = []
    for entry in git(work, "ls-files", "-s", "-z").split(b"\0"):
        mode, _, path = entry.partition(b"\t")
        inner = os.path.join(os.fsencode(work), path)
        if path and not mode.startswith(b"160000"):
            paths.append(path)
        elif path and os.path.lexists(os.path.join(inner, b".git")):
            paths += [path + b"/" + name for name in tracked(os.fsdecode(inner))]
    return paths


def elsewhere(work):  # type: (str) -> set[str]
    """Folders outside of the workspace in which git keeps more of this repository."""
    found = set()
    for word in ("--git-dir", "--git-common-dir"):
        found.add(os.path.join(work, os.fsdecode(git(work, "rev-parse", word).strip())))
    for line in git(work, "worktree", "list", "--porcelain", lenient=True).splitlines():
        if line.startswith(b"worktree "):
            found.add(os.fsdecode(line[len(b"worktree ") :]))
    for folder in list(found):
        try:
            with open(os.path.join(folder, "objects", "info", "alternates")) as file:
                found.update(os.path.dirname(line.strip()) for line in file)
        except (OSError, ValueError):
            continue
    for line in git(work, "config", "--get-regexp", r"^remote\..*\.url$", lenient=True).splitlines():
        url = os.fsdecode(line.partition(b" ")[2])
        found.add(url[len("file://") :] if url.startswith("file://") else url)
    work = os.path.realpath(work)
    real = (os.path.realpath(path) for path in found if path.startswith("/"))
    return {path for path in real if not (work + "/").startswith(path + "/") and is_git(path)}


def is_git(path):  # type: (str) -> bool
    return os.path.lexists(os.path.join(path, ".git")) or (
        os.path.isdir(os.path.join(path, "objects")) or os.path.isfile(os.path.join(path, "commondir"))
    )


def remove(path):  # type: (str) -> None
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


def forget_git(work):  # type: (str) -> None
    for path in elsewhere(work):
        remove(path)
    for folder, folders, names in os.walk(work):
        for name in folders + names:
            if name == ".git":
                remove(os.path.join(folder, name))
        folders[:] = [name for name in folders if name != ".git"]


def forget_builds(work, kept):  # type: (str, set[bytes]) -> None
    """Packages that may hold another version of the project: wheels anywhere, other archives in build folders."""
    for path in CACHES:
        remove(path)
    for root in (work, "/root", "/tmp"):  # noqa: S108
        for folder, folders, names in os.walk(root):
            home = os.environ.get("HOME", "/tmp/home")  # noqa: S108
            folders[:] = [name for name in folders if os.path.join(folder, name) != home]
            built = root != work or os.path.basename(folder) in ("dist", "wheelhouse", "sdist")
            for name in names:
                path = os.path.join(folder, name)
                if (
                    name.endswith(ARCHIVES if built else ".whl")
                    and os.fsencode(os.path.relpath(path, work)) not in kept
                ):
                    remove(path)


def commit(work, paths):  # type: (str, list[bytes]) -> None
    git(work, "init", "-q", "--template=")
    git(work, "symbolic-ref", "HEAD", "refs/heads/main")
    for name, value in (("user.name", "agent"), ("user.email", "agent@localhost")):
        git(work, "config", name, value)
    git(work, "update-index", "--add", "--remove", "-z", "--stdin", given=b"".join(path + b"\0" for path in paths))
    tree = git(work, "write-tree").decode().strip()
    made = git(work, "commit-tree", tree, "-m", "The state of the repository").decode().strip()
    git(work, "-c", "core.logAllRefUpdates=false", "update-ref", "HEAD", made)


def check(work):  # type: (str) -> None
    """End with a complaint unless all that can be found is one commit."""
    if git(work, "rev-list", "--all", "--reflog", "--count").split() != [b"1"]:
        sys.exit("there is more than one commit left")
    reachable = len(git(work, "rev-list", "--objects", "--all").splitlines())
    counts = dict(line.split(b": ") for line in git(work, "count-objects", "-v").splitlines())
    if int(counts[b"count"]) + int(counts[b"in-pack"]) != reachable or b"alternate" in counts:
        sys.exit(f"there are objects beside those of the commit: {counts}, reachable are {reachable}")
    if git(work, "remote").split() or git(work, "for-each-ref").count(b"\n") != 1:
        sys.exit("there are remotes or refs left")


def main():  # type: () -> None
    work = sys.argv[1]
    if not shutil.which("git"):
        sys.exit("the image has no git, which SWE-bench's images need")
    for folder in ("*", work):
        git("/", "config", "--global", "--add", "safe.directory", folder)
    if not os.path.lexists(os.path.join(work, ".git")):
        sys.exit(work + " is no git repository: is this the workspace of the image?")
    paths = tracked(work)
    forget_git(work)
    forget_builds(work, set(paths))
    commit(work, paths)
    check(work)


if __name__ == "__main__":
    main()
