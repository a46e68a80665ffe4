"""The commands that look for faults: `check` in an archive, `doctor` in the machine.

Invariant: the exit code says whether anything is wrong, the lines say what to do.
"""

import os
import shlex
import sys
from pathlib import Path

from dgm.cli.failing import DAMAGED, UNFIT
from dgm.cli.reading import archive_folder
from dgm.text import count, fold, note, out, out_json, plain, styled

STYLE = {"ok": "green", "warn": "yellow", "fail": "red", "damage": "red", "lost": "red", "mended": "yellow"}


def check_archive(archive: Path | None, repair: bool, as_json: bool) -> None:
    """Exits with `DAMAGED` where something is wrong and was not mended."""
    from dgm import check

    folder = archive_folder(archive)
    found = check.repair(folder) if repair else []
    left = check.check(folder)
    damaged = any(one.level == "damage" for one in left)
    if as_json:
        out_json({"damaged": damaged, "repaired": found, "findings": left})
    else:
        for one in [*found, *left]:
            out(f"{styled(f'{one.level:<7}', STYLE.get(one.level, 'dim'))} {plain(one.text)}")
        if not damaged:
            out(f"{folder}: log, git and artifacts agree.")
    if damaged:
        sys.stdout.flush()
        command = f"`dgm check --repair --archive {shlex.quote(str(folder))}`"
        advice = "what is left cannot be mended: restore a copy" if repair else f"{command} mends what it can"
        note(f"dgm: {folder} is damaged; {advice}.")
        sys.exit(DAMAGED)


def examine_machine(path: Path | None, overrides: list[str], archive: Path | None, call: bool, as_json: bool) -> None:
    """Exits with `UNFIT` where a run is not possible."""
    from dgm.cli import setting
    from dgm.doctor import examine

    config = setting.load(path, overrides)
    found = []
    for check in examine(config, archive_folder(archive), os.environ, call):
        found.append(check)
        if not as_json:
            lines = [f"{styled(f'{check.level:<4}', STYLE[check.level])}  {check.name:<20} {plain(check.found)}"]
            lines += [f"{'':<27}{plain(check.advice)}"] if check.advice else []
            out(*fold(lines, 27))
            sys.stdout.flush()
    failed = sum(check.level == "fail" for check in found)
    if as_json:
        out_json({"fit": not failed, "checks": found})
    if failed:
        sys.stdout.flush()
        note(f"dgm: this machine is not fit for such a run: {count(failed, 'check')} failed.")
        sys.exit(UNFIT)
