"""What the `swebench` package decides: how a row becomes a test script, and what a log means.

Invariant: the package is imported here alone, late and once; it takes seconds and hundreds of megabytes.
"""

import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

from msgspec import Struct

from dgm.benchmarks.held import BadBenchmark

INSTALL = f"{sys.executable} -m pip install 'dgm[swebench]'"
OK = ("PASSED", "XFAIL")
LOCK = Lock()


class Official(Struct, frozen=True):
    """The official verdict on one log."""

    resolved: bool
    statuses: Mapping[str, str]
    """Test id, as the parser reads it, to status."""
    required: Mapping[str, str]
    """Each id that has to pass, as the row has it, to its status, or `missing`."""
    exit: int | None = None
    """The exit code of the tests' command, as far as the log can be believed."""


@cache
def package() -> Any:
    """The modules of the package that are used. Raises `BadBenchmark` where it is not installed."""
    import os
    import warnings

    with LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = set(os.environ)
        try:
            from swebench.harness import grading, log_parsers, utils
        except ImportError as error:
            raise BadBenchmark(f"SWE-bench needs its official package: {INSTALL} ({error})") from error
        # It reads any `.env` file that it finds above its own folder.
        for name in set(os.environ) - before:
            del os.environ[name]
    return grading, log_parsers, utils


def version() -> str:
    """Of the installed package. Raises `BadBenchmark`."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as of

    try:
        return of("swebench")
    except PackageNotFoundError as error:
        raise BadBenchmark(f"SWE-bench needs its official package: {INSTALL}") from error


def parsers() -> frozenset[str]:
    """The names of the log parsers there are."""
    return frozenset(package()[1].PARSER_REGISTRY)


def script(row: Mapping[str, Any]) -> str:
    """The evaluation script of `row`, as the official runner runs it."""
    return str(package()[2].make_test_spec(dict(row)).eval_script)


def verdict(row: Mapping[str, Any], log: bytes) -> Official:
    """What the official grading makes of `log`."""
    grading, _, utils = package()
    spec = utils.make_test_spec(dict(row))
    with tempfile.TemporaryDirectory(prefix="dgm-") as folder:
        path = Path(folder, "test_output.txt")
        # The parsers open the file as text in the locale's encoding; nothing printed may make that fail.
        path.write_text(log.decode("utf-8", "replace"), encoding="utf-8", errors="replace", newline="")
        prediction = {"instance_id": row["instance_id"], "model_patch": "-", "model_name_or_path": "dgm"}
        report = grading.get_eval_report(spec, prediction, str(path), True)[row["instance_id"]]
        statuses, _ = grading.get_logs_eval(spec, str(path))
    required = {}
    for case in (*spec.FAIL_TO_PASS, *spec.PASS_TO_PASS):
        key = grading._resolve_case(case, statuses)
        required[case] = str(statuses[key]) if key is not None else "missing"
    code = grading.parse_test_exit_code(log.decode("utf-8", "replace"))
    return Official(bool(report["resolved"]), {k: str(v) for k, v in statuses.items()}, required, code)
