"""The seed: each tool alone, then whole runs over a real socket."""

import ast
import importlib.util
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from dgm.files import File, checked, read_folder
from dgm.llm.canned import CannedModel
from dgm.protocols import Chat, ModelFault, Price
from tests.door import run_agent

SEED = Path(__file__).parents[2] / "agents_seed" / "minimal"


def loaded(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"seed_{name}", SEED / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode, before = True, sys.dont_write_bytecode
    spec.loader.exec_module(module)
    sys.dont_write_bytecode = before
    return module


tools, model = loaded("tools"), loaded("model")


@pytest.fixture(params=["bash", "sh"])
def toolbox(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    box = tools.Toolbox(str(tmp_path), time.monotonic() + 60)
    shell = shutil.which(request.param)
    if shell is None:
        pytest.skip(f"there is no {request.param}")
    box.shell = shell
    yield box
    box.scratch.cleanup()


def bash(toolbox: Any, command: str) -> str:
    worked, text = toolbox.run("bash", {"command": command})
    assert worked, text
    return str(text)


# ---------------------------------------------------------------- bash


def test_here_documents_of_any_size_arrive_whole(toolbox: Any, tmp_path: Path) -> None:
    content = 'it\'s "quoted" $HOME `x` \\n\n' * 10_000
    bash(toolbox, f"cat > big.txt <<'END'\n{content}END")
    assert (tmp_path / "big.txt").read_text() == content


def test_an_unfinished_here_document_ends(toolbox: Any) -> None:
    assert "exit code: 0" in bash(toolbox, "cat <<END\nnever closed")


@pytest.mark.parametrize("command", ["echo 'never closed", 'echo "never closed', "if true; then", "(", "case x in"])
def test_what_cannot_be_parsed_is_an_error_not_a_hang(toolbox: Any, command: str) -> None:
    text = bash(toolbox, command)
    assert "exit code: 0" not in text
    assert "exit code: 0" in bash(toolbox, "true")


def test_jobs_in_the_background_neither_block_nor_end(toolbox: Any, tmp_path: Path) -> None:
    assert "started" in bash(toolbox, "(sleep 0.2; echo late; echo done > late.txt) &\nsleep 60 & echo started $!")
    end = time.monotonic() + 30
    while not (tmp_path / "late.txt").exists() and time.monotonic() < end:
        time.sleep(0.02)
    assert (tmp_path / "late.txt").exists()


def test_exit_ends_the_command_alone(toolbox: Any) -> None:
    assert "exit code: 3" in bash(toolbox, "export KEPT=1; exit 3; echo unreached")
    assert "1\nexit code: 0" in bash(toolbox, "echo $KEPT")


def test_comments_and_pipes_and_input_behave(toolbox: Any) -> None:
    assert "x\nexit code: 0" in bash(toolbox, "echo x # a comment")
    assert "exit code: 0" in bash(toolbox, "cat")
    assert "exit code: 1" in bash(toolbox, "yes | head -1 | grep no")


def test_folder_and_exported_variables_are_kept(toolbox: Any) -> None:
    bash(toolbox, "mkdir -p 'a b'; cd 'a b'; export TEXT='two\nlines \"and\" quotes'")
    text = bash(toolbox, 'pwd; echo "$TEXT"; set -e; false')
    assert "/a b\n" in text
    assert 'two\nlines "and" quotes' in text
    bash(toolbox, "cd ..; rmdir 'a b'")
    assert "exit code: 0" in bash(toolbox, "pwd")


def test_a_folder_that_has_vanished_does_not_stop_the_shell(toolbox: Any, tmp_path: Path) -> None:
    bash(toolbox, "mkdir gone; cd gone")
    (tmp_path / "gone").rmdir()
    assert str(tmp_path) in bash(toolbox, "pwd")


def test_long_output_loses_its_middle(toolbox: Any) -> None:
    text = bash(toolbox, "echo first; head -c 400000 /dev/zero | tr '\\0' x; echo; echo last")
    assert text.startswith("first")
    assert "last\nexit code: 0" in text
    assert "characters left out" in text
    assert len(text) < tools.OUTPUT + 200


def test_a_flood_is_stopped(toolbox: Any) -> None:
    assert "too much output" in bash(toolbox, "yes")


def test_output_that_is_no_text_is_shown_anyway(toolbox: Any) -> None:
    assert "a\ufffdb" in bash(toolbox, r"printf 'a\377b'")
    json.dumps(bash(toolbox, "head -c 100000 /dev/urandom")).encode()


def test_a_command_that_takes_too_long_is_killed_with_its_children(
    toolbox: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tools, "COMMAND", 0.5)
    text = bash(toolbox, "echo before; sh -c 'echo $$ > child; sleep 600'; echo after")
    assert "before" in text
    assert "it took too long" in text
    child = int((tmp_path / "child").read_text())
    end = time.monotonic() + 30
    while alive(child) and time.monotonic() < end:
        time.sleep(0.02)
    assert not alive(child)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


# ---------------------------------------------------------------- edit


def edit(toolbox: Any, **arguments: object) -> tuple[bool, str]:
    worked, text = toolbox.run("edit", arguments)
    return worked, text


def test_edit_creates_views_and_replaces(toolbox: Any, tmp_path: Path) -> None:
    assert edit(toolbox, command="create", path="a/b.txt", content="one\r\ntwo\r\n")[0]
    assert edit(toolbox, command="view", path="a/b.txt") == (True, "one\r\ntwo\r\n")
    assert edit(toolbox, command="replace", path="a/b.txt", old="two", new="three")[0]
    assert (tmp_path / "a/b.txt").read_bytes() == b"one\r\nthree\r\n"
    assert edit(toolbox, command="write", path=str(tmp_path / "a/b.txt"), content="")[0]
    assert (tmp_path / "a/b.txt").read_bytes() == b""


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"command": "view", "path": "absent"}, "No such file"),
        ({"command": "view", "path": "."}, "not a regular file"),
        ({"command": "view", "path": "fifo"}, "not a regular file"),
        ({"command": "write", "path": "fifo", "content": ""}, "not a regular file"),
        ({"command": "view", "path": "bytes"}, "codec"),
        ({"command": "view", "path": "nul\0"}, "null"),
        ({"command": "view", "path": "\ud800"}, "codec"),
        ({"command": "create", "path": "twice", "content": ""}, "exists already"),
        ({"command": "create", "path": "new"}, "needs the argument 'content'"),
        ({"command": "write", "path": "new", "content": "\ud800"}, "codec"),
        ({"command": "write", "path": "twice/new", "content": ""}, "exists"),
        ({"command": "replace", "path": "twice", "old": "x", "new": "y"}, "occurs 2 times"),
        ({"command": "replace", "path": "twice", "old": "", "new": "y"}, "not empty"),
        ({"command": "replace", "path": "twice", "old": "x"}, "'new'"),
        ({"command": "delete", "path": "twice"}, "no command 'delete'"),
        ({"command": "view"}, "needs the argument 'path'"),
        ({"command": "view", "path": 1}, "of this type"),
        ({"command": "view", "path": "twice", "lines": "1"}, "takes no argument 'lines'"),
        ([], "not a JSON object"),
        (None, "not a JSON object"),
    ],
)
def test_mistakes_are_told_to_the_model(toolbox: Any, tmp_path: Path, arguments: Any, error: str) -> None:
    (tmp_path / "twice").write_text("x x")
    (tmp_path / "bytes").write_bytes(b"\xff")
    os.mkfifo(tmp_path / "fifo")
    worked, text = toolbox.run("edit", arguments)
    assert not worked
    assert error in text
    assert (tmp_path / "twice").read_text() == "x x"


def test_a_tool_that_there_is_not_is_a_mistake(toolbox: Any) -> None:
    assert toolbox.run("watch", {}) == (False, "error: there is no tool 'watch', only bash and edit")


# ---------------------------------------------------------------- replies


def test_calls_are_read_in_text_form() -> None:
    text = 'First:\n```json\n{"name": "bash", "arguments": {"command": "ls\n-l"}}\n```\nand\n```python\nx = 1\n```\n'
    assert model.text_calls(text) == [{"id": None, "name": "bash", "arguments": {"command": "ls\n-l"}}]


@pytest.mark.parametrize(
    "head", ["src/a.py\n```python", "**`src/a.py`**:\n\n```", "### File: src/a.py\n```py", "So:\n```python src/a.py"]
)
def test_whole_files_are_read(head: str) -> None:
    [call] = model.text_calls(f"I rewrite it.\n\n{head}\nx = 1\n\ny = 2\n```\nThat is all.")
    assert call["arguments"] == {"command": "write", "path": "src/a.py", "content": "x = 1\n\ny = 2\n"}


@pytest.mark.parametrize(
    "text",
    ["", "Done.", "I changed `a.py` like this:\n```python\nx\n```", "```json\n{}\n```", "```json\n[1]\n```",
     "a.py\n```diff\n-x\n+y\n```",
     "a.py\n```python\nnever closed",
     "```\n" * 100_001, "x" * 1_000_000, "\n" * 1_000_000, "*" * 500_000 + "\n```\n```"],
    ids=range(11),
)  # fmt: skip
def test_text_without_calls_has_none(text: str) -> None:
    assert model.text_calls(text) == []


# ---------------------------------------------------------------- whole runs


class Listed:
    """A model that gives the replies of a list, then says that it is done."""

    name = "listed"

    def __init__(self, *replies: Any) -> None:
        self.replies = list(replies)

    def price(self) -> Price:
        return Price(0.0, 0.0)

    def complete(self, request: Chat, seconds: float) -> Chat:
        reply = self.replies.pop(0) if self.replies else "Done."
        if isinstance(reply, ModelFault):
            raise reply
        return reply if isinstance(reply, dict) else {"choices": [{"message": {"content": reply}}]}


def calling(*calls: tuple[str, str]) -> Chat:
    made = [{"id": str(i), "function": {"name": n, "arguments": a}} for i, (n, a) in enumerate(calls)]
    return {"choices": [{"message": {"content": None, "tool_calls": made}}]}


def test_it_is_a_proper_agent_of_its_own() -> None:
    source = checked(read_folder(SEED))
    assert source["start"].executable
    for path, file in source.items():
        if path.endswith(".py"):
            tree = ast.parse(file.data, feature_version=(3, 8))
            names = [
                n.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for n in node.names
            ]
            assert set(names) <= sys.stdlib_module_names | {"model", "tools"}


@pytest.mark.parametrize("work", [{}, read_folder(SEED)], ids=["task", "itself"])
def test_it_passes_the_smoke_test_on_a_task_and_on_itself(work: dict[str, File]) -> None:
    canned = CannedModel()
    run = run_agent(read_folder(SEED), canned, "Write the file.", work)
    assert run.exit == 0, run.output
    assert {path: file.data for path, file in run.files.items() if path not in work} == canned.expects
    assert canned.calls == 2


def test_the_first_prompt_holds_the_statement_and_the_paths_alone() -> None:
    run = run_agent(read_folder(SEED), Listed(), "Make it work. \u00fc", {"pkg/a.py": File(b"secret = 1\n")})
    first = run.requests[0]["messages"]
    assert [message["role"] for message in first] == ["system", "user"]
    assert "Make it work. \u00fc" in first[1]["content"]
    assert "pkg/a.py" in first[1]["content"]
    assert "secret" not in json.dumps(first)


def test_calls_in_text_form_and_whole_files_are_carried_out() -> None:
    listed = Listed(
        '```json\n{"name": "bash", "arguments": {"command": "cat a.py"}}\n```', "a.py\n```python\nx = 2\n```"
    )
    run = run_agent(read_folder(SEED), listed, "Set x to 2.", {"a.py": File(b"x = 1\n")})
    assert run.files == {"a.py": File(b"x = 2\n")}
    assert "x = 1" in run.requests[1]["messages"][-1]["content"]
    assert run.exit == 0


def test_several_calls_at_once_are_each_answered() -> None:
    listed = Listed(calling(("bash", '{"command": "echo one"}'), ("bash", "{broken"), ("nonsense", "{}")))
    run = run_agent(read_folder(SEED), listed, "Go.", {})
    answers = run.requests[1]["messages"][3:]
    assert [answer["tool_call_id"] for answer in answers] == ["0", "1", "2"]
    assert "one" in answers[0]["content"]
    assert "not a JSON object" in answers[1]["content"]
    sent = run.requests[1]["messages"][2]["tool_calls"]
    assert all(isinstance(json.loads(call["function"]["arguments"]), dict) for call in sent)


@pytest.mark.parametrize(
    "reply",
    [
        ModelFault("refused", "no money is left"),
        {"choices": []},
        {"choices": [{"message": {"tool_calls": [{}]}}]},
        {"choices": [{"message": {"tool_calls": 7}}]},
        {"choices": [{"message": None}]},
        {},
    ],
    ids=range(6),
)
def test_a_refusal_or_garbage_ends_it_in_good_order(reply: Any) -> None:
    run = run_agent(read_folder(SEED), Listed(calling(("bash", '{"command": "echo > kept"}')), reply), "Go.", {})
    assert run.exit == 0
    assert "finished early" in run.output
    assert "kept" in run.files


@pytest.mark.parametrize(
    "arguments", ["[" * 100_000, '{"command": "echo \\ud800"}', "null", "1e999", '{"command": 1}', "\x00"]
)
def test_nonsense_is_bounded(arguments: str) -> None:
    listed = Listed(*[calling(("bash", arguments))] * 100)
    run = run_agent(read_folder(SEED), listed, "Go.", {})
    assert run.exit == 0
    assert len(run.requests) <= 40


def test_the_conversation_stays_bounded_and_well_formed() -> None:
    listed = Listed(*[calling(*[("bash", '{"command": "seq 3000"}')] * 4)] * 30)
    run = run_agent(read_folder(SEED), listed, "Remember this.", {})
    for request in run.requests:
        messages = request["messages"]
        assert len(json.dumps(messages)) < 150_000
        assert "Remember this." in messages[1]["content"]
        open_calls: set[str] = set()
        for message in messages[2:]:
            if message["role"] == "assistant":
                assert not open_calls
                open_calls = {call["id"] for call in message["tool_calls"]}
            else:
                open_calls.remove(message["tool_call_id"])
        assert not open_calls
    assert len(run.requests) > 25


def test_without_a_model_it_fails_with_one_clear_line() -> None:
    run = run_agent(read_folder(SEED), Listed(), "Go.", {}, env={"DGM_SOCKET": "/nowhere/model.sock"})
    assert run.exit == 1
    assert "the model cannot be reached" in run.output


def test_when_the_time_is_up_it_ends_in_good_order() -> None:
    run = run_agent(read_folder(SEED), Listed(*["a.py\n```\nx\n```"] * 100), "Go.", {}, seconds=5)
    assert run.exit == 0
    assert not run.requests
