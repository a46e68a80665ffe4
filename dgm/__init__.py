"""Grow an archive of self-improving coding agents, chosen by clade metaproductivity.

The names below are the public ones; everything else may change. They are imported when they are first used, so
`import dgm` costs nothing.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "dgm.archive": ("NoArchive",),
    "dgm.benchmarks": ("open_benchmark",),
    "dgm.clade": ("Agent",),
    "dgm.config": ("Config", "ConfigError"),
    "dgm.files": ("BadFiles", "File", "Files", "read_folder", "write_folder"),
    "dgm.jobs": ("Evaluate", "Expand", "Failure", "Rewrite", "Usage", "Verdict"),
    "dgm.flight": ("End",),
    "dgm.frames": ("MissingLibrary",),
    "dgm.log": ("Damaged",),
    "dgm.policies": ("Policy",),
    "dgm.policies.hgm": ("HGM",),
    "dgm.protocols": (
        "Benchmark",
        "Errand",
        "Grade",
        "Limits",
        "Model",
        "ModelFault",
        "Patch",
        "Price",
        "Ran",
        "Sandbox",
        "SandboxFault",
        "Task",
    ),
    "dgm.readiness": ("examine",),
    "dgm.report": ("NoSuchAgent",),
    "dgm.opened": ("OpenedRun", "open_run"),
    "dgm.run": ("Run", "start_run"),
    "dgm.tree": ("Tree",),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = ["__version__", *sorted(_HOME)]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'dgm' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
