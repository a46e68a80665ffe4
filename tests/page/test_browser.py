"""The page in a real browser: what it draws, that it asks for nothing, and that no text in it does anything."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.archives import look
from tests.page.browser import Browser
from tests.page.grown import grow
from tests.page.hostile import TRICKS, attack

pytestmark = pytest.mark.browser
FRAME = "new Promise(then => requestAnimationFrame(() => requestAnimationFrame(then)))"
BARRED = "script:not([type]), img, iframe, object, embed, base, form, video, audio, link, meta[http-equiv=refresh]"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    one = Browser(tmp_path_factory.mktemp("browser"))
    yield one
    one.close()


def page(folder: Path, file: Path, *more: str) -> Path:
    told = look("report", "--archive", folder, "--html", file, *more)
    assert told.returncode == 0, told.stderr
    return file


def complaints(browser: Browser) -> list[Any]:
    """What was logged, thrown or asked for, besides the file itself."""
    requests = [one["request"]["url"] for one in browser.told("Network.requestWillBeSent")]
    return [
        *(one for one in requests if not re.match(r"file:///[^?]*\.html|about:blank", one)),
        *browser.told("Log.entryAdded"),
        *browser.told("Runtime.exceptionThrown"),
        *browser.told("Page.javascriptDialogOpening"),
    ]


def text(browser: Browser) -> str:
    told: str = browser.run("document.querySelector('main').textContent")
    return told


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("grown")
    grow(folder / "run", 60, 12, 5)
    return page(folder / "run", folder / "run.html")


def test_nothing_is_asked_for_and_nothing_goes_wrong(browser: Browser, grown: Path) -> None:
    browser.events.clear()
    browser.open(grown)
    agents, failed = browser.run("[A.id, F.job]")
    paths = [f"/agent/{agents[-1]}", f"/failed/{failed[0]}", "/agents", "/tasks", "/task/3", "/tree", "/", "/nonsense"]
    for dark in (True, False):
        browser.scheme(dark)
        for path in paths:
            browser.go(path)
            browser.until("document.querySelector('main h1') !== null")
    assert not complaints(browser)


def test_the_tree_is_drawn_walked_and_opened(browser: Browser, grown: Path) -> None:
    browser.open(grown, "#/tree")
    painted = (
        "(c => new Set(new Uint32Array(c.getContext('2d').getImageData(0, 0, c.width, c.height).data.buffer)).size)"
    )
    for shape in ("radial", "rows", "time"):
        browser.run(
            f"(s => {{ s.value = '{shape}'; s.dispatchEvent(new Event('change')) }})(document.querySelector('select'))"
        )
        browser.run(FRAME)
        assert browser.run(f"{painted}(document.querySelector('canvas'))") > 20
    browser.run("document.querySelector('canvas').focus()")
    for key in ("ArrowLeft", "ArrowLeft", "ArrowRight", "f", "f", "Enter"):
        browser.call("Input.dispatchKeyEvent", type="keyDown", key=key, text="" if len(key) > 1 else key)
    browser.until("location.hash.startsWith('#/agent/')")
    assert "solved" in text(browser)
    browser.run("history.back()")
    browser.until("location.hash === '#/tree' && document.querySelector('canvas') !== null")


def test_the_tree_is_moved_and_clicked(browser: Browser, grown: Path) -> None:
    browser.open(grown, "#/tree")
    browser.run("window.scrollTo(0, 0)")
    browser.run("[...document.querySelectorAll('button')].find(b => b.textContent === '★').click()")
    browser.run(FRAME)
    box = browser.run("JSON.parse(JSON.stringify(document.querySelector('canvas').getBoundingClientRect()))")
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def mouse(kind: str, dx: float, dy: float, buttons: int) -> None:
        button = "left" if kind != "mouseMoved" or buttons else "none"
        browser.call(
            "Input.dispatchMouseEvent", type=kind, x=x + dx, y=y + dy, button=button, buttons=buttons, clickCount=1
        )

    mouse("mouseMoved", 0, 0, 0)
    assert browser.run("document.querySelector('.tip').textContent.startsWith(A.id[D.best].slice(0, 8))")
    mouse("mousePressed", 0, 0, 1)
    for step in range(1, 6):
        mouse("mouseMoved", 9 * step, 5 * step, 1)
    mouse("mouseReleased", 45, 25, 0)
    assert browser.run("location.hash") == "#/tree"
    mouse("mousePressed", 45, 25, 1)
    mouse("mouseReleased", 45, 25, 0)
    assert browser.run("location.hash === '#/agent/' + A.id[D.best]")


def test_an_agent_has_a_page_with_its_difference_and_its_jobs(browser: Browser, grown: Path) -> None:
    browser.open(grown)
    agent = browser.run("A.id[A.id.length - 1]")
    browser.go(f"/agent/{agent}")
    browser.until("document.querySelectorAll('pre .add').length > 0")
    said = text(browser)
    for words in (agent, "Difference to the parent", "Diagnosis and brief", "Lineage", "Tasks", "Jobs", "VERSION"):
        assert words in said


def test_agents_are_sorted_and_found(browser: Browser, grown: Path) -> None:
    browser.open(grown, "#/agents")
    row = "document.querySelector('tbody tr').textContent"
    first = browser.run(row)
    browser.run("[...document.querySelectorAll('th button')].find(b => b.textContent === 'born').click()")
    assert browser.run(row) != first
    agent = browser.run("A.id[7]")
    find = "i => { i.value = '%s'; i.dispatchEvent(new Event('input')) }"
    browser.run(f"({find % agent[:8]})(document.querySelector('input'))")
    assert browser.run("document.querySelector('tbody').rows.length") == 1


def test_no_gain_is_claimed(browser: Browser, grown: Path) -> None:
    browser.open(grown)
    for path in ("/", "/agents", "/tasks", f"/agent/{browser.run('A.id[D.best]')}"):
        browser.go(path)
        assert "improve" not in text(browser).lower()


def test_a_run_without_anything_says_so(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "events.log").touch()
    browser.events.clear()
    browser.open(page(tmp_path / "run", tmp_path / "new.html"))
    assert "nothing has happened yet" in text(browser)
    assert not complaints(browser)


def test_no_text_does_anything(browser: Browser, tmp_path: Path) -> None:
    ids = attack(tmp_path / "run")
    file = page(tmp_path / "run", tmp_path / "attack.html", "--said", "2000")
    browser.events.clear()
    browser.open(file)
    failed = browser.run("F.job")
    scripts = browser.run("document.scripts.length")
    paths = ["/", "/tree", "/agents", "/tasks", *(f"/agent/{id}" for id in ids), *(f"/failed/{job}" for job in failed)]
    paths += [f"/task/{n}" for n in range(len(TRICKS))]
    seen = ""
    for path in paths:
        browser.go(path)
        if path.startswith(("/agent", "/failed")):
            browser.until("document.querySelectorAll('main table').length > 0")
        told = json.loads(
            browser.run(
                "JSON.stringify([window.pwned || null, document.scripts.length, "
                f"document.querySelectorAll({json.dumps(BARRED)}).length, "
                "[...document.querySelectorAll('main *, header *')].flatMap(e => [...e.attributes]).filter(a => "
                "/^on|src/.test(a.name) || a.name === 'href' && !a.value.startsWith('#/')).length, "
                r"document.body.textContent.match(/[^\n\t\P{Cc}]|\p{Cf}|[\u2028\u2029]/u)])"
            )
        )
        assert told == [None, scripts, 1, 0, None], path  # 1: our own script
        seen += text(browser)
    assert not complaints(browser)
    assert browser.run("location.protocol") == "file:"
    for words in (
        TRICKS[0],
        TRICKS[2],
        TRICKS[3],
        TRICKS[5],
        "\\u202efdp.exe",
        "\\x1b]0;owned\\x07",
        "\\u2028",
        "__proto__",
    ):
        assert words in seen


def test_the_policy_forbids_what_a_mistake_of_ours_would_allow(browser: Browser, grown: Path) -> None:
    browser.open(grown)
    markup = "try { document.body.innerHTML = '<p>'; return 'set' } catch (e) { return e.name }"
    assert browser.run(f"(() => {{ {markup} }})()") == "TypeError"
    assert browser.run("fetch(location.href).then(() => 'fetched', () => 'refused')") == "refused"
    image = "i.src = 'data:image/gif;base64,R0lGODlhAQABAAAAACw='"
    shown = f"t => {{ const i = new Image(); i.onerror = () => t('refused'); i.onload = () => t('shown'); {image} }}"
    assert browser.run(f"new Promise({shown})") == "refused"
