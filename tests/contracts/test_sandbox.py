"""What every sandbox promises. The local one limits accidents, not attackers: what only a container can promise is
asked of the container alone."""

import ast
import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dgm.config import SandboxConfig
from dgm.files import File, Files
from dgm.protocols import Errand, Limits, Ran, Sandbox, SandboxFault
from dgm.sandbox import exchange, open_sandbox, warden
from dgm.sandbox.local import LocalSandbox
from tests.door import door

IMAGE = os.environ.get("DGM_TEST_IMAGE", "dgm-test-base:latest")
RUNTIME = os.environ.get("DGM_TEST_RUNTIME", "")
DOCKER = pytest.param("docker", marks=pytest.mark.docker)
containers_only = pytest.mark.parametrize("sandbox", [DOCKER], indirect=True)
NONE: Files = {}
RUN = f"contract{os.getpid()}"
"""Another suite on the same machine has a run of its own."""


def make(kind: str, run_id: str) -> Sandbox:
    if kind == "local":
        return LocalSandbox(run_id)
    from dgm.sandbox.docker import DockerSandbox

    return DockerSandbox(run_id, SandboxConfig(image=IMAGE, runtime=RUNTIME))


@pytest.fixture(params=["local", DOCKER])
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    made = make(request.param, RUN)
    yield made
    made.close()


def shell(script: str, files: Files = NONE, take: tuple[str, ...] = ("work",), **limits: float) -> Errand:
    cwd = "work" if "work" in take else ""
    return Errand(1, ("/bin/sh", "-c", script), files, cwd, take=take, limits=Limits(**{"seconds": 60.0, **limits}))  # type: ignore[arg-type]


def python(script: str, files: Files = NONE, **limits: float) -> Errand:
    errand = shell("", files, **limits)
    return Errand(1, ("{python}", "-c", script), files, "work", take=("work",), limits=errand.limits)


def alive(marker: str) -> list[str]:
    """The processes of this machine, containers included, whose command line holds `marker`."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if marker.encode() in (process / "cmdline").read_bytes():
                found.append(process.name)
        except OSError:
            continue
    return found


def in_container(run: str) -> bool:
    """Whether an errand of `run` has begun under a kernel of its own, whose processes are none of this machine's."""
    if not RUNTIME:
        return False
    sleep(1)
    listed = subprocess.run(["docker", "ps", "-q", "--filter", f"label=dgm.run={run}"], capture_output=True, check=True)
    return bool(listed.stdout)


def gone(marker: str) -> bool:
    """A killed process may need a moment to leave the list."""
    until = monotonic() + 20
    while alive(marker) and monotonic() < until:
        sleep(0.05)
    return not alive(marker)


# ---------------------------------------------------------------- what goes in and what comes out


def test_is_fit(sandbox: Sandbox) -> None:
    sandbox.check()


def test_files_go_in_as_they_are(sandbox: Sandbox) -> None:
    files = {"work/run": File(b"#!/bin/sh\ncat data | od -An -tx1\n", True), "work/data": File(bytes([0, 10, 255]))}
    ran = sandbox.run(shell("./run; test -x data || echo plain", files))
    assert ran.output.split() == [b"00", b"0a", b"ff", b"plain"]
    assert (ran.ended, ran.exit, ran.changed, ran.deleted, ran.refused) == ("exited", 0, {}, (), ())


def test_what_changed_comes_out(sandbox: Sandbox) -> None:
    files = {f"work/{name}": File(b"old") for name in ("same", "edited", "gone", "moved", "mode")}
    script = (
        "printf new > edited; rm gone; mv moved there; chmod +x mode; mkdir -p a/b; printf '\\377\\000' > a/b/made;"
        "touch same; cp same x; chmod +x x; mkdir __pycache__; echo > __pycache__/y; echo > z.pyc"
    )
    ran = sandbox.run(shell(script, files))
    assert ran.changed == {
        "work/a/b/made": File(b"\xff\0"),
        "work/edited": File(b"new"),
        "work/mode": File(b"old", True),
        "work/there": File(b"old"),
        "work/x": File(b"old", True),
    }
    assert ran.deleted == ("work/gone", "work/moved")
    assert ran.refused == ()


def test_an_edit_shows_though_size_and_time_are_restored(sandbox: Sandbox) -> None:
    ran = sandbox.run(shell("touch -r f t; printf new > f; touch -r t f; rm t", {"work/f": File(b"old")}))
    assert ran.changed == {"work/f": File(b"new")}


def test_only_the_folders_to_take_are_taken(sandbox: Sandbox) -> None:
    ran = sandbox.run(shell("echo > a/f; echo > ab; echo > b/f; mkdir c; echo > c/f", {"a/x": File(b"")}, ("a", "b/")))
    assert sorted(ran.changed) == ["a/f", "b/f"]


def test_placeholders_environment_and_working_folder(sandbox: Sandbox) -> None:
    errand = Errand(
        7, ("{python}", "-c", "import os; print(os.getcwd(), dict(os.environ))"), cwd="deep/er", env={"A": "{home}/a"}
    )
    folder, _, env = sandbox.run(errand).output.decode().partition(" ")
    told = ast.literal_eval(env)
    assert folder == told["HOME"] + "/deep/er"
    assert told["A"] == told["HOME"] + "/a"
    assert set(told) - {"LC_CTYPE", "HOSTNAME", "TERM", "container"} == {"A", "HOME", "PATH", "LANG", "TMPDIR"}


def test_input_is_empty_and_the_temporary_folder_works(sandbox: Sandbox) -> None:
    ran = sandbox.run(shell('cat; f=$(mktemp); echo "echo fine" > $f; chmod +x $f; $f'))
    assert (ran.exit, ran.output) == (0, b"fine\n")


@pytest.mark.parametrize(
    ("script", "code"),
    [("exit 3", 3), ("kill -9 $$", -9), ("kill -15 $$", -15), ("exec /no/such", 127), ("exec /etc", 126)],
)
def test_how_it_ended(sandbox: Sandbox, script: str, code: int) -> None:
    ran = sandbox.run(shell(script))
    assert (ran.ended, ran.exit) == ("exited", code)


def test_a_command_that_is_not_there(sandbox: Sandbox) -> None:
    ran = sandbox.run(Errand(1, ("no-such-program",)))
    assert (ran.ended, ran.exit) == ("exited", 127)
    assert b"cannot start no-such-program" in ran.output


def test_setup_comes_first_and_does_not_count(sandbox: Sandbox) -> None:
    setup = ("sh", "-c", "cp {home}/work/a made; echo $WORD >> made; rm gone; sleep 300 & echo hidden")
    files = {"work/a": File(b"1\n"), "work/gone": File(b"2")}
    errand = replace(shell("cat made; echo 3 > later; ls", files), setup=setup, env={"WORD": "x"})
    ran = sandbox.run(errand)
    assert ran.output == b"1\nx\na\nlater\nmade\n"
    assert (ran.exit, dict(ran.changed), ran.deleted) == (0, {"work/later": File(b"3\n")}, ())


def test_a_setup_that_fails_is_a_fault(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxFault, match=r"the setup failed .exited, 3.: no luck"):
        sandbox.run(replace(shell("true"), setup=("sh", "-c", "echo no luck; exit 3")))
    with pytest.raises(SandboxFault, match=r"the setup failed .timeout"):
        sandbox.run(replace(shell("true", seconds=0.5), setup=("sleep", "60")))


def test_errands_do_not_see_each_other(sandbox: Sandbox) -> None:
    with ThreadPoolExecutor(8) as pool:
        errands = [shell(f"sleep 0.2; ls; echo {n} > f{n}; ls; cat f{n}") for n in range(8)]
        for n, ran in enumerate(pool.map(sandbox.run, errands)):
            assert ran.output == b"f%d\n%d\n" % (n, n)


def test_the_door_leads_to_the_host(sandbox: Sandbox) -> None:
    from dgm.llm.canned import CannedModel

    ask = (
        "import http.client, json, os, socket, sys\n"
        "c = http.client.HTTPConnection('model')\n"
        "c.sock = socket.socket(socket.AF_UNIX)\n"
        "c.sock.connect(sys.argv[1])\n"
        "c.request('POST', '/v1/chat/completions', json.dumps({'model': 'm', 'messages': []}))\n"
        "print(c.getresponse().status)\n"
    )
    with door(CannedModel()) as (path, requests):
        path.parent.chmod(0o700)
        ran = sandbox.run(Errand(1, ("{python}", "-c", ask, "{door}/model.sock"), door=path.parent))
        assert ran.output == b"200\n"
        assert len(requests) == 1


# ---------------------------------------------------------------- time, processes, memory, disk, output


def test_time_is_up(sandbox: Sandbox) -> None:
    ran = sandbox.run(shell("echo early; echo kept > f; sleep 600", seconds=1.5))
    assert (ran.ended, ran.exit, ran.output) == ("timeout", None, b"early\n")
    assert ran.changed == {"work/f": File(b"kept\n")}
    assert 1.5 <= ran.seconds < 30


def test_a_command_that_ignores_signals_ends_too(sandbox: Sandbox) -> None:
    ran = sandbox.run(shell("trap '' TERM INT HUP; while :; do sleep 0.1; done", seconds=1))
    assert ran.ended == "timeout"


@pytest.mark.parametrize(
    "start",
    ["sleep {0} &", "nohup sleep {0} >/dev/null &", "setsid sleep {0} &", "(setsid sh -c 'sleep {0} & sleep {0}' &) &"],
)
def test_nothing_outlives_the_command(sandbox: Sandbox, start: str) -> None:
    marker = str(31_000_000 + os.getpid() + len(start))
    ran = sandbox.run(shell(start.format(marker) + "\nsleep 0.3; echo done"))
    assert (ran.ended, ran.output) == ("exited", b"done\n")
    assert gone(f"sleep\0{marker}")


def test_a_daemon_cannot_write_after_the_end(sandbox: Sandbox) -> None:
    daemon = (
        "import os, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0:\n"
        "        while True: open('f', 'a').write('x' * 100); time.sleep(0.001)\n"
        "    os._exit(0)\n"
        "time.sleep(0.3)\n"
    )
    ran = sandbox.run(python(daemon))
    assert ran.ended == "exited"
    assert set(ran.changed["work/f"].data) == {ord("x")}


def test_a_flood_of_output_keeps_head_and_tail(sandbox: Sandbox) -> None:
    ran = sandbox.run(shell("echo first; head -c 300000000 /dev/zero; echo last", output_bytes=10_000))
    assert ran.output.startswith(b"first\n")
    assert ran.output.endswith(b"last\n")
    assert b"bytes left out" in ran.output
    assert len(ran.output) < 10_200


def test_a_flood_does_not_outlast_the_deadline(sandbox: Sandbox) -> None:
    ran = sandbox.run(shell("yes", seconds=1))
    assert ran.ended == "timeout"
    assert ran.seconds < 30


def test_too_much_memory(sandbox: Sandbox) -> None:
    ran = sandbox.run(python("import time; b = bytearray(600_000_000); time.sleep(30)", memory_mb=200))
    assert (ran.ended, ran.exit) == ("memory", None)


def test_memory_within_the_limit(sandbox: Sandbox) -> None:
    ran = sandbox.run(python("import time; b = bytearray(100_000_000); time.sleep(0.5)", memory_mb=400))
    assert (ran.ended, ran.exit) == ("exited", 0)


def test_too_large_a_file(sandbox: Sandbox) -> None:
    ran = sandbox.run(shell("head -c 100000000 /dev/zero > f; echo $?", disk_mb=20))
    assert not ran.output.startswith(b"0\n")
    assert ran.changed == {}


def test_too_many_files_on_disk(sandbox: Sandbox) -> None:
    script = "i=0; while [ $i -lt 40 ]; do head -c 10000000 /dev/zero > f$i || exit 1; i=$((i+1)); sleep 0.2; done"
    assert sandbox.run(shell(script, disk_mb=20)).exit in (1, -9)


def test_many_processes_are_bounded(sandbox: Sandbox) -> None:
    script = (
        "import os, time\n"
        "for n in range(2000):\n"
        "    if os.fork() == 0: time.sleep(600)\n"
        "    time.sleep(0.002)\n"
        "print('all')\n"
    )
    ran = sandbox.run(python(script, pids=40))
    assert ran.ended == "exited"
    assert ran.exit != 0


@containers_only
def test_a_fork_bomb_ends(sandbox: Sandbox) -> None:
    ran = sandbox.run(
        python("import os\nwhile True:\n    try: os.fork()\n    except OSError: pass", pids=100, seconds=3)
    )
    assert ran.exit is None, "it ended at its limit, or its container did"
    assert sandbox.run(shell("echo next")).output == b"next\n"


# ---------------------------------------------------------------- hostile leavings


def test_only_regular_files_come_out(sandbox: Sandbox) -> None:
    files = {"work/was": File(b"file"), "work/link": File(b"x")}
    script = (
        "ln -s /etc/passwd passwd; ln -s / root; mkfifo fifo; ln -sf fifo link; rm was; mkdir was;"
        "ln ../outside hard; mkdir .git; echo > .git/config; mkdir -p sub/.GIT; echo > sub/.GIT/hooks"
    )
    ran = sandbox.run(shell(script, {**files, "outside": File(b"fine")}))
    assert ran.changed == {"work/hard": File(b"fine")}
    assert ran.deleted == ("work/link", "work/was")
    text = "\n".join(ran.refused)
    for name in ("work/passwd", "work/root", "work/fifo", "work/link", "work/.git", "work/sub/.GIT/hooks"):
        assert name in text


def test_a_folder_that_became_a_link_is_not_followed(sandbox: Sandbox) -> None:
    ran = sandbox.run(shell("rm -r a/b; ln -s /etc a/b", {"a/b/c": File(b"")}, ("a/b",)))
    assert ran.changed == {}
    ran = sandbox.run(shell("mv a z; ln -s z a; echo > a/b/new", {"a/b/c": File(b"")}, ("a/b",)))
    assert ran.changed == {}


def test_what_was_edited_outranks_what_was_built(sandbox: Sandbox) -> None:
    build = "mkdir a; for i in 1 2 3 4 5 6 7 8 9; do echo built > a/f$i; done; echo > new.py; echo 2 >> src/old.py"
    ran = sandbox.run(shell(build, {"work/src/old.py": File(b"1\n")}, take_files=2))
    assert set(ran.changed) == {"work/src/old.py", "work/new.py"}
    assert len(ran.refused) == 9


def test_odd_names_are_refused_one_by_one(sandbox: Sandbox) -> None:
    script = (
        "import os\n"
        "bad = [b'new\\nline', b'\\xff\\xfe', b'back\\\\slash', b'.git ']\n"
        "names = [*bad, b'x' * 255, b'-rf', 'ü'.encode(), b'$x']\n"
        "for name in names: open(name, 'w').write('x')\n"
    )
    ran = sandbox.run(python(script))
    assert sorted(ran.changed) == sorted(["work/" + "x" * 255, "work/-rf", "work/ü", "work/$x"])
    assert len(ran.refused) == 4


def test_a_very_deep_folder(sandbox: Sandbox) -> None:
    script = "open('top', 'w')\nimport os\nfor n in range(3000): os.mkdir('d' * 50); os.chdir('d' * 50)\nopen('f', 'w')"
    ran = sandbox.run(python(script))
    assert ran.exit == 0
    assert list(ran.changed) == ["work/top"]
    assert len(ran.refused) == 1


def test_huge_and_sparse_and_many_files_are_refused(sandbox: Sandbox) -> None:
    script = "truncate -s 400M big; echo ok > a; head -c 900 /dev/zero > b; head -c 900 /dev/zero > c"
    ran = sandbox.run(shell(script, take_bytes=1500))
    assert sorted(ran.changed) == ["work/a", "work/b"]
    assert len(ran.refused) == 2
    ran = sandbox.run(shell("for i in 1 2 3 4 5 6 7 8 9; do echo > f$i; done", take_files=4))
    assert len(ran.changed) == 4
    assert len(ran.refused) == 5


def test_locked_files_and_folders(sandbox: Sandbox) -> None:
    script = "mkdir -p d/e; echo 1 > d/e/f; echo 2 > g; chmod 000 g d/e/f d/e d"
    ran = sandbox.run(shell(script))
    assert {path: file.data for path, file in ran.changed.items()} == {"work/d/e/f": b"1\n", "work/g": b"2\n"}


def test_home_itself_removed(sandbox: Sandbox) -> None:
    ran = sandbox.run(shell('cd /; rm -rf "$HOME"; echo gone', {"work/f": File(b"")}))
    assert ran.output == b"gone\n"
    assert ran.changed == {}


# ---------------------------------------------------------------- cancel, reap, faults


def test_cancel_ends_the_errands_of_a_job(sandbox: Sandbox) -> None:
    def errand(job: int) -> Errand:
        return Errand(job, ("/bin/sh", "-c", "sleep 600"), limits=Limits(seconds=60))

    with ThreadPoolExecutor(3) as pool:
        runs = [pool.submit(sandbox.run, errand(job)) for job in (1, 1, 2)]
        sleep(1)
        sandbox.cancel(1)
        assert [run.result(timeout=30).ended for run in runs[:2]] == ["cancelled"] * 2
        assert not runs[2].done()
        sandbox.cancel()
        assert runs[2].result(timeout=30).exit is None


def test_reap_removes_what_a_killed_driver_left(sandbox: Sandbox) -> None:
    marker = str(32_000_000 + os.getpid())
    driver = (
        "from tests.contracts.test_sandbox import *\n"
        f"make({sandbox.name!r}, 'reaped{os.getpid()}').run(shell('setsid sleep {marker} & sleep {marker}'))"
    )
    killed = subprocess.Popen([sys.executable, "-c", driver], cwd=Path(__file__).parents[2])
    until = monotonic() + 60
    while not (alive(f"sleep\0{marker}") or in_container("reaped")) and monotonic() < until:
        sleep(0.05)
    killed.kill()
    killed.wait()
    heir, other = make(sandbox.name, f"reaped{os.getpid()}"), make(sandbox.name, "other")
    assert other.reap() == 0
    assert heir.reap() == 1
    assert heir.reap() == 0
    assert gone(f"sleep\0{marker}")
    for made in (heir, other):
        getattr(made, "close", lambda: None)()


def test_reap_leaves_running_errands_alone(sandbox: Sandbox) -> None:
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(sandbox.run, shell("sleep 1.5; echo whole"))
        sleep(0.7)
        assert sandbox.reap() == 0
        assert run.result().output == b"whole\n"


def test_input_that_does_not_fit_is_a_fault(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxFault):
        sandbox.run(shell("echo", {"a": File(b""), "a/b": File(b"")}))


# ---------------------------------------------------------------- local alone


def test_no_folder_is_left(tmp_path: Path) -> None:
    sandbox = LocalSandbox("left", folder=tmp_path)
    sandbox.run(shell("mkdir -p a/b; chmod 000 a; echo"))
    assert list(tmp_path.iterdir()) == []


def test_local_refuses_what_needs_an_image() -> None:
    with pytest.raises(SandboxFault, match="Docker image"):
        LocalSandbox("image").run(Errand(1, ("true",), image="any"))
    with pytest.raises(SandboxFault, match="Docker image"):
        LocalSandbox("image").run(shell("true", take=("/testbed",)))


def test_local_space_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SandboxFault, match="no folder can be made"):
        LocalSandbox("space", folder=tmp_path / "none").run(shell("true"))


def test_code_that_ends_the_warden_ends_with_it() -> None:
    marker = str(33_000_000 + os.getpid())
    ran = LocalSandbox("killed").run(shell(f"setsid sleep {marker} & sleep 0.2; kill -9 $PPID; sleep {marker}"))
    assert (ran.ended, ran.exit, ran.changed) == ("exited", None, {})
    assert ran.refused
    assert gone(f"sleep\0{marker}")


def test_choosing_a_sandbox(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    chosen = open_sandbox(SandboxConfig(), "choose", simulated=True)
    assert chosen.name == "local"
    assert "none.sock" in chosen.note
    for config in (SandboxConfig(), SandboxConfig(kind="docker"), SandboxConfig(kind="local")):
        with pytest.raises(SandboxFault):
            open_sandbox(config, "choose", simulated=False)
    allowed = SandboxConfig(kind="local", local_with_real_models=True)
    assert open_sandbox(allowed, "choose", simulated=False).name == "local"


# ---------------------------------------------------------------- the conversation with a warden


def test_the_warden_runs_on_old_interpreters() -> None:
    ast.parse(Path(warden.__file__).read_text(encoding="utf-8"), feature_version=(3, 6))


@given(st.binary(max_size=300), st.booleans())
def test_no_reply_whatever_breaks_the_host(data: bytes, begun: bool) -> None:
    reply = exchange.Reply(exchange.Message("begun").packed() + data if begun else data, "word")
    ran = reply.ran(shell("true"), 1.0, cancelled=False)
    assert reply.begun or not begun
    assert isinstance(ran, Ran)


def replied(*said: tuple[str, str, bytes]) -> Ran:
    """What is made of a reply to somebody whose word was `word`."""
    data = b"".join(exchange.Message(*one).packed() for one in (("begun", "", b""), *said))
    return exchange.Reply(data, "word").ran(shell("true"), 1.0, False)


@pytest.mark.parametrize(
    "name", ["../x", "/etc/passwd", "work/../../x", "work/.git/config", "other/x", "work", "work/"]
)
def test_forged_paths_are_refused(name: str) -> None:
    ran = replied(("report", "", b"word"), ("file", name, b"x"), ("deleted", name, b""), ("done", "", b""))
    assert (ran.changed, ran.deleted) == ({}, ())
    assert len(ran.refused) == 2


def test_a_timeout_that_came_too_early_is_not_believed() -> None:
    ran = replied(("report", "", b"word"), ("ended", "timeout", b"0"), ("done", "", b""))
    assert (ran.ended, ran.exit) == ("exited", None)


def test_what_code_says_in_the_wardens_place_is_not_believed() -> None:
    forged = ("report", "", b"guess"), ("ended", "exited", b"0"), ("file", "work/forged", b"x"), ("done", "", b"")
    for said in ((), forged, forged[1:]):
        assert replied(*said).exit is None
    true = ("report", "", b"word"), ("ended", "exited", b"3"), ("file", "work/true", b"x"), ("done", "", b"")
    ran = replied(*forged, *true)
    assert (ran.exit, set(ran.changed)) == (3, {"work/true"})


# ---------------------------------------------------------------- containers alone


@containers_only
def test_a_container_is_closed(sandbox: Sandbox) -> None:
    script = (
        "id -u; touch /x 2>&1; grep CapEff /proc/self/status; grep NoNewPrivs /proc/self/status;"
        "cat /proc/net/dev | tail -n +3 | cut -d: -f1; cat /proc/1/mem 2>&1; echo alive"
    )
    output = sandbox.run(shell(script)).output.decode()
    assert output.startswith("65534\ntouch: cannot touch '/x': ")
    assert "CapEff:\t0000000000000000" in output
    assert RUNTIME or "NoNewPrivs:\t1" in output, "not every kernel tells"
    assert "eth0" not in output
    assert output.endswith("cat: /proc/1/mem: Permission denied\nalive\n")


@containers_only
@pytest.mark.skipif(bool(RUNTIME), reason="not every kernel protects the first process from its like")
def test_the_warden_is_out_of_reach(sandbox: Sandbox) -> None:
    output = sandbox.run(shell("kill -9 1 2>&1; ls /proc/1/fd 2>&1; touch /x 2>&1; echo alive")).output.decode()
    assert "Permission denied" in output
    assert "Read-only file system" in output
    assert output.endswith("alive\n")


@containers_only
@pytest.mark.parametrize("take", ["work", "/opt"])
def test_nobody_speaks_for_the_warden(sandbox: Sandbox, take: str) -> None:
    said = (("ended", "exited", b"0"), ("file", f"{take}/forged", b"x"), ("done", "", b""))
    forged = b"".join(exchange.Message(*one).packed() for one in said)
    script = "cat {home}/forged > /proc/1/fd/1; kill -9 1; sleep 1; exit 7"
    ran = sandbox.run(shell(script, {"forged": File(forged)}, (take,)))
    assert ran.exit in (7, None), "it could not, or it was not believed"
    assert not ran.changed


@containers_only
def test_the_clients_proxies_stay_outside(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    proxies = {"default": {"httpProxy": "http://user:password@proxy:3128"}}
    (tmp_path / "config.json").write_text(json.dumps({"proxies": proxies}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    assert b"proxy" not in sandbox.run(shell("env")).output.lower()


@containers_only
def test_a_task_that_lives_in_the_image(sandbox: Sandbox) -> None:
    script = "rm /opt/given; echo new > /opt/made; mv /etc/passwd /opt/; grep CapEff /proc/self/status"
    ran = sandbox.run(shell(script, {"/opt/given": File(b"1"), "/opt/kept": File(b"2")}, ("/opt",)))
    assert sorted(ran.changed) == ["/opt/made", "/opt/passwd"]
    assert ran.deleted == ("/opt/given",)
    assert b"CapEff:\t00000000000000fb" in ran.output, "what root needs for files and processes, and nothing else"
    again = sandbox.run(shell("find /opt -mindepth 1", take=("/opt",)))
    assert again.output == b""


@containers_only
def test_the_first_interpreter_that_is_in_the_image(sandbox: Sandbox) -> None:
    errand = Errand(1, ("{python}", "-c", "print('{python}')"), python=("/opt/no/python", "/usr/bin/python3"))
    assert sandbox.run(errand).output == b"/usr/bin/python3\n"
    with pytest.raises(SandboxFault, match=r"looked for \(/no/python\)"):
        sandbox.run(Errand(1, ("true",), python=("/no/python",)))


@containers_only
def test_the_identity_of_an_image(sandbox: Sandbox) -> None:
    assert sandbox.identity(IMAGE) == sandbox.identity(None)
    assert re.fullmatch("sha256:[0-9a-f]{64}", sandbox.identity(IMAGE))
    with pytest.raises(SandboxFault, match="no/such:image"):
        sandbox.identity("no/such:image")


@containers_only
def test_an_image_cannot_be_filled(sandbox: Sandbox) -> None:
    script = "for i in 1 2 3 4; do head -c 40000000 /dev/zero > /opt/f$i; done; sleep 30"
    ran = sandbox.run(shell(script, take=("/opt",), disk_mb=50))
    assert (ran.ended, ran.exit, ran.changed) == ("exited", None, {})
    assert "more than the 50 MB" in ran.refused[0]


@containers_only
def test_the_files_of_the_engine_cannot_be_filled(sandbox: Sandbox) -> None:
    script = "for i in hosts resolv.conf; do head -c 40000000 /dev/zero > /etc/$i; done; sleep 30"
    ran = sandbox.run(shell(script, take=("/opt",), disk_mb=50))
    assert "more than the 50 MB" in ran.refused[0]


@pytest.fixture
def with_volumes(sandbox: Sandbox, tmp_path: Path) -> Iterator[str]:
    """An image that asks for volumes."""
    from docker import APIClient
    from docker.utils import kwargs_from_env

    text = f"FROM {IMAGE}\nRUN mkdir -m 1777 /one /two\nVOLUME /one /two/\n"
    (tmp_path / "Dockerfile").write_text(text)
    client = APIClient(**kwargs_from_env(), version="auto")
    name = f"dgm-test-volumes-{os.getpid()}"
    list(client.build(path=str(tmp_path), tag=name, rm=True, decode=True))
    yield name
    client.remove_image(name)
    client.close()


@containers_only
@pytest.mark.parametrize("take", ["work", "/opt"])
def test_a_volume_cannot_be_filled(sandbox: Sandbox, with_volumes: str, take: str) -> None:
    script = (
        "for i in 1 2 3 4; do head -c 20000000 /dev/zero > /two/$i; done; du -sm /two; cp /bin/true /one; /one/true"
    )
    ran = sandbox.run(replace(shell(script, take=(take,), disk_mb=50), image=with_volumes))
    assert ran.exit == 0, ran
    assert b"\n50\t/two" in ran.output


@containers_only
def test_a_task_in_a_volume_is_refused(sandbox: Sandbox, with_volumes: str) -> None:
    with pytest.raises(SandboxFault, match=f"{with_volumes}(:latest)? makes a volume around /one/sub"):
        sandbox.run(replace(shell("true", take=("/one/sub",)), image=with_volumes))


@containers_only
def test_no_container_is_left(sandbox: Sandbox) -> None:
    from docker import APIClient
    from docker.utils import kwargs_from_env

    sandbox.run(shell("sleep 600", seconds=0.5))
    with pytest.raises(SandboxFault):
        sandbox.run(Errand(1, ("true",), image=IMAGE, files={"a": File(b""), "a/b": File(b"")}))
    client = APIClient(**kwargs_from_env(), version="auto")
    assert client.containers(all=True, filters={"label": f"dgm.run={RUN}"}) == []
    client.close()


@containers_only
def test_a_missing_image_is_never_pulled(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxFault, match="docker pull no/such:image"):
        sandbox.run(Errand(1, ("true",), image="no/such:image"))


@containers_only
def test_an_interpreter_that_is_not_in_the_image(sandbox: Sandbox) -> None:
    from dgm.sandbox.docker import DockerSandbox

    odd = DockerSandbox("contract", SandboxConfig(image=IMAGE, python="no-such-python"))
    with pytest.raises(SandboxFault, match="no-such-python"):
        odd.check()
    odd.close()


@containers_only
def test_a_container_killed_from_outside_is_a_fault(sandbox: Sandbox) -> None:
    from docker import APIClient
    from docker.utils import kwargs_from_env

    client = APIClient(**kwargs_from_env(), version="auto")
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(sandbox.run, Errand(77, ("/bin/sleep", "600")))
        found: list[dict[str, str]] = []
        until = monotonic() + 30
        while not found and monotonic() < until:
            found = client.containers(filters={"label": [f"dgm.run={RUN}", "dgm.job=77"]})
        client.kill(found[0]["Id"])
        with pytest.raises(SandboxFault):
            run.result(timeout=60)
    client.close()


@containers_only
def test_an_engine_that_goes_away_is_a_fault(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with Proxy(tmp_path_factory.mktemp("e") / "s") as proxy:
        monkeypatch.setenv("DOCKER_HOST", f"unix://{proxy.path}")
        cut = make("docker", "cut")
        with ThreadPoolExecutor(1) as pool:
            run = pool.submit(cut.run, shell("sleep 600"))
            sleep(2)
            proxy.cut()
            with pytest.raises(SandboxFault, match="engine"):
                run.result(timeout=60)
        cut.close()
    monkeypatch.undo()
    heir = make("docker", "cut")
    assert heir.reap() == 1
    heir.close()


@pytest.mark.docker
def test_what_was_never_started_says_nothing_about_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dgm.sandbox.docker.GRACE", 1.0)
    monkeypatch.setattr("dgm.sandbox.container.warden_command", lambda python: ["sleep", "600"])
    stuck = make("docker", "stuck")
    with pytest.raises(SandboxFault, match="not started"):
        stuck.run(Errand(job=1, command=("true",), limits=Limits(seconds=1.0)))
    stuck.close()


class Proxy:
    """A socket in front of the engine that can be cut, as if the engine had gone."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._engine = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")
        self._ends: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.socket(socket.AF_UNIX)

    def __enter__(self) -> "Proxy":
        self._listener.bind(str(self.path))
        self._listener.listen()
        self._spawn(self._accept)
        return self

    def _spawn(self, target: Callable[..., None], *args: object) -> None:
        self._threads.append(threading.Thread(target=target, args=args))
        self._threads[-1].start()

    def _accept(self) -> None:
        while True:
            try:
                near = self._listener.accept()[0]
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            far.connect(self._engine)
            self._ends += [near, far]
            self._spawn(self._pump, near, far)
            self._spawn(self._pump, far, near)

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def cut(self) -> None:
        self.path.unlink(missing_ok=True)
        for end in (self._listener, *self._ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def __exit__(self, *_: object) -> None:
        self.cut()
        for thread in self._threads:
            thread.join()
        for end in (self._listener, *self._ends):
            end.close()
