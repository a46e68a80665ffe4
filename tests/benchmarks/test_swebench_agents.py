"""What an agent finds in the container of a SWE-bench task: the repository without a past."""

import pytest

from dgm.benchmarks import SweBenchmark
from dgm.benchmarks.stories import SLUGS, TILL
from dgm.config import SandboxConfig
from dgm.protocols import Errand, Ran, Sandbox, SandboxFault, Task
from dgm.sandbox.docker import DockerSandbox
from tests.benchmarks.own import IMAGE

pytestmark = pytest.mark.docker
SEARCH = r"""
objects() { git cat-file --batch-all-objects --batch-check | cut -d' ' -f1; }
echo "refs:" $(git for-each-ref --format='%(refname)') $(git tag) $(git branch -a --format='%(refname)')
echo "commits:" $(git rev-list --all --reflog | wc -l)
echo "stash:" $(git stash list | wc -l) "reflog:" $(git reflog | wc -l) "remotes:" $(git remote | wc -l)
echo "packs:" $(find .git -name '*.pack' | wc -l) "unreachable:" $(git fsck --unreachable --no-reflogs 2>&1 | wc -l)
echo "leaks:" $(for o in $(objects); do git cat-file -p $o; done | grep -c "$1")
echo "files:" $(find / -xdev \( -path /proc -o -path /sys -o -path /usr \) -prune -o -type f -print0 |
    xargs -0 grep -l "$1" 2>/dev/null)
echo "archives:" $(find /root /testbed /opt /tmp -name '*.whl' -o -name '*.tar.gz' | head)
echo "status:" $(git status --porcelain)
git ls-files | sort > tracked
echo "tracked:" $(cat tracked)
command -v python; command -v pytest
python -m pytest -q 2>&1 | tail -1
echo x > new.py; git add new.py; git commit -q -m mine; git stash; echo "commits:" $(git rev-list --all | wc -l)
"""


def visit(sandbox: Sandbox, task: Task, script: str, *words: str, before: str = "") -> Ran:
    """Run `script` as an agent would be run; `before`: a shell script that changes the image first."""
    derive = task.derive if not before else ("sh", "-c", f'{before.strip()}; exec "$@"', "sh", *task.derive)
    return sandbox.run(
        Errand(
            job=1,
            command=("/bin/sh", "-c", script, "sh", *words),
            cwd=task.workspace,
            env=task.env,
            take=(task.workspace,),
            image=task.image,
            derive=derive,
            python=task.python,
        )
    )


def test_one_commit_and_nothing_of_the_fix(own: SweBenchmark, sandbox: Sandbox) -> None:
    ran = visit(sandbox, own.task("own/own__till-11"), SEARCH, r"each + 1\]")
    told = ran.output.decode()
    lines = dict(line.split(":", 1) for line in told.splitlines() if ":" in line)
    assert "refs: refs/heads/main refs/heads/main\ncommits: 1\n" in told
    assert "stash: 0 reflog: 0 remotes: 0\npacks: 1 unreachable: 0\nleaks: 0\nfiles:\narchives:\nstatus:\n" in told
    assert lines["tracked"].split() == sorted(TILL.base)
    assert "/opt/miniconda3/envs/testbed/bin/python\n/opt/miniconda3/envs/testbed/bin/pytest\n" in told
    assert "6 passed" in told
    assert told.endswith("commits: 2\n"), "git works as an agent expects"
    assert (set(ran.changed), ran.deleted) == ({"/testbed/new.py", "/testbed/tracked"}, ())


def test_it_is_the_same_without_an_image_of_its_own(own: SweBenchmark, sandbox: Sandbox) -> None:
    """Where the engine has no room for more images, the same is done in each container."""
    full = DockerSandbox("swebench", SandboxConfig(image=IMAGE, images_gb=1e-9))
    script = "git rev-list --all --reflog | wc -l; git status --porcelain; git count-objects -v"
    task = own.task("own/own__slugs-202")
    output = [visit(full, task, script, before=": full").output, visit(sandbox, task, script).output]
    full.close()
    assert output[0].startswith(b"1\ncount: 0\n")
    assert output[0] == output[1]


@pytest.mark.parametrize("before", ["", "chown -R 1234:1234 /testbed"])
def test_git_works_whoever_owns_the_repository(own: SweBenchmark, sandbox: Sandbox, before: str) -> None:
    owner = "1234" if before else "0"
    told = visit(sandbox, own.task("own/own__till-11"), "stat -c %u . setup.cfg; git log --format=%s", before=before)
    assert told.output.decode() == f"{owner}\n{owner}\nThe state of the repository\n"


def test_the_workspace_is_as_the_image_has_it(own: SweBenchmark, sandbox: Sandbox) -> None:
    """With what is ignored but tracked, changed but not committed, and a submodule's files."""
    before = """
cd /testbed && export HOME=/tmp GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a
echo old > app.log && git add -f app.log && echo changed > README.rst && rm setup.cfg && echo none > free.txt
git init -q sub && echo 1 > sub/inner && git -C sub add inner && git -C sub commit -q -m x && git add sub 2>/dev/null
ln -s README.rst link && git add link && touch -d 2001-01-01 README.rst
mv .git /opt/moved && echo 'gitdir: /opt/moved' > .git && git config core.worktree /testbed
"""
    script = (
        "git ls-files; cat README.rst; stat -c %y README.rst; git status --porcelain; ls -d .git sub/.git /opt/moved"
    )
    told = visit(sandbox, own.task("own/own__till-11"), script, before=before).output.decode()
    assert "README.rst\napp.log\nlink\nsrc/till/__init__.py" in told
    assert "sub/inner\n" in told
    assert "setup.cfg" not in told
    assert "changed\n2001-01-01" in told
    assert "?? free.txt\n" in told
    assert "cannot access 'sub/.git'" in told
    assert "cannot access '/opt/moved'" in told


def test_what_git_makes_of_files_is_what_it_made_of_them_before(own: SweBenchmark, sandbox: Sandbox) -> None:
    """Line ends and keywords by attributes, any name and mode, filters that nobody may run, links in the way."""
    before = r"""
cd /testbed && export HOME=/tmp GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a
printf '* text=auto\n*.bat eol=crlf\nid.txt ident\n*.big filter=big -text\n' > .gitattributes
printf 'a\n' > twin.txt; printf 'a\r\n' > dos.bat; printf 'a\r\n' > auto.txt; printf '$Id$\n' > id.txt
printf x > p.big; printf q > "$(printf 'n"e\nw\\\351')"; printf '#!/bin/sh\n' > run.sh; chmod 755 run.sh; : > empty
mkdir lead blocked; echo 1 > lead/file; echo 1 > blocked/file; echo 1 > became
ln -s nowhere dangling; printf '\r\0\r\n' > raw; git add -A 2>/dev/null; git commit -q -m new
rm id.txt; git checkout -q id.txt
git config filter.big.clean 'touch /ran; cat'; git config filter.big.required true
mv lead elsewhere; ln -s elsewhere lead; rm became; mkdir became; echo 1 > became/file
"""
    script = r"""
git status --porcelain; touch -h -d 2001-01-01 *; git status --porcelain; git diff --stat
git cat-file -p HEAD:dos.bat | od -c; git cat-file -p HEAD:id.txt; git fsck --strict --unreachable --no-reflogs
git ls-files -s | sed 's/ .*\t/ /' | tr '\n' ' '; ls -d /ran; git rev-list --all | wc -l
"""
    told = visit(sandbox, own.task("own/own__till-11"), script, before=before).output.decode()
    untracked = "?? became/\n?? elsewhere/\n?? lead\n"
    dos = "0000000   a  \\n\n0000002\n"
    assert told.startswith(2 * untracked + dos + "$Id$\n100644 .gitattributes 100644 .gitignore"), told
    assert '100644 "n\\"e\\nw\\\\\\351" 100644 p.big' in told
    assert "120000 dangling 100644 dos.bat 100644 empty 100644 id.txt " in told
    assert "100644 raw 100755 run.sh 100644 setup.cfg" in told
    assert "100644 blocked/file" in told
    assert "lead/file" not in told
    assert "became" not in told.removeprefix(2 * untracked)
    assert told.endswith("ls: cannot access '/ran': No such file or directory\n1\n")


@pytest.mark.parametrize(
    ("before", "told"),
    [
        ("rm -r /testbed/.git", "/testbed is no git repository"),
        ("rm $(command -v git)", "the image has no git"),
        ("echo > /testbed/.git/index", "git ls-files .* failed"),
    ],
)
def test_a_past_that_cannot_be_dropped_is_a_fault(own: SweBenchmark, sandbox: Sandbox, before: str, told: str) -> None:
    with pytest.raises(SandboxFault, match=told):
        visit(sandbox, own.task("own/" + SLUGS.id), "true", before=before)
