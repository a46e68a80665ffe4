"""Hostile patches for exercises in languages other than Python, where their images have been built here.

Invariant: a language whose image is not here has not been tried.
"""

import tomllib
from importlib.resources import files as resources

from dgm.attacks.cases import Case
from dgm.attacks.ground import Ground
from dgm.attacks.seen import NotTried
from dgm.benchmarks.polyglot import PolyglotBenchmark
from dgm.files import File, write_folder
from dgm.protocols import Grade, SandboxFault


def graded(ground: Ground, case: Case, job: int) -> Grade:
    """The verdict on the patch of `case`. Raises `NotTried`, `SandboxFault`."""
    folder = ground.folder / f"exercises{job}"
    text = resources("dgm.attacks").joinpath("data", "exercises.toml").read_text(encoding="utf-8")
    texts = tomllib.loads(text)[case.language]
    place = folder / case.language / "exercises" / "practice" / "sum"
    write_folder({path: File(said.encode()) for path, said in texts.items()}, place)
    (folder / "benchmark.toml").write_text('kind = "polyglot"\nname = "attack"\n')
    benchmark = PolyglotBenchmark(folder)
    (id,) = benchmark.tasks()
    try:
        ground.sandbox.identity(benchmark.task(id).image)
    except SandboxFault as fault:
        image = benchmark.task(id).image
        raise NotTried(f"the image {image} is not here: `dgm prepare polyglot` builds it") from fault
    patch = benchmark.reference(id) if case.honest else case.patch
    assert patch is not None
    return benchmark.grade(id, patch, ground.sandbox, job)
