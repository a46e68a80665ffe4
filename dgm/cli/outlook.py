"""`plan`: what a budget buys, and which policy and split to spend it with, by a short simulation.

Invariant: nothing is paid for or written; every figure that is a guess or a simulation is called so.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from dgm.cli import setting
from dgm.cli.advising import typed
from dgm.cli.simulating import Progress, check_policies, read_families, read_policies
from dgm.config import Config, ConfigError
from dgm.policies.budget import affordable, worth
from dgm.simulation.families import FITTED
from dgm.text import aligned, count, dollars, duration, fold, out, out_json

if TYPE_CHECKING:
    from dgm.simulation.outlook import Prospect

POLICIES = ("race", "hgm", "greedy", "best-of-n")
"""Compared, in the order in which they are preferred where nothing else tells them apart."""
FAMILIES = "hgm,rugged,drift,jumps,scarce,alien"
TOKENS_IN, TOKENS_OUT = 250_000, 10_000
"""What an evaluation is guessed to take where nothing is known but the price of a token."""
TASKS = 60


class Asked(Struct, frozen=True, kw_only=True):
    """The options, as they were typed."""

    usd: float | None
    evaluations: int | None
    usd_per_evaluation: float | None
    usd_per_expansion: float | None
    seconds_per_evaluation: float | None
    slots: int | None
    tasks: int | None
    policies: str
    families: str
    seconds: float


class Prices(Struct, frozen=True):
    """What is known or guessed of a run's jobs; 0: unknown, or free. `sources`: a sentence on each."""

    usd: float
    k: float
    seconds: float
    sources: tuple[str, ...]


class Outlook(Struct, frozen=True):
    """`evaluations`: B, the budget to set. `simulated`: the budget that was simulated, smaller where that takes long;
    counts, costs and times of prospects are then for that one. `worlds`: of each family."""

    evaluations: int
    usd_per_evaluation: float
    usd_per_expansion: float
    k: float
    seconds_per_evaluation: float
    slots: int
    tasks: int
    usd: float
    """What the budget costs in all."""
    sources: tuple[str, ...]
    families: tuple[str, ...]
    simulated: int
    worlds: int
    policy: str
    """The one to use: the first, in the order in which they were named, of those that"""
    alike: tuple[str, ...]
    """this simulation does not tell from the one with the largest mean gain."""
    prospects: "tuple[Prospect, ...]"


def show_outlook(path: Path | None, archive: Path | None, overrides: list[str], asked: Asked, as_json: bool) -> None:
    """Raises `ConfigError`, `NoArchive`, `Damaged`."""
    config = setting.load(path, overrides)
    outlook = foreseen(config, archive, asked)
    if as_json:
        out_json(outlook)
    else:
        out(*fold(lines(outlook), 2))


def foreseen(config: Config, archive: Path | None, asked: Asked) -> Outlook:
    from dgm import run
    from dgm.simulation.outlook import prospects, sized

    check(asked)
    prices = prices_of(config, archive, asked)
    evaluations = asked.evaluations or config.run.evaluations
    if asked.usd is not None:
        if not prices.usd:
            raise ConfigError("--usd says nothing where evaluations are free: give --usd-per-evaluation as well")
        evaluations = affordable(asked.usd / prices.usd, prices.k)
        if evaluations < 1:
            least = dollars(worth(1, prices.k) * prices.usd)
            raise ConfigError(f"--usd {asked.usd:g} buys no evaluation with its expansion, which cost {least}")
    slots = asked.slots or run.slots_of(config)
    tasks = asked.tasks or TASKS
    policies = candidates(config, asked)
    families = read_families(asked.families)
    if archive is not None and asked.families == FAMILIES:
        families = (*families, f"{FITTED}{archive}")
    grid = sized(policies, families, evaluations, prices.k, slots, tasks, asked.seconds)
    found = prospects(grid, Progress(len(grid)))
    near = {one.policy for one in found if one is found[0] or not one.behind.high < 0}
    use, *alike = (policy for policy in policies if policy in near)
    return Outlook(
        evaluations=evaluations,
        usd_per_evaluation=prices.usd,
        usd_per_expansion=prices.usd * prices.k,
        k=prices.k,
        seconds_per_evaluation=prices.seconds,
        slots=slots,
        tasks=tasks,
        usd=worth(evaluations, prices.k) * prices.usd,
        sources=prices.sources,
        families=families,
        simulated=grid.budgets[0],
        worlds=len(grid.seeds),
        policy=use,
        alike=tuple(alike),
        prospects=tuple(found),
    )


def check(asked: Asked) -> None:
    if asked.usd is not None and asked.evaluations is not None:
        raise ConfigError("--usd and --evaluations are two budgets: give one of them")
    for name in ("usd", "usd_per_evaluation", "usd_per_expansion", "seconds_per_evaluation", "seconds"):
        value = getattr(asked, name)
        if value is not None and not 0 < value < 1e9:
            raise ConfigError(f"--{name.replace('_', '-')} {value:g}: has to be a number above 0")
    if asked.usd_per_expansion is not None and asked.usd_per_evaluation is None:
        raise ConfigError("--usd-per-expansion needs --usd-per-evaluation beside it")


def candidates(config: Config, asked: Asked) -> tuple[str, ...]:
    """The policies to compare: those that were named, or some and the configured one."""
    from dgm.policies import POLICIES as KNOWN

    if asked.policies:
        policies = read_policies(asked.policies)
    else:
        some = [policy for policy in POLICIES if policy.partition(":")[0] in KNOWN]
        policies = tuple(dict.fromkeys((*some, config.policy.name)))
    check_policies(policies)
    return policies


# -------------------------------------------------------------------- prices


def prices_of(config: Config, archive: Path | None, asked: Asked) -> Prices:
    """What was typed, else what the run in `archive` has measured, else the models' prices and a guess."""
    sources: list[str] = []
    usd, k, seconds = 0.0, config.policy.expansion_cost, 0.0
    if archive is not None:
        from dgm.simulation.fitted import fit_to

        try:
            fitted = fit_to(archive)
        except ValueError as error:
            raise ConfigError(f"--archive {error}") from None
        usd, k, seconds = fitted.usd, fitted.k, fitted.seconds
        sources.append(f"prices and durations as measured in {archive}, {count(fitted.evaluations, 'evaluation')}")
    elif asked.usd_per_evaluation is None:
        usd = guessed(config, sources)
    if asked.usd_per_evaluation is not None:
        usd = asked.usd_per_evaluation
        sources.append("the price of an evaluation as typed")
    if asked.usd_per_expansion is not None:
        k = asked.usd_per_expansion / usd
        sources.append("the price of an expansion as typed")
    elif archive is None:
        sources.append(f"an expansion is guessed to cost {k:g} evaluations, as policy.expansion_cost says")
    if asked.seconds_per_evaluation is not None:
        seconds = asked.seconds_per_evaluation
        sources.append("the duration of an evaluation as typed")
    return Prices(usd, k, seconds, tuple(sources))


def guessed(config: Config, sources: list[str]) -> float:
    """Dollars an evaluation. Raises `ConfigError` where a model's price is unknown."""
    from dgm import run
    from dgm.benchmarks import open_benchmark
    from dgm.spending import cost, price_of

    benchmark = open_benchmark(config.run.benchmark, config.grading)
    models = run.models_of(config, benchmark, os.environ)
    usd = cost(TOKENS_IN, TOKENS_OUT, price_of(*models["solve"]))
    name = models["solve"][0].name
    if usd:
        sources.append(
            f"a guess: {TOKENS_IN:,} input and {TOKENS_OUT:,} output tokens an evaluation at the price of {name}; "
            "--usd-per-evaluation or --archive RUN replaces it"
        )
    else:
        sources.append(f"{name} costs nothing")
    return usd


# -------------------------------------------------------------------- text


def lines(outlook: Outlook) -> list[str]:
    from dgm.simulation.layout import number

    best = next(one for one in outlook.prospects if one.policy == outlook.policy)
    free = not outlook.usd_per_evaluation
    price = "free" if free else f"{dollars(outlook.usd_per_evaluation)} an evaluation"
    more = "" if free else f", {dollars(outlook.usd_per_expansion)} an expansion"
    total = "" if free else f", {dollars(outlook.usd)} in all"
    told = [
        f"budget       {count(outlook.evaluations, 'evaluation')} and the expansions that go with them{total}",
        f"prices       {price}{more} (k = {outlook.k:.3g})",
        *(f"             {source}" for source in outlook.sources),
        f"simulated    {count(outlook.worlds, 'world')} each of {', '.join(outlook.families)}",
        f"             {count(outlook.simulated, 'evaluation')}, {count(outlook.slots, 'slot')}, {outlook.tasks} tasks",
    ]
    if outlook.simulated < outlook.evaluations:
        told.append("             fewer than the budget, for the sake of time: more --seconds simulates more")
    told += ["", *table(outlook), ""]
    alike = f", not told apart from {', '.join(outlook.alike)}" if outlook.alike else ""
    told += [
        f"use          {best.policy}{alike}",
        f"split        {number(best.split, 2)} of the money for expansions",
        f"expect       a true gain of {number(best.gain.mean, 3, True)} over the seed; 8 of 10 runs between "
        f"{number(best.low, 3, True)} and {number(best.high, 3, True)}; {best.worse:.0%} end below the seed",
        f"             the run will report about {number(best.overclaim, 3, True)} more than is true",
        f"next         {command(outlook)}",
        "",
        "A simulation of worlds like those named, not of your agents: it tells policies and budgets apart, and does "
        "not foretell a gain.",
    ]
    return told


def table(outlook: Outlook) -> Sequence[str]:
    from dgm.simulation.layout import number, pm

    head = ("policy", "evaluations", "expansions", "cost", "time", "true gain", "8 of 10 runs")
    rows = [head]
    for one in outlook.prospects:
        usd = outlook.usd_per_evaluation
        cost = dollars(one.cost * usd) if usd else f"{one.cost:.0f} ev."
        each = outlook.seconds_per_evaluation
        time = duration(one.time * each) if each else f"{one.time:.0f} ev."
        span = f"{number(one.low, 2, True)} to {number(one.high, 2, True)}"
        figures = (f"{one.evaluations:.0f}", f"{one.expansions:.0f}", cost, time, pm(one.gain, True, mark=False), span)
        rows.append((one.policy, *figures))
    return aligned(rows)


def command(outlook: Outlook) -> str:
    """The run that is recommended."""
    name, *pairs = outlook.policy.split(":")
    sets = [f"policy.name={name}", *(f"policy.{pair}" for pair in pairs), f"run.evaluations={outlook.evaluations}"]
    if outlook.usd:
        sets.append(f"caps.usd_per_run={outlook.usd:.2f}")
    return typed("run", sets=[*sets, f"run.slots={outlook.slots}"])
