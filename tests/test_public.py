"""The public names: what is promised is there, and costs nothing until it is used."""

import subprocess
import sys

import pytest

import dgm

PUBLIC = """
Agent BadFiles Benchmark Config ConfigError Damaged End Errand Evaluate Expand Failure File Files Grade HGM Limits
MissingLibrary Model ModelFault NoArchive NoSuchAgent OpenedRun Patch Policy Price Ran Rewrite Run Sandbox SandboxFault
Task Tree Usage Verdict __version__ examine open_benchmark open_run read_folder start_run write_folder
"""


def test_the_public_names_are_these() -> None:
    assert set(dgm.__all__) == set(PUBLIC.split())
    assert all(getattr(dgm, name) is not None for name in dgm.__all__)


def test_another_name_is_an_error() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        _ = dgm.nonsense


@pytest.mark.parametrize("what", ["import dgm", "import dgm.cli", "from dgm import Tree, Config, open_run"])
def test_nothing_heavy_is_imported_before_it_is_needed(what: str) -> None:
    heavy = ("numpy", "scipy", "docker", "dulwich", "litellm", "rich.live", "tenacity", "pandas", "networkx")
    code = f"import sys\n{what}\nprint([name for name in {heavy} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert found.strip() == "[]"
