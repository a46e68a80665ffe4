"""Instances of our own and the sandbox that they are tried in, once for all modules that ask for them."""

from collections.abc import Iterator

import pytest

from dgm.benchmarks import SweBenchmark
from dgm.config import SandboxConfig
from dgm.protocols import Sandbox
from tests.benchmarks.own import IMAGE, rows, write


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    from dgm.sandbox.docker import DockerSandbox
    from dgm.sandbox.engine import connect
    from tests.sandbox.registry import forget_derived

    sandbox = DockerSandbox("swebench", SandboxConfig(image=IMAGE))
    yield sandbox
    sandbox.close()
    engine = connect()
    for row in rows() if rows.cache_info().currsize else ():
        forget_derived(engine, engine.inspect_image(row["image"])["Id"])
    engine.close()


@pytest.fixture(scope="session")
def own(tmp_path_factory: pytest.TempPathFactory) -> SweBenchmark:
    return SweBenchmark(write(tmp_path_factory.mktemp("own"), rows()))
