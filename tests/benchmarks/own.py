"""SWE-bench instances of our own, built once a session, and ways to cheat on them."""

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

from dgm.benchmarks.instance import Story, build_instance
from dgm.benchmarks.stories import STORIES
from dgm.files import File
from dgm.protocols import Patch

IMAGE = os.environ.get("DGM_TEST_IMAGE", "dgm-test-base:latest")


@cache
def rows() -> list[dict[str, Any]]:
    """Build the images, and return the rows."""
    return [build_instance(IMAGE, story) for story in STORIES]


def write(folder: Path, rows: list[dict[str, Any]], extra: str = "") -> Path:
    """A benchmark of `rows` in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    (folder / "benchmark.toml").write_text(f'kind = "swebench"\nname = "own"\nrows = "rows.jsonl"\n{extra}')
    return folder


def texts(files: dict[str, str], deleted: tuple[str, ...] = ()) -> Patch:
    return Patch({path: File(text.encode()) for path, text in files.items()}, deleted)


def wrong(story: Story) -> Patch:
    return texts(dict(story.wrong))


def gold(story: Story) -> Patch:
    return texts(dict(story.gold))
