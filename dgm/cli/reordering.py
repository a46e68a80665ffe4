"""`simulate --archive`: what other policies would have returned, had they met a run's own outcomes.

Invariant: reads the archive and writes nothing; an option that has no meaning here is refused.
"""

from collections import Counter
from pathlib import Path

from msgspec import Struct

from dgm.cli.simulating import Wanted, check_policies, numbers, read_policies, read_seeds
from dgm.config import ConfigError
from dgm.simulation.replayed import Recorded, Replay, recorded, replay
from dgm.text import count, note, out, out_json, width

FREE = {"families": "all", "k": "5", "slots": "1", "tasks": 60, "against": "hgm"}
"""The options without a meaning here, at their defaults."""
UNSAID = "800"
"""The default of `--budget`, in place of which half of what the run evaluated is taken."""


class Row(Struct, frozen=True):
    """A policy over all seeds. `agent`: the one returned most often, in the part `often` of the replays; `score`:
    solved per evaluation in the whole record, of the agents returned, on average; `met`: the part of its wishes that
    the record could answer."""

    policy: str
    agent: str
    often: float
    score: float
    evaluations: float
    expansions: float
    met: float
    met_evaluations: float
    met_expansions: float


def show_reordered(archive: Path, wanted: Wanted, folder: Path | None, figures: bool, as_json: bool) -> None:
    """Raises `ConfigError`, `NoArchive`, `Damaged`."""
    for name, default in FREE.items():
        if getattr(wanted, name) != default:
            raise ConfigError(f"--{name} has no meaning with --archive: outcomes, prices and tasks are the run's own")
    if folder is not None or figures:
        raise ConfigError("--out and --figures have no meaning with --archive, which prints one table: see --json")
    policies = read_policies(wanted.policies)
    check_policies(policies)
    seeds = read_seeds(wanted.seeds)
    try:
        record = recorded(archive)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    tree = record.tree
    budget = max(tree.evaluations // 2, 1)
    if wanted.budget != UNSAID:
        budgets = numbers("--budget", wanted.budget, int, 1)
        if len(budgets) > 1:
            raise ConfigError("--budget: one number with --archive")
        budget = budgets[0]
    note(
        f"{archive}: {count(tree.evaluations, 'evaluation')}, {count(tree.expansions, 'expansion')} on record; "
        f"each policy has a budget of {budget:,} of them"
    )
    rows = [row(policy, record, budget, seeds) for policy in policies]
    best = tree.best()
    assert best is not None
    if as_json:
        out_json(
            {
                "budget": budget,
                "recorded": {"agent": best.id, "solved": best.solved, "evaluations": best.evaluations},
                "policies": rows,
            }
        )
        return
    from dgm.simulation.layout import Table, number, part, text

    lines = tuple(
        (
            *(one.policy, one.agent[:8], part(one.often), number(one.score, 3)),
            *(f"{one.evaluations:.0f}", f"{one.expansions:.0f}"),
            *(part(one.met_evaluations), part(one.met_expansions)),
        )
        for one in rows
    )
    head = ("policy", "returns", "how often", "score", "evaluations", "expansions", "tasks known", "children known")
    remark = (
        f"{count(len(seeds), 'trial')} a policy. score: in the whole record, of what it returns. known: the part of "
        "its wishes that the record answers; others are refused, and a row with many of them says little. The whole "
        f"record returns {best.id[:8]}, {best.solved} of {best.evaluations} solved."
    )
    out(text(Table(f"{archive} in another order, {count(budget, 'evaluation')}", remark, head, lines), width()))


def row(policy: str, record: Recorded, budget: int, seeds: tuple[int, ...]) -> Row:
    from dgm.simulation.trial import settings

    config = settings(policy)
    replays: list[Replay] = [replay(record, config, budget, seed) for seed in seeds]
    (agent, times), *_ = Counter(one.agent for one in replays).most_common(1)
    n = len(replays)

    def met(done: int, wishes: int) -> float:
        return done / wishes if wishes else 1.0

    evaluations, expansions = sum(one.evaluations for one in replays), sum(one.expansions for one in replays)
    wished = sum(one.evaluation_wishes for one in replays), sum(one.expansion_wishes for one in replays)
    return Row(
        policy=policy,
        agent=agent,
        often=times / n,
        score=sum(one.score for one in replays) / n,
        evaluations=evaluations / n,
        expansions=expansions / n,
        met=met(evaluations + expansions, sum(wished)),
        met_evaluations=met(evaluations, wished[0]),
        met_expansions=met(expansions, wished[1]),
    )
