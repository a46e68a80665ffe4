"""The rows of a SWE-bench dataset, from a file or by the dataset's name, read whole and checked.

Invariant: a row that got through `read_rows` can be shown, run and graded without a further look at its form.
"""

import json
import re
from collections.abc import Iterable, Mapping
from hashlib import sha256
from logging import CRITICAL, getLogger
from pathlib import Path
from secrets import token_hex
from socket import create_connection
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import msgspec
from msgspec import Struct

from dgm.benchmarks import swebench_official
from dgm.benchmarks.held import BadBenchmark, tell
from dgm.cache import cache_folder
from dgm.durable import make_folder, place

INSTANCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,150}")
IMAGE = re.compile(r"[a-z0-9][A-Za-z0-9_./:@-]{0,254}")
TYPES = ("pass_and_fail", "fail_only")
REACH = 5.0
"""Seconds after which a hub that does not answer is taken for out of reach."""
START, END = ">>>>> Start Test Output", ">>>>> End Test Output"


class Row(Struct, frozen=True):
    """One instance."""

    instance_id: str
    repo: str
    version: str
    base_commit: str
    patch: str
    test_patch: str
    problem_statement: str
    image: str
    eval_script: str
    log_parser: str
    eval_type: str
    FAIL_TO_PASS: tuple[str, ...]
    PASS_TO_PASS: tuple[str, ...]

    def official(self) -> dict[str, Any]:
        """The row as the official package takes it."""
        given = msgspec.structs.asdict(self)
        return given | {"FAIL_TO_PASS": list(self.FAIL_TO_PASS), "PASS_TO_PASS": list(self.PASS_TO_PASS)}

    @property
    def tested(self) -> frozenset[str]:
        """The paths that the test patch changes."""
        names = re.findall(r"^(?:diff --git a/(.+?) b/(.+)|--- a/(.+)|\+\+\+ b/(.+))$", self.test_patch, re.MULTILINE)
        return frozenset(name.split("\t")[0] for found in names for name in found if name)

    @property
    def words(self) -> frozenset[str]:
        """The words of the tests' commands, some of which are paths."""
        return frozenset(word.removeprefix("./") for command in self.commands for word in command.split())

    @property
    def commands(self) -> list[str]:
        """The lines of the script between the two marks, where the tests run."""
        inside = self.eval_script.partition(START)[2].partition(END)[0].split("\n")[1:-1]
        return [line.strip() for line in inside if line.strip() and not line.strip().startswith("#")]


def read_rows(source: Path | None, dataset: str, split: str, revision: str | None) -> list[Row]:
    """All rows of the file `source`, or else of the named dataset, in their order. Raises `BadBenchmark`."""
    where = str(source) if source is not None else f"the dataset {dataset}"
    raw = read_file(source) if source is not None else read_dataset(dataset, split, revision)
    parsers = swebench_official.parsers()
    rows: dict[str, Row] = {}
    for number, item in enumerate(raw, 1):
        row = checked(item, f"{where}, row {number}", parsers)
        if row.instance_id in rows:
            raise BadBenchmark(f"{where}: the instance {row.instance_id} is there twice; remove one of its rows")
        rows[row.instance_id] = row
    if not rows:
        raise BadBenchmark(f"{where} holds no rows")
    return list(rows.values())


# ---------------------------------------------------------------- where rows come from


def read_file(path: Path) -> list[Any]:
    """JSON lines, a JSON list, or Parquet."""
    try:
        if path.suffix == ".jsonl":
            lines = path.read_text(encoding="utf-8").split("\n")
            return [decoded(line, f"{path}, line {n}") for n, line in enumerate(lines, 1) if line.strip()]
        if path.suffix == ".json":
            found = decoded(path.read_text(encoding="utf-8"), str(path))
            found = list(found.values()) if isinstance(found, dict) else found
            if isinstance(found, list):
                return found
            raise BadBenchmark(f"{path} holds no list of rows")
        if path.suffix == ".parquet":
            return read_parquet(path)
    except FileNotFoundError as error:
        raise BadBenchmark(f"{path} is missing; `rows` names a file relative to the benchmark.toml") from error
    except (OSError, UnicodeDecodeError) as error:
        raise BadBenchmark(f"{path} cannot be read: {error}") from error
    raise BadBenchmark(f"{path}: rows are read from .jsonl, .json and .parquet")


def decoded(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadBenchmark(f"{where} is not JSON: {error}") from error


def read_parquet(path: Path) -> list[Any]:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        raise BadBenchmark(f"Parquet needs pyarrow: {swebench_official.INSTALL}") from error
    try:
        return list(parquet.ParquetFile(path).read().to_pylist())
    except ArrowException as error:
        raise BadBenchmark(f"{path} is not Parquet: {error}") from error


def read_dataset(name: str, split: str, revision: str | None) -> list[Any]:
    """The rows of a dataset of the Hugging Face hub: from the copy in the machine's cache, or fetched into it."""
    swebench_official.version()
    key = sha256("\n".join((name, split, revision or "")).encode()).hexdigest()[:32]
    copy = cache_folder() / "datasets" / f"{key}.json"
    if copy.exists():
        try:
            return read_file(copy)
        except BadBenchmark as error:
            raise BadBenchmark(f"{error}. It is a copy of the dataset {name}: delete it to fetch that anew") from error
    rows = fetched(name, split, revision)
    kept = [{field: row.get(field) for field in Row.__struct_fields__} for row in rows]
    make_folder(copy.parent, 0o700)
    place(copy, copy.with_name(f"{copy.name}.{token_hex(4)}.new"), json.dumps(kept).encode(), 0o600)
    return kept


def fetched(name: str, split: str, revision: str | None) -> list[Any]:
    """The rows as the hub has them, or the library's own copy of them. Raises `BadBenchmark`."""
    try:
        from datasets import config, load_dataset
        from datasets.exceptions import DatasetsError
        from datasets.utils import logging
        from huggingface_hub import constants
    except ImportError as error:
        raise BadBenchmark(f"a dataset's name needs the `datasets` library: {swebench_official.INSTALL}") from error
    logging.disable_progress_bar()
    # Each of its tries to reach the hub would be a line of its own; the end of them is told below.
    getLogger("huggingface_hub").setLevel(CRITICAL)
    tell(f"Fetching the dataset {name} (split {split}) from {constants.ENDPOINT}; this happens once.")
    before = config.HF_HUB_OFFLINE, constants.HF_HUB_OFFLINE
    offline = not reachable(constants.ENDPOINT)
    try:
        if offline:  # the library would try again and again
            config.HF_HUB_OFFLINE = constants.HF_HUB_OFFLINE = True
        return list(load_dataset(name, split=split, revision=revision))
    except (DatasetsError, OSError, ValueError, RuntimeError) as error:
        why = f"nothing answers at {constants.ENDPOINT}" if offline else str(error)
        raise BadBenchmark(
            f"the dataset {name} (split {split}) cannot be had, and no copy of it is in the cache: {why}. "
            "Connect once, so that it is cached, or set `rows` in a benchmark.toml of your own to a .jsonl, .json or "
            ".parquet file with its rows"
        ) from error
    finally:
        config.HF_HUB_OFFLINE, constants.HF_HUB_OFFLINE = before


def reachable(url: str) -> bool:
    """Whether anything listens at the address of `url`, or of the proxy to it."""
    parts = urlsplit(url)
    if not proxy_bypass(parts.hostname or ""):
        parts = urlsplit(getproxies().get(parts.scheme, url))
    if parts.hostname is None:
        return True  # a proxy without a scheme: the library finds out
    try:
        create_connection((parts.hostname, parts.port or (80 if parts.scheme == "http" else 443)), REACH).close()
    except (OSError, ValueError):
        return False
    return True


# ---------------------------------------------------------------- one row


def checked(item: Any, where: str, parsers: Iterable[str]) -> Row:
    """One row from `item`. Raises `BadBenchmark` that names the instance and what is wrong with it."""
    if not isinstance(item, Mapping):
        raise BadBenchmark(f"{where} is not an object")
    id = item.get("instance_id")
    if not isinstance(id, str) or not INSTANCE.fullmatch(id) or ".." in id:
        raise BadBenchmark(f"{where}: the instance_id {str(id)[:80]!r} is not made of letters, digits and . _ + -")
    where = f"{where} ({id})"
    fields: dict[str, Any] = {name: item.get(name) for name in Row.__struct_fields__}
    if not fields["image"] or not fields["eval_script"]:
        raise BadBenchmark(
            f"{where} has no `image` and `eval_script`: it is in the form of before swebench 5, from which the "
            f"installed swebench {swebench_official.version()} derives neither. Use a revision of the dataset that "
            "has them, or add both columns"
        )
    for name in ("FAIL_TO_PASS", "PASS_TO_PASS"):
        fields[name] = listed(fields[name], f"{where}: {name}")
    fields["version"] = str(fields["version"] or "")
    fields["test_patch"] = fields["test_patch"] or ""
    fields["eval_type"] = fields["eval_type"] or TYPES[0]
    for name, value in fields.items():
        if isinstance(value, str) and "\0" in value:
            raise BadBenchmark(f"{where}: {name} holds a NUL character")
    try:
        row = msgspec.convert(fields, Row)
        msgspec.msgpack.encode(row)
    except (msgspec.ValidationError, UnicodeEncodeError) as error:
        raise BadBenchmark(f"{where}: {error}") from error
    return sensible(row, where, parsers)


def listed(value: Any, where: str) -> list[Any]:
    """A list of tests, which may be given as JSON text."""
    found = decoded(value, where) if isinstance(value, str) else value
    found = list(found) if isinstance(found, list | tuple) else found
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise BadBenchmark(f"{where} is not a list of test ids")
    return found


def sensible(row: Row, where: str, parsers: Iterable[str]) -> Row:
    if row.log_parser not in parsers:
        raise BadBenchmark(
            f"{where}: the log parser {row.log_parser!r} is not one that swebench {swebench_official.version()} has"
        )
    if row.eval_type not in TYPES:
        raise BadBenchmark(f"{where}: the eval_type {row.eval_type!r} is none of {', '.join(TYPES)}")
    if not IMAGE.fullmatch(row.image):
        raise BadBenchmark(f"{where}: {row.image[:80]!r} is not the name of an image")
    if not row.problem_statement.strip():
        raise BadBenchmark(f"{where}: the problem_statement is empty, so there is nothing to ask for")
    if row.eval_script.count(START) != 1 or row.eval_script.count(END) != 1:
        raise BadBenchmark(f"{where}: the eval_script lacks the two lines that mark where the tests' output is")
    return row
