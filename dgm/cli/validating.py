"""`validate`: agents on the held-out tasks, and in words what that says of them.

Invariant: a gain or a loss is only called so beside an interval that leaves out 0, and that was corrected for all that
was looked at; a use of held-out tasks is on record before it is begun.
"""

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from dgm.archive import Reader
from dgm.benchmarks import open_benchmark
from dgm.clade import Agent
from dgm.cli.failing import CAPPED, Unable, leave
from dgm.cli.looking import SIMULATION
from dgm.cli.reading import archive_folder, driven, open_reader
from dgm.controls import agent_of, known_agents, source_of
from dgm.flight import End
from dgm.jobs import AgentId
from dgm.policies.conclusion import best
from dgm.report import NoSuchAgent
from dgm.settings import build, own
from dgm.statistics import LEVEL
from dgm.text import clip, count, fold, interval, note, out, out_json, plain, points, short
from dgm.trust import insist
from dgm.uses import FOLDER, Use, continued, read_uses, record, using
from dgm.validation import Claim, Validation, claims, folder_of, validated
from dgm.verdicts import Match, Score

if TYPE_CHECKING:
    from dgm.run import Run

DAY = "%Y-%m-%d"
NO_TASKS = (
    "this run has no held-out tasks, so nothing here could tell luck from a gain. A new run sets some aside with "
    "`--set run.held_out=N`; this one takes tasks that it has never met with `dgm run --set run.held_out=NAMES --amend "
    "run.held_out`, if its benchmark has any"
)


class Report(Struct, frozen=True):
    """`champion`: the best agent now. `running`: whether the run goes on, so that it may change; None: unknown."""

    champion: AgentId
    validation: Validation
    claims: tuple[Claim, ...]
    running: bool | None


def validate(
    names: Sequence[str], archive: Path | None, repeats: int, usd: float | None, trusted: bool, as_json: bool
) -> None:
    """`trusted`: as in `dgm.trust.insist`. Ends the process with the code of what came to an end, unless that is 0."""
    folder = archive_folder(archive)
    reader = open_reader(archive)
    tree = reader.tree
    use = wanted(reader, names, repeats)
    champion = use.champion
    with using(folder):
        use = continued(read_uses(folder), use)
        end = attempted(reader, use, usd, trusted)
    found = validated(folder, tree, use, read_uses(folder))
    told = claims(tree, tree.agents[champion], tree.agents[use.baseline], found) if champion in use.rivals else []
    report = Report(champion, found, tuple(told), driven(folder))
    if as_json:
        out_json(report)
    else:
        out(*fold(report_lines(report, known_agents(folder, tree, (use.baseline, *use.rivals))), 13))
    if end.code:
        more = "with a larger --usd " if end.code == CAPPED else ""
        note(f"dgm: {plain(end.reason)}; {more}the same command goes on from here")
        leave(end.code)


def wanted(reader: Reader, names: Sequence[str], repeats: int) -> Use:
    """The use that is asked for. Raises `NoSuchAgent`, `Unable`, `ConfigError`."""
    tree = reader.tree
    champion = best(tree)
    if champion is None:
        raise NoSuchAgent("there are no agents in this archive yet")
    rivals = [champion, *(agent_of(reader, name) for name in names)]
    if not tree.held_out:
        raise Unable(NO_TASKS)
    baseline = champion.lineage()[0]
    sources = {rival.digest: rival.id for rival in reversed(rivals) if rival.digest != baseline.digest}
    ids = tuple(dict.fromkeys(rival.id for rival in rivals if sources.get(rival.digest) == rival.id))
    if not ids:
        raise Unable("the best agent still has the seed's source, and nothing to be compared with; name another agent")
    config = build(own(tree.config))
    benchmark = open_benchmark(config.run.benchmark, config.grading)
    key = folder_of(config, benchmark.version, tree.held_out)
    return Use(time.time(), baseline.id, champion.id, ids, repeats, tree.held_out, key)


def attempted(reader: Reader, use: Use, usd: float | None, trusted: bool) -> End:
    """Let the agents of `use` attempt all that they have not attempted yet, for at most `usd` dollars in its folder.

    It is on record once the machine has proved fit for it, and before the first attempt.
    """
    so_far = validated(reader.path, reader.tree, use, read_uses(reader.path), needs=False)
    if so_far.finished:
        record(reader.path, use)
        return End(0, "")
    from dgm.cli.driving import open_more_files, steered
    from dgm.replay import measure

    insist(own(reader.tree.config), trusted)
    config = build(own(reader.tree.config))
    config = msgspec.structs.replace(config, run=msgspec.structs.replace(config.run, controls=()))
    open_more_files()
    agents = {id: source_of(reader, id) for id in (use.baseline, *use.rivals)}
    attempts = len(agents) * len(use.tasks) * use.repeats
    note(
        f"{count(len(agents), 'agent')}, {count(len(use.tasks), 'held-out task')}, "
        f"{count(use.repeats, 'attempt')} each: {attempts:,} in all. {visible_words(so_far)}"
    )

    def drive(run: "Run", folder: Path) -> End:
        record(reader.path, use)
        return steered(run, folder)

    measured = measure(
        agents, use.tasks, config, reader.path / FOLDER / use.folder, os.environ, use.repeats, usd, drive
    )
    for name, why in {name: why for one in measured for name, why in one.left_out.items()}.items():
        note(f"{short(name)} does not work here, and has no verdicts: {plain(why)}")
    return next((one.end for one in measured if one.end.code), End(0, ""))


# ---------------------------------------------------------------- in words


def report_lines(report: Report, agents: dict[str, Agent]) -> list[str]:
    found = report.validation
    lines = [f"held out     {use_line(found)}"]
    for score in found.scores:
        lines.append(
            f"{role(score.agent, report):<13}{score_line(score)}  {clip(agents[score.agent].summary, 60)}".rstrip()
        )
        if match := found.match(score.agent):
            lines += [f"             {words}" for words in match_lines(match, found)]
    lines += claim_lines(report.claims)
    lines += [f"remark       {words}" for words in remarks(report)]
    for match in found.matches:
        name = f"{short(match.agent)}  " if len(found.matches) > 1 else ""
        lines.append(f"verdict      {name}{verdict_words(match, found)}")
    needed = [match.needed for match in found.matches if match.needed and match.verdict == "undecided"]
    if needed and found.finished:
        lines.append(
            f"power        {visible_words(found)} To see 5 points, with as many that differ as here, takes some "
            f"{max(needed):,} tasks."
        )
    return [*lines, *([SIMULATION] if found.simulation else [])]


def role(agent: AgentId, report: Report) -> str:
    if agent == report.validation.use.baseline:
        return "seed"
    return "champion" if agent == report.champion else "rival"


def use_line(found: Validation) -> str:
    use = found.use
    tries = f", {use.repeats} attempts at each" if use.repeats > 1 else ""
    times = "the first use of them" if found.number == 1 else f"use {found.number} of them"
    return f"{count(len(use.tasks), 'task')}{tries}; {times}, begun {time.strftime(DAY, time.gmtime(use.at))}"


def score_line(score: Score) -> str:
    if not score.tasks:
        return f"{short(score.agent)}  no verdict yet"
    return (
        f"{short(score.agent)}  {score.solved:.4g} of {score.tasks} solved "
        f"(rate {score.rate:.2f}, 95 % interval {score.low:.2f} to {score.high:.2f})"
    )


def match_lines(match: Match, found: Validation) -> list[str]:
    """What is said of a comparison, below its agent."""
    if not match.pairs:
        return ["no task has a verdict for both yet"]
    lines = [
        f"{len(match.gained)} gained, {len(match.lost)} lost, {match.same} alike: {points(match.difference)} points, "
        f"95 % interval {interval(match.difference)}; p = {match.p:.2g}"
    ]
    others = len(found.matches) + found.before - 1
    if others:
        lines.append(
            f"corrected for {count(others, 'other comparison')}: interval {interval(match.corrected)}; "
            f"p = {match.adjusted:.2g}"
        )
    if match.unpaired and found.finished:
        lines.append(f"{count(len(match.unpaired), 'task')} left out, without a verdict for one or both")
    return lines


def claim_lines(told: Sequence[Claim]) -> list[str]:
    """What the search said, what is left of it, and what the held-out tasks say."""
    if not told:
        return []
    lines = ["champion     rate              gain in points   by"]
    for claim in told:
        one = claim.agent
        rate = f"{one.rate:.2f} ({one.low:.2f}-{one.high:.2f})"
        gain = f"{points(claim.gain)} ({interval(claim.gain)})"
        level = f", {100 * claim.level:.3g} % interval" if claim.level != LEVEL else ""
        lines.append(f"             {rate:<18}{gain:<17}{claim.source}{level}")
    return lines


def visible_words(found: Validation) -> str:
    tasks = count(len(found.use.tasks) - len(found.unfit), "task")
    if found.visible is None:
        return f"{tasks} cannot show any difference, however large it is."
    return f"At best, {tasks} show a gain of {100 * found.visible:.0f} points with a chance of 80 %."


def remarks(report: Report) -> list[str]:
    found = report.validation
    said = []
    if found.unfit:
        said.append(f"{count(len(found.unfit), 'task')} cannot be trusted on this machine, and do not count")
    if missing := sum(score.missing for score in found.scores):
        why = "failed for reasons that are not the agents'" if found.finished else "are not made yet"
        said.append(f"{count(missing, 'attempt')} {why}, and count for nothing")
    if found.use.repeats > 1 and found.finished and not found.varied:
        said.append("The repeats never differed, so they say nothing that one attempt does not")
    if found.number > 1:
        others = count(found.before, "other comparison")
        corrected = f": intervals and p-values are corrected for {others} made then, too" if found.before else ""
        said.append(
            f"These tasks were looked at before, in {count(found.number - 1, 'use')}{corrected}. Nothing corrects for "
            "an agent or a setting that was chosen by what they have shown: that takes fresh tasks"
        )
    if report.running:
        said.append("The run goes on: its best agent may change")
    return said


def verdict_words(match: Match, found: Validation) -> str:
    """One word, and why."""
    if not found.finished:
        return "undecided: not all attempts are made"
    if match.verdict == "undecided":
        return "undecided: the interval of the difference holds 0"
    return f"{match.verdict}: {interval(match.corrected)} of 100 tasks like these, against the seed"
