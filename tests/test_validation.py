"""The record of uses of held-out tasks, and what is read from the archives below it."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgm.archive import Archive, read_tree
from dgm.config import Config
from dgm.durable import ArchiveBusy
from dgm.events import RunConfigured
from dgm.files import File, Files
from dgm.jobs import AgentId, Evaluate, Expand, Failure, Rewrite, Verdict
from dgm.log import Damaged
from dgm.settings import resolved
from dgm.tree import Tree
from dgm.uses import FOLDER, USES, Use, continued, earlier, read_uses, record, using
from dgm.validation import claims, folder_of, standing, validated

HELD = tuple(f"toy/h{n}" for n in range(8))
KEY = "0123456789ab"


def source(n: int) -> Files:
    return {"start": File(b"echo %d\n" % n, executable=True)}


def search(folder: Path, children: int = 2) -> list[AgentId]:
    """A run with a seed and some children of it, each with one result. Returns their ids."""
    with Archive(folder) as archive:
        archive.configure(RunConfigured(1e9, "0", resolved(Config()), ("toy/s",), "v", held_out=HELD))
        found = [archive.seed(source(0))]
        for n in range(1, children + 1):
            job = archive.start(Expand(found[0]))
            archive.finish(job.id, Rewrite(source(n), f"child {n}"))
            found.append(list(archive.tree.agents)[-1])
        for n, agent in enumerate(found):
            job = archive.start(Evaluate(agent, "toy/s"))
            archive.finish(job.id, Verdict(n == 1))
        return found


def attempt(folder: Path, repeat: int, agents: dict[int, list[bool | None]], key: str = KEY) -> None:
    """A cell: by agent number, the outcome of each held-out task; None: it is given up."""
    path = folder / FOLDER / key / str(repeat)
    with Archive(path) as cell:
        cell.configure(RunConfigured(1e9, "0", resolved(Config()), HELD, "v"))
        for n, outcomes in agents.items():
            agent = cell.seed(source(n), f"Replay of {n}")
            for task, solved in zip(HELD, outcomes, strict=False):
                for _ in range(3 if solved is None else 1):
                    job = cell.start(Evaluate(agent, task))
                    cell.finish(job.id, Failure("infra", "gone") if solved is None else Verdict(solved))


def use(agents: list[AgentId], *rivals: int, repeats: int = 1, at: float = 1.0, key: str = KEY) -> Use:
    return Use(at, agents[0], agents[1], tuple(agents[n] for n in rivals), repeats, HELD, key)


def recorded(folder: Path, use: Use) -> Use:
    """As `dgm validate` begins it."""
    with using(folder):
        use = continued(read_uses(folder), use)
        record(folder, use)
        return use


def tree(folder: Path) -> Tree:
    return read_tree(folder)


# ---------------------------------------------------------------- the record


def test_a_use_is_on_record_once(tmp_path: Path) -> None:
    agents = search(tmp_path)
    assert read_uses(tmp_path) == []
    first = recorded(tmp_path, use(agents, 1))
    assert recorded(tmp_path, use(agents, 1, at=2.0)) == first, "the same again is no other use"
    both = recorded(tmp_path, use(agents, 1, 2, at=3.0))
    assert recorded(tmp_path, use(agents, 2, at=4.0)) == both, "what was looked at in it is part of it"
    more = recorded(tmp_path, use(agents, 1, repeats=2, at=5.0))
    other = recorded(tmp_path, use(agents, 1, key="other", at=6.0))
    assert read_uses(tmp_path) == [first, both, more, other]


def test_a_later_use_knows_what_was_looked_at_before(tmp_path: Path) -> None:
    agents = search(tmp_path)
    uses = [use(agents, 1), use(agents, 1, 2, at=2.0), use(agents, 2, at=3.0, key="other")]
    assert [earlier(one, uses) for one in uses] == [(1, 0), (2, 0), (3, 2)]
    elsewhere = msgspec.structs.replace(uses[0], at=4.0, tasks=("toy/new",))
    assert earlier(elsewhere, [*uses, elsewhere]) == (1, 0), "other tasks are fresh"
    mixed = msgspec.structs.replace(uses[0], at=5.0, tasks=("toy/new", HELD[3]), folder="mixed")
    assert earlier(mixed, [*uses, elsewhere, mixed]) == (5, 3), "one that was used is enough"


def test_a_torn_tail_never_counted(tmp_path: Path) -> None:
    agents = search(tmp_path)
    first = recorded(tmp_path, use(agents, 1))
    path = tmp_path / FOLDER / USES
    whole = path.read_bytes()
    for cut in range(1, len(whole)):
        path.write_bytes(whole + whole[:-cut])
        assert read_uses(tmp_path) == [first]
    second = recorded(tmp_path, use(agents, 1, 2, at=2.0))
    assert read_uses(tmp_path) == [first, second]


@given(data=st.data())
def test_a_changed_record_is_never_read(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("record")
    for n in range(3):
        recorded(folder, Use(float(n), "a" * 40, "b" * 40, (f"{n}" * 40,), 1, HELD, KEY))
    path = folder / FOLDER / USES
    whole = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(whole) - 2))
    whole[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(whole)
    with pytest.raises(Damaged, match=r"uses\.log is damaged at line"):
        read_uses(folder)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[1:]))
    with pytest.raises(Damaged):
        read_uses(folder)


@pytest.mark.parametrize("changed", [b"\r", b"\x0b"])
def test_a_record_whose_line_ends_elsewhere_is_damaged(tmp_path: Path, changed: bytes) -> None:
    for n in range(2):
        recorded(tmp_path, Use(float(n), "a" * 40, "b" * 40, (f"{n}" * 40,), 1, HELD, KEY))
    path = tmp_path / FOLDER / USES
    whole = path.read_bytes()
    for content in (changed + whole[1:], whole.replace(b"\n", changed, 1)):
        path.write_bytes(content)
        with pytest.raises(Damaged, match=r"uses\.log is damaged at line 1"):
            read_uses(tmp_path)


def test_one_at_a_time_uses_held_out_tasks(tmp_path: Path) -> None:
    search(tmp_path)
    with using(tmp_path), pytest.raises(ArchiveBusy), using(tmp_path):
        pass
    with using(tmp_path):
        attempt(tmp_path, 0, {0: [False]})  # killed before the use was on record
    assert read_uses(tmp_path) == []


def test_a_lost_record_is_noticed(tmp_path: Path) -> None:
    agents = search(tmp_path)
    recorded(tmp_path, use(agents, 1))
    attempt(tmp_path, 0, {0: [False], 1: [True]})
    (tmp_path / FOLDER / USES).unlink()
    with pytest.raises(Damaged, match="is lost"):
        read_uses(tmp_path)


def test_settings_that_choose_make_no_other_attempts() -> None:
    config = Config()
    key = folder_of(config, "v", HELD)
    run, policy = config.run, config.policy
    same = msgspec.structs.replace(
        config,
        run=msgspec.structs.replace(run, evaluations=7, slots=3, held_out=8, controls=("resample",)),
        caps=msgspec.structs.replace(config.caps, usd_per_run=99.0),
        policy=msgspec.structs.replace(policy, alpha=0.9),
    )
    assert folder_of(same, "v", HELD) == key
    longer = msgspec.structs.replace(config, attempt=msgspec.structs.replace(config.attempt, seconds=1.0))
    others = {folder_of(config, "w", HELD), folder_of(config, "v", HELD[1:]), folder_of(longer, "v", HELD), key}
    assert len(others) == 4


# ---------------------------------------------------------------- what came of it


def test_what_was_measured_is_compared(tmp_path: Path) -> None:
    agents = search(tmp_path)
    once = recorded(tmp_path, use(agents, 1))
    attempt(tmp_path, 0, {0: [False] * 8, 1: [True] * 7 + [False]})
    found = validated(tmp_path, tree(tmp_path), once, read_uses(tmp_path))
    assert found.finished
    assert [score.solved for score in found.scores] == [0, 7]
    match = found.match(agents[1])
    assert match is not None
    assert (len(match.gained), match.same, match.verdict) == (7, 1, "improved")
    assert match.corrected.low > 0
    assert standing(tmp_path, tree(tmp_path), tree(tmp_path).agents[agents[2]]) is None
    again = standing(tmp_path, tree(tmp_path), tree(tmp_path).agents[agents[1]])
    assert again is not None
    assert again.match(agents[1]) == msgspec.structs.replace(match, needed=None)


def test_nothing_is_decided_before_all_attempts_are_made(tmp_path: Path) -> None:
    agents = search(tmp_path)
    once = recorded(tmp_path, use(agents, 1))
    nothing = validated(tmp_path, tree(tmp_path), once, [once])
    assert (nothing.finished, nothing.scores[0].tasks, nothing.matches[0].verdict) == (False, 0, "undecided")
    attempt(tmp_path, 0, {0: [False] * 8, 1: [True] * 7})
    found = validated(tmp_path, tree(tmp_path), once, [once])
    assert not found.finished
    assert found.matches[0].corrected.low > 0
    assert found.matches[0].verdict == "undecided"
    assert found.scores[1].missing == 1


def test_what_the_environment_failed_is_left_out_of_the_pairs(tmp_path: Path) -> None:
    agents = search(tmp_path)
    once = recorded(tmp_path, use(agents, 1, repeats=2))
    attempt(tmp_path, 0, {0: [False] * 6 + [None, None], 1: [True] * 8})
    attempt(tmp_path, 1, {0: [False] * 6 + [None, False], 1: [True] * 7 + [False]})
    found = validated(tmp_path, tree(tmp_path), once, [once])
    assert found.finished
    assert found.varied == 1
    seed, child = found.scores
    assert (seed.attempts, seed.missing, seed.tasks) == (13, 3, 7)
    assert (child.attempts, child.missing, child.solved) == (16, 0, 7.5)
    (match,) = found.matches
    assert match.unpaired == ("toy/h6",)
    assert (match.pairs, match.difference.mean) == (7, pytest.approx(6.5 / 7))


def test_a_later_look_has_to_be_surer(tmp_path: Path) -> None:
    agents = search(tmp_path, 3)
    uses = [recorded(tmp_path, use(agents, n, at=float(n))) for n in (1, 2, 3)]
    outcomes: dict[int, list[bool | None]] = {n: [True] * 6 + [False] * 2 for n in (1, 2, 3)}
    attempt(tmp_path, 0, {0: [False] * 8, **outcomes})
    found = [validated(tmp_path, tree(tmp_path), one, uses) for one in uses]
    assert [one.number for one in found] == [1, 2, 3]
    assert [one.matches[0].p for one in found] == pytest.approx([0.03125] * 3)
    assert [one.matches[0].verdict for one in found] == ["improved", "undecided", "undecided"]


def test_what_the_search_claims_stands_beside_what_is_left_of_it(tmp_path: Path) -> None:
    agents = search(tmp_path)
    once = recorded(tmp_path, use(agents, 1))
    attempt(tmp_path, 0, {0: [False] * 8, 1: [True] * 4 + [False] * 4})
    run = tree(tmp_path)
    found = validated(tmp_path, run, once, [once])
    told = claims(run, run.agents[agents[1]], run.agents[agents[0]], found)
    assert [one.source for one in told] == ["search", "shrunk", "held out"]
    assert told[0].agent.rate == 1.0 > told[1].agent.rate
    assert told[0].gain.mean == 1.0
    assert (told[2].agent.rate, told[2].gain) == (0.5, found.matches[0].corrected)


def test_reading_changes_nothing(tmp_path: Path) -> None:
    agents = search(tmp_path)
    once = recorded(tmp_path, use(agents, 1))
    attempt(tmp_path, 0, {0: [False] * 8, 1: [True] * 8})
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    validated(tmp_path, tree(tmp_path), once, read_uses(tmp_path))
    standing(tmp_path, tree(tmp_path), tree(tmp_path).agents[agents[1]])
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
