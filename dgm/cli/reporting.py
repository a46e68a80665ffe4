"""The report on a run, as text and as a page: what was run, what came of it, what it cost, what to be wary of.

Invariant: the page says the same sentences as the text; neither calls a difference a gain that may be luck.
"""

import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from dgm.archive import NoArchive
from dgm.cli.closing import best_lines, best_report
from dgm.cli.failing import Unable
from dgm.cli.looking import SIMULATION, agent_line, quarantined_lines, tasks_line
from dgm.cli.reading import archive_folder, driven
from dgm.jobs import Usage
from dgm.log import Damaged
from dgm.page.data import Line, Told, tasks
from dgm.page.history import History
from dgm.policies.conclusion import best
from dgm.report import Status, row, setting, status
from dgm.text import SGR, clip, count, duration, fold, note, out, out_json, paragraph, plain, spent
from dgm.tree import Tree
from dgm.words import budget_words, cap_words, evaluation_words, failure_words, state_words

INDENT = 13
CONTROLS = "controls"
"""What comes first in a page; the text says it once, below."""


def show_report(archive: Path | None, as_json: bool) -> None:
    folder = archive_folder(archive)
    told = telling(folder, archive, History(folder), time.time())
    if as_json:
        out_json(told)
        return
    for line in told.lines:
        if line.label == CONTROLS:
            continue
        lines = line.words.split("\n")
        if line.columns:
            out("", *fold(lines, INDENT))
        else:
            first, *rest = lines
            out(*fold([f"{line.label:<{INDENT}}{first}", *(" " * INDENT + more for more in rest)], INDENT))
    out(*fold([told.simulation] if told.simulation else [], INDENT))


def write_page(archive: Path | None, file: Path, lines: int, said: int, force: bool, as_json: bool) -> None:
    from dgm.durable import place
    from dgm.page.document import is_report, page

    if file.is_dir():
        raise Unable(f"{file} is a folder: name a file in it")
    if not file.parent.is_dir():
        raise Unable(f"there is no folder {file.parent}: make it, or name another one")
    if file.exists() and not force and not is_report(file):
        raise Unable(f"{file} is there and is no report: name another file, or replace it with --force")
    folder = archive_folder(archive)
    history = History(folder)
    made = page(folder, history, telling(folder, archive, history, time.time()), lines, said)
    place(file, file.with_name(f".{file.name}.{os.getpid()}.new"), made, 0o644)
    if as_json:
        out_json({"file": str(file), "bytes": len(made), "agents": len(history.tree.agents)})
        return
    out(str(file))
    note(f"{len(made) / 1e6:.1f} MB, {count(len(history.tree.agents), 'agent')}. It opens without a network:")
    note(file.resolve().as_uri())


def telling(folder: Path, archive: Path | None, history: History, now: float) -> Told:
    """What the report says of the run in `folder`; `archive`: as it was named, for what to type next."""
    tree = history.tree
    found = status(tree, driven(folder), now)
    name = plain(folder.resolve().name)
    title = f"{plain(setting(tree.config, 'run.benchmark', '') or 'a run')} · {name}"
    told = (line for line in sentences(folder, archive, history, found, now) if line.words)
    parts = (Line(line.label, paragraph(line.words), line.head, line.columns) for line in told)
    return Told(title, state_words(found), now, SIMULATION if found.simulation and tree.length else "", tuple(parts))


def sentences(folder: Path, archive: Path | None, history: History, found: Status, now: float) -> Iterator[Line]:
    tree = history.tree
    yield Line("archive", str(folder))
    yield Line("state", state_words(found))
    if not tree.length:
        return
    yield Line("as of", moments(tree, now))
    yield Line("what", what(tree))
    if tree.agents:
        yield from blocks(line for line in best_lines(best_report(tree, folder), archive) if line != SIMULATION)
    yield Line("remark", "\n".join(remark.words for remark in found.remarks), head=True)
    yield Line("tasks", tasks_line(found.tasks, found.subset, found.sample, found.held_out))
    yield Line("solved by", solved_by(tree))
    yield Line("left out", joined(quarantined_lines(found.quarantined, 8)))
    yield Line("budget", budget_words(found))
    yield Line("evaluations", evaluation_words(found))
    yield Line("agents", f"{found.agents:,}; {unborn(tree)}{deepest(tree)}")
    yield Line("cost", f"{spent(found.usage)}{cap_words(found)}\n{by_role(tree)}".rstrip())
    yield Line("time", f"{duration(found.wall)} from first to last event, {duration(found.usage.seconds)} of jobs")
    yield Line("failures", failing(history, found))
    yield Line("running", f"{count(len(found.running), 'job')}" if found.running else "")
    yield Line("strongest", strongest(tree))
    yield from held_out(folder, tree)
    yield from beside(folder, archive, tree, now)


def held_out(folder: Path, tree: Tree) -> Iterator[Line]:
    """What the latest use of the held-out tasks has told of all agents that were compared then."""
    from dgm.cli.validating import Report, report_lines
    from dgm.controls import known_agents
    from dgm.uses import read_uses
    from dgm.validation import claims, validated

    if not tree.held_out:
        yield Line("held out", "no tasks, so nothing here tells how able the best agent is on new ones", True)
        return
    try:
        uses = read_uses(folder)
        if not uses:
            return
        use = uses[-1]
        found = validated(folder, tree, use, uses)
    except (Damaged, NoArchive):
        return  # the lines about the best agent say so
    told = claims(tree, tree.agents[use.champion], tree.agents[use.baseline], found)
    report = Report(use.champion, found, tuple(told), driven(folder))
    lines = report_lines(report, known_agents(folder, tree, (use.baseline, *use.rivals)))
    yield Line("On held-out tasks", "\n".join(line for line in lines if line != SIMULATION), columns=True)


def beside(folder: Path, archive: Path | None, tree: Tree, now: float) -> Iterator[Line]:
    """The controls beside the search, if there are any."""
    from dgm.cli.controlling import controls_lines, place_words
    from dgm.cli.controlling import held_out as fair
    from dgm.controls.standing import standings

    try:
        found = standings(folder, tree, now, driven)
    except Damaged as damage:
        yield Line("controls", str(damage), True)
        return
    if found is None:
        return
    places = [f"{one.standing.name}: {place_words(one)}" for one in found.controls]
    yield Line(CONTROLS, "\n".join(places) or "not begun: they come after the search, by the same command", True)
    yield Line(
        "Beside its controls",
        "\n".join(line for line in controls_lines(found, archive, fair(folder, tree, found)) if line != SIMULATION),
        columns=True,
    )


def moments(tree: Tree, now: float) -> str:
    def said(at: float) -> str:
        return time.strftime("%Y-%m-%d %H:%M", time.gmtime(at))

    return f"{said(now)} UTC; the run began {said(tree.began)}, its last event is of {said(tree.last)}"


def what(tree: Tree) -> str:
    """The policy, the models, the sandbox: all that a reader has to know to place the numbers."""
    models = {
        role: str(setting(tree.config, f"models.{role}.name", "scripted")) for role in ("solve", "improve", "diagnose")
    }
    named = {model: [role for role, one in models.items() if one == model] for model in models.values()}
    said = ", ".join(model if len(named) == 1 else f"{model} ({' and '.join(roles)})" for model, roles in named.items())
    return plain(
        f"policy {setting(tree.config, 'policy.name', '?')}, model {said}, "
        f"sandbox {setting(tree.config, 'sandbox.kind', '?')}, random seed {setting(tree.config, 'run.random_seed', 0)}"
    )


def solved_by(tree: Tree) -> str:
    """How many of the tasks nobody, some or all have solved."""
    met, solved = Counter[str](), Counter[str]()
    for agent in tree.agents.values():
        met.update(list(agent.results))
        solved.update(task for task, one in agent.results.items() if one)
    if not met:
        return ""
    known = [task for task in tasks(tree) if met[task]]
    nobody = [task for task in known if not solved[task]]
    everyone = sum(solved[task] == met[task] for task in known)
    few = ": " + ", ".join(clip(task, 60) for task in nobody[:6]) + (", ..." if len(nobody) > 6 else "")
    return (
        f"nobody {len(nobody)}{few if nobody else ''}; some {len(known) - len(nobody) - everyone}; "
        f"all who met them {everyone}; {len(tasks(tree)) - len(known)} not met yet"
    )


def unborn(tree: Tree) -> str:
    children = "1 more child" if tree.stillborn == 1 else f"{tree.stillborn:,} more children"
    return f"{children} failed before birth; " if tree.stillborn else ""


def deepest(tree: Tree) -> str:
    depth = max((agent.depth for agent in tree.agents.values()), default=0)
    return f"the longest lineage has {count(depth, 'step')}"


def by_role(tree: Tree) -> str:
    """What part evaluations, expansions and failures have of the dollars, or of the tokens where nothing costs any."""
    expanding, in_vain = tree.spent_expanding, tree.spent_in_vain
    parts = [("expansions", expanding), ("failures of other kinds", in_vain)]
    whole = tree.spent.usd or _tokens(tree.spent)
    if not whole:
        return ""
    shares = [(name, (one.usd if tree.spent.usd else _tokens(one)) / whole) for name, one in parts]
    shares.insert(0, ("evaluations", max(1 - sum(share for _, share in shares), 0.0)))
    said = ", ".join(f"{name} {share:.0%}" for name, share in shares)
    return f"of the {'dollars' if tree.spent.usd else 'tokens'}: {said}"


def _tokens(usage: Usage) -> int:
    return usage.tokens_in + usage.tokens_out


def strongest(tree: Tree, most: int = 5) -> str:
    """The agents with the highest beliefs besides the best one."""
    top = best(tree)
    from dgm import belief

    ranked = sorted(
        (agent for agent in tree.agents.values() if agent.solved and agent is not top),
        key=lambda agent: (-belief.quantile(agent.solved, agent.failed, tree.epsilon), agent.index),
    )
    return "\n".join(agent_line(row(agent, top)) for agent in ranked[:most])


def failing(history: History, found: Status) -> str:
    """How jobs failed, and what the failed children died of most."""
    if not found.failures:
        return ""
    reasons = Counter(clip(job.reason, 100) for _, job in history.stillborn)
    told = [f"{number:,} x {reason}" for reason, number in reasons.most_common(4)]
    more = [f"and {len(reasons) - 4:,} other reasons"] if len(reasons) > 4 else []
    return "\n".join([failure_words(found.failures), *told, *more])


def blocks(lines: Iterable[str]) -> Iterator[Line]:
    """Lines of the command line's, which are indented under their labels."""
    label, words = "", list[str]()
    for line in lines:
        text = SGR.sub("", line)
        if text[:INDENT].strip() and words:
            yield Line(label, "\n".join(words), head=True)
            words = []
        label = text[:INDENT].strip() or label
        words.append(text[INDENT:])
    if words:
        yield Line(label, "\n".join(words), head=True)


def joined(lines: list[str]) -> str:
    return "\n".join(line[INDENT:] for line in lines)
