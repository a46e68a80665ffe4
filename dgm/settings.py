"""Where settings come from: one strict TOML file, `DGM_*` environment variables and the command line, later ones win.

Invariant: a setting that is not understood is an error that names it, never a default in silence.
"""

import ast
import inspect
import json
import shlex
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Struct

from dgm import config as schema
from dgm import protocols
from dgm.config import ROLES, Config, ConfigError, ModelConfig
from dgm.files import FilesLimit

PREFIX = "DGM_"
NO_SETTINGS = ("DGM_CACHE",)
"""Variables that look like settings, and say something about the machine instead."""
LIMITS = {name: msgspec.to_builtins(getattr(Config(), name)) for name in ("attempt", "expansion", "grading")}
MODELS = ("default", *ROLES)
LONG = 100
"""Characters of a setting's value that are repeated at most."""
Table = dict[str, Any]


def load(
    path: Path | None,
    environ: Mapping[str, str],
    overrides: Iterable[str] = (),
    recommended: Callable[[str], Mapping[str, Table]] = lambda benchmark: {},
) -> Config:
    """The settings of the file at `path` (None: the defaults), the environment, and `section.key=value` overrides.

    Raises `ConfigError`, also for a file that cannot be read.
    """
    return layered({} if path is None else read(path), environ, overrides, recommended)


def read(path: Path) -> Table:
    """What stands in a file of settings, unchecked. Raises `ConfigError`."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        advice = "; `dgm init` writes a new dgm.toml" if isinstance(error, FileNotFoundError) else ""
        raise ConfigError(f"{path} cannot be read: {error.strerror}{advice}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} cannot be read as TOML: {error}") from error


def layered(
    table: Table,
    environ: Mapping[str, str],
    overrides: Iterable[str] = (),
    recommended: Callable[[str], Mapping[str, Table]] = lambda benchmark: {},
) -> Config:
    """The settings in `table`, which is changed by it, the environment, and the overrides, later ones winning.

    `recommended`: sections of settings for a benchmark, which stand in for what was set nowhere.

    Raises `ConfigError`.
    """
    for name, value in sorted(environ.items()):
        if name.startswith(PREFIX) and name not in NO_SETTINGS:
            put(table, key_of(name), value)
    for override in overrides:
        key, equals, value = override.partition("=")
        if not equals:
            raise ConfigError(f"{override!r} is not of the form section.key=value")
        put(table, key.strip(), value.strip())
    run = table.get("run")
    benchmark = run.get("benchmark") if isinstance(run, dict) else None
    for section, values in recommended(str(benchmark or Config().run.benchmark)).items():
        if isinstance(given := table.setdefault(section, {}), dict):
            table[section] = {**values, **given}
    return build(table)


def own(recorded: Table) -> Table:
    """The settings in a log, without what an import has put beside them."""
    return {section: table for section, table in recorded.items() if section != "imported"}


def build(table: Table) -> Config:
    """Check `table` and turn it into a `Config`. Raises `ConfigError`."""
    for key in unknown(table):
        raise ConfigError(f"unknown setting `{key}`{suggestion(key, list(all_keys()))}")
    models = table.get("models", {})
    if not isinstance(models, dict) or not all(isinstance(model, dict) for model in models.values()):
        raise ConfigError(
            "`models` holds tables: [models.default], [models.solve], [models.improve], [models.diagnose]"
        )
    for section, default in LIMITS.items():  # a table with one limit leaves the others as they are
        if isinstance(given := table.get(section), dict):
            table = {**table, section: {**default, **given}}
    merged = {name: {**models.get("default", {}), **model} for name, model in models.items()}
    try:
        config = msgspec.convert({**table, "models": merged}, Config)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at ")
        raise ConfigError(f"setting {where.replace('$.', '') or 'file'}: {what}") from error
    check(config)
    return config


def check(config: Config) -> None:
    """Raises `ConfigError` for values that no run can have."""
    rules = {
        "run.evaluations must be at least 1": config.run.evaluations >= 1,
        "run.slots must be at least 0": config.run.slots >= 0,
        "run.random_seed must be at least 0": config.run.random_seed >= 0,
        "run.repeat must be at least 0": config.run.repeat >= 0,
        "policy.alpha must lie between 0 and 1": 0 < config.policy.alpha <= 1,
        "policy.epsilon must lie between 0 and 1": 0 < config.policy.epsilon < 1,
        "policy.stop_gain and policy.stop_chance must lie between 0 and 1": 0 < config.policy.stop_gain < 1
        and 0 < config.policy.stop_chance < 1,
        "policy.patience must be at least 1": config.policy.patience >= 1,
        "policy.usd must not be negative": config.policy.usd >= 0,
        "run.controls must name each control once": len(set(config.run.controls)) == len(config.run.controls),
        "api_key_env is the name of an environment variable, never the key itself": all(
            model.api_key_env.isidentifier() for model in config.models.values() if model.api_key_env
        ),
        f"take_bytes must be at most {FilesLimit().bytes:,} and take_files at most {FilesLimit().files:,}": all(
            limits.take_bytes <= FilesLimit().bytes and limits.take_files <= FilesLimit().files
            for limits in (config.attempt, config.expansion, config.grading)
        ),
        "sandbox.images_gb must be positive, sandbox.free_gb must not be negative": config.sandbox.images_gb > 0
        and config.sandbox.free_gb >= 0,
        "caps must not be negative": all(cap >= 0 for cap in msgspec.structs.astuple(config.caps)),
        protocols.POSSIBLE: all(limits.possible for limits in (config.attempt, config.expansion, config.grading)),
    }
    for rule, kept in rules.items():
        if not kept:
            raise ConfigError(rule)


def put(table: Table, key: str, value: str) -> None:
    """Set the dotted `key` to `value`, read as TOML where it is that, else as a plain string."""
    try:
        parsed = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        parsed = value
    *sections, last = key.split(".")
    for section in sections:
        table = table.setdefault(section, {})
        if not isinstance(table, dict):
            raise ConfigError(f"`{key}` is below `{section}`, which is not a table")
    table[last] = parsed


def key_of(name: str) -> str:
    """The setting that the environment variable `name` stands for: `DGM_RUN_SLOTS` is `run.slots`."""
    known = {variable(key): key for key in all_keys()}
    if name not in known:
        raise ConfigError(f"unknown environment variable {name}{suggestion(name, list(known))}")
    return known[name]


def variable(key: str) -> str:
    return PREFIX + key.upper().replace(".", "_")


def all_keys() -> Iterator[str]:
    """All settings as dotted keys."""
    for name, kind in get_type_hints(Config).items():
        if name == "models":
            yield from (f"models.{model}.{field}" for model in MODELS for field in ModelConfig.__struct_fields__)
        else:
            yield from (f"{name}.{field}" for field in kind.__struct_fields__)


def unknown(table: Table) -> Iterator[str]:
    """The dotted keys of `table` that are no settings."""
    known = set(all_keys())
    free = {key for key in known if key.endswith((".extra", ".build_args"))}
    for key in flat(table):
        if key not in known and not any(key.startswith(prefix + ".") for prefix in free) and not heads(key, known):
            yield key


def heads(key: str, known: set[str]) -> bool:
    """Whether `key` is a section, given as something else than a table; its type is reported instead."""
    return any(other.startswith(key + ".") for other in known)


def flat(table: Mapping[str, Any], above: str = "") -> Table:
    """Dotted key to value, for all that is not a table itself, and for empty tables."""
    found: Table = {}
    for name, value in table.items():
        key = f"{above}{name}"
        if isinstance(value, Mapping) and value:
            found |= flat(value, key + ".")
        elif not isinstance(value, Mapping):
            found[key] = value
    return found


def resolved(config: Config) -> Table:
    """`config` as the log keeps it: every default written out, a table of its own for the model of every role."""
    table: Table = msgspec.to_builtins(config)
    table["models"] = {role: msgspec.to_builtins(config.model(role)) for role in ROLES}
    read: Table = msgspec.json.decode(msgspec.json.encode(table))  # a log has no tuples
    return read


def differences(old: Table, new: Table) -> list[str]:
    """The dotted keys in which two resolved configurations differ, sorted. What is missing has its default."""
    defaults = flat(resolved(Config()))
    before, after = defaults | flat(old), defaults | flat(new)
    return sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))


def refusal(old: Table, keys: Iterable[str]) -> str:
    """What to do where `keys` differ from those of a log, `old`. What is too long, or no setting, is only named."""
    values, keys = flat(resolved(Config())) | flat(old), list(keys)
    told = {key: value if isinstance(value := values.get(key), str) else json.dumps(value) for key in keys}
    before = " ".join(
        f"--set {shlex.quote(f'{key}={word}')}" if key in values and len(word) <= LONG else f"({key} as it was)"
        for key, word in told.items()
    )
    opened = "run.held_out" in keys and bool(values["run.held_out"])
    return (
        f"this archive was made with other settings, which differ in {', '.join(keys)}. To go on with the old ones: "
        f"{before}. To change them: {' '.join(f'--amend {key}' for key in keys)}. Or start a new archive"
        + ". With run.held_out changed, tasks that were held out may be searched: nothing can prove a gain on them then"
        * opened
    )


def suggestion(word: str, known: list[str]) -> str:
    close = get_close_matches(word, known, n=1, cutoff=0.6)
    return f"; did you mean `{close[0]}`?" if close else ""


# ---------------------------------------------------------------- the commented file


def template() -> str:
    """A configuration file with every setting at its default, each with what it means, ready to be edited."""
    lines = [
        "# Settings of a dgm run. Everything here is a default: keep what you change, drop the rest.",
        "# Precedence: command line (--set section.key=value) > DGM_SECTION_KEY > this file.",
        "# Secrets never stand here, only the names of the environment variables that hold them.",
    ]
    for name, kind in get_type_hints(Config).items():
        if get_origin(kind) is dict:
            name, kind = "models.default", get_args(kind)[1]
        lines += ["", *comment(meaning(Config, name.split(".")[0])), f"[{name}]"]
        default = getattr(Config(), name, None) or kind()
        for field in kind.__struct_fields__:
            # A benchmark may recommend other limits, which hold where none are set.
            mark = "# " if kind is protocols.Limits else ""
            lines += [*comment(meaning(kind, field)), mark + setting(field, getattr(default, field))]
    return "\n".join(lines) + "\n"


def setting(name: str, value: object) -> str:
    """One line of TOML; a value that TOML has no word for is commented out."""
    if value is None:
        return f"# {name} ="
    if isinstance(value, dict):
        return f"{name} = {{}}"
    return f"{name} = {json.dumps(value)}"


def comment(text: str) -> list[str]:
    return [f"# {line.strip()}" for line in text.splitlines() if line.strip()]


def meaning(kind: type[Struct], field: str) -> str:
    """The docstring below a field of `kind` in the source: the one place where settings are documented."""
    return documented(kind).get(field, "")


def documented(kind: type[Struct]) -> dict[str, str]:
    module = protocols if kind.__module__ == protocols.__name__ else schema
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.ClassDef) and node.name == kind.__name__:
            pairs = zip(node.body, node.body[1:], strict=False)
            return {
                field.target.id: str(text.value.value)
                for field, text in pairs
                if isinstance(field, ast.AnnAssign)
                and isinstance(field.target, ast.Name)
                and isinstance(text, ast.Expr)
                and isinstance(text.value, ast.Constant)
            }
    return {}
