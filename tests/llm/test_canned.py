import pytest

from dgm.llm.canned import CannedModel, shell_tool
from dgm.protocols import ModelFault


def offer(name: object, *required: object, kind: str = "string") -> dict[str, object]:
    properties = {str(key): {"type": kind} for key in required}
    return {
        "type": "function",
        "function": {"name": name, "parameters": {"properties": properties, "required": list(required)}},
    }


@pytest.mark.parametrize("name", ["bash", "run_shell", "sh", "execute-command", "Bash"])
def test_a_shell_is_recognised_by_name_and_argument(name: str) -> None:
    assert shell_tool({"tools": [offer("edit", "path"), offer(name, "cmd")]}) == (name, "cmd")


@pytest.mark.parametrize(
    "tools",
    [None, {}, [None], [{}], [{"function": []}], [{"function": {"name": 1}}], [offer("bash", "a", "b")],
     [offer("bash", 1)], [offer("bash", "a", kind="integer")], [offer("crash", "a")], [offer(["bash"], "a")]],
)  # fmt: skip
def test_what_is_no_shell_is_passed_over(tools: object) -> None:
    assert shell_tool({"tools": tools}) is None


def test_it_asks_through_the_tool_once_and_then_is_done() -> None:
    model = CannedModel()
    request = {"messages": [], "tools": [offer("bash", "command")]}
    first = model.complete(request, 1)["choices"][0]["message"]
    assert first["tool_calls"][0]["function"]["name"] == "bash"
    assert model.expects
    second = model.complete(request, 1)["choices"][0]["message"]
    assert "tool_calls" not in second
    assert model.calls == 2


def test_without_a_tool_it_asks_in_text_and_expects_nothing() -> None:
    model = CannedModel()
    assert "```json" in model.complete({"messages": []}, 1)["choices"][0]["message"]["content"]
    assert not model.expects


def test_its_replies_are_bounded() -> None:
    model = CannedModel(replies=2)
    for _ in range(2):
        model.complete({}, 1)
    with pytest.raises(ModelFault, match="no more than 2"):
        model.complete({}, 1)
    assert model.calls == 2
