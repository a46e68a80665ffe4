"""The command `data`: a run, written to files for other tools.

Invariant: says of each file what is in it, and of trajectories what must not be done with them.
"""

import os
import sys
from pathlib import Path

from dgm.cli.failing import Unable
from dgm.cli.reading import archive_folder
from dgm.data import Choice, Unwritable, Written, write
from dgm.frames import MissingLibrary
from dgm.keys import secrets
from dgm.opened import open_run
from dgm.report import setting
from dgm.text import count, fold, note, out, plain


def write_data(
    to: Path,
    archive: Path | None,
    tables: str,
    roles: tuple[str, ...],
    outcomes: tuple[str, ...],
    text: bool,
    replace: bool,
) -> None:
    run = open_run(archive_folder(archive))
    models = setting(run.tree.config, "models", {}).values()
    keys = secrets(os.environ, {setting(model, "api_key_env", "") for model in models})
    try:
        found = write(run, to, Choice(roles, outcomes, text, keys), tables, replace)
    except (Unwritable, MissingLibrary) as error:
        raise Unable(str(error)) from None
    for one in found:
        out(f"{one.path}  {count(one.number, one.what)}")
        warn(one, plain(setting(run.tree.config, "run.benchmark", "")))


def warn(one: Written, benchmark: str) -> None:
    if one.redacted:
        said = f"A key of this environment was taken out of {count(one.redacted, 'line')} of {one.path}."
        note(*fold([said], 2, sys.stderr))
    if one.tasks:
        said = f"{one.path} holds the text of {count(one.tasks, 'task')} of {benchmark}: "
        note(*fold([f"{said}do not judge a model by them that was trained on it."], 2, sys.stderr))
