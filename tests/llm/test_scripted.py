"""The simulation: what it does depends on the request alone, and its rewrites are real."""

import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dgm.files import File, Files, digest, patched, read_folder, write_folder
from dgm.jobs import JobId, TaskId
from dgm.llm.canned import CannedModel
from dgm.llm.scripted import ScriptedModel
from dgm.llm.scripted_bad import BROKEN, HARMFUL, USELESS
from dgm.llm.scripted_edits import Edit, made
from dgm.llm.scripted_errors import corrupted
from dgm.llm.scripted_good import GOOD
from dgm.llm.scripted_rewriting import KNOWN, chosen
from dgm.llm.scripted_wire import showing, shown
from dgm.protocols import Grade, Patch, Sandbox, Task
from tests.door import Run, run_agent

SEED = read_folder(Path(__file__).parents[2] / "agents_seed" / "minimal")
TEXTS = {path: file.data.decode() for path, file in SEED.items()}
EDITS = (*GOOD, *USELESS, *HARMFUL, *BROKEN)

ADD = """from unittest import TestCase
from sums import add
class Test(TestCase):
    def test_add(self):
        self.assertEqual(add(2, 3), 5)
        self.assertEqual(add(0, 1), 1)
"""
TASKS = {
    f"own/{name}": Task(
        id=f"own/{name}",
        statement=f"# Sums of {name}\n\nThe function `add` in `sums.py` has to add its two arguments for {name}.\n\n"
        "It adds numbers of every kind.\n\nRun the tests with `python3 -m unittest`.\n",
        files={
            "sums.py": File(b'"""Sums of two numbers."""\n\n\ndef add(first, second):\n    return first * second\n'),
            "test_sums.py": File(ADD.encode()),
        },
    )
    for name in ("apples", "pears", "plums", "quinces", "cherries", "figs", "dates")
}
REFERENCE = Patch(
    {"sums.py": File(b'"""Sums of two numbers."""\n\n\ndef add(first, second):\n    return first + second\n')}
)


class Sums:
    """A benchmark whose tasks are all alike but for their names."""

    name = "own"
    version = "1"

    def tasks(self) -> Sequence[TaskId]:
        return tuple(TASKS)

    def task(self, id: TaskId) -> Task:
        return TASKS[id]

    def reference(self, id: TaskId) -> Patch:
        return REFERENCE

    def grade(self, id: TaskId, patch: Patch, sandbox: Sandbox, job: JobId) -> Grade:
        return Grade(dict(patched(TASKS[id].files, patch.changed, patch.deleted)) == solved_files(id), "")


def solved_files(id: TaskId) -> Files:
    return patched(TASKS[id].files, REFERENCE.changed, ())


MODEL = ScriptedModel(Sums())


def edit_named(name: str) -> Edit:
    return next(edit for edit in EDITS if edit.name == name)


def child(*names: str, source: Mapping[str, str] = TEXTS) -> Files:
    """The seed after the edits of these names."""
    texts = dict(source)
    for name in names:
        new = made(edit_named(name), texts, random.Random(name))
        assert new is not None, name
        texts = new
    return {path: File(text.encode(), SEED[path].executable if path in SEED else False) for path, text in texts.items()}


def attempt(agent: Files, id: TaskId, model: ScriptedModel = MODEL) -> Run:
    return run_agent(agent, model, TASKS[id].statement, TASKS[id].files)


def request(*contents: str, tools: bool = True) -> dict[str, Any]:
    """A conversation: system, user, then assistant and user by turns."""
    roles = ["system", "user", *["assistant", "user"] * len(contents)]
    names = [("bash", ["command"]), ("edit", ["command", "path", "content"])]
    offered = [
        {
            "type": "function",
            "function": {
                "name": name,
                "description": "write",
                "parameters": {"properties": {a: {"type": "string"} for a in args}, "required": args[:1]},
            },
        }
        for name, args in names
    ]
    messages = [{"role": role, "content": text} for role, text in zip(roles, contents, strict=False)]
    return {"model": "scripted", "messages": messages, **({"tools": offered} if tools else {})}


def reply(model: ScriptedModel, asked: dict[str, Any]) -> dict[str, Any]:
    message = model.complete(asked, 1)["choices"][0]["message"]
    assert isinstance(message, dict)
    return message


# ---------------------------------------------------------------- solving


def test_equal_requests_get_equal_replies() -> None:
    for id in TASKS:
        asked = request("You are an agent.", TASKS[id].statement + "sums.py\ntest_sums.py")
        assert MODEL.complete(asked, 1) == ScriptedModel(Sums()).complete(asked, 9)


def test_another_seed_is_another_model() -> None:
    asked = [request("You are an agent.", TASKS[id].statement + "\nsums.py\ntest_sums.py") for id in TASKS]
    assert [MODEL.complete(each, 1) for each in asked] != [ScriptedModel(Sums(), 1).complete(each, 1) for each in asked]


def test_what_it_writes_depends_on_what_the_request_holds() -> None:
    """The same conversation with more in it is solved more often; nothing else differs."""
    source = TASKS["own/figs"].files["sums.py"].data.decode()
    solved = {}
    for given_contents in (False, True):
        solved[given_contents] = 0
        for seed in range(60):
            model = ScriptedModel(Sums(), seed)
            statement = TASKS["own/figs"].statement + ("\n" + source if given_contents else "\nnothing else")
            talk = ["You are an agent.", statement]
            for _ in range(6):
                message = reply(model, request(*talk))
                text = json.dumps(message)
                if "I write my solution" in text:
                    solved[given_contents] += "first + second" in text
                    break
                talk += [message["content"], "Go on."]
    assert solved[True] > 2 * solved[False]


def test_a_statement_without_its_tail_is_worth_less() -> None:
    statement = TASKS["own/figs"].statement
    source = TASKS["own/figs"].files["sums.py"].data.decode()
    rights = {}
    for text in (statement, statement[:90]):
        found = 0
        for seed in range(60):
            said = json.dumps(reply(ScriptedModel(Sums(), seed), request("s", text + "\n" + source)))
            found += "first + second" in said
        rights[text] = found
    assert rights[statement] > rights[statement[:90]]


def test_an_unknown_task_is_left_alone() -> None:
    assert "tool_calls" not in reply(MODEL, request("You are an agent.", "Write a compiler."))


@pytest.mark.parametrize(
    "asked",
    [{}, {"messages": None}, {"messages": [None, 1, {}]}, {"messages": [{"role": 3, "content": [{"text": 1}, None]}]},
     {"messages": [{"role": "assistant", "tool_calls": [None, 3]}], "tools": [None, {"function": 3}, {}]},
     {"messages": {"a": 1}, "tools": "bash", "max_tokens": "many"}],
)  # fmt: skip
def test_any_request_gets_a_reply(asked: dict[str, Any]) -> None:
    answer = MODEL.complete(asked, 1)
    assert answer["choices"][0]["message"]["role"] == "assistant"
    assert answer["usage"]["total_tokens"] > 0


def test_without_tools_it_calls_in_text_form() -> None:
    asked = request("s", TASKS["own/figs"].statement + "\nsums.py", tools=False)
    for seed in range(20):
        message = reply(ScriptedModel(Sums(), seed), asked)
        assert "tool_calls" not in message
        if "```json" in message["content"] and "I change" not in message["content"]:
            block = message["content"].split("```json\n")[1].split("\n```")[0]
            assert json.loads(block)["name"] == "bash"
            return
    pytest.fail("it never called anything")


def test_a_better_agent_solves_more() -> None:
    better = child("contents", "feedback", "nonempty", "unreadable", "check")
    assert solved_by(SEED) < solved_by(better)


def solved_by(agent: Files) -> int:
    return sum(attempt(agent, id).files == solved_files(id) for id in TASKS)


# ---------------------------------------------------------------- marks


@pytest.mark.parametrize("text", ["", "a\n", "a", "<<< a\n>>> b\n", ">>> x", "é\n\n"])
def test_what_is_shown_between_marks_is_found_again(text: str, tmp_path: Path) -> None:
    (tmp_path / "it's").write_text(text)
    command = showing("x's", "cat it\\'s")
    told = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert shown(f"exit code: 0\n{told}\nmore") == {"x's": text}


def test_marks_that_are_cut_or_never_end_are_passed_over() -> None:
    assert shown("<<< a\nx[...]\n<<< b\ny\n>>> b\n") == {"b": "y\n"}
    assert shown("<<< a\n" * 200_000) == {}


# ---------------------------------------------------------------- mistakes

BEFORE = "def f(x):\n    return x\n\n\ndef g(x):\n    return 0\n"
AFTER = "def f(x):\n    if x > 0:\n        return x + 1\n    return 0\n\n\ndef g(x):\n    return f(x) - 1\n"


@given(key=st.text(), after=st.sampled_from([AFTER, "x = 1\n", "", "while True:\n    x += 1\n"]))
@settings(max_examples=50, deadline=None)
def test_a_mistake_is_neither_the_reference_nor_nothing(key: str, after: str) -> None:
    wrong = corrupted({"a.py": BEFORE}, {"a.py": after}, key)
    assert wrong == corrupted({"a.py": BEFORE}, {"a.py": after}, key)
    assert wrong["a.py"] not in (BEFORE, after)
    compile(wrong["a.py"], "a.py", "exec")


def test_other_languages_can_be_spoiled_too() -> None:
    wrong = corrupted({"a.go": "package a\n"}, {"a.go": "package a\nfunc F(x int) bool { return x <= 1 }\n"}, "k")
    assert wrong["a.go"] not in ("package a\n", "package a\nfunc F(x int) bool { return x <= 1 }\n")


# ---------------------------------------------------------------- edits

ALIVE = (*GOOD, *USELESS, *HARMFUL)


def smoke(agent: Files) -> str | None:
    """Whether the agent passes the smoke test, by exit code, calls and file; the reason if not."""
    canned = CannedModel()
    try:
        run = run_agent(agent, canned, "Do what you are told.", {"a.py": File(b"x = 1\n")}, seconds=6)
    except subprocess.TimeoutExpired:
        return "timeout"
    made_files = {path: file.data for path, file in run.files.items() if path != "a.py"}
    return None if run.exit == 0 and canned.calls and made_files == canned.expects else run.output or "nothing"


@pytest.mark.parametrize("edit", ALIVE, ids=lambda edit: edit.name)
def test_a_child_by_one_edit_is_new_and_alive(edit: Edit) -> None:
    agent = child(edit.name)
    assert digest(agent) != digest(SEED)
    assert smoke(agent) is None


@pytest.mark.parametrize("edit", [e for e in BROKEN if e.name not in ("endless", "nothing")], ids=lambda e: e.name)
def test_broken_edits_break(edit: Edit) -> None:
    assert smoke(child(edit.name)) is not None


def test_the_endless_edit_never_calls_the_model() -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_folder(child("endless"), Path(folder, "agent"))
        env = {"DGM_PYTHON": sys.executable, "PATH": "/usr/bin:/bin"}
        with pytest.raises(subprocess.TimeoutExpired):
            subprocess.run(["sh", f"{folder}/agent/start"], env=env, cwd=folder, timeout=0.5, check=False)


def test_an_edit_is_not_made_twice() -> None:
    for edit in GOOD:
        assert made(edit, made(edit, TEXTS, random.Random(1)) or {}, random.Random(2)) is None, edit.name


@given(
    names=st.lists(st.sampled_from([edit.name for edit in EDITS if edit.name not in ("emptied", "nothing")])),
    seed=st.integers(),
)
@settings(max_examples=60, deadline=None)
def test_edits_compose_in_any_order(names: list[str], seed: int) -> None:
    texts, broken = dict(TEXTS), False
    for name in names:
        new = made(edit_named(name), texts, random.Random(seed))
        broken = broken or (new is not None and name == "syntax")
        texts = new or texts
    for path, text in texts.items():
        if path.endswith(".py") and not (broken and path == "main.py"):
            compile(text, path, "exec")


def test_all_good_edits_together_are_alive_in_several_orders() -> None:
    names = [edit.name for edit in GOOD]
    for seed in range(2):
        order = random.Random(seed).sample(names, len(names))
        agent = child(*order, "comment", "rename", "log", "manners")
        assert smoke(agent) is None
    run = attempt(agent, "own/figs")
    assert run.exit == 0, run.output


# ---------------------------------------------------------------- what the good edits do


def test_contents_puts_files_into_the_first_prompt() -> None:
    run = attempt(child("contents"), "own/figs")
    assert "return first * second" in run.requests[0]["messages"][1]["content"]


def replay(agent: Files, model: Any, id: TaskId = "own/figs") -> Run:
    return run_agent(agent, model, TASKS[id].statement, TASKS[id].files)


class Says:
    """A model that says the same thing again and again, and at last that it is done."""

    name = "says"

    def __init__(self, text: str, times: int = 5) -> None:
        self.texts = [text] * times

    def price(self) -> None:
        return None

    def complete(self, request: Any, seconds: float) -> Any:
        return {"choices": [{"message": {"content": self.texts.pop() if self.texts else "Done."}}]}


@pytest.mark.parametrize(
    ("name", "said", "told"),
    [
        ("feedback", "Done.", "FAILED (failures=1)"),
        ("again", "Done.", "An earlier attempt"),
        ("nonempty", "Done.", "No file has been changed yet."),
        ("check", "Done.", "Check your work"),
        ("unreadable", '```json\n{"name": "bash", "arguments": {"command": \n```', "could not be read"),
    ],
)
def test_what_is_said_at_the_end_is_answered(name: str, said: str, told: str) -> None:
    plain = replay(SEED, Says(said))
    assert len(plain.requests) == 1
    run = replay(child(name), Says(said))
    assert run.exit == 0
    assert 1 < len(run.requests) < 6
    assert told in run.requests[1]["messages"][-1]["content"]


def test_output_shows_more() -> None:
    command = '```json\n{"name": "bash", "arguments": {"command": "seq 2000"}}\n```'
    shown_by = {
        name: max(len(m["content"]) for m in replay(agent, Says(command, 1)).requests[1]["messages"][2:])
        for name, agent in (("seed", SEED), ("output", child("output")))
    }
    assert shown_by["seed"] < 5_000 < shown_by["output"]


def test_advice_stands_in_the_system_prompt() -> None:
    assert "Run the tests" in attempt(child("advice"), "own/figs").requests[0]["messages"][0]["content"]


# ---------------------------------------------------------------- diagnosis and rewriting

BRIEF = """You are improving a coding agent. Its source is in the work folder, which is a copy of your own source code.

{brief}

Rules: keep the agent contract."""


def diagnose(evidence: str, model: ScriptedModel = MODEL) -> str:
    source = "\n".join(f"## {path}\n```\n{text}\n```" for path, text in TEXTS.items())
    rules = 'You diagnose a coding agent. Reply with one JSON object with the keys "summary", "weakness", "brief".'
    return str(reply(model, request(rules, source + evidence))["content"])


def test_a_diagnosis_names_something_good_that_is_missing() -> None:
    named = set()
    malformed = 0
    for number in range(40):
        text = diagnose(f"\n# A task that the agent failed\nTask {number}")
        try:
            found, _ = json.JSONDecoder().raw_decode(text[text.index("{") :])
        except ValueError:
            malformed += 1
            continue
        assert set(found) == {"summary", "weakness", "proposal", "brief"}
        named.add(found["proposal"])
    assert named <= {edit.proposal for edit in GOOD}
    assert len(named) > 4
    assert malformed < 10


def test_rewrites_are_carried_out_by_the_agent_itself() -> None:
    kinds = set()
    for number in range(6):
        brief = BRIEF.format(brief=f"{GOOD[number % len(GOOD)].proposal}. Number {number}.")
        run = run_agent(SEED, MODEL, brief, SEED)
        assert run.exit == 0, run.output
        texts = {path: file.data.decode() for path, file in run.files.items()}
        assert run.files["start"].executable
        if texts == TEXTS:
            kinds.add("none")
        else:
            kinds.add("some")
            assert "I make the change." in run.output
    assert "some" in kinds


def test_a_rewrite_depends_on_source_and_brief_alone() -> None:
    brief = BRIEF.format(brief=GOOD[0].proposal)
    first, second = (run_agent(SEED, MODEL, brief, SEED) for _ in range(2))
    assert first.files == second.files
    assert [r["messages"] for r in first.requests] == [r["messages"] for r in second.requests]


def test_an_agent_that_has_been_improved_can_rewrite_itself() -> None:
    agent = child(*[edit.name for edit in GOOD])
    changed = 0
    for number in range(3):
        run = run_agent(agent, MODEL, BRIEF.format(brief=f"Number {number}."), agent)
        assert run.exit == 0, run.output
        changed += run.files != agent
    assert changed


def test_an_agent_with_tiny_output_cannot_be_rewritten() -> None:
    agent = child("tiny_output")
    run = run_agent(agent, MODEL, BRIEF.format(brief="Make it better."), agent)
    assert run.exit == 0
    assert run.files == agent


def test_the_kinds_come_in_the_shares_that_are_said() -> None:
    counts = dict.fromkeys(("good", "useless", "harmful", "broken"), 0)
    for number in range(200):
        counts[kind_of(chosen(TEXTS, GOOD[number % len(GOOD)].proposal, f"key {number}"))] += 1
    assert 60 < counts["good"] < 100
    assert 30 < counts["useless"] < 70
    assert 15 < counts["harmful"] < 45
    assert 22 < counts["broken"] < 60


def kind_of(new: Mapping[str, str]) -> str:
    return kinds().get("\0".join(new.values()), "broken")


@cache
def kinds() -> dict[str, str]:
    """What every edit can make of the seed, with its kind."""
    edits = [(kind, edit) for kind, known in KNOWN.items() for edit in known]
    results = ((kind, made(edit, TEXTS, random.Random(n))) for kind, edit in edits for n in range(60))
    return {"\0".join(new.values()): kind for kind, new in results if new is not None}
