"""What a run says at its end: the best agent, whether it is better than the seed, and what all of it cost.

Invariant: a difference that may be luck is called so.
"""

import shlex
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct

from dgm import belief
from dgm.archive import LOG, NoArchive
from dgm.cli.advising import looking, program
from dgm.cli.looking import MOST, SIMULATION, agent_line, drawn, tally_line
from dgm.flight import End
from dgm.jobs import JobId, TaskId
from dgm.lineage.forest import interesting
from dgm.log import Damaged, LogReader
from dgm.policies.conclusion import Conclusion, best, concluded
from dgm.report import AgentRow, Comparison, JobRow, NoSuchAgent, attempts, compare, row, simulation, status
from dgm.text import clip, count, duration, fold, interval, note, out, plain, points, short, spent
from dgm.tree import Tree
from dgm.uses import read_uses
from dgm.validation import Validation, standing
from dgm.words import budget_words, evaluation_words, failure_words

SUSPECT = frozenset(
    (
        "probed",
        "equals-anything",
        "disguised",
        "contains",
        "shadows",
        "native",
        "altered",
        "tampered",
        "contradicted",
        "runs-at-install",
    )
)
"""The flags of a verdict that name what code does to fool its tests; honest code may do it, too."""


class Doubt(Struct, frozen=True):
    """A solved task whose verdict carries flags of `SUSPECT`."""

    task: TaskId
    job: JobId
    flags: tuple[str, ...]


class BestReport(Struct, frozen=True):
    """The best agent. `belief`: the epsilon-quantile it was chosen by. `against_seed`: None for the seed itself.
    `doubts`: the solved tasks that count, and that somebody should look at."""

    simulation: bool
    agent: AgentRow
    lineage: tuple[str, ...]
    epsilon: float
    belief: float
    agents: int
    against_seed: Comparison | None
    conclusion: Conclusion | None = None
    """Where the policy says more of it than its own tally does."""
    doubts: tuple[Doubt, ...] = ()
    held_out: int = 0
    """Tasks that `dgm validate` can compare it with the seed on."""
    validation: Validation | None = None
    """What it found out when it last did."""
    uses: int = 0
    """How often the held-out tasks were used, for whatever agents."""
    unreadable: str = ""
    """Why that cannot be told."""


def best_report(tree: Tree, folder: Path) -> BestReport:
    """Raises `NoSuchAgent` where there is none yet."""
    agent = best(tree)
    if agent is None:
        raise NoSuchAgent("there are no agents in this archive yet")
    lineage = agent.lineage()
    validation, uses, unreadable = None, 0, ""
    try:
        validation, uses = standing(folder, tree, agent), len(read_uses(folder))
    except (Damaged, NoArchive) as error:
        unreadable = str(error)  # the run itself is sound
    return BestReport(
        simulation=simulation(tree),
        agent=row(agent, agent),
        lineage=tuple(one.id for one in lineage),
        epsilon=tree.epsilon,
        belief=belief.quantile(agent.solved, agent.failed, tree.epsilon),
        agents=len(tree.agents),
        against_seed=None if agent is lineage[0] else compare(agent, lineage[0]),
        conclusion=concluded(tree),
        doubts=tuple(doubts(attempts(LogReader(folder / LOG).events(), agent.id))),
        held_out=len(tree.held_out),
        validation=validation,
        uses=uses,
        unreadable=unreadable,
    )


def doubts(jobs: Iterable[JobRow]) -> Iterator[Doubt]:
    for job in jobs:
        flags = tuple(flag for flag in job.flags if flag.partition(":")[0] in SUSPECT)
        if flags and job.outcome == "solved" and job.task:
            yield Doubt(job.task, job.id, flags)


def best_lines(found: BestReport, archive: Path | None) -> list[str]:
    """`archive`: as it was named, for what to type next."""
    agent = found.agent
    steps = " > ".join(short(one) for one in found.lineage[-12:])
    lines = [
        f"best agent   {agent_line(agent)}",
        f"             {reason(found)}",
        f"             lineage {'... > ' if len(found.lineage) > 12 else ''}{steps}",
    ]
    if found.conclusion is not None:
        lines += conclusion_lines(found.conclusion)
    if found.against_seed is None:
        lines.append("             It is the seed: no child is believed to be better yet.")
    else:
        lines += comparison_lines(found.against_seed)
        lines += validation_lines(found, archive)
    return [*lines, *doubt_lines(found, archive), *([SIMULATION] if found.simulation else [])]


def reason(found: BestReport) -> str:
    """Why it is the best one."""
    if found.conclusion is not None:
        return f"the ablest of {count(found.agents, 'agent')}, by its own results and its relatives'"
    return f"highest {found.epsilon:g}-quantile of {count(found.agents, 'agent')}: {found.belief:.2f}"


def conclusion_lines(found: Conclusion) -> list[str]:
    if found.improved:
        verdict = "By the policy's own model, that leaves out 0."
    else:
        verdict = "Undecided: the interval of the gain does not leave out 0." if found.gain else "It is the seed."
    return [
        f"expected     {found.mean:.0%} of tasks like these solved, 90 % interval {found.low:.0%} to {found.high:.0%}",
        f"             {100 * found.gain:+.0f} points beyond the seed, {100 * found.gain_low:+.0f} to "
        f"{100 * found.gain_high:+.0f}. {verdict}",
    ]


def doubt_lines(found: BestReport, archive: Path | None, most: int = 5) -> list[str]:
    if not found.doubts:
        return []
    kinds = Counter(kind for one in found.doubts for kind in {flag.partition(":")[0] for flag in one.flags})
    told = ", ".join(f"{number} {plain(kind)}" for kind, number in kinds.most_common())
    jobs = ", ".join(str(one.job) for one in found.doubts[:most]) + (", ..." if len(found.doubts) > most else "")
    return [
        f"doubts       {len(found.doubts)} of its {count(found.agent.solved, 'solved task')} may be solved by fooling "
        f"the tests, as flags say ({told}). They count as solved: read what it wrote with "
        f"`{looking(archive, 'log', 'best', '--grade', 'JOB')}`, JOB {jobs}"
    ]


def comparison_lines(found: Comparison) -> list[str]:
    if not found.tasks:
        return ["vs seed      no task was tried by both yet"]
    noise = "The interval leaves out 0, but" if found.apart else "This may be noise, and"
    return [
        f"vs seed      on the {count(found.tasks, 'task')} that both were tried on, {len(found.gained)} gained, "
        f"{len(found.lost)} lost: {points(found.difference)} points, 95 % interval {interval(found.difference)}",
        f"             best {tally_line(found.agent)}",
        f"             seed {tally_line(found.seed)}",
        f"             {noise} the best of many looks better than it is: only new tasks can tell.",
    ]


def validation_lines(found: BestReport, archive: Path | None) -> list[str]:
    """What the held-out tasks have told of it."""
    if found.unreadable:
        return [f"held out     {plain(found.unreadable)}"]
    one = found.validation
    match = one.match(found.agent.id) if one else None
    if one is None or match is None:
        used = f"; {count(found.uses, 'use')} of them compared other agents" if found.uses else ""
        tasks = count(found.held_out, "held-out task")
        hint = f"held out     not compared yet: `{looking(archive, 'validate')}` does so on {tasks}{used}"
        return [hint] if found.held_out else []
    day = time.strftime("%Y-%m-%d", time.gmtime(one.use.at))
    words = match.verdict if one.finished else "undecided, not all attempts are made"
    return [
        f"held out     {words}: {points(match.corrected)} points on {count(match.pairs, 'task')}, "
        f"{100 * match.level:.3g} % interval {interval(match.corrected)} ({day}, use {one.number} of {found.uses})"
    ]


def close(tree: Tree, folder: Path, end: End, seconds: float) -> None:
    """Print how the run ended: data on standard output, what to do next on standard error."""
    leader = best(tree)
    out("", *drawn(tree, leader, interesting(tree, leader, MOST) if len(tree.agents) > MOST else None), "")
    if leader is not None:
        out(*fold(best_lines(best_report(tree, folder), folder), 13))
    out(f"cost         {spent(tree.spent)}")
    out(
        f"time         {duration(seconds)} now, {duration(tree.last - tree.began)} from first to last event, "
        f"{duration(tree.spent.seconds)} of jobs"
    )
    now = status(tree, None, tree.last)
    out(*fold([f"budget       {words}"] if (words := budget_words(now)) else [], 13))
    out(f"evaluations  {evaluation_words(now)}; {count(len(tree.agents), 'agent')}")
    out(*fold([f"remark       {remark.words}" for remark in now.remarks], 13))
    if tree.failures:
        out(f"failures     {failure_words(dict(tree.failures))}; last: {clip(tree.last_failure, 100)}")
    note("", *advice(tree, folder, end))


def advice(tree: Tree, folder: Path, end: End) -> list[str]:
    """What to type next."""
    option = f" --archive {shlex.quote(str(folder))}"
    name = shlex.join(program())
    words = {
        0: f"Finished: {plain(end.reason)}.",
        3: f"Stopped at a spending cap: {plain(end.reason)}. To go on, raise it: --set CAP=DOLLARS --amend CAP.",
        130: f"Interrupted: {plain(end.reason)}. The same command goes on from here.",
    }
    lines = [words.get(end.code, f"Stopped: {plain(end.reason)}. The same command goes on from here.")]
    leader = best(tree)
    first = ("diff best", "what the best agent changed") if leader and leader.parent else ("tree     ", "the lineage")
    return [
        *lines,
        f"Next: {name} {first[0]}{option}         {first[1]}",
        f"      {name} show best{option}         its tasks, one by one",
        f"      {name} export best DIR{option}   its source, ready to use",
    ]
