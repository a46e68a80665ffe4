"""`explain` in words: a choice, and the choices that led to an agent.

Invariant: a choice that does not come out as it was recorded is said to be so before anything else is said of it.
"""

from datetime import UTC, datetime
from pathlib import Path

from dgm import explain
from dgm.archive import LOG
from dgm.cli.advising import looking
from dgm.cli.failing import Unable
from dgm.cli.looking import SIMULATION
from dgm.cli.reading import open_reader
from dgm.cli.retracing import INDENT, job_words, mended, named
from dgm.explain import AgentChoices, Candidate, Choice, Comparison, Standing
from dgm.jobs import JobId
from dgm.log import LogReader
from dgm.report import SHORTEST, NoSuchAgent, find, kind, simulation
from dgm.text import aligned, clip, count, fold, note, out, out_json, plain, short, styled
from dgm.tree import Tree

CHANCES = 5
"""Agents whose chances are shown."""


def show_explanation(name: str | None, archive: Path | None, as_json: bool, redraws: int, policy: str) -> None:
    reader = open_reader(archive)
    tree = reader.tree
    log = LogReader(reader.path / LOG)
    named(log.path, policy)
    job = job_of(tree, name)
    if job is not None:
        found = explain.explain(log.events(), job.__eq__, lambda _: redraws, policy)
        if not found:
            raise Unable(f"no job {job} was started in this log, which ends with job {tree.next_job - 1}")
        report: Choice | AgentChoices = found[0]
    else:
        report = explain.of_agent(log.events(), find(tree, name or ""), redraws, policy)
    if as_json:
        out_json({"simulation": simulation(tree), **explained_json(report)})
        return
    lines = choice_lines(report) if isinstance(report, Choice) else agent_lines(report)
    if any(choice.same is False for choice in choices_of(report)):
        lines += mended(reader)
    out(*fold([*lines, *([SIMULATION] if simulation(tree) else [])], INDENT))
    if isinstance(report, AgentChoices):
        note(f"`{looking(archive, 'explain', 'JOB')}` tells more of any of these jobs.")


def choices_of(report: Choice | AgentChoices) -> list[Choice]:
    if isinstance(report, Choice):
        return [report]
    return [*([report.birth] if report.birth else []), *report.ancestors, *report.evaluations]


def explained_json(report: Choice | AgentChoices) -> dict[str, object]:
    return {"choice": report} if isinstance(report, Choice) else {"choices": report}


def job_of(tree: Tree, name: str | None) -> JobId | None:
    """The job that is meant, if it is a job. Raises `Unable`."""
    if tree.next_job == 1 and (name is None or name.isdecimal()):
        raise Unable("nothing was chosen in this run yet: its log has no job")
    if name is None:
        return tree.next_job - 1
    if not (name.isascii() and name.isdecimal()):
        return None
    job = int(name) if len(name) < 16 else tree.next_job
    alike = len(name) >= SHORTEST and any(id.startswith(name) for id in tree.agents)
    if job < tree.next_job:
        if alike:
            note(f"An agent's hash begins with {name}, too; this is the job. More digits mean the agent.")
        return job
    if alike:
        return None
    raise NoSuchAgent(f"there is neither a job {name}, as the last one is {tree.next_job - 1}, nor such an agent")


# ---------------------------------------------------------------- one choice


def choice_lines(choice: Choice) -> list[str]:
    moment = datetime.fromtimestamp(choice.at, UTC).strftime("%Y-%m-%d %H:%M:%S")
    lines = [
        f"job {choice.id:<6} {job_words(choice.job)}: {outcome_words(choice)}",
        f"moment     {moment} UTC, after {count(choice.event, 'event')} of the log",
        f"its agent  {standing_words(choice.standing)}",
        f"policy     {plain(choice.policy)}, random numbers of ({choice.random_seed}, {choice.event})",
        f"recomputed {agreement(choice)}",
    ]
    if choice.same is False:
        lines.append(styled("           what follows led to the recomputed job, not to the recorded one", "yellow"))
    for step in choice.steps:
        if step.rule:
            lines.append(f"rule       {plain(step.rule)}")
        if step.comparison is not None:
            lines += comparison_lines(step.comparison)
    if choice.task_words:
        lines.append(f"task       {plain(choice.task_words)}")
    if choice.chances:
        points = 196 * 0.5 / choice.redraws**0.5
        lines.append(
            f"chances    in {choice.redraws:,} choices with other random numbers: {chance_words(choice)}; "
            f"give or take {points:.0f} points at most"
        )
    return lines


def outcome_words(choice: Choice) -> str:
    if choice.child is not None:
        return f"{short(choice.child)} was born"
    return choice.outcome + (f", {clip(choice.reason, 100)}" if choice.reason else "")


def standing_words(standing: Standing) -> str:
    own, clade = standing.solved + standing.failed, standing.clade_solved + standing.clade_failed
    return (
        f"{short(standing.agent)}, at that moment {standing.solved} of {own} solved, "
        f"{standing.clade_solved} of {clade} in its clade, {standing.children} child{'ren' * (standing.children != 1)}"
    )


def agreement(choice: Choice) -> str:
    if choice.same:
        return styled("the same job, from the log alone", "green")
    if choice.same is None:
        return styled(f"not at all: {plain(choice.doubt)}", "yellow")
    return styled(f"NOT the same, but {job_words(choice.again)}: {plain(choice.doubt)}", "red")


def comparison_lines(comparison: Comparison) -> list[str]:
    head = f"compared   {count(comparison.among, 'agent')} by {plain(comparison.measure)}"
    table: list[tuple[str, ...]] = [("agent", "value", "drawn from", "own", "clade", "")]
    table += [candidate_row(comparison, one) for one in comparison.candidates]
    lines = [f"   {line}" for line in aligned(table, left=(0, 2, 5))]
    more = comparison.among - sum(1 + one.alike for one in comparison.candidates)
    return [head, *lines, *([f"   and {more:,} more"] if more > 0 else [])]


def candidate_row(comparison: Comparison, one: Candidate) -> tuple[str, ...]:
    standing = one.standing
    own = f"{standing.solved}/{standing.solved + standing.failed}"
    clade = f"{standing.clade_solved}/{standing.clade_solved + standing.clade_failed}"
    words = []
    if standing.agent == comparison.winner:
        words.append(f"winner{margin_words(comparison)}")
    elif standing.agent == comparison.runner_up:
        words.append("runner-up")
    words += [f"{one.share:.1%}"] if one.share is not None else []
    words += [f"{one.alike} more of this tally"] if one.alike else []
    return short(standing.agent), number(one.value), source_words(one), own, clade, ", ".join(words)


def margin_words(comparison: Comparison) -> str:
    if comparison.margin is None:
        return ""
    return f" by {number(comparison.margin)}" if comparison.margin >= 0 else ", taken as the second"


def source_words(one: Candidate) -> str:
    """What the value was drawn from; empty where it was not drawn."""
    words = [f"{one.tally[0]}/{sum(one.tally)}"] if one.tally else []
    words += [f"{one.mean:.3f}"] if one.mean is not None else []
    words += [f"sd {one.spread:.3f}"] if one.spread is not None else []
    return " ".join(words)


def number(value: float | None) -> str:
    if value is None:
        return "no bound"
    return f"{value:,.0f}" if value == int(value) and abs(value) >= 2 else f"{value:.4f}"


def chance_words(choice: Choice) -> str:
    shown = list(choice.chances[:CHANCES])
    mine = next((c for c in choice.chances if (c.kind, c.agent) == (kind(choice.job), choice.job.agent)), None)
    if mine is not None and mine not in shown:
        shown.append(mine)
    words = [
        f"{c.kind} {short(c.agent)} {c.share:.1%}{' (this one)' if c is mine else ''}"
        if c.agent
        else f"nothing {c.share:.1%}"
        for c in shown
    ]
    if mine is None:
        words.append("this one 0%")
    rest = len(choice.chances) - len(shown)
    return ", ".join(words) + (f", {rest} more" if rest > 0 else "")


# ---------------------------------------------------------------- the choices that led to an agent


def agent_lines(found: AgentChoices) -> list[str]:
    lines: list[str] = []
    if found.birth is None:
        lines.append(f"{short(found.agent)} is a seed: it was there before anything was chosen")
    else:
        lines += choice_lines(found.birth)
    for title, choices in (("its ancestors", found.ancestors), ("its evaluations", found.evaluations)):
        if choices:
            lines += ["", styled(f"{title}, {count(len(choices), 'choice')}", "bold"), *map(choice_line, choices)]
    return lines


def choice_line(choice: Choice) -> str:
    subject = f"{short(choice.child)} of {short(choice.job.agent)}" if choice.child else plain(choice.job.task or "")
    if choice.same is None:
        return f"{choice.id:>6}  {outcome(choice)}  {subject}: not recomputed"
    wrong = "" if choice.same else styled("NOT as recorded: ", "red")
    return f"{choice.id:>6}  {outcome(choice)}  {subject}: {wrong}{summary(choice)}"


def outcome(choice: Choice) -> str:
    return f"{choice.outcome:<8}"


def summary(choice: Choice) -> str:
    """What decided the choice, in a few words."""
    rules = [step.rule for step in choice.steps if step.rule]
    decisive = choice.decisive
    rule = plain(rules[0].partition(":")[0]) if rules else "chosen"
    if decisive is None:
        return plain(rules[-1]) if rules else "chosen"
    winner = next(one for one in decisive.candidates if one.standing.agent == decisive.winner)
    if winner.share is not None:
        return f"{rule}; drawn with {winner.share:.1%}, among {decisive.among:,}"
    if decisive.runner_up is None:
        return f"{rule}; {number(winner.value)}, nobody else"
    behind = "before" if decisive.margin is None or decisive.margin < 0 else f"{number(decisive.margin)} ahead of"
    behind += f" {short(decisive.runner_up)}"
    return f"{rule}; {number(winner.value)}, {behind}, among {decisive.among:,}"
