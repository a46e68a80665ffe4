"""`dgm export`: the folder that it writes runs alone, and does what its page says."""

import ast
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from dgm.archive import Archive
from dgm.config import Config
from dgm.events import RunConfigured
from dgm.files import File, Files, read_folder
from dgm.jobs import Evaluate, Expand, Rewrite, Verdict
from dgm.sandbox.local import end_processes
from dgm.settings import resolved
from dgm.shipped import shipped
from tests.cli.archives import HOSTILE, look
from tests.provider_server import KEY, Provider, provider

MINIMAL = read_folder(shipped("agents_seed", "minimal"))
PROBE = b"""#!/bin/sh
env | sort
p=$$
while [ "$p" -gt 1 ]; do
    tr '\\0' '\\n' < "/proc/$p/environ"
    p=$(awk '{print $4}' "/proc/$p/stat")
done 2>/dev/null
"""
LEAVER = b"""#!/bin/sh
(setsid sleep 4321 > /dev/null 2>&1 &)
setsid sh -c 'trap "" TERM HUP INT; sleep 4321' > /dev/null 2>&1 &
echo ready > ready
"""
CHANGER = b"""#!/bin/sh
cat "$DGM_STATEMENT"
printf '\\033[2J\\033]0;owned\\007\\n'
echo new > "$(printf 'odd\\033[31m.txt')"
mkdir __pycache__ .git/hooks && echo x > __pycache__/x.pyc && echo x > .git/hooks/pre-commit
echo spoiled > "$DGM_AGENT/start"
rm old.txt
exit 3
"""


def grown(folder: Path, child: Files) -> Path:
    """A run with a seed and one child, which has solved two tasks of three."""
    with Archive(folder) as archive:
        archive.configure(RunConfigured(1e9, "0", resolved(Config()), ("toy/0", "toy/1", "toy/2"), "v1"))
        seed = archive.seed(MINIMAL)
        archive.finish(archive.start(Expand(seed)).id, Rewrite(child, HOSTILE + "`# [x](y)"))
        agent = [*archive.tree.agents][-1]
        for n in range(3):
            archive.finish(archive.start(Evaluate(agent, f"toy/{n}")).id, Verdict(n > 0))
    return folder


def exported(folder: Path, start: bytes | None = None, **files: bytes) -> Path:
    child = {**MINIMAL, **{name: File(data) for name, data in files.items()}, "note.txt": File(b"a child\n")}
    if start is not None:
        child["start"] = File(start, executable=True)
    archive = grown(folder / "run", child)
    assert look("export", "best", folder / "out", "--archive", archive).returncode == 0
    return folder / "out"


@pytest.fixture
def server() -> Iterator[Provider]:
    with provider() as server:
        yield server


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    (tmp_path / "repo/.git").mkdir(parents=True)
    (tmp_path / "repo/old.txt").write_text("old\n")
    return tmp_path / "repo"


def command(out: Path, repo: Path, *words: str) -> Sequence[str]:
    return [sys.executable, str(out / "agent.py"), str(repo), "--task", "do it", "--model", "m", *words]


def environ(server: Provider | None = None) -> dict[str, str]:
    """Nothing but what a user sets."""
    url = server.url if server else "http://127.0.0.1:9/v1"
    return {"PATH": os.defpath, "OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": url}


def run(out: Path, repo: Path, server: Provider | None, *words: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command(out, repo, *words), env=environ(server), capture_output=True, text=True, timeout=100, check=False
    )
    assert KEY not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def alive(words: str) -> list[int]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if words.encode() in (process / "cmdline").read_bytes().replace(b"\0", b" "):
                found.append(int(process.name))
        except OSError:
            continue
    return found


def test_what_is_written(tmp_path: Path) -> None:
    out = exported(tmp_path, LICENSE=b"mine")
    assert sorted(path.name for path in out.iterdir()) == [
        "README.md",
        "agent",
        "agent.py",
        "provenance.json",
        "runner",
    ]
    assert read_folder(out / "agent") == {**MINIMAL, "LICENSE": File(b"mine"), "note.txt": File(b"a child\n")}
    page = (out / "README.md").read_text()
    assert all(line.isprintable() for line in page.splitlines())
    assert "2 of 3 solved; 90 % interval of the rate 0.25 to 0.90" in page
    assert "the seed `minimal` of dgm, which is under Apache-2.0" in page
    assert "It carries `LICENSE` of its own." in page
    assert "Simulation: " in page
    assert "improved" not in page
    assert [line for line in page.splitlines() if len(line) > 120] == []
    told = next(line for line in page.splitlines() if "better" in line)
    assert told.startswith("    ")
    origin = json.loads((out / "provenance.json").read_text())
    assert origin["results"] == {"toy/0": False, "toy/1": True, "toy/2": True}
    assert [step["agent"] for step in origin["lineage"]][-1] == origin["agent"]


def test_it_runs_on_old_pythons_and_without_dgm() -> None:
    for path in sorted(Path("dgm/runner").glob("*.py")):
        tree = ast.parse(path.read_text(), feature_version=(3, 8))
        named = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        named |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and not node.level}
        assert {name.partition(".")[0] for name in named} <= sys.stdlib_module_names


def test_it_works_on_a_repository(tmp_path: Path, repo: Path, server: Provider) -> None:
    out = exported(tmp_path)
    server.script = ["tool", "tool"]
    done = run(out, repo, server, "--calls", "5")
    assert (done.returncode, done.stdout) == (0, "")
    assert "old.txt" in done.stderr  # what the tool that the model called has printed
    assert "0 files changed" in done.stderr
    assert "3 calls, 300 tokens in, 30 out" in done.stderr
    assert "runs with your rights" in done.stderr
    assert server.keys == [f"Bearer {KEY}"] * 3
    assert not list(out.rglob("*.pyc"))


def test_what_changed_is_told_and_controls_nothing(tmp_path: Path, repo: Path) -> None:
    out = exported(tmp_path, CHANGER)
    done = run(out, repo, None)
    assert done.returncode == 1
    assert done.stdout == "added    odd\\x1b[31m.txt\ndeleted  old.txt\n"
    assert "do it" in done.stderr
    assert "\\x1b[2J\\x1b]0;owned\\x07" in done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert "2 files changed" in done.stderr
    assert "1 of caches" in done.stderr
    assert ".git/hooks/pre-commit" in done.stderr
    assert "exit code 3" in done.stderr
    assert (out / "agent/start").read_bytes() == CHANGER


def test_the_agent_does_not_see_the_key(tmp_path: Path, repo: Path, server: Provider) -> None:
    done = run(exported(tmp_path, PROBE), repo, server)  # looks for it in what is printed
    names = {line.strip().partition("=")[0] for line in done.stderr.splitlines() if "=" in line}
    assert {"DGM_SOCKET", "DGM_WORK", "DGM_SECONDS", "HOME"} <= names
    assert "OPENAI_API_KEY" not in done.stderr.replace("set OPENAI_API_KEY", "")


def test_a_copy_is_worked_on_where_that_is_asked_for(tmp_path: Path, repo: Path) -> None:
    done = run(exported(tmp_path, CHANGER), repo, None, "--copy", str(tmp_path / "copy"))
    assert "deleted  old.txt" in done.stdout
    assert (repo / "old.txt").exists()
    assert not (tmp_path / "copy/old.txt").exists()


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["--copy", "."], "has to be a new folder"),
        (["--seconds", "0"], "positive"),
        (["--task-file", "x"], "not allowed with"),
        (["--base-url", "file:///etc"], "no address of an endpoint"),
    ],
)
def test_usage(tmp_path: Path, repo: Path, words: list[str], what: str) -> None:
    done = run(exported(tmp_path), repo, None, *words)
    assert done.returncode == 2
    assert what in done.stderr


def test_a_key_that_is_none_is_not_repeated(tmp_path: Path, repo: Path) -> None:
    words = command(exported(tmp_path), repo)
    env = {**environ(), "OPENAI_API_KEY": "half-a-key\nother-half"}
    done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "OPENAI_API_KEY holds no key" in done.stderr
    assert "half" not in done.stderr


def test_a_flood_of_output_is_cut_off(tmp_path: Path, repo: Path) -> None:
    done = run(exported(tmp_path, b"#!/bin/sh\nyes 0123456789 | head -c 11000000\n"), repo, None)
    assert done.returncode == 0
    assert len(done.stderr) < 15_000_000
    assert "is dropped" in done.stderr


def test_a_source_that_was_changed_is_noticed(tmp_path: Path, repo: Path) -> None:
    out = exported(tmp_path, b"#!/bin/sh\n")
    assert "not what was exported" not in run(out, repo, None).stderr
    (out / "agent/note.txt").write_text("other")
    assert "not what was exported" in run(out, repo, None).stderr


def test_an_endpoint_that_does_not_like_the_key(tmp_path: Path, repo: Path, server: Provider) -> None:
    server.usual = "401"
    done = run(exported(tmp_path), repo, server)
    assert done.returncode == 1
    assert "the model failed: the endpoint does not accept the key (401): status 401 for [key]" in done.stderr
    assert len(server.seen) == 1


def test_an_endpoint_that_is_down(tmp_path: Path, repo: Path) -> None:
    out = exported(tmp_path)
    proxy = out / "runner/proxy.py"
    proxy.write_text(proxy.read_text().replace("TRIES = 6\nFIRST_PAUSE = 1.0", "TRIES = 2\nFIRST_PAUSE = 0.01"))
    done = run(out, repo, None)
    assert done.returncode == 1
    assert "the model failed: the endpoint cannot be reached" in done.stderr
    assert "another try in" in done.stderr


def test_at_the_limit_everything_ends(tmp_path: Path, repo: Path) -> None:
    mark = f"{os.getpid()}4321"
    done = run(exported(tmp_path, LEAVER.replace(b"4321", mark.encode()) + b"sleep 60\n"), repo, None, "--seconds", "2")
    assert done.returncode == 124
    assert done.stdout == "added    ready\n"
    assert not alive(f"sleep {mark}")


def test_what_an_agent_leaves_running_is_ended(tmp_path: Path, repo: Path) -> None:
    mark = f"{os.getpid()}4322"
    done = run(exported(tmp_path, LEAVER.replace(b"4321", mark.encode())), repo, None)
    assert done.returncode == 0
    assert not alive(f"sleep {mark}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_leave_nothing(tmp_path: Path, repo: Path, number: int) -> None:
    mark = f"{os.getpid()}4323{int(number)}"
    out = exported(tmp_path, LEAVER.replace(b"4321", mark.encode()) + b"sleep 60\n")
    process = subprocess.Popen(
        command(out, repo), env={**environ(), "TMPDIR": str(tmp_path)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        while not (repo / "ready").exists():
            time.sleep(0.02)
        process.send_signal(number)
        said, remarks = process.communicate(timeout=60)
    finally:
        process.kill()
        end_processes(tmp_path)
    assert process.returncode == 130
    assert said == b"added    ready\n"
    assert b"interrupted" in remarks
    assert not alive(f"sleep {mark}")
    assert not list(tmp_path.glob("dgm-*"))


def test_an_agent_without_a_start(tmp_path: Path) -> None:
    archive = grown(tmp_path / "run", {"README": File(b"nothing")})
    done = look("export", "best", tmp_path / "out", "--archive", archive)
    assert done.returncode == 1
    assert "does not follow the agent contract" in done.stderr
    assert look("export", "best", tmp_path / "out", "--source", "--archive", archive).returncode == 0
    assert (tmp_path / "out/README").exists()


@pytest.mark.docker
def test_in_a_container(tmp_path: Path, repo: Path, server: Provider) -> None:
    image = os.environ.get("DGM_TEST_IMAGE", "dgm-test-base:latest")
    start = (
        b"#!/bin/sh\nenv; touch /outside; cat /sys/class/net/*/operstate; ls /sys/class/net\n" + b"echo hi > new.txt\n"
    )
    start += b'exec python3 -B "$DGM_AGENT/main.py"\n'
    out = exported(tmp_path, start)
    words = command(out, repo, "--docker", image)
    env = {**environ(server), "PATH": os.environ["PATH"]}
    env |= {name: os.environ[name] for name in ("DOCKER_HOST",) if name in os.environ}
    done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "added    new.txt\n"
    assert "Read-only file system" in done.stderr
    assert "1 calls" in done.stderr
    assert KEY not in done.stderr
    assert shutil.which("docker")
