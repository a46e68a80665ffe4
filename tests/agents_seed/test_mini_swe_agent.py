"""The adapter for mini-swe-agent: its way to the model alone, and the whole where the package is there."""

import importlib.util
import json
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from dgm.agent import smoke
from dgm.config import SandboxConfig
from dgm.files import read_folder
from dgm.llm.canned import CannedModel
from dgm.protocols import SandboxFault
from dgm.sandbox import open_sandbox
from tests.door import run_agent

SEED = Path(__file__).parents[2] / "agents_seed/mini_swe_agent"
IMAGE = os.environ.get("DGM_TEST_MINI_IMAGE", "dgm-mini:latest")


def loaded(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"mini_{name}", SEED / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode, before = True, sys.dont_write_bytecode
    spec.loader.exec_module(module)
    sys.dont_write_bytecode = before
    return module


door = loaded("door")


def answer(**message: Any) -> bytes:
    return json.dumps({"choices": [{"message": message, "finish_reason": "stop"}]}).encode()


def test_tool_calls_are_understood_and_sent_back_as_they_came() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "bash", "arguments": '{"command": "ls"}'}}
    message, calls, reason = door.understood(answer(content=None, tool_calls=[{**call, "index": 0}], extra=1))
    assert message == {"role": "assistant", "content": "", "tool_calls": [call]}
    assert [(one.id, one.function.name, one.function.arguments) for one in calls] == [
        ("c1", "bash", '{"command": "ls"}')
    ]
    assert reason == "stop"


def test_calls_in_text_form_are_understood() -> None:
    text = (
        'First.\n```json\n{"name": "bash", "arguments": {"command": "ls"}}\n```\nThen\n```json\nno\n```\n```\n[1]\n```'
    )
    message, calls, _ = door.understood(answer(content=text))
    assert message == {"role": "assistant", "content": text}
    assert [(one.id, one.function.name, one.function.arguments) for one in calls] == [
        (None, "bash", '{"command": "ls"}')
    ]


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"choices": []}', b'{"choices": [{"message": 1}]}', b"[" * 100_000, answer(tool_calls=[1])],
)
def test_nonsense_is_no_answer(body: bytes) -> None:
    with pytest.raises(door.Refused):
        door.understood(body)


@pytest.mark.skipif(importlib.util.find_spec("minisweagent") is not None, reason="the package is there")
def test_without_the_package_it_says_so() -> None:
    ran = run_agent(read_folder(SEED), CannedModel(), "do it", {})
    assert ran.exit == 1
    assert "mini-swe-agent cannot be imported" in ran.output
    assert "README.md" in ran.output
    assert "Traceback" not in ran.output


@pytest.mark.docker
def test_it_passes_the_smoke_test(tmp_path: Path) -> None:
    sandbox = open_sandbox(SandboxConfig(kind="docker", image=IMAGE), "mini", True)
    try:
        try:
            sandbox.check()
        except SandboxFault as fault:
            pytest.skip(f"no image {IMAGE}, which agents_seed/mini_swe_agent/README.md makes: {fault}")
        assert smoke(0, read_folder(SEED), sandbox, tmp_path) is None
        said = (tmp_path / "smoke/output.txt").read_text()
        assert "Everything is done." in said
        assert "finished: " in said
    finally:
        sandbox.close()


def test_the_page_and_the_image_agree_on_the_version() -> None:
    version = "2.4.6"
    assert f"mini-swe-agent=={version}" in (SEED / "Dockerfile").read_text()
    assert f"`mini-swe-agent` {version}" in (SEED / "README.md").read_text()
