"""`run --dry-run`: what a run would do, and what it could cost at most.

Invariant: nothing is made, pulled, written or paid for.
"""

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from dgm.archive import tree_so_far
from dgm.benchmarks import open_benchmark
from dgm.cli import setting
from dgm.cli.advising import prepare_again
from dgm.cli.failing import UNFIT
from dgm.cli.looking import SIMULATION, quarantined_lines, tasks_line
from dgm.cli.reading import archive_folder
from dgm.config import ROLES, Config
from dgm.ground import Footing, footing_of, images_of, moved, unprepared
from dgm.jobs import TaskId
from dgm.policies import open_policy
from dgm.policies.account import BY_EVALUATIONS, most_jobs
from dgm.policies.budget import WIDENING, worth
from dgm.policies.metered import metered
from dgm.protocols import Benchmark, Limits, Sandbox, SandboxFault
from dgm.readiness import Findings
from dgm.sandbox import open_sandbox
from dgm.selection import check_names, selected
from dgm.text import clip, count, dollars, duration, fold, note, out, out_json, plain
from dgm.tree import Tree


class ModelPlan(Struct, frozen=True):
    """Dollars per million tokens."""

    role: str
    name: str
    usd_per_million_in: float
    usd_per_million_out: float


class Plan(Struct, frozen=True):
    """What a run would do. `expansions` is an estimate, HGM's; `worth`: what policies may spend that split the budget
    by themselves, in evaluations, an expansion counting as `expansion_cost`, or 0; `unfit`: why it could not start;
    `done`: evaluations that an existing archive has; `changed`: settings that differ from the archive's; `quarantined`:
    tasks that are left out, with the reason; `unprepared`: how many tasks keep it from starting, since `dgm prepare`
    has not looked at them; `controls`: what follows the search; what they have spent and may spend is in `spent_usd`
    and `upper_bound_usd`; `usd`: `policy.usd`."""

    archive: str
    done: int
    changed: tuple[str, ...]
    amended: tuple[str, ...]
    seed: str
    benchmark: str
    benchmark_version: str
    tasks: int
    subset: str
    sample: str
    held_out: int
    quarantined: dict[TaskId, str]
    unprepared: int
    policy: str
    evaluations: int
    expansions: int
    slots: int
    attempt: Limits
    grading: Limits
    sandbox: str
    sandbox_note: str
    unfit: str
    images: tuple[str, ...]
    images_missing: tuple[str, ...]
    models: tuple[ModelPlan, ...]
    simulation: bool
    usd_per_job: float
    usd_per_run: float
    spent_usd: float
    upper_bound_usd: float
    worth: float
    expansion_cost: float
    controls: tuple[str, ...] = ()
    usd: float = 0.0


def show_plan(path: Path | None, archive: Path | None, overrides: list[str], amend: list[str], as_json: bool) -> None:
    """Exits with `UNFIT` where the run could not start on this machine."""
    plan = planned(setting.load(path, overrides), archive_folder(archive), amend)
    if as_json:
        out_json(plan)
    else:
        out(*fold(plan_lines(plan), 13))
    if plan.unfit:
        sys.stdout.flush()
        then = f". To prepare: {prepare_again(None, path, overrides)}" if plan.unprepared else ""
        note(f"dgm: {plain(plan.unfit)}{then}")
        sys.exit(UNFIT)


def planned(config: Config, folder: Path, amend: Iterable[str]) -> Plan:
    """Raises what opening the benchmark, the models and an existing archive raises."""
    from dgm import run, settings
    from dgm.arms import spent_on_controls
    from dgm.spending import price_of

    tree = tree_so_far(folder)
    if not tree.config:
        check_names(config.run)
    benchmark = open_benchmark(config.run.benchmark, config.grading)
    differing = run.changed(tree, settings.resolved(config), benchmark) if tree.config else []
    run.seed_of(config)
    models = run.models_of(config, benchmark, os.environ)
    open_policy(config.policy, config.run.evaluations)
    prices = {role: price_of(*models[role]) for role in ROLES}
    stage = staged(config, benchmark, tree, differing)
    selection = stage.footing.selection
    by_evaluations = config.policy.name in BY_EVALUATIONS
    beside = spent_on_controls(folder)
    spent = tree.spent.usd + beside
    free = not any(price.usd_in or price.usd_out for price in prices.values())
    left = 0.0 if free else left_to_pay(config, tree, run.slots_of(config), beside)
    return Plan(
        archive=str(folder),
        done=tree.evaluations,
        changed=(*differing, *stage.changed),
        amended=tuple(amend),
        seed=config.run.seed,
        benchmark=benchmark.name,
        benchmark_version=benchmark.version,
        tasks=len(selection.tasks),
        subset=config.run.subset,
        sample=config.run.sample if isinstance(config.run.tasks, int) and config.run.tasks else "",
        held_out=len(selection.held_out),
        quarantined=stage.footing.quarantined,
        unprepared=len(stage.footing.unknown) if unprepared(config, stage.footing) else 0,
        policy=config.policy.name,
        evaluations=config.run.evaluations,
        expansions=round(config.run.evaluations ** (config.policy.alpha if by_evaluations else WIDENING)),
        slots=run.slots_of(config),
        attempt=config.attempt,
        grading=config.grading,
        sandbox=stage.sandbox,
        sandbox_note=stage.remark,
        unfit=stage.unfit,
        images=stage.images,
        images_missing=stage.absent,
        models=tuple(
            ModelPlan(role, models[role][0].name, prices[role].usd_in * 1e6, prices[role].usd_out * 1e6)
            for role in ROLES
        ),
        simulation=config.simulated,
        usd_per_job=config.caps.usd_per_job,
        usd_per_run=config.caps.usd_per_run,
        spent_usd=spent,
        upper_bound_usd=min(max(config.caps.usd_per_run - spent, 0.0), left),
        worth=0.0 if by_evaluations else worth(config.run.evaluations, config.policy.expansion_cost),
        expansion_cost=config.policy.expansion_cost,
        controls=config.run.controls,
        usd=config.policy.usd,
    )


def left_to_pay(config: Config, tree: Tree, slots: int, beside: float) -> float:
    """Dollars that a run and its controls still cost where each job costs all that it may, whatever its cap. `beside`:
    what the controls have cost so far."""
    policy, each = config.policy, config.caps.usd_per_job
    spent, under_way = tree.spent.usd, slots * each
    by_evaluations = policy.name in BY_EVALUATIONS
    jobs = most_jobs(config.run.evaluations, policy.expansion_cost, by_evaluations, policy.alpha)
    most = max(jobs * each - (spent - tree.spent_in_vain.usd), 0.0)
    if by_evaluations:  # what is done has its place in the schedule
        most = max(jobs - tree.evaluations - tree.expansions, 0) * each
    if policy.usd:
        most = min(most, max(policy.usd - metered(tree), 0.0) + under_way)
    # Each control spends what the search will have spent, and the jobs under way when that is spent.
    return most + max(len(config.run.controls) * (spent + most + under_way) - beside, 0.0)


class Stage(Struct, frozen=True):
    """The sandbox that would be used or is wanted, why, why it cannot be used, and what a run stands on in it."""

    sandbox: str
    remark: str
    unfit: str
    footing: Footing
    images: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


def staged(config: Config, benchmark: Benchmark, tree: Tree, differing: list[str]) -> Stage:
    """Raises `ConfigError`."""
    try:
        sandbox = open_sandbox(config.sandbox, "plan", config.simulated)
    except SandboxFault as fault:
        wanted = "local" if config.sandbox.kind == "local" else "docker"
        return Stage(wanted, "", str(fault), Footing(selected(config.run, benchmark, tree, differing)))
    try:
        footing = footing_of(config.run, Findings(benchmark, sandbox, config), tree, differing)
        selection = footing.selection
        named = {benchmark.task(task).image or config.sandbox.image for task in selection.tasks}
        images = sorted(named | {config.sandbox.image})
        images = images if sandbox.name == "docker" else []
        absent = tuple(image for image in images if not has(sandbox, image))
        changed = () if absent else moved(tree, images_of(benchmark, selection, sandbox))
        return Stage(
            sandbox.name,
            sandbox.note,
            unprepared(config, footing),
            footing,
            tuple(images),
            absent,
            ("images",) if changed else (),
        )
    except SandboxFault as fault:
        return Stage(sandbox.name, sandbox.note, str(fault), Footing(selected(config.run, benchmark, tree, differing)))
    finally:
        sandbox.close()


def has(sandbox: Sandbox, image: str) -> bool:
    """Whether `image` is here, or can be fetched again as it was."""
    try:
        sandbox.identity(image)
    except SandboxFault:
        return False
    return True


def limits_words(limits: Limits) -> str:
    return (
        f"{duration(limits.seconds)}, {limits.memory_mb:,} MB of memory, {limits.disk_mb:,} MB of disk, "
        f"{limits.pids:,} processes, {limits.cpus:g} cpu at most"
    )


def budget_line(plan: Plan) -> str:
    both = f"{count(plan.evaluations, 'evaluation')} and about {count(plan.expansions, 'expansion')}"
    end = f"; it ends once {dollars(plan.usd)} are spent (policy.usd)" if plan.usd else ""
    if not plan.worth:
        return both + end
    return (
        f"about {plan.worth:,.0f} evaluations' worth, which is {both} at {plan.expansion_cost:.2g} each as expected "
        f"(the run measures it); the policy splits it as it likes{end}"
    )


def controls_lines(plan: Plan) -> list[str]:
    if not plan.controls:
        return []
    free = not any(model.usd_per_million_in or model.usd_per_million_out for model in plan.models)
    share = dollars(plan.usd_per_run / (1 + len(plan.controls)))
    cap = "" if free else f". All share caps.usd_per_run, which is enough if the search spends no more than {share}"
    return [f"controls     {', '.join(plan.controls)}: after the search, each spends what the search has spent{cap}"]


def plan_lines(plan: Plan) -> list[str]:
    # Tasks that nobody has looked at say nothing against the sandbox.
    remark = f"not usable: {plan.unfit}" if plan.unfit and not plan.unprepared else plan.sandbox_note
    archive = f"{plan.archive} (new)" if not plan.done else f"{plan.archive} ({plan.done:,} evaluations done)"
    lines = [
        f"archive      {archive}",
        f"seed         {plan.seed}",
        f"benchmark    {plan.benchmark}, version {plan.benchmark_version[:12]}",
        f"tasks        {tasks_line(plan.tasks, plan.subset, plan.sample, plan.held_out)}",
        *quarantined_lines(plan.quarantined),
        *([f"unprepared   {plan.unprepared:,}"] if plan.unprepared else []),
        f"policy       {plan.policy}",
        f"budget       {budget_line(plan)}",
        f"slots        {count(plan.slots, 'job')} at once",
        f"attempts     {limits_words(plan.attempt)}",
        f"grading      {limits_words(plan.grading)}",
        f"sandbox      {plan.sandbox}{f' ({clip(remark, 300)})' if remark else ''}",
        *(f"image        {image}: {'missing' if image in plan.images_missing else 'here'}" for image in plan.images),
        *(
            f"model        {model.role}: {plain(model.name)}, {model.usd_per_million_in:g} USD in and "
            f"{model.usd_per_million_out:g} USD out per million tokens"
            for model in plan.models
        ),
        *controls_lines(plan),
        f"caps         {dollars(plan.usd_per_job)} a job, {dollars(plan.usd_per_run)} the run",
        f"cost         at most {dollars(plan.upper_bound_usd)}"
        + (f" more, after {dollars(plan.spent_usd)}" if plan.spent_usd else ""),
    ]
    if refused := [key for key in plan.changed if key not in plan.amended]:
        keys = " ".join(f"--amend {key}" for key in refused)
        lines.append(f"changed      the archive has other values: it would be refused without {keys}")
    return [*lines, *([SIMULATION] if plan.simulation else [])]
