"""The settings of a run, with their defaults. `dgm.settings` reads them from files.

Invariant: a `Config` holds no secret, only the names of environment variables that do, so it can be logged as it is.
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct

from dgm.protocols import Limits


class ConfigError(ValueError):
    """A setting that is unknown, malformed or contradictory. The text names it and says what is allowed."""


Control = Literal["resample", "best-of-n"]


class Section(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the file."""


class RunConfig(Section, frozen=True):
    """The table `[run]`."""

    seed: str = "minimal"
    """The seed agent: a folder of `agents_seed/`, or the path of a folder that fulfils the agent contract."""
    benchmark: str = "starter"
    """A folder of `benchmarks/`, or the path of a folder with a `benchmark.toml`."""
    tasks: int | tuple[str, ...] = 0
    """The tasks that count: their ids, or how many to draw; 0 means all."""
    subset: str = ""
    """Draw only from these tasks: the name of a file in the benchmark's folder `subsets/`, or the path of such a file,
    with the id of a task on each line. Empty: from all tasks."""
    sample: Literal["random", "stratified"] = "random"
    """How to draw: each task as likely as any other, or of each group (language, repository, difficulty) its
    share."""
    held_out: int | str | tuple[str, ...] = 0
    """Tasks to set aside, which nothing in the run ever touches, for a fair look at the result afterwards: how many to
    draw, their ids, or the name or path of a subset."""
    unprepared: bool = False
    """Let tasks count that `dgm prepare` has not looked at on this machine."""
    evaluations: int = 120
    """The budget B: how many (agent, task) pairs are evaluated in all."""
    slots: int = 0
    """How many jobs run at once; 0 means one a core."""
    random_seed: int = 0
    """Every choice of the run is drawn from this number and the log."""
    cache: bool = True
    """Take verdicts that a run on this machine has paid for already, on the same terms, and keep those of this one.
    What the simulated model or a recording does is free and never kept."""
    repeat: int = 0
    """Another number is another repetition: it takes only verdicts with the same number, so the rest is paid anew."""
    controls: tuple[Control, ...] = ()
    """What to compare the search with: after it, each of these spends what it has spent, all under one cap. `resample`:
    the seed again and again; `best-of-n`: independent rewrites of the seed. Nothing is taken from the cache then."""
    pause_hours: float = 12.0
    """While the model or the sandbox keeps failing, the run waits; after this long it stops and can be resumed."""


class PolicyConfig(Section, frozen=True):
    """The table `[policy]`."""

    name: str = "hgm"
    """One of ours (`dgm simulate --list` names them), or the dotted path of a function (budget, PolicyConfig) ->
    policy."""
    alpha: float = 0.6
    """Widening: expand while (evaluations)^alpha >= agents, failed expansions and those under way counted."""
    seed_evaluations: int = 10
    """The seed is evaluated on this many tasks before anything else, so that its first children have evidence."""
    warm_start: int = 5
    """Then the seed is expanded this often before the search begins."""
    cooling: bool = True
    """Sharpen the draws as the budget runs out: tau = B / b."""
    epsilon: float = 0.05
    """The best agent is the one with the highest epsilon-quantile of its Beta posterior."""
    expansion_cost: float = 5.0
    """What an expansion is expected to cost, in evaluations, until the run has measured it."""
    under_way: float = 0.05
    """RACE begins no job while those under way are more than this share of the work done: more of them would be done
    sooner and find less, however many slots there are (docs/race.md)."""
    stop: Literal["", "no-gain"] = ""
    """`no-gain`: end the run before its budget is spent, once it is unlikely that what is left of it finds anything
    better. `--amend policy.stop` switches it off again, and the run goes on."""
    stop_gain: float = 0.02
    """The smallest gain in the success rate that is worth going on for;"""
    stop_chance: float = 0.05
    """a chance of it that is smaller than this ends the run. By a model, so a landscape that deceives it ends too
    soon."""
    usd: float = 0.0
    """Begin no more jobs once evaluations and expansions have cost this many dollars, whatever is left of the budget of
    evaluations; 0: no such end. Unlike a cap it is spent to the end, so the last job may pass it."""
    patience: int = 3
    """Failures in a row before an agent is not expanded again, or a task not tried again by the same agent."""


class ModelConfig(Section, frozen=True):
    """One model: a table below `[models]`."""

    name: str = "scripted"
    """`scripted` (a simulation, no key, no cost), a litellm name such as `openai/gpt-4.1-mini`, or `replay:FILE`."""
    api_base: str = ""
    """The provider's address, where it is not the usual one."""
    api_key_env: str = ""
    """The name of the environment variable that holds the key. The key itself never stands in a file."""
    usd_per_million_in: float | None = None
    """The price of a million input tokens; needed where litellm does not know the model."""
    usd_per_million_out: float | None = None
    """The price of a million output tokens."""
    max_tokens: int = 4096
    """More output tokens than this per call are never asked for."""
    seconds_per_call: float = 300.0
    """Retries included, a call to the provider takes no longer."""
    extra: dict[str, Any] = {}
    """Further parameters of each request, such as `temperature`."""
    record: str = ""
    """A file to keep all requests and replies in, byte for byte, for `replay:FILE`."""


Role = Literal["solve", "improve", "diagnose"]
ROLES: tuple[Role, ...] = ("solve", "improve", "diagnose")


class CapsConfig(Section, frozen=True):
    """The table `[caps]`."""

    usd_per_call: float = 1.0
    usd_per_job: float = 5.0
    usd_per_agent: float = 200.0
    """All that an agent causes: its evaluations and the expansions of it."""
    usd_per_run: float = 20.0
    calls_per_job: int = 200


class SandboxConfig(Section, frozen=True):
    """The table `[sandbox]`."""

    kind: Literal["auto", "docker", "local"] = "auto"
    """`auto`: Docker where an engine answers, else local, which only the simulated model may use."""
    image: str = "python:3.11-slim"
    """The image of tasks that name none; it has a Python 3."""
    python: str = "python3"
    """The interpreter that agents are started with inside an image."""
    runtime: str = ""
    """An OCI runtime other than the engine's default, such as `runsc`."""
    images_gb: float = 100.0
    """What the images that dgm pulls, and those that it derives from images, may take in all, in GB; the longest unused
    ones are removed, and had again when they are needed. Images of others are never removed."""
    free_gb: float = 5.0
    """So much of the engine's disk stays free, in GB."""
    build_args: dict[str, str] = {}
    """Arguments for the Dockerfiles of benchmarks, such as the address of a mirror; no secrets."""
    build_network: str = ""
    """The network in which `dgm prepare` builds images, such as `host`; the engine's default if empty."""
    local_with_real_models: bool = False
    """Let agents of a real model run without a container, with your rights. Say yes only on a machine to lose."""


class Config(Section, frozen=True):
    """All settings of a run."""

    run: RunConfig = RunConfig()
    """What to grow, and how much of it."""
    policy: PolicyConfig = PolicyConfig()
    """How to choose. The defaults are those of the Huxley-Gödel Machine (arXiv 2510.21614)."""
    models: dict[str, ModelConfig] = {}
    """[models.default] serves all roles; [models.solve], [models.improve] and [models.diagnose] override keys of it."""
    caps: CapsConfig = CapsConfig()
    """Spending caps in dollars, enforced before a call is made: the worst case is reserved first."""
    sandbox: SandboxConfig = SandboxConfig()
    """Where untrusted code runs."""
    attempt: Limits = Limits()
    """What an agent may use on a task."""
    expansion: Limits = Limits(seconds=1800.0)
    """What an agent may use to write a child."""
    grading: Limits = Limits(seconds=300.0)
    """What the hidden tests may use."""

    def model(self, role: Role) -> ModelConfig:
        return self.models.get(role) or self.models.get("default") or ModelConfig()

    @property
    def simulated(self) -> bool:
        """Whether all models are the scripted one, so that results are a simulation."""
        return all(self.model(role).name == "scripted" for role in ROLES)


def misfit(config: Mapping[str, Any]) -> str:
    """What of `config`, as a log keeps it, is no setting of its kind; empty if nothing. Settings that there are none of
    by now, and words that meant something once, are let through."""
    sections: dict[str, tuple[Any, type[Struct]]] = {
        field.name: (config.get(field.name, {}), field.type)
        for field in msgspec.structs.fields(Config)
        if field.name != "models"
    }
    models = config.get("models", {})
    if not isinstance(models, dict):
        return "models"
    sections |= {f"models.{role}": (model, ModelConfig) for role, model in models.items()}
    for name, (section, kind) in sections.items():
        if not isinstance(section, dict):
            return name
        for field in msgspec.structs.fields(kind):
            value = section.get(field.name)
            try:
                msgspec.convert(value, field.type)
            except msgspec.ValidationError:
                if value is not None and not (isinstance(value, str) and isinstance(field.default, str)):
                    return f"{name}.{field.name}"
    return ""
