"""The page as a file: data that cannot break out of its block, our style and script by their digests, nothing else.

Invariant: between `<script` and `</script>` there are only letters of ASCII without `<`, `>` and `&` where there is
data; the policy forbids every request, every other script, and making markup from text.
"""

import json
import re
import zlib
from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from dgm.page.data import Told, births, core, failures
from dgm.page.details import Details
from dgm.page.history import History
from dgm.text import plain

MARK = b'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<meta name="generator" content="dgm report">\n'
"""How every report begins, so that one can be told from other files."""
SCRIPTS = ("words", "layout", "drawing", "tree", "plots", "tables", "tasks", "agents", "pages")
"""In this order they are one script."""
UNSAFE = re.compile("[<>&]")


def is_report(path: Path) -> bool:
    """Whether the file at `path` is a report of ours. Raises `OSError`."""
    with path.open("rb") as file:
        return file.read(len(MARK)) == MARK


def page(folder: Path, history: History, told: Told, lines: int, said: int) -> bytes:
    """The report on the run in `folder`. `lines`: of each file's difference; 0: none is read. `said`: characters of
    what was said while a child was made."""
    style, script = shipped("page.css"), "".join(shipped(f"{name}.js") for name in SCRIPTS)
    with Details(folder, history.tree, lines, said) as details:
        blocks = [*_blocks("a", births(history, details)), *_blocks("f", failures(history, details))]
    parts = [
        MARK.decode(),
        f'<meta http-equiv="Content-Security-Policy" content="{policy(style, script)}">\n',
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
        '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n',
        f"<title>{escape(plain(told.title))}</title>\n<style>{style}</style>\n",
        '<body>\n<noscript>This report needs scripts to be drawn. "dgm report" prints it as text.</noscript>\n',
        f'<script type="application/json" id="data">{inert(core(history, told))}</script>\n',
        *blocks,
        f"<script>{script}</script>\n</body>\n</html>\n",
    ]
    return "".join(parts).encode()


def shipped(name: str) -> str:
    return files(__package__).joinpath("browser", name).read_text(encoding="utf-8")


def policy(style: str, script: str) -> str:
    """What the page may do: apply this style, run this script."""
    return (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )


def _digest(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


def inert(value: Any) -> str:
    """`value` as JSON that means nothing to a parser of HTML."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _blocks(kind: str, blocks: Iterable[Any]) -> Iterable[str]:
    """Blocks of details, deflated: they are opened when somebody looks."""
    for number, block in enumerate(blocks):
        deflate = zlib.compressobj(6, wbits=-zlib.MAX_WBITS)
        packed = deflate.compress(json.dumps(block, separators=(",", ":")).encode()) + deflate.flush()
        yield f'<script type="text/plain" id="{kind}{number}">{b64encode(packed).decode()}</script>\n'
