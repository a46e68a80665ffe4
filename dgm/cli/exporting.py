"""`dgm export`: an agent as a folder that runs alone, or its plain source.

Invariant: the agent's files are written byte for byte and never run; what is said of it comes from the log.
"""

import json
from pathlib import Path
from typing import Any

from dgm import __version__
from dgm.archive import Reader
from dgm.clade import Agent
from dgm.cli.failing import Unable
from dgm.cli.looking import SIMULATION
from dgm.cli.reading import open_reader
from dgm.config import CapsConfig
from dgm.files import BadFiles, File, Files, digest, read_folder, write_folder
from dgm.policies.conclusion import best
from dgm.protocols import Limits
from dgm.report import Tally, find, setting, simulation
from dgm.shipped import home, names
from dgm.text import clip, count, note, out, plain
from dgm.tree import Tree

RUNNER = Path(__file__).resolve().parents[1] / "runner"
LAUNCHER = '''"""Lets the agent in the folder `agent` work on a folder of yours: see `--help`, and README.md."""

import os
import sys

if sys.version_info < (3, 8):
    sys.exit("This needs Python 3.8 or later.")
sys.dont_write_bytecode = True

from runner.command import main

if __name__ == "__main__":
    sys.exit(main(os.path.dirname(os.path.abspath(__file__)), sys.argv[1:]))
'''


def export_agent(name: str, folder: Path, archive: Path | None, source_only: bool) -> None:
    reader = open_reader(archive)
    agent = find(reader.tree, name)
    source = reader.source(agent.id)
    if not source_only and "start" not in source:
        raise Unable(
            "this agent has no file `start`, so it does not follow the agent contract and cannot be started alone; "
            "--source writes what it has"
        )
    try:
        if source_only:
            write_folder(source, folder)
        else:
            write_folder(exported(reader, agent, source), folder)
            write_folder(source, folder / "agent")
    except FileExistsError:
        raise Unable(f"{folder} is not an empty folder: name a new one") from None
    out(str(folder))
    whose = "A model wrote this code" if agent.parent else "It is a seed of the run"
    note(f"{count(len(source), 'file')} of {agent.id}. {whose}: read it before you run it.")
    if not source_only:
        note(f"python3 {folder}/agent.py REPO --task TEXT --model NAME, with OPENAI_BASE_URL and OPENAI_API_KEY set.")


def exported(reader: Reader, agent: Agent, source: Files) -> Files:
    """All that stands beside the agent's own folder."""
    runner = {f"runner/{path}": file for path, file in read_folder(RUNNER).items()}
    origin = provenance(reader.tree, agent, reader.path.resolve().name)
    return {
        **{path: File(file.data) for path, file in runner.items()},
        "agent.py": File(LAUNCHER.encode(), executable=True),
        "provenance.json": File((json.dumps(origin, indent=2) + "\n").encode()),
        "README.md": File(readme(origin, seed_of(agent), sorted(p for p in source if is_licence(p))).encode()),
    }


def provenance(tree: Tree, agent: Agent, run: str) -> dict[str, Any]:
    """Where the agent comes from, for machines; `model`, `seconds` and `calls` are also the runner's defaults."""
    tally = Tally.of(agent.solved, agent.failed)
    models = {role: str(setting(model, "name", "scripted")) for role, model in tree.config.get("models", {}).items()}
    solver = models.get("solve", models.get("default", "scripted"))
    return {
        "agent": agent.id,
        "digest": agent.digest,
        "run": run,
        "dgm": __version__,
        "benchmark": {"name": str(setting(tree.config, "run.benchmark", "")), "version": tree.benchmark},
        "best": agent is best(tree),
        "simulation": simulation(tree),
        "imported": tree.config.get("imported"),
        "lineage": [{"agent": one.id, "digest": one.digest, "summary": one.summary} for one in agent.lineage()],
        "solved": agent.solved,
        "failed": agent.failed,
        "interval": {"level": 0.9, "low": tally.low, "high": tally.high},
        "results": dict(agent.results),
        "models": models,
        "model": solver.partition("/")[2] if solver.startswith("openai/") else None,
        "seconds": int(setting(tree.config, "attempt.seconds", Limits().seconds)),
        "calls": int(setting(tree.config, "caps.calls_per_job", CapsConfig().calls_per_job)),
    }


def seed_of(agent: Agent) -> str | None:
    """The name of the shipped seed that `agent` descends from, if it is one."""
    first = next(iter(agent.lineage()))
    for name in names("agents_seed"):
        try:
            if digest(read_folder(home("agents_seed") / name)) == first.digest:
                return name
        except BadFiles:
            continue
    return None


def is_licence(path: str) -> bool:
    return path.upper().startswith(("LICENSE", "LICENCE", "COPYING", "NOTICE"))


def readme(origin: dict[str, Any], seed: str | None, licences: list[str]) -> str:
    """The page for people. What models wrote stands in indented blocks, where nothing in it means anything."""
    tried = origin["solved"] + origin["failed"]
    low, high = origin["interval"]["low"], origin["interval"]["high"]
    lineage = [f"    {step['agent'][:12]}  {clip(step['summary'] or 'the seed', 100)}" for step in origin["lineage"]]
    models = ", ".join(f"{plain(name)} ({plain(role)})" for role, name in origin["models"].items()) or "scripted"
    licence = (
        f"Its lineage begins with the seed `{seed}` of dgm, which is under Apache-2.0."
        if seed
        else "The licence of the seed that its lineage begins with is not known here: ask whoever ran it."
    )
    return README.format(
        agent=origin["agent"],
        digest=origin["digest"],
        run=clip(origin["run"], 100),
        benchmark=clip(f"{origin['benchmark']['name']}, version {origin['benchmark']['version']}", 100),
        models=clip(models, 300),
        lineage="\n".join(lineage),
        score=f"{origin['solved']} of {tried} solved; 90 % interval of the rate {low:.2f} to {high:.2f}",
        best="The run took it for its best agent. " if origin["best"] else "",
        simulation=f"{SIMULATION[0].upper()}{SIMULATION[1:]}.\n\n" if origin["simulation"] else "",
        imported="The run was imported: its scores were counted by other software.\n\n" if origin["imported"] else "",
        model=f" (default: {code(origin['model'])})" if origin["model"] else "",
        licence=licence,
        inside=f"It carries {', '.join(map(code, licences))} of its own.\n" if licences else "",
        whose="was written by models" if len(origin["lineage"]) > 1 else "is a seed of the run, as it was given to it",
        dgm=origin["dgm"],
    )


def code(text: str) -> str:
    return f"`{clip(text, 100).replace('`', chr(39))}`"


README = """# A coding agent that runs alone

    export OPENAI_BASE_URL=https://api.openai.com/v1     # or any endpoint that speaks OpenAI's format
    export OPENAI_API_KEY=...
    python3 agent.py REPO --task "what to do there" --model NAME

It changes the folder REPO in place, prints the changed files on standard output and all else on standard error.
Linux or macOS, Python 3.8 or later, nothing to install. `--task-file FILE` reads the task from a file, `--copy DIR`
works on a copy, `--seconds` and `--calls` limit it, `--model` names the model{model}. `--help` lists all.

## Before you run it

- **Models wrote this code.** Read `agent/` first. Without `--docker` it runs with your rights: it can read and change
  whatever you can, and use the network.
- `--docker IMAGE` runs it in a container of IMAGE (which needs a POSIX shell and `python3`), with no network, no
  capabilities and a read-only root. Only REPO and temporary folders can be changed. It needs the command `docker`.
- What it says and what REPO holds goes to the endpoint. Each call costs what the endpoint asks for; the limit is
  `--calls`.
- The key is not in the agent's environment, nor in that of `agent.py`, which starts itself anew without it and, on
  Linux, closes its memory to other processes of yours. The agent talks to a socket; the key is added behind it and is
  taken out of replies. But a process with your rights can find a key that lies elsewhere: in your shell's files, or in
  the environment of other programs that you have started. With root's rights it can read any memory. Only
  `--docker`, or another user, keeps it from that.
- `--copy`, or a commit beforehand, lets you take back what it did. If it changed anything in `.git`, you are warned:
  look at that before you use git there.
- At the end, at the time limit and after Ctrl-C, all its processes are ended. (On macOS, one that detached itself may
  stay; and if `agent.py` is killed with SIGKILL, the agent goes on without a model.)

## Where it comes from

    agent       {agent}
    git tree    {digest}
    run         {run}
    benchmark   {benchmark}
    models      {models}
    score       {score}
    exported    by dgm {dgm}

{simulation}{imported}{best}The score is that on the run's own tasks.
The agent was chosen by it, so expect less on others.

Its lineage, the seed first, with what each step says of itself:

{lineage}

`provenance.json` has the same with the result of each task.

To check that `agent/` is what was exported, compare the git tree hash above with

    cd agent && git init -q && git add -A --force && git write-tree && rm -rf .git

`agent.py` does so at each start and says if it differs. In the archive's `agents.git`, the same tree stands in
`git cat-file -p {agent}`.

## Licence

`agent.py` and `runner/` are part of dgm, under Apache-2.0. The folder `agent/` {whose}.
{licence}
{inside}The terms of the models' providers may apply to what they wrote.
"""
