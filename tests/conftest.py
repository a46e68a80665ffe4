"""Which tests run where: the default run leaves out what is slow, and what needs an engine or browser that is missing.

With CI set in the environment everything runs, and a missing engine or browser is a failure instead of a skip. The
default run also tries fewer examples of each property, other ones each time, and keeps its files in memory where there
is room.
"""

import os
import signal
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.page import browser

CI = bool(os.environ.get("CI"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", default=CI, help="run the slow tests too")


def pytest_configure(config: pytest.Config) -> None:
    # No deadlines: how long an example takes depends on what else the machine does.
    settings.register_profile("quick", deadline=None, max_examples=30)
    settings.register_profile("whole", deadline=None)
    settings.load_profile("whole" if config.getoption("--slow") else "quick")
    # As in the background of a shell; and what tests start inherits it.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if roomy(MEMORY):
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


MEMORY = Path("/dev/shm")
ROOM = 2 << 30
"""Bytes; what the tests leave behind is a tenth of that."""


def roomy(folder: Path) -> bool:
    """Whether tests can have their files in `folder`, and start what is in it."""
    try:
        room = os.statvfs(folder)
    except OSError:
        return False
    usable = os.access(folder, os.W_OK) and not room.f_flag & (os.ST_NOEXEC | os.ST_RDONLY)
    return usable and room.f_bavail * room.f_frsize > ROOM


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    slow = config.getoption("--slow") or any(word in str(config.getoption("-m")) for word in ("slow", "languages"))
    for item in items:
        if item.get_closest_marker("slow") and not slow:
            item.add_marker(pytest.mark.skip(reason="slow: run with --slow"))
        if item.get_closest_marker("languages") and "languages" not in str(config.getoption("-m")):
            item.add_marker(pytest.mark.skip(reason="large images: run with -m languages"))
        if item.get_closest_marker("docker") and not CI and not engine():
            item.add_marker(pytest.mark.skip(reason="no Docker engine answers"))
        if item.get_closest_marker("browser") and not CI and browser.found() is None:
            item.add_marker(pytest.mark.skip(reason="no Chromium: apt-get install chromium"))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file's tests run one after the other in one process; so do those of all files that share an engine, or litellm,
    which is dear to import."""
    from xdist.scheduler import LoadScopeScheduling

    @cache
    def group(file: str) -> str:
        text = (config.rootpath / file).read_text(encoding="utf-8")
        return next((word for word in ("mark.docker", "litellm") if word in text), file)

    class Groups(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group(nodeid.partition("::")[0])

    return Groups(config, log)


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
