"""Lays a patch over the repository of an image, as `git diff` and `git apply` would have carried it over.

Sent into a grading container and run there first, `python -I -S -B` with the argument PLAN, marshalled: `workspace`,
`files` ([path, name of the content beside PLAN, executable]), `deleted`, `fresh` (names that nothing new at the top may
have), `traces` (a regular expression for what to point out, or nothing). It leaves `laid`, marshalled, beside PLAN.

Invariant: what git ignores there is not laid, no path leads through a link, and nothing of the agent's is run.

Standard library only, Python >= 3.6. Images often hold no compiled one, so it imports only what starts at once.
"""

import marshal
import os
import stat
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re  # noqa: F401  # in comments
    from typing import Any

    Plan = dict[str, Any]


def git_env(home):  # type: (str) -> dict[str, str]
    """An environment in which git trusts the repository, whoever owns it, and believes no settings but its own."""
    os.makedirs(home, exist_ok=True)
    with open(os.path.join(home, ".gitconfig"), "w") as file:
        file.write("[safe]\n\tdirectory = *\n")
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": home, "GIT_CONFIG_NOSYSTEM": "1"}


def ignored(work, paths, home):  # type: (str, list[str], str) -> set[str]
    """Those of `paths` that git ignores there and does not track: no patch would hold them."""
    env, places = git_env(home), [os.path.join(home, name) for name in ("asked", "said", "complaint")]
    with open(places[0], "wb") as file:
        file.write(b"".join(os.fsencode(path) + b"\0" for path in paths))
    child = os.fork()
    if not child:
        try:
            for number, place in enumerate(places):
                os.dup2(os.open(place, os.O_RDWR | os.O_CREAT, 0o600), number)
            os.execvpe("git", ["git", "-C", work, "check-ignore", "-z", "--stdin"], env)  # noqa: S606
        finally:
            os._exit(127)
    status = os.waitpid(child, 0)[1]
    said, complaint = map(read, places[1:])
    if not os.WIFEXITED(status) or os.WEXITSTATUS(status) not in (0, 1):
        sys.exit("git check-ignore failed: " + complaint.decode("utf-8", "replace")[-500:])
    return {os.fsdecode(path) for path in said.split(b"\0") if path}


def read(path):  # type: (str) -> bytes
    with open(path, "rb") as file:
        return file.read()


class Laid:
    """What became of a patch."""

    def __init__(self):  # type: () -> None
        self.barred = []  # type: list[str]
        self.refused = []  # type: list[str]
        self.traces = []  # type: list[str]


def lay(plan, folder):  # type: (Plan, str) -> Laid
    laid, work = Laid(), plan["workspace"]
    files = plan["files"]
    hidden = ignored(work, [path for path, _, _ in files], os.path.join(folder, "git"))
    fresh = {name for name in plan["fresh"] if not os.path.lexists(os.path.join(work, name))}
    for path in plan["deleted"]:
        target = os.path.join(work, path)
        if not through_link(work, path) and (os.path.islink(target) or os.path.isfile(target)):
            os.unlink(target)
    for path, content, executable in files:
        target = os.path.join(work, path)
        if path in hidden:
            continue
        if path.split("/")[0] in fresh:
            laid.barred.append(path)
            continue
        try:
            if through_link(work, path):
                raise NotADirectoryError
            data = read(os.path.join(folder, content))
            laid.traces += [trace + ":" + path for trace in traces(plan["traces"], target, data)]
            place(target, data, executable)
        except OSError:
            laid.refused.append(path)
    return laid


def through_link(work, path):  # type: (str, str) -> bool
    """Whether a folder on the way to `path` is a link or a file: then it is not a path of the repository."""
    here = work
    for part in path.split("/")[:-1]:
        here = os.path.join(here, part)
        if os.path.lexists(here) and not stat.S_ISDIR(os.lstat(here).st_mode):
            return True
    return False


def traces(pattern, target, data):  # type: (str, str, bytes) -> list[str]
    """What stands in `data` that code needs to fool its tests, and did not stand there before."""
    if not pattern:
        return []
    import re  # takes longer than all the rest

    expression, before = re.compile(pattern.encode()), set()  # type: re.Pattern[bytes], set[bytes]
    if os.path.isfile(target) and not os.path.islink(target):
        before = set(expression.findall(read(target)))
    found = set(expression.findall(data)) - before
    return sorted(b" ".join(trace.split()).decode("utf-8", "replace") for trace in found)


def place(target, data, executable):  # type: (str, bytes, bool) -> None
    os.makedirs(os.path.dirname(target), exist_ok=True)
    mode = 0o755 if executable else 0o644
    if os.path.isfile(target) and not os.path.islink(target):
        mode = os.stat(target).st_mode & 0o666 | (0o111 if executable else 0)
    if os.path.lexists(target):
        os.unlink(target)
    with open(target, "wb") as file:
        file.write(data)
    os.chmod(target, mode)


def main():  # type: () -> None
    folder = os.path.dirname(os.path.abspath(sys.argv[1]))
    laid = lay(marshal.loads(read(sys.argv[1])), folder)  # noqa: S302  # the host wrote it
    with open(os.path.join(folder, "laid"), "wb") as file:
        file.write(marshal.dumps(vars(laid)))


if __name__ == "__main__":
    main()
