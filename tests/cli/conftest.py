"""One small archive for all tests that only read."""

from pathlib import Path

import pytest

from tests.cli.archives import grow


@pytest.fixture(scope="session")
def grown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A run's folder and its agents, seed first."""
    folder = tmp_path_factory.mktemp("archives") / "run"
    return folder, grow(folder)
