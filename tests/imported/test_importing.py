"""Runs of DGM and HGM as archives: what is carried over, what is listed, and what hostile outputs come to."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgm.archive import LOG, Reader, read_tree
from dgm.check import check
from dgm.clade import Agent
from dgm.events import JobFailed
from dgm.imported import folder as reading
from dgm.imported.outputs import NoOutputs, read_outputs
from dgm.imported.seeds import matches, read_seed
from dgm.imported.writing import Carried, carry
from dgm.log import LogReader
from dgm.tree import Tree
from tests.cli.archives import look
from tests.imported.outputs import BINARY, FIRST, FOUR, ONE, SEED, TASKS, THREE, TWO, agent, dgm, hgm, seed, tally


def brought(run: Path, folder: Path, start: bool = False, with_seed: bool = True) -> tuple[Carried, Reader]:
    files = read_seed(seed(folder / "checkout", start), False) if with_seed else None
    carried = carry(read_outputs(run), run.name, files, folder / "archive")
    assert check(folder / "archive") == []
    return carried, Reader(folder / "archive")


def named(tree: Tree, name: str) -> Agent:
    return next(agent for agent in tree.agents.values() if agent.summary.startswith(name))


def results(agent: Agent) -> dict[str, bool]:
    return {task.partition("/")[2]: solved for task, solved in agent.results.items()}


def test_dgm(tmp_path: Path) -> None:
    carried, reader = brought(dgm(tmp_path / "run"), tmp_path)
    tree, root = reader.tree, reader.tree.seeds[0]
    one, two, three = (named(tree, name) for name in (ONE, TWO, THREE))
    assert (one.parent, two.parent, three.parent, len(tree.agents)) == (root, one, root, 4)
    assert results(root) == {TASKS[0]: True, TASKS[1]: False, TASKS[2]: False, TASKS[3]: False}
    assert results(two) == {TASKS[0]: True, TASKS[1]: True, TASKS[2]: True, TASKS[3]: False}
    assert one.summary == f"{ONE} on {TASKS[1]}: Wait longer"
    assert one.born == 1747137600.000001
    assert tree.spent.usd == tree.spent.calls == 0
    assert one.job is not None
    assert (
        json.loads((reader.folder(one.job) / "diagnosis.json").read_text())["brief"]
        == "# Wait longer\n\nMore than before."
    )
    assert (tree.stillborn, tree.evaluations, tree.solved) == (1, 16, 6)
    assert tree.tasks == tuple(f"swebench-verified/{task}" for task in TASKS[:4])
    assert (carried.agents, carried.rebuilt, carried.stillborn, carried.runnable) == (4, 3, 1, False)
    source = {path: file.text for path, file in reader.source(two.id).items()}
    plain = {path: text for path, text in SEED.items() if path != "coding_agent_polyglot.py"}
    assert source == {**plain, "tools/bash.py": "LIMIT = 20\nRETRY = True\n", "self_evo.md": "what was said\n"}
    assert set(reader.source(three.id)) == {"model_patch.diff"}
    assert three.summary.endswith("[source unknown]")
    said = "\n".join(carried.left_out)
    assert f"the source of {THREE}: its patch does not fit" in said
    assert f"x.png of {TWO}: binary" in said
    assert f"4 results of {FOUR}, which did not pass the system's own check" in said
    assert "costs" in said
    assert "with an empty patch count as unsolved" in "\n".join(carried.remarks)


def test_hgm(tmp_path: Path) -> None:
    run = hgm(tmp_path / "run")
    done = look("import", run, "--archive", tmp_path / "archive", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    tree = read_tree(tmp_path / "archive")
    one, two = named(tree, ONE), named(tree, TWO)
    assert (one.parent, two.parent) == (tree.seeds[0], one)
    assert (two.solved, two.failed, one.solved, one.failed) == (0, 0, 2, 1)
    assert found["unjudged"] == 3
    failed = [event for event in LogReader(tmp_path / "archive" / LOG).events() if isinstance(event, JobFailed)]
    assert [event.cause for event in failed] == ["infra"] * 3
    assert "while HGM counts them as unsolved" in "\n".join(found["remarks"])
    assert "of 2 agents the log counts other evaluations" in "\n".join(found["remarks"])
    assert (found["kind"], found["agents"], found["rebuilt"]) == ("HGM", 3, 3)


def test_exercises(tmp_path: Path) -> None:
    tasks = ["cpp__clock", "go__list-ops"]
    agent(tmp_path / "run", "initial", None, overall_performance=tally(tasks[:1], tasks[1:]))
    agent(tmp_path / "run", ONE, "initial", FIRST, overall_performance=tally(tasks, []))
    assert look("import", tmp_path / "run", "--archive", tmp_path / "a", "--seed", seed(tmp_path / "s")).returncode == 0
    reader = Reader(tmp_path / "a")
    assert reader.tree.tasks == ("polyglot/cpp-clock", "polyglot/go-list-ops")
    source = reader.source(named(reader.tree, ONE).id)
    assert source["coding_agent.py"].text == "# for exercises\n"
    assert "utils/eval_utils.py" not in source


def test_without_a_seed_each_agent_is_its_patch(tmp_path: Path) -> None:
    carried, reader = brought(dgm(tmp_path / "run"), tmp_path, with_seed=False)
    assert carried.rebuilt == 0
    assert reader.source(named(reader.tree, ONE).id)["model_patch.diff"].text == FIRST
    assert "--seed gives it" in carried.left_out[0]
    for words in (
        ["tree"],
        ["best"],
        ["status"],
        ["show", "best"],
        ["diff", "best"],
        ["log", "best"],
        ["explain", "best"],
    ):
        done = look(*words, "--archive", tmp_path / "archive")
        assert done.returncode == 0, done.stderr
        assert "simulation" not in done.stdout


def test_going_on_is_refused_where_it_makes_no_sense(tmp_path: Path) -> None:
    brought(dgm(tmp_path / "run"), tmp_path)
    words = ["run", "--archive", tmp_path / "archive", "--set", "sandbox.kind=local"]
    for more in ([], ["--dry-run"]):
        done = look(*words, *more)
        assert done.returncode == 2
        assert "was imported from another system" in done.stderr


def test_agents_that_can_be_started_may_go_on(tmp_path: Path) -> None:
    run = dgm(tmp_path / "run")
    (run / THREE / "model_patch.diff").write_text(FIRST)
    carried, reader = brought(run, tmp_path, start=True)
    assert carried.runnable
    assert all("start" in reader.source(agent) for agent in reader.tree.agents)
    done = look("run", "--archive", tmp_path / "archive", "--set", "sandbox.kind=local")
    assert "--amend" in done.stderr
    assert "imported from another system" not in done.stderr


def test_the_same_outputs_give_the_same_archive(tmp_path: Path) -> None:
    run = dgm(tmp_path / "run")
    for name in ("a", "b"):
        carry(read_outputs(run), "run", None, tmp_path / name)
    assert (tmp_path / "a" / LOG).read_bytes() == (tmp_path / "b" / LOG).read_bytes()


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive/mine").write_text("x")
    done = look("import", dgm(tmp_path / "run"), "--archive", tmp_path / "archive")
    assert done.returncode == 1
    assert "there already" in done.stderr
    assert [path.name for path in (tmp_path / "archive").iterdir()] == ["mine"]


@pytest.mark.parametrize("what", ["nothing", "empty", "a run"])
def test_what_is_no_output_is_refused(tmp_path: Path, what: str) -> None:
    folder = tmp_path / "x"
    if what != "nothing":
        folder.mkdir()
    if what == "a run":
        (folder / "events.log").write_text("")
    done = look("import", folder, "--archive", tmp_path / "archive")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "archive").exists()
    assert not list(tmp_path.glob(".*"))


# ---------------------------------------------------------------- hostile


def metadata(run: Path, name: str, **changes: Any) -> None:
    path = run / name / "metadata.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_torn_logs(tmp_path: Path) -> None:
    run = dgm(tmp_path / "run")
    path = run / "dgm_metadata.jsonl"
    whole = path.read_text()
    for at in range(0, len(whole), 7):
        path.write_text(whole[:at])
        assert len(read_outputs(run).agents) == 5
    path.write_text('{"torn": [\n' + whole + '{"children": 7, "archive": [1, {}, "../x"]}\n[1]\n{"a"')
    found = read_outputs(run)
    assert found.rejected == {FOUR}
    assert any("2 entries torn" in remark for remark in found.remarks)


def test_families_that_are_none(tmp_path: Path) -> None:
    run = dgm(tmp_path / "run")
    metadata(run, ONE, parent_commit=TWO)  # a circle of ONE and TWO
    metadata(run, THREE, parent_commit="20990101_000000_000000")
    metadata(run, FOUR, parent_commit=["initial"])
    carried, reader = brought(run, tmp_path)
    assert carried.agents == len(reader.tree.agents) == 1
    said = "\n".join(carried.left_out)
    assert "lead in a circle" in said
    assert "has no folder that tells of it" in said
    assert "names no parent" in said


def test_a_missing_root_is_no_end(tmp_path: Path) -> None:
    run = dgm(tmp_path / "run")
    (run / "initial/metadata.json").unlink()
    carried, reader = brought(run, tmp_path)
    assert carried.agents == 4
    assert reader.tree.seeds[0].results == {}


@pytest.mark.parametrize(
    "overall",
    [
        7,
        [],
        {"accuracy_score": 1e308, "total_resolved_ids": "x"},
        {"accuracy_score": float("nan"), "total_resolved_ids": [1, None, {}, "a/../b", "\x1b[2J", "x" * 10_000]},
        {"accuracy_score": 10**400, "total_resolved_ids": [TASKS[0]], "total_submitted_instances": 10**400},
        {"accuracy_score": -3, "total_resolved_ids": [TASKS[0]] * 3, "total_unresolved_ids": [TASKS[0]]},
        {"accuracy_score": 0.4, "total_submitted_instances": 10},
    ],
)
def test_scores_that_are_none(tmp_path: Path, overall: Any) -> None:
    run = dgm(tmp_path / "run")
    metadata(run, ONE, overall_performance=overall)
    carried, reader = brought(run, tmp_path)
    one = named(reader.tree, ONE)
    assert one.results.keys() <= {f"swebench-verified/{TASKS[0]}"}
    assert all(one.results.values())
    assert all(remark.isprintable() for remark in carried.remarks)


def test_hostile_words_and_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = dgm(tmp_path / "run")
    secret = tmp_path / "secret"
    secret.write_text("secret")
    metadata(run, ONE, problem_statement="\x1b[2J\u202e <script>\n" * 100_000, entry="\x1b]0;x\x07")
    (run / TWO / "model_patch.diff").unlink()
    (run / TWO / "model_patch.diff").symlink_to(secret)
    (run / THREE / "model_patch.diff").unlink()
    os.mkfifo(run / THREE / "model_patch.diff")
    (run / "linked").symlink_to(run / ONE, target_is_directory=True)
    (run / "bad name").mkdir()
    (run / "20250101_000000_000000").mkdir()
    (run / "20250101_000000_000000/metadata.json").write_text("[" * 100_000)
    monkeypatch.setattr(reading, "LARGEST", 10_000_000)
    carried, reader = brought(run, tmp_path)
    assert all(event.summary.isprintable() for event in reader.tree.agents.values())
    sources = [file.data for agent in reader.tree.agents for file in reader.source(agent).values()]
    assert b"secret" not in sources
    done = look("import", run, "--archive", tmp_path / "other")
    assert "\x1b" not in done.stdout + done.stderr
    assert "no regular file" in " ".join(carried.remarks)


def test_halves_of_characters_are_replaced(tmp_path: Path) -> None:
    run = dgm(tmp_path / "run")
    metadata(run, ONE, problem_statement="a \ud800 brief", entry="\udfff")
    _, reader = brought(run, tmp_path)
    assert named(reader.tree, ONE).summary.endswith("a ? brief")


def test_a_file_that_is_too_large_is_left_out(tmp_path: Path) -> None:
    run = dgm(tmp_path / "run")
    with (run / ONE / "model_patch.diff").open("r+b") as file:
        file.truncate(reading.LARGEST + 1)
    carried, _ = brought(run, tmp_path)
    assert any("too large" in remark for remark in carried.remarks)


def test_unsafe_patches_change_nothing_outside(tmp_path: Path) -> None:
    run = dgm(tmp_path / "run")
    evil = "diff --git a/x b/x\nnew file mode 100644\n--- /dev/null\n+++ b/../../../evil\n@@ -0,0 +1 @@\n+x\n"
    (run / ONE / "model_patch.diff").write_text(evil + BINARY)
    carried, reader = brought(run, tmp_path)
    assert set(reader.source(named(reader.tree, ONE).id)) == {"model_patch.diff"}
    assert f"the source of {TWO}: the source of its parent is not known" in carried.left_out
    assert not list(tmp_path.parent.glob("**/evil"))


KEYS = (
    "parent_commit overall_performance total_resolved_ids total_unresolved_ids total_emptypatch_ids entry nodes "
    "accuracy_score problem_statement commit_id id parent_id children total_submitted_ids archive num_evals "
    "children_compiled total_submitted_instances"
)
WORDS = st.sampled_from([ONE, TWO, "initial", TASKS[0], "x/../y"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS.split(" ")), inner, max_size=5),
    max_leaves=12,
)


@given(one=VALUES, root=VALUES, log=st.lists(VALUES, max_size=3), kind=st.sampled_from(["dgm", "hgm"]))
def test_any_values_give_an_archive_or_a_word(
    tmp_path_factory: pytest.TempPathFactory, one: Any, root: Any, log: list[Any], kind: str
) -> None:
    folder = tmp_path_factory.mktemp("any")
    for name, value in ((ONE, one), ("initial", root), (TWO, {"parent_commit": "initial"})):
        (folder / "run" / name).mkdir(parents=True)
        (folder / "run" / name / "metadata.json").write_text(json.dumps(value))
    (folder / f"run/{kind}_metadata.jsonl").write_text("\n".join(map(json.dumps, log)))
    try:
        carry(read_outputs(folder / "run"), "run", None, folder / "archive")
    except NoOutputs:
        return
    assert check(folder / "archive") == []


def test_what_is_to_be_ignored_is_read_with_care_too(tmp_path: Path) -> None:
    for name, lay in (("fifo", os.mkfifo), ("folder", os.mkdir), ("link", lambda at: os.symlink("/dev/zero", at))):
        checkout = seed(tmp_path / name)
        (checkout / ".dockerignore").unlink()
        lay(checkout / ".dockerignore")
        assert read_seed(checkout, False)


def test_what_dockerignore_means_there() -> None:
    patterns = ["logs", "**/__pycache__", "*.pyc", "utils/evo_utils.py"]
    assert matches("logs/a/b", patterns)
    assert matches("a/__pycache__/x", patterns)
    assert matches("utils/evo_utils.py", patterns)
    assert not matches("a/logs", patterns)
    assert not matches("a/x.pyc", patterns)
