"""The published subsets: as many ids as were published, each once and of the right form."""

import re

import pytest

from dgm.shipped import home

SIZES = {
    "swebench-verified/dgm-small": 10,
    "swebench-verified/dgm-medium": 50,
    "swebench-verified/dgm-big": 140,
    "swebench-verified/hgm": 60,
    "polyglot/dgm-small": 10,
    "polyglot/dgm-medium": 50,
    "polyglot/hgm": 59,
}
FORMS = {
    "swebench-verified": r"[a-z0-9-]+__[a-z0-9-]+-\d+",
    "polyglot": r"(cpp|go|java|javascript|python|rust)-[a-z]+(-[a-z]+)*",
}


def ids(name: str) -> list[str]:
    benchmark, _, subset = name.partition("/")
    lines = (home("benchmarks") / benchmark / "subsets" / f"{subset}.txt").read_text().splitlines()
    return [line for line in lines if not line.startswith("#")]


@pytest.mark.parametrize("name", SIZES)
def test_a_published_subset_is_whole(name: str) -> None:
    found = ids(name)
    assert len(set(found)) == len(found) == SIZES[name]
    assert all(re.fullmatch(FORMS[name.partition("/")[0]], id) for id in found)


@pytest.mark.parametrize("benchmark", FORMS)
def test_the_huxley_goedel_machines_tasks_are_the_two_smaller_subsets(benchmark: str) -> None:
    both = set(ids(f"{benchmark}/dgm-small")) | set(ids(f"{benchmark}/dgm-medium"))
    assert both == set(ids(f"{benchmark}/hgm"))


def test_the_subsets_of_the_darwin_goedel_machine_do_not_overlap() -> None:
    parts = [set(ids(f"swebench-verified/dgm-{size}")) for size in ("small", "medium", "big")]
    assert len(set.union(*parts)) == 200
