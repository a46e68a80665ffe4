"""The settings of a measurement: those of the run that its agents come from, under another benchmark and model.

Invariant: nothing that belongs to another model or another benchmark is taken over in silence.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from dgm import settings
from dgm.benchmarks import recommended
from dgm.config import Config, ModelConfig
from dgm.tree import Tree

KEPT = ("slots", "random_seed", "cache", "unprepared", "pause_hours")
"""Settings of the table `[run]` that a replay takes over from the run."""


class Options(Struct, frozen=True):
    """What settings a replay is under: a file in place of the run's own record, and what outranks both."""

    path: Path | None
    environ: Mapping[str, str]
    overrides: Sequence[str] = ()


def settings_for(tree: Tree, benchmark: str, model: str, options: Options) -> Config:
    """The settings of a cell: the run's as its log has them, or those of a file, under another benchmark and model.

    Of the record, nothing that belongs to another model (its price, and, with another provider, its address and key)
    or another benchmark (its limits) is taken over. Raises `ConfigError`.
    """
    if options.path is not None:
        table = settings.read(options.path)
        given = table.get("models", {})
        if isinstance(given, dict) and model:
            table["models"] = {"default": own(given, model)}
    else:
        table = recorded(tree.config, benchmark, model)
    run = table.setdefault("run", {})
    if isinstance(run, dict):
        run["benchmark"] = benchmark
    config = settings.layered(table, options.environ, options.overrides, recommended)
    solve = config.model("solve")
    solve = msgspec.structs.replace(solve, name=model or solve.name, record="")
    return msgspec.structs.replace(config, models={"default": solve})


def recorded(config: Mapping[str, Any], benchmark: str, model: str) -> settings.Table:
    """The settings of a log as a table for a cell."""
    was, solve = dict(config.get("run", {})), dict(config.get("models", {}).get("solve", {}))
    run = {key: was[key] for key in KEPT if key in was}
    limits = () if was.get("benchmark") == benchmark else ("attempt", "grading")
    kept = {name: config[name] for name in ("caps", "sandbox", "attempt", "grading") if name in config}
    table = {name: dict(section) for name, section in kept.items() if name not in limits}
    policy = config.get("policy", {})
    return {
        **table,
        "run": run,
        "policy": {key: policy[key] for key in ("patience", "epsilon") if key in policy},
        "models": {"default": other(solve, model) if model else solve},
    }


def other(solve: dict[str, Any], model: str) -> dict[str, Any]:
    """The settings of the model `solve` as far as they hold for the one called `model`."""
    name = solve.get("name", ModelConfig().name)
    if name == model:
        return solve
    gone = {"usd_per_million_in", "usd_per_million_out"}
    if name.partition("/")[0] != model.partition("/")[0]:
        gone |= {"api_base", "api_key_env", "extra"}
    return {key: value for key, value in solve.items() if key not in gone} | {"name": model}


def own(models: Mapping[str, Any], model: str) -> Any:
    """The table of a file's `[models]` that is for `model`: that with its name, else the default one."""
    tables = [table for table in models.values() if isinstance(table, dict)]
    default = models.get("default", {})
    found = next((table for table in tables if table.get("name") == model), models.get("solve", {}))
    return {**default, **found} if isinstance(default, dict) and isinstance(found, dict) else found
