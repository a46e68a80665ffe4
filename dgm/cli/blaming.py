"""`blame`: which step of a lineage gained which tasks, and who wrote which line.

Invariant: needs the log, and for lines the sources; nothing is run.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from dgm.clade import Agent
from dgm.cli.failing import Unable
from dgm.cli.looking import SIMULATION
from dgm.cli.reading import open_reader
from dgm.cli.tracing import INDENT, some_tasks
from dgm.jobs import AgentId
from dgm.lineage.blame import Claim, Loss, by_step, claims, losses
from dgm.lineage.lines import authors
from dgm.policies.conclusion import best
from dgm.report import AgentRow, find, row, simulation
from dgm.text import clip, count, fold, note, out, out_json, plain, short, styled, width
from dgm.tree import Tree


class Blame(Struct, frozen=True):
    """`claims`: for each task that the agent solved, since when its lineage has; `losses`: the tasks that it failed and
    an ancestor solved. `lineage`: from the seed down."""

    agent: AgentRow
    simulation: bool
    lineage: tuple[AgentId, ...]
    claims: tuple[Claim, ...]
    losses: tuple[Loss, ...]


def show_blame(name: str, steps: Sequence[str], archive: Path | None, as_json: bool) -> None:
    tree = open_reader(archive).tree
    agent = find(tree, name)
    wanted = {one.id for one in named_steps(tree, agent, steps)}
    found = Blame(
        agent=row(agent, best(tree)),
        simulation=simulation(tree),
        lineage=tuple(one.id for one in agent.lineage()),
        claims=tuple(one for one in claims(agent) if not wanted or wanted & set(one.steps)),
        losses=tuple(one for one in losses(agent) if not wanted or wanted & set(one.steps)),
    )
    if as_json:
        out_json(found)
        return
    out(*fold(blame_lines(found, tree, wanted), INDENT))


def named_steps(tree: Tree, agent: Agent, names: Sequence[str]) -> list[Agent]:
    """The agents of the lineage that were named, whose edits are meant. Raises `NoSuchAgent`, `Unable`."""
    lineage = agent.lineage()
    found = [find(tree, name) for name in names]
    for one in found:
        if one not in lineage:
            raise Unable(
                f"{short(one.id)} is no ancestor of {short(agent.id)}: `dgm lineage {agent.id[:8]}` names them"
            )
        if one.parent is None:
            raise Unable(f"{short(one.id)} is a seed, which no edit has made: name a later step")
    return found


def blame_lines(found: Blame, tree: Tree, wanted: set[AgentId]) -> list[str]:
    steps = by_step(found.claims)
    lines = []
    for agent in found.lineage:
        alone, shared = steps.get(agent, ([], []))
        if agent not in steps or (wanted and agent not in wanted):
            continue
        lines.append(
            styled(f"{short(agent):<{INDENT}}{clip(tree.agents[agent].summary or '(no summary)', 400)}", "bold")
        )
        if alone:
            lines.append(f"{styled('gained'.ljust(INDENT), 'green')}{some_tasks(alone)}")
        if shared:
            told = some_tasks(shared) if wanted else f"{len(shared)}{' more' if alone else ''}, below"
            lines.append(f"{'perhaps':<{INDENT}}{told}")
    lines += [""] if lines else []
    lines += claims_lines(found)
    lines += [
        f"{'lost':<{INDENT}}{clip(one.task, 100)}: {short(one.last)} solved it; lost in {steps_words(one.steps)}"
        for one in found.losses
    ]
    lines.append(
        "Each score is one attempt: what looks gained may have been luck. `--verify` takes edits back and tries again."
    )
    return [*lines, *([SIMULATION] if found.simulation else [])]


def claims_lines(found: Blame) -> list[str]:
    if not found.claims:
        return ["No task that it solved is to be explained." if found.losses else "It has solved no task yet."]
    sure = sum(one.sure for one in found.claims)
    seed = [one.task for one in found.claims if not one.steps]
    span = [one for one in found.claims if one.steps and not one.sure]
    lines = [f"{'solved':<{INDENT}}{count(len(found.claims), 'task')}, of which one step alone can have gained {sure}"]
    if seed:
        lines.append(f"{'seed':<{INDENT}}{some_tasks(seed)}: the seed solved {'it' if len(seed) == 1 else 'them'}")
    for one in span:
        seed_too = " or the seed could do it" if one.perhaps_seed else ""
        lines.append(f"{'perhaps':<{INDENT}}{clip(one.task, 100)}: {steps_words(one.steps)}{seed_too}")
    return lines


def steps_words(steps: Sequence[AgentId], most: int = 6) -> str:
    if len(steps) == 1:
        return short(steps[0])
    if len(steps) > most:
        return f"one of {len(steps)} steps, {short(steps[0])} to {short(steps[-1])}"
    return "one of " + ", ".join(map(short, steps))


# ---------------------------------------------------------------- lines


class Line(Struct, frozen=True):
    agent: AgentId
    text: str


def show_lines(name: str, path: str, archive: Path | None, as_json: bool) -> None:
    reader = open_reader(archive)
    agent = find(reader.tree, name)
    lineage = agent.lineage()
    sources = [reader.source(one.id) for one in lineage]
    if path not in sources[-1]:
        known = ", ".join(plain(one) for one in list(sources[-1])[:8])
        raise Unable(f"{short(agent.id)} has no file {path!r}; it has {known}{', ...' if len(sources[-1]) > 8 else ''}")
    written = authors(sources, path)
    if written is None:
        raise Unable(f"{plain(path)} is no text: it has no lines")
    lines = [Line(lineage[number].id, text.removesuffix("\n")) for number, text in written]
    if as_json:
        out_json({"agent": agent.id, "simulation": simulation(reader.tree), "path": path, "lines": lines})
        return
    room = max(width() - 15, 20)
    out(
        *(
            f"{styled(short(line.agent), 'cyan')} {place:>5} {clip(line.text.expandtabs(4), room)}"
            for place, line in enumerate(lines, 1)
        )
    )
    shares = Counter(line.agent for line in lines)
    told = ", ".join(f"{short(one.id)} {shares[one.id]}" for one in lineage if shares[one.id])
    note(*fold([f"Lines by who wrote them, from the seed down: {told}"], 4))
