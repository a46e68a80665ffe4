"""`dgm doctor --attack`: the known attacks, made on this machine under these settings.

Invariant: one line a case, as it ends; the exit code says whether any attack got what it should not.
"""

import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from dgm.cli.failing import UNFIT
from dgm.text import count, note, out, out_json, plain, styled

if TYPE_CHECKING:
    from dgm.attacks import Defence

STYLE = {"held": "green", "remains": "yellow", "FAILED": "red", "not tried": "dim"}


def attack_machine(path: Path | None, overrides: list[str], as_json: bool) -> None:
    """Exits with `UNFIT` where an attack succeeded. Raises `SandboxFault` where none can be made."""
    from dgm.attacks import attack
    from dgm.cli import setting

    tell(attack(setting.load(path, overrides).sandbox), as_json)


def tell(defences: Iterable["Defence"], as_json: bool) -> None:
    found = []
    for defence in defences:
        found.append(defence)
        if not as_json:
            known = f"{defence.expected.removeprefix('remains: ')}; " if defence.result == "remains" else ""
            said = plain(known + defence.found)
            out(f"{styled(f'{defence.result:<9}', STYLE[defence.result])}  {defence.name:<42} {said}".rstrip())
            sys.stdout.flush()
    results: Counter[str] = Counter(defence.result for defence in found)
    if as_json:
        out_json({"held": not results["FAILED"], "cases": found})
    else:
        told = ", ".join(f"{results[result]} {result}" for result in STYLE if results[result])
        out(f"{count(len(found), 'case')}: {told}.")
    if results["FAILED"]:
        sys.stdout.flush()
        note(f"dgm: {count(results['FAILED'], 'attack')} got through: do not run agents of a real model like this.")
        sys.exit(UNFIT)
