"""Which tests run where: the default run leaves out what is slow, and Docker's where no engine answers.

With CI set in the environment everything runs, and a missing engine is a failure instead of a skip.
"""

import os
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

CI = bool(os.environ.get("CI"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", default=CI, help="run the slow tests too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    slow = config.getoption("--slow") or any(word in str(config.getoption("-m")) for word in ("slow", "languages"))
    for item in items:
        if item.get_closest_marker("slow") and not slow:
            item.add_marker(pytest.mark.skip(reason="slow: run with --slow"))
        if item.get_closest_marker("languages") and "languages" not in str(config.getoption("-m")):
            item.add_marker(pytest.mark.skip(reason="large images: run with -m languages"))
        if item.get_closest_marker("docker") and not CI and not engine():
            item.add_marker(pytest.mark.skip(reason="no Docker engine answers"))


@cache
def engine() -> bool:
    """Whether a Docker engine answers."""
    from dgm.protocols import SandboxFault
    from dgm.sandbox.engine import connect

    try:
        connect().close()
    except SandboxFault:
        return False
    return True


@pytest.fixture(autouse=True)
def cache_of_its_own(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a test finds out about the machine, no other test and no user gets to see."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("DGM_CACHE", str(folder))
    return folder


@pytest.fixture(scope="session")
def litellm() -> Any:
    """The library, imported and warmed up once: that takes seconds, and what it is made of warns."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from dgm.config import ModelConfig
        from dgm.llm.provider import ProviderModel
        from dgm.protocols import ModelFault

        nowhere = ProviderModel(ModelConfig(name="openai/m", api_base="http://127.0.0.1:1"), {})
        with pytest.raises(ModelFault):
            nowhere.complete({"messages": [{"role": "user", "content": ""}]}, 60.0)
        import litellm

        litellm.ModelResponse()
        return litellm


@pytest.fixture(scope="session", autouse=True)
def forks() -> Iterator[None]:
    """The process that commands are forked from ends with the tests."""
    yield
    from tests.cli.archives import FORKS

    FORKS.close()
