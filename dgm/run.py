"""A run: configuration in, all its parts put together, the loop driven to its end.

Invariant: what a run is about (tasks, benchmark, settings) stands in its log; it goes on under other settings only
where they were named.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from hashlib import sha1
from pathlib import Path
from tempfile import TemporaryDirectory
from time import time
from typing import Any

from msgspec.structs import replace

from dgm import __version__, agent, keys, settings
from dgm.archive import LOG, Archive
from dgm.benchmarks import open_benchmark
from dgm.cache import cache_folder
from dgm.config import ROLES, Config, ConfigError, ModelConfig, Role
from dgm.door import Door
from dgm.events import RunConfigured
from dgm.executors import Threads
from dgm.files import Files, digest, read_folder
from dgm.flight import End, Flight
from dgm.gateway import Gateway
from dgm.ground import Footing, accept_images, footing_of, images_of, insist, moved, refuse_replayed, replaced
from dgm.ledger import spent
from dgm.llm import REPLAY, open_model
from dgm.machine import finished, run, stream
from dgm.policies import open_policy
from dgm.policies.conclusion import best
from dgm.protocols import Benchmark, Model, ModelFault, Sandbox, SandboxFault
from dgm.readiness import Findings
from dgm.results import Results
from dgm.sandbox import open_sandbox
from dgm.selection import Searched, check_names, choose
from dgm.shipped import shipped
from dgm.spending import Spending
from dgm.tree import Tree
from dgm.wire import Refusal
from dgm.work import Worker


@dataclass
class Run:
    """A run that is about to be driven. Close it, or use it in a `with`."""

    worker: Worker
    seed: Files
    opened: ExitStack
    left_out: dict[str, str] = field(default_factory=dict)
    """The agents that were to be its seeds and fail their smoke test, by name, with the reason."""

    def go(self, halted: Callable[[], End | None] = lambda: None) -> End:
        """Drive the loop until it ends, and write down how it did. Where nothing is left to do, nothing is written.

        Raises as `rehearse` does, before anything is paid for.
        """
        worker, archive = self.worker, self.worker.archive
        config, tree = worker.config.run, archive.tree
        policy = open_policy(worker.config.policy, config.evaluations)
        if tree.ended and not tree.running and policy(tree, stream(config.random_seed, tree)) is None:
            return finished(policy, tree)
        worker.sandbox.reap()
        # What is said here stands in no log: where it could keep a job from fitting, every start would pay for nothing.
        if tree.running or worker.affordable(tree, len(ROLES) * worker.config.caps.usd_per_call):
            rehearse(worker, self.seed)
        flight, slots = Flight(worker, Threads()), slots_of(worker.config)
        end = run(archive, policy, flight, slots, halted, config.random_seed, config.pause_hours)
        archive.end(end.code, end.reason)
        archive.mirror()
        return end

    def close(self) -> None:
        self.opened.close()

    def __enter__(self) -> "Run":
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()


def start_run(
    config: Config,
    folder: Path,
    environ: Mapping[str, str],
    amend: Iterable[str] = (),
    agents: Mapping[str, Files] | None = None,
    elsewhere: float = 0.0,
) -> Run:
    """Start a run in `folder`, or continue the one that is there. Its seeds: `agents`, by name, which may become more
    from one start to the next; else the one that the settings name. `elsewhere`: dollars that other runs have spent,
    and that count against the cap of this one.

    Raises `ConfigError` (also where settings differ from the log's and are not named in `amend`), `SandboxFault`,
    `BadFiles`, and what `Archive` raises on a damaged or busy folder. Nothing has been paid for by then.
    """
    amend = set(amend)
    new = not (folder / LOG).is_file()
    if new:
        check_names(config.run)
    benchmark = open_benchmark(config.run.benchmark, config.grading)
    seeds = {"": seed_of(config)} if agents is None else agents
    open_policy(config.policy, config.run.evaluations)
    if new:  # a mistake in the settings of a new run leaves no folder behind
        models_of(config, Searched(benchmark, choose(config.run, benchmark).tasks), environ)
    with ExitStack() as opened:
        archive = opened.enter_context(Archive(folder, best=best))
        differing = accept(archive.tree, settings.resolved(config), benchmark, amend)
        began = archive.tree.began or time()
        sandbox = open_sandbox(config.sandbox, run_id(archive, began), config.simulated)
        opened.callback(sandbox.close)
        sandbox.check()
        findings = Findings(benchmark, sandbox, config)
        footing = footing_of(config.run, findings, archive.tree, differing)
        insist(config, footing)
        searched = Searched(benchmark, footing.selection.tasks)
        images = images_of(benchmark, footing.selection, sandbox)
        accept_images(archive.tree, images, amend)
        insist(config, replaced(footing, findings, moved(archive.tree, images)))
        models = models_of(config, searched, environ)
        # Only now: settings under which no run can start would have to be amended before the right ones are taken.
        if not archive.tree.config or differing or moved(archive.tree, images):
            configure(archive, config, benchmark.version, footing, images, began)
        left_out = {}
        if agents is not None:
            left_out = admit(archive, agents, sandbox)
        elif not archive.tree.seeds or "run.seed" in amend:
            archive.seed(seeds[""])
        caps = replace(config.caps, usd_per_run=max(config.caps.usd_per_run - elsewhere, 0.0))
        config = replace(config, caps=caps)
        gateway = Gateway(models, spending_of(archive, config), secrets=secrets_of(config, environ))
        opened.callback(gateway.close)
        worker = Worker(archive, searched, sandbox, gateway, config, results_of(config, folder))
        tried = next(files for name, files in seeds.items() if name not in left_out)
        return Run(worker, tried, opened.pop_all(), left_out)


def admit(archive: Archive, agents: Mapping[str, Files], sandbox: Sandbox) -> dict[str, str]:
    """Let `agents` be seeds, each once it has passed its smoke test. Returns why others, by name, are left out.

    Of agents with the same source, one joins. Raises `SandboxFault` where no agent is left: it may be why.
    """
    left_out = {}
    for name, files in agents.items():
        if digest(files) not in archive.known():
            with TemporaryDirectory(prefix="dgm-") as scratch:
                absent = None if "start" in files else "it has no `start` at its root"
                if problem := absent or agent.smoke(0, files, sandbox, Path(scratch)):
                    left_out[name] = problem
                    continue
            archive.seed(files, f"Replay of {name}" if name else "")
    if agents and len(left_out) == len(agents):
        name, problem = next(iter(left_out.items()))
        raise SandboxFault(f"no agent passes the smoke test in the {sandbox.name} sandbox; {name}: {problem}")
    return left_out


def rehearse(worker: Worker, seed: Files) -> None:
    """Prove, for nearly nothing, that agents can be started here, reach the gateway, and get answers from each model.

    Without it, a sandbox that cannot reach the gateway or a model that refuses every request would look like agents
    that solve nothing. Raises `SandboxFault`, `ModelFault`.
    """
    with TemporaryDirectory(prefix="dgm-") as scratch:
        problem = agent.smoke(0, seed, worker.sandbox, Path(scratch))
        if problem:
            raise SandboxFault(
                f"the seed agent does not pass the smoke test in the {worker.sandbox.name} sandbox: {problem}. "
                "Mend it; or, if it passes elsewhere, find out why this sandbox cannot reach the gateway's socket"
            )
        if worker.gateway.free:
            return
        asked: list[ModelConfig] = []
        for role in ROLES:
            model = worker.config.model(role)
            if model not in asked:
                asked.append(model)
                with worker.gateway.open(0, "", role, Path(scratch) / role) as door:
                    greet(door)


def greet(door: Door) -> None:
    """One tiny call. Raises `ModelFault` if it is not answered."""
    try:
        door.ask([{"role": "user", "content": "Reply with the word ready."}])
    except Refusal as refusal:
        raise ModelFault(
            "denied", f"the model {door.model} does not answer: {refusal}. Nothing was started; `dgm doctor` may help"
        ) from refusal


def spending_of(archive: Archive, config: Config) -> Spending:
    """The books of the run so far; jobs that an earlier driver left running are counted as their ledgers have it."""
    tree = archive.tree
    by_agent = {agent.id: agent.usage.usd for agent in tree.agents.values()}
    total = tree.spent.usd
    for id, started in tree.running.items():
        usd = spent(archive.folder(id)).usd
        by_agent[started.job.agent] += usd
        total += usd
    return Spending(config.caps, total, by_agent)


def configure(
    archive: Archive,
    config: Config,
    version: str,
    footing: Footing,
    images: dict[str, str],
    began: float,
) -> None:
    """Write the settings down. `version`: the benchmark's. `began`: the time of the first event."""
    refuse_replayed(footing.selection, archive.tree, archive.path)
    at = time() if archive.tree.began else began
    now, selection = settings.resolved(config), footing.selection
    now |= {"imported": archive.tree.config["imported"]} if "imported" in archive.tree.config else {}
    tasks, held_out, quarantined = selection.tasks, selection.held_out, footing.quarantined
    archive.configure(RunConfigured(at, __version__, now, tasks, version, images, quarantined, held_out))


def accept(tree: Tree, now: dict[str, Any], benchmark: Benchmark, amend: set[str]) -> list[str]:
    """The keys in which `now` differs from the log. Raises `ConfigError` for those that are not in `amend`."""
    differing = changed(tree, now, benchmark) if tree.config else []
    if refused := [key for key in differing if key not in amend]:
        raise ConfigError(settings.refusal(settings.own(tree.config), refused))
    return differing


def changed(tree: Tree, now: dict[str, Any], benchmark: Benchmark) -> list[str]:
    """The keys in which the log's settings differ from those of `now`; `benchmark` if its tasks have changed.

    Raises `ConfigError` for a run of another system that cannot be continued here.
    """
    if not tree.config.get("imported", {}).get("runnable", True):
        raise ConfigError(
            "this archive was imported from another system, and not all of its agents follow the agent contract here, "
            "so it can be looked at and not continued. `dgm import --seed` with a seed that has a `start` gives agents "
            "that can be run"
        )
    keys = settings.differences(settings.own(tree.config), now)
    return keys + ["benchmark"] * (tree.benchmark != benchmark.version)


def seed_of(config: Config) -> Files:
    """The seed agent's source. Raises `ConfigError`, `BadFiles`."""
    source = read_folder(shipped("agents_seed", config.run.seed))
    if "start" not in source:
        raise ConfigError(f"run.seed: {config.run.seed} has no `start` at its root, so it is no agent")
    return source


def models_of(
    config: Config, benchmark: Benchmark, environ: Mapping[str, str]
) -> dict[Role, tuple[ModelConfig, Model]]:
    """The model of each role; equal settings share one. Raises `ConfigError`."""
    made: list[tuple[ModelConfig, Model]] = []
    roles: dict[Role, tuple[ModelConfig, Model]] = {}
    for role in ROLES:
        wanted = config.model(role)
        pair = next((pair for pair in made if pair[0] == wanted), None)
        if pair is None:
            pair = (wanted, open_model(wanted, benchmark, environ))
            made.append(pair)
        roles[role] = pair
    return roles


def secrets_of(config: Config, environ: Mapping[str, str]) -> frozenset[str]:
    """The keys that must never be written anywhere."""
    return keys.secrets(environ, {config.model(role).api_key_env for role in ROLES})


def results_of(config: Config, folder: Path) -> Results | None:
    """What runs of this machine have paid for; None where it would not be used. Raises `OSError`.

    A search with controls pays for all itself: what it spends is what they get.
    """
    model = config.model("solve")
    wanted = config.run.cache and not config.run.controls
    if not wanted or model.name == "scripted" or model.name.startswith(REPLAY) or model.record:
        return None  # simulations are free, and a recording has to hold all that was said
    return Results(cache_folder() / "results", folder.resolve().name)


def slots_of(config: Config) -> int:
    return config.run.slots or os.cpu_count() or 1


def run_id(archive: Archive, began: float) -> str:
    """A name for all that belongs to this run on this machine, the same at every start."""
    return sha1(f"{archive.path.resolve()} {began}".encode(), usedforsecurity=False).hexdigest()[:12]
