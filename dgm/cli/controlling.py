"""The controls of a run on the command line: driven after the search, and put beside it in words.

Invariant: that the search beats a control is said of held-out tasks alone, and only beside an interval without 0. What
is ahead on the tasks that it was chosen by has yet to be validated.
"""

import os
import sys
import time
from collections.abc import Mapping
from math import ceil
from pathlib import Path

from msgspec.structs import asdict

from dgm.cli.advising import looking
from dgm.cli.failing import CAPPED, Unable
from dgm.cli.looking import SIMULATION
from dgm.cli.reading import archive_folder, driven, open_reader
from dgm.config import Config, Control
from dgm.controls import known_agents, spent_by
from dgm.controls.standing import Arm, Beside, Controls, Repetitions, standings
from dgm.flight import End
from dgm.text import aligned, count, dollars, fold, interval, note, out, out_json, plain, points, short
from dgm.tree import Tree
from dgm.uses import read_uses
from dgm.validation import between
from dgm.verdicts import Match

TO_ADD = """--set 'run.controls=["resample", "best-of-n"]' --amend run.controls"""


def drive_controls(config: Config, search: Path) -> End:
    """Drive the controls of the finished run in `search`, and put them beside it."""
    from dgm.arms import run_controls
    from dgm.cli.driving import steered
    from dgm.run import Run

    def drive(name: Control, run: Run, folder: Path) -> End:
        note("", f"Control {name}: it may spend what the search has spent, {budget_words(open_reader(search).tree)}.")
        return steered(run, folder)

    end = End(0, "")
    for name, end in run_controls(config, search, os.environ, drive):
        note(f"Control {name}: {plain(end.reason)}.")
    tree = open_reader(search).tree
    found = standings(search, tree, time.time(), driven)
    if found is not None:
        out("", *fold(controls_lines(found, search, held_out(search, tree, found)), 13))
    if found is not None and end.code == CAPPED:
        note(*fold([cap_words(config, found, search)], 0, sys.stderr))
    elif end.code:
        note("The same command goes on from here.")
    return end


def budget_words(tree: Tree) -> str:
    spent = spent_by(tree)
    return dollars(spent.usd) if spent.usd else f"{spent.worth:,.0f} evaluations' worth"


def cap_words(config: Config, found: Controls, search: Path) -> str:
    """What would be enough: what is spent, what is left to do, and room for the worst case of the jobs at once."""
    from dgm.arms import spent_on_controls
    from dgm.replay import paid
    from dgm.run import slots_of

    each = found.search.usd
    rest = len(config.run.controls) * each - sum(min(one.standing.usd, each) for one in found.controls)
    spent = paid(search) + spent_on_controls(search)
    enough = spent + rest + slots_of(config) * config.caps.usd_per_job
    return (
        f"Stopped at a spending cap: caps.usd_per_run, {dollars(config.caps.usd_per_run)}, is for the search and its "
        f"controls together. {dollars(spent)} are spent, and {dollars(rest)} are left to do. To go on: "
        f"--set caps.usd_per_run={ceil(100 * enough) / 100:.2f} --amend caps.usd_per_run"
    )


def show_controls(archive: Path | None, as_json: bool) -> None:
    """Raises `Unable` where there are none."""
    folder = archive_folder(archive)
    tree = open_reader(archive).tree
    found = standings(folder, tree, time.time(), driven)
    if found is None:
        raise Unable(f"{folder} has no controls. To add them: the command that it was run with, and {TO_ADD}")
    fair = held_out(folder, tree, found)
    if as_json:
        out_json({**asdict(found), "held_out": fair})
    else:
        out(*fold(controls_lines(found, archive, fair), 13))


def held_out(search: Path, tree: Tree, found: Controls) -> dict[str, Match]:
    """Control to the search's best agent against the control's on held-out tasks, where both were validated."""
    if not read_uses(search):
        return {}
    ours = found.search.best
    bests = [one.best.id for one in (found.search, *(one.standing for one in found.controls)) if one.best is not None]
    agents = known_agents(search, tree, bests)
    matches = {
        one.standing.name: between(search, tree, agents[ours.id], agents[one.standing.best.id])
        for one in found.controls
        if ours is not None and one.standing.best is not None
    }
    return {name: match for name, match in matches.items() if match is not None}


# ---------------------------------------------------------------- in words


def controls_lines(found: Controls, archive: Path | None, fair: Mapping[str, Match] | None = None) -> list[str]:
    """`fair`: as `held_out` has it."""
    lines = table([found.search, *(one.standing for one in found.controls)])
    tally = found.search.tally
    if found.luck is not None and tally is not None and found.search.agents > 1:
        lines.append(
            f"luck         The best of {found.search.agents:,} agents that are all as able as the seed (rate "
            f"{found.seed_rate:.2f}) is expected to show {found.luck:.2f} on {tally.total} tasks."
        )
    for one in found.controls:
        name = one.standing.name
        lines += [
            f"{'' if number else name:<13}{words}"
            for number, words in enumerate(beside_words(one, found.search, archive, (fair or {}).get(name)))
        ]
    missing = [name for name in found.wanted if name not in {one.standing.name for one in found.controls}]
    lines += [f"{plain(name):<13}not begun: it comes after the search, by the same command" for name in missing]
    return [*lines, *([SIMULATION] if found.simulation else [])]


def table(standings: list[Arm]) -> list[str]:
    """Beside each other, in 60 columns."""
    rows = [("", "spent", "agents", "evals", "best", "solved", "90 % interval")]
    for one in standings:
        spent = dollars(one.usd) if one.usd else f"{one.worth:,.0f} ev."
        shown = ("", "", "")
        if one.best and one.tally:
            span = f"{one.tally.low:.2f} to {one.tally.high:.2f}"
            shown = (short(one.best.id), f"{one.tally.solved}/{one.tally.total}", span)
        rows.append((one.name, spent, f"{one.agents:,}", f"{one.evaluations:,}", *shown))
    return aligned(rows, gap=" ")


def beside_words(one: Beside, search: Arm, archive: Path | None, fair: Match | None) -> list[str]:
    """A sentence each."""
    said = [place_words(one)]
    if fair is not None:
        said.append(fair_words(one.standing.name, fair))
    elif one.place == "ahead":
        validate = looking(archive, "validate", *([one.champion] if one.champion else []))
        said.append(f"The best of many looks better than it is: this claims nothing before `{validate}`.")
    if one.repetitions is not None and one.place != "unfinished":
        said += repetition_words(one.repetitions, search)
    if one.differing:
        said.append(f"It was run under other settings than the search: {', '.join(one.differing)}.")
    return said


def place_words(one: Beside) -> str:
    """Where the search stands beside this control on the tasks that it searched on, and how sure that is."""
    name, at, found = one.standing.name, one.standing, one.against
    if one.place == "unfinished":
        why = f" ({plain(at.reason)})" if at.reason else ""
        return (
            f"{at.state}{why}: it has spent {at.share:.0%} of what the search has, and is compared once it is finished."
        )
    if found is None or one.place == "unknown":
        return f"The search is not known to beat {name}: no task was met by the best agents of both."
    if found.same:
        return f"The search does not beat {name}: both end with the same source, so what differs is luck."
    words = (
        f"{points(found.difference)} points on the {count(found.tasks, 'task')} that both best agents met "
        f"({found.gained} gained, {found.lost} lost), 95 % interval {interval(found.difference)}"
    )
    if one.place == "behind":
        return f"The search does not beat {name}, but falls behind it: {words}."
    if one.place == "level":
        return f"The search does not beat {name}: {words}, which leaves it open who is abler."
    return f"The search is ahead of {name} on the tasks that both were chosen by: {words}."


def fair_words(name: str, match: Match) -> str:
    verdict = {"improved": "beats", "worse": "falls behind", "undecided": "is not shown to beat"}[match.verdict]
    return (
        f"On {count(match.pairs, 'held-out task')}, by which neither was chosen, the search {verdict} {name}: "
        f"{points(match.corrected)} points, interval {interval(match.corrected)}, corrected for all comparisons there."
    )


def repetition_words(found: Repetitions, search: Arm) -> list[str]:
    most, gap = max(found.passed), found.difference
    tries = f", and {found.passed[most]:.2f} in at least one of {most} tries (pass@{most})" if most > 1 else ""
    said = [
        f"{count(found.whole, 'whole repetition')} of the seed: it solves {found.rate:.2f} of the tasks (90 % interval "
        f"{found.low:.2f} to {found.high:.2f}){tries}."
    ]
    if gap is not None:
        said.append(
            f"The best agent of the search is {points(gap)} points from that on the tasks it has met, 95 % interval "
            f"{interval(gap)}."
        )
    if found.alike and found.whole > 1:
        said.append("Every repetition had the same results: this model answers the same each time.")
    elif found.whole > 1:
        said.append(
            f"The luckiest repetition solved {found.luckiest} of {found.tasks}. Of {found.whole} equal agents the best "
            f"is expected to solve {found.expected:.1f}, where each solves {found.rate * found.tasks:.1f} on average."
        )
    if search.best and search.tally and most > 1 and not found.alike:
        rate = search.tally.solved / search.tally.total
        if found.passed[most] >= rate:
            said.append(
                f"Where something can tell which try is right, {most} tries of the seed solve no less than the best "
                f"agent of the search does at once ({rate:.2f})."
            )
    return said
