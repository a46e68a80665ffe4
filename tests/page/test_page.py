"""The report as values and as a file, without a browser."""

import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgm.cli.reporting import telling
from dgm.files import File
from dgm.page.changes import FILES, changes
from dgm.page.data import core
from dgm.page.document import MARK, inert, policy
from dgm.page.history import POINTS, History
from tests.cli.archives import chain, dgm, grow, look
from tests.page import grown
from tests.page.hostile import attack


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page") / "run"
    grow(folder)
    return folder


def texts(value: Any) -> list[str]:
    """All strings in a JSON value, keys too."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for pair in value.items() for item in pair for text in texts(item)]
    return [text for item in value for text in texts(item)] if isinstance(value, (list, tuple)) else []


# ---------------------------------------------------------------- the log


def test_the_history_ends_where_the_tree_does(tmp_path: Path) -> None:
    grown.grow(tmp_path / "run", 80, 12, 6)
    history = History(tmp_path / "run")
    tree, last = history.tree, history.points[-1]
    best = tree.best()
    assert best is not None
    assert (last.leader, last.leader_solved, last.leader_failed) == (best.index, best.solved, best.failed)
    assert (last.evaluations, last.solved) == (tree.evaluations, tree.solved)
    assert last.evaluating.usd + last.expanding.usd + last.in_vain.usd == pytest.approx(tree.spent.usd)
    assert len(history.points) <= 3 * POINTS + 2
    assert len(history.stillborn) == tree.stillborn
    assert [len(jobs) for jobs in history.jobs] == [
        len(agent.results) + len(agent.children) + sum(parent == agent.index for parent, _ in history.stillborn)
        for agent in tree.agents.values()
    ]


def test_every_text_for_the_page_is_printable(tmp_path: Path) -> None:
    attack(tmp_path / "run")
    history = History(tmp_path / "run")
    data = core(history, telling(tmp_path / "run", None, history, 0.0))
    for text in texts(data):
        assert text.replace("\n", "").isprintable()
        assert len(text) <= 3_000


def test_a_chain_of_thousands_is_no_trouble(tmp_path: Path) -> None:
    chain(tmp_path / "run", 3_000)
    told = look("report", "--archive", tmp_path / "run", "--html", tmp_path / "run.html", "--json")
    assert json.loads(told.stdout)["agents"] == 3_000


# ---------------------------------------------------------------- differences


def test_changes_are_named_counted_and_bounded() -> None:
    old = {"a": File(b"1\n2\n3\n"), "b": File(b"x"), "c": File(b"same"), "d": File(b"\xff\x00"), "m": File(b"m")}
    new = {
        "a": File(b"1\n2\x1b\n3\n4\n"),
        "c": File(b"same"),
        "d": File(b"\xfe"),
        "n": File(b"1\n" * 900),
        "m": File(b"m", True),
    }
    found = {change.path: change for change in changes(old, new, 100)}
    assert {path: change.change for path, change in found.items()} == {
        "a": "changed", "b": "removed", "d": "changed", "m": "mode", "n": "added",
    }  # fmt: skip
    assert (found["a"].added, found["a"].removed) == (2, 1)
    assert "+2\\x1b" in found["a"].lines
    assert "not text" in found["d"].note
    assert len(found["n"].lines) == 100
    assert found["n"].note == "802 more lines"


SOME = st.lists(st.sampled_from("abc"), max_size=30)


@given(SOME, SOME, st.sampled_from([(["x"] * 9, ["y"] * 9), ([], []), (["a"] * 5, ["a"] * 5)]))
def test_a_difference_is_that_of_the_whole_files(a: list[str], b: list[str], around: tuple[list[str], ...]) -> None:
    old, new = (around[0] + lines + around[1] or [""] for lines in (a, b))  # an empty file is one empty line
    found = changes({"f": File("\n".join(old).encode())}, {"f": File("\n".join(new).encode())}, 999)
    if old == new:
        assert not found
        return
    place, made = 0, list[str]()
    for line in found[0].lines:
        if line.startswith("@@"):
            first, number = (int(one or 1) for one in re.findall(r"-(\d+)(?:,(\d+))?", line)[0])
            begin = first - (number > 0)
            made += old[place:begin]
            place = begin
        else:
            assert line[0] == "+" or old[place] == line[1:]
            made += [line[1:]] if line[0] != "-" else []
            place += line[0] != "+"
    assert made + old[place:] == new


def test_what_cannot_be_compared_in_time_is_not() -> None:
    old, new = (b"\n".join(b"%d" % n for n in order) for order in (range(9_000), range(9_000, 0, -1)))
    assert "too long to compare" in changes({"a": File(old)}, {"a": File(new)}, 9)[0].note
    flood = {f"{n}": File(b"1\n" * 999) for n in range(9)}
    assert sum(len(change.lines) for change in changes({}, flood, 100)) == 500
    many = {f"{n}": File(b"") for n in range(FILES + 5)}
    assert changes({}, many, 9)[-1].note == "and 5 more files"


# ---------------------------------------------------------------- the file


@given(
    st.recursive(
        st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_data_means_nothing_to_a_parser_of_html(value: Any) -> None:
    text = inert(value)
    assert json.loads(text) == value
    assert text.isascii()
    assert not re.search(r"[<>&\x00-\x1f]", text)


class Outline(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_the_page_has_one_script_one_style_and_a_policy(tmp_path: Path) -> None:
    attack(tmp_path / "run")
    assert look("report", "--archive", tmp_path / "run", "--html", tmp_path / "run.html").returncode == 0
    text = (tmp_path / "run.html").read_text()
    style = text.split("<style>")[1].split("</style>")[0]
    script = text.rsplit("<script>", 1)[1].split("</script>")[0]
    assert policy(style, script) in text
    assert policy(style, script).startswith("default-src 'none'; ")
    tags = Outline(text).tags
    assert [tag for tag, attrs in tags if tag == "script" and "type" not in attrs] == ["script"]
    assert {tag for tag, _ in tags} == {"html", "meta", "title", "style", "body", "noscript", "script"}
    assert not any(name in ("src", "href") or name.startswith("on") for _, attrs in tags for name in attrs)
    assert re.findall(r"\w+://[\w./]+", style + script) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|new Function", script)
    assert "improve" not in style + script


# ---------------------------------------------------------------- the command


def test_the_text_says_the_same_as_the_page(run: Path, tmp_path: Path) -> None:
    text = look("report", "--archive", run)
    told = json.loads(look("report", "--archive", run, "--json").stdout)
    assert look("report", "--archive", run, "--html", tmp_path / "run.html").returncode == 0
    data = json.loads((tmp_path / "run.html").read_text().split('id="data">')[1].split("</script>")[0])
    said = {line["label"]: line["words"] for line in data["told"]["lines"]}
    assert said["best agent"] == next(line["words"] for line in told["lines"] if line["label"] == "best agent")
    for words in said.values():
        assert words.split("\n")[0] in text.stdout
    assert text.stdout.isprintable() or "\x1b" not in text.stdout
    assert len(text.stdout.splitlines()) < 60
    assert told["simulation"] in text.stdout


def test_only_a_report_is_replaced(run: Path, tmp_path: Path) -> None:
    file = tmp_path / "run.html"
    file.write_text("precious")
    told = look("report", "--archive", run, "--html", file)
    assert told.returncode == 1
    assert "--force" in told.stderr
    assert file.read_text() == "precious"
    for more in (["--force"], []):
        assert look("report", "--archive", run, "--html", file, *more).returncode == 0
        assert file.read_bytes().startswith(MARK)
    assert os.listdir(tmp_path) == ["run.html"]


@pytest.mark.parametrize("name", [".", "nowhere/run.html"])
def test_what_is_no_place_for_a_file_is_said(run: Path, tmp_path: Path, name: str) -> None:
    told = look("report", "--archive", run, "--html", tmp_path / name)
    assert told.returncode == 1
    assert len(told.stderr.splitlines()) == 1


def test_archives_without_a_run_or_an_event_and_damaged_ones(run: Path, tmp_path: Path) -> None:
    told = look("report", "--archive", tmp_path, "--html", tmp_path / "x.html")
    assert (told.returncode, len(told.stderr.splitlines())) == (1, 1)
    new = tmp_path / "new"
    new.mkdir()
    (new / "events.log").touch()
    assert "nothing has happened yet" in look("report", "--archive", new).stdout
    assert look("report", "--archive", new, "--html", tmp_path / "new.html").returncode == 0
    (new / "events.log").write_bytes((run / "events.log").read_bytes().replace(b"toy/1", b"toy/2", 1))
    assert look("report", "--archive", new, "--html", tmp_path / "x.html").returncode == 4
    assert not (tmp_path / "x.html").exists()


def test_an_archive_that_has_lost_its_sources_still_has_a_page(run: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "events.log").write_bytes((run / "events.log").read_bytes())
    assert look("report", "--archive", tmp_path / "run", "--html", tmp_path / "run.html").returncode == 0


def test_reading_changes_nothing(run: Path, tmp_path: Path) -> None:
    def state() -> list[tuple[str, int]]:
        return sorted((str(path), path.stat().st_mtime_ns) for path in run.rglob("*"))

    before = state()
    assert look("report", "--archive", run, "--html", tmp_path / "run.html", "--said", "100").returncode == 0
    assert state() == before


def test_a_narrow_ascii_terminal(run: Path) -> None:
    told = dgm("report", "--archive", run, PYTHONIOENCODING="ascii")
    assert told.returncode == 0, told.stderr
