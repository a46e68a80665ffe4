"""The commands about settings, `init` and `config`, and where `run` takes its own from.

Invariant: what `config` prints is what a run would use.
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path

from dgm import settings
from dgm.cli.advising import typed
from dgm.cli.failing import Unable
from dgm.cli.reading import settings_environ
from dgm.config import Config, ConfigError
from dgm.text import note, out, out_json

FILE = "dgm.toml"


def load(path: Path | None, overrides: Iterable[str], benchmark: str | None = None) -> Config:
    """The settings of a command, with the limits that the benchmark in them, or else `benchmark`, recommends. Raises
    `ConfigError`."""
    from dgm.benchmarks import recommended

    return settings.load(config_file(path), settings_environ(), overrides, lambda name: recommended(benchmark or name))


def check_keys(amended: Iterable[str]) -> None:
    """Raises `ConfigError` for a key that no setting has, and so could accept no change."""
    known = [*settings.flat(settings.resolved(Config())), "benchmark", "images"]
    for key in amended:
        if key not in known:
            raise ConfigError(f"--amend {key}: no such setting{settings.suggestion(key, known)}")


def config_file(given: Path | None) -> Path | None:
    """The file that is meant: the argument, else `dgm.toml` where there is one."""
    return given or (Path(FILE) if Path(FILE).is_file() else None)


def write_template(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    except FileExistsError:
        raise Unable(f"{path} is there already: edit it, or name another folder") from None
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(settings.template())
    out(str(path))
    note(f"Every setting stands in it with its default. Next: {typed('run', str(path), '--dry-run')}")


def show_config(path: Path | None, overrides: Iterable[str], as_json: bool) -> None:
    table = settings.resolved(load(path, overrides))
    if as_json:
        out_json(table)
        return
    source = config_file(path)
    note(f"# {source or 'no file: the defaults'}, then DGM_* variables, then --set")
    for key, value in settings.flat(table).items():
        out(f"# {key} =" if value is None else f"{key} = {json.dumps(value)}")
