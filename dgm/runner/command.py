"""The command line of an exported agent: `python3 agent.py REPO --task TEXT --model NAME`.

Invariant: the agent gets what the contract promises and nothing else: its own source as a copy, the task, the folder,
a socket that leads to the model; and when the command ends, no process of the agent is left.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
import urllib.parse
from typing import IO, Any, TextIO

from .changes import compare, digest, is_git, is_litter, look, plain
from .container import Container
from .processes import end, shield, start
from .proxy import Endpoint, Proxy

KEY = "OPENAI_API_KEY"
HANDED = "DGM_KEY_FROM"
"""Names a pipe through which the key comes, in place of the environment, which others can read."""
OWN_RIGHTS = (
    "warning: this agent was written by a model and runs with your rights: it can read and change what you can, and "
    "use the network. --docker IMAGE keeps it in a container."
)
LOCAL = ("localhost", "127.0.0.1", "::1")
MOST = 200
"""Lines about changed files."""
FLOOD = 10_000_000
"""Bytes that an agent may print; more are dropped."""
FAILED, TIMEOUT, INTERRUPTED = 1, 124, 130


def main(home: str, words: list[str]) -> int:
    """`home`: the exported folder. Returns the exit code."""
    with open(os.path.join(home, "provenance.json"), encoding="utf-8") as file:
        origin = json.load(file)
    given, key = understood(origin, words)
    if digest(os.path.join(home, "agent")) != origin["digest"]:
        say("note: the folder agent/ is not what was exported (its git tree hash differs)")
    try:
        task = given.task if given.task_file is None else read(given.task_file)
        shield()
        return work(home, given, task, key)
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        say(f"error: {error}")
        return FAILED


def inside(folder: str, other: str) -> bool:
    return os.path.realpath(folder).startswith(os.path.join(os.path.realpath(other), ""))


def understood(origin: dict[str, Any], words: list[str]) -> tuple[argparse.Namespace, str]:
    """The options and the key. Ends the process where they make no sense."""
    parser = options(origin)
    given = parser.parse_args(words)
    if not os.path.isdir(given.repo):
        parser.error(f"{given.repo} is no folder")
    if not given.model:
        parser.error("name the model: --model NAME")
    if given.copy and (os.path.lexists(given.copy) or inside(given.copy, given.repo)):
        parser.error(f"{given.copy} has to be a new folder outside of {given.repo}")
    address = urllib.parse.urlsplit(given.base_url)
    if address.scheme not in ("http", "https") or not address.hostname:
        parser.error(f"{given.base_url} is no address of an endpoint, such as https://api.openai.com/v1")
    key = handed_key(words)
    if not key.isascii() or len(key.split()) > 1 or (key and not key.isprintable()):
        parser.error(f"{KEY} holds no key")
    if key and address.scheme == "http" and address.hostname not in LOCAL:
        say(f"warning: the key goes to {address.hostname} unencrypted")
    return given, key


def options(origin: dict[str, Any]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="agent.py",
        description="Let this coding agent work on a folder, in place. README.md says where the agent comes from.",
        epilog=f"The key is taken from {KEY}, for an endpoint that needs one. Exit codes: 0 finished, 1 the agent or "
        "its model failed, 2 usage, 124 out of time, 130 interrupted.",
    )
    parser.add_argument("repo", metavar="REPO", help="the folder to change")
    task = parser.add_mutually_exclusive_group(required=True)
    task.add_argument("--task", metavar="TEXT", help="what to do there")
    task.add_argument("--task-file", metavar="FILE", help="a file that says it; - is the standard input")
    model = origin.get("model")
    parser.add_argument(
        "--model",
        metavar="NAME",
        default=os.environ.get("OPENAI_MODEL") or model,
        help=f"a model of the endpoint (OPENAI_MODEL{f', else {model}' if model else ''})",
    )
    parser.add_argument(
        "--base-url",
        metavar="URL",
        default=os.environ.get("OPENAI_BASE_URL") or "https://api.openai.com/v1",
        help="the endpoint (OPENAI_BASE_URL, else OpenAI's)",
    )
    parser.add_argument("--seconds", type=positive, default=origin["seconds"], help="time limit (%(default)g)")
    parser.add_argument("--calls", type=positive, default=origin["calls"], help="most calls to the model (%(default)d)")
    parser.add_argument("--copy", metavar="DIR", help="copy REPO to this new folder and work there")
    parser.add_argument("--docker", metavar="IMAGE", help="run it in a container of IMAGE, without a network")
    return parser


def positive(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) <= 10_000_000:
        raise argparse.ArgumentTypeError("a positive whole number is needed")
    return int(text)


def handed_key(words: list[str]) -> str:
    """The key. Where it stands in our environment, we start ourselves anew without it, since other processes of the
    same user can read the environment with which a process was started, but not its memory once it is shielded."""
    if HANDED in os.environ:
        with open(int(os.environ.pop(HANDED)), "rb") as pipe:
            return pipe.read().decode()
    key = os.environ.pop(KEY, "").strip()
    if key and sys.executable:
        out, into = os.pipe()
        os.write(into, key.encode()[:4096])
        os.close(into)
        os.set_inheritable(out, True)
        environ = {**os.environ, HANDED: str(out)}
        os.execve(sys.executable, [sys.executable, "-B", os.path.abspath(sys.argv[0]), *words], environ)  # noqa: S606
    return key


def read(path: str) -> str:
    with open(0 if path == "-" else path, encoding="utf-8", errors="replace") as file:
        return file.read()


def work(home: str, given: argparse.Namespace, task: str, key: str) -> int:
    """Run the agent and tell what it did."""
    repo = os.path.realpath(given.repo)
    if given.copy:
        repo = shutil.copytree(repo, os.path.realpath(given.copy), symlinks=True)
    elif not os.path.exists(os.path.join(repo, ".git")):
        say(f"note: {repo} is no git repository, so what the agent changes cannot be taken back; see --copy")
    if not given.docker:
        say(OWN_RIGHTS)
    before = look(repo)
    until = time.monotonic() + given.seconds
    endpoint = Endpoint(given.base_url, key, given.model, given.calls, until, say)
    # Short, since the path of a socket has to be.
    own = tempfile.mkdtemp(prefix="dgm-", dir=None if len(tempfile.gettempdir()) < 60 else "/tmp")  # noqa: S108
    try:
        code = attempt(home, own, repo, task, endpoint, given, until)
    finally:
        shutil.rmtree(own, ignore_errors=True)
        tell(compare(before, look(repo)), repo)
        say(f"{endpoint.calls} calls, {endpoint.tokens_in:,} tokens in, {endpoint.tokens_out:,} out")
    if endpoint.trouble:
        say(f"the model failed: {plain(endpoint.trouble)}")
        return code or FAILED
    return code


def attempt(
    home: str, own: str, repo: str, task: str, endpoint: Endpoint, given: argparse.Namespace, until: float
) -> int:
    """From the start of the agent to the end of its last process."""
    for name in ("home", "tmp"):
        os.mkdir(os.path.join(own, name))
    shutil.copytree(os.path.join(home, "agent"), os.path.join(own, "home", "agent"))
    with open(os.path.join(own, "home", "statement.md"), "w", encoding="utf-8", errors="replace") as file:
        file.write(task)
    Proxy(os.path.join(own, "model.sock"), endpoint)
    container = Container(given.docker, own, repo) if given.docker else None
    env = environment(own, repo, given, container)
    command = container.command(env) if container else ["/bin/sh", os.path.join(own, "home", "agent", "start")]
    signals: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # from here on there is something to clean up
        signal.signal(number, lambda number, _frame: signals.append(number))
    process = start(command, repo, dict(os.environ) if container else env)
    reader = threading.Thread(target=show, args=(process.stdout,), daemon=True)
    reader.start()
    while process.poll() is None and not signals and time.monotonic() < until:
        time.sleep(0.05)
    code = process.returncode
    if container:
        container.end()
    end(process)
    if container:  # in case its client was still asking for it
        container.end()
    reader.join(5)
    if code is None:
        say("interrupted" if signals else f"the time limit of {given.seconds} s is over")
        return INTERRUPTED if signals else TIMEOUT
    if code:
        say(f"the agent ended with exit code {code}")
    return FAILED if code else 0


def environment(own: str, repo: str, given: argparse.Namespace, container: Container | None) -> dict[str, str]:
    """What the contract promises, and nothing else."""
    at, work, python = (container.OWN, container.WORK, "python3") if container else (own, repo, sys.executable)
    return {
        "DGM_STATEMENT": f"{at}/home/statement.md",
        "DGM_WORK": work,
        "DGM_AGENT": f"{at}/home/agent",
        "DGM_SOCKET": f"{at}/model.sock",
        "DGM_MODEL": given.model,
        "DGM_PYTHON": python,
        "DGM_SECONDS": str(given.seconds),
        "HOME": f"{at}/home",
        "TMPDIR": "/tmp" if container else f"{at}/tmp",  # noqa: S108
        "LANG": "C.UTF-8",
        **({} if container else {"PATH": os.environ.get("PATH", os.defpath)}),
    }


def show(pipe: IO[bytes]) -> None:
    """What the agent prints, with everything in it escaped that could control a terminal."""
    size = 0
    for line in iter(lambda: pipe.readline(1 << 16), b""):
        size += len(line)
        if size > FLOOD:
            if size - len(line) <= FLOOD:
                say("  [what it prints from here on is dropped]")
            continue
        text = line.decode(errors="replace").rstrip("\n")
        say("  " + "\t".join(plain(part) for part in text.split("\t")))


def tell(changed: list[tuple[str, str]], repo: str) -> None:
    """Changed files on standard output, remarks on standard error."""
    shown = [(what, path) for what, path in changed if not is_git(path) and not is_litter(path)]
    say("".join(f"{what:<8} {plain(path)}\n" for what, path in shown[:MOST]), sys.stdout)
    if len(shown) > MOST:
        say(f"and {len(shown) - MOST:,} more files")
    litter = sum(is_litter(path) for _, path in changed)
    say(f"{len(shown):,} files changed in {plain(repo)}" + (f", and {litter:,} of caches" if litter else ""))
    if inside := [path for _, path in changed if is_git(path)]:
        say("warning: it changed what git keeps of its own, by which git can be made to run programs. Look before")
        say(f"you use git there: {plain(', '.join(inside[:10]))}{' ...' if len(inside) > 10 else ''}")


def say(text: str, stream: TextIO | None = None) -> None:
    """To standard error, if nothing else is said; a reader that has gone away is no reason to stop."""
    stream = stream or sys.stderr
    try:
        stream.write(text if text.endswith("\n") or not text else text + "\n")
        stream.flush()
    except (OSError, ValueError):
        return
