"""The reports of test frameworks, read: test id to `passed`, `failed` or `skipped`.

Invariant: reports are hostile input, since code under test can write where its framework does. What cannot be read is
a `BadReport`; of two outcomes of one test, the worse counts.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from xml.etree import ElementTree

from dgm.files import Files

ORDER = ("passed", "skipped", "failed")


MOST = 20_000
"""Tests in one report."""


class BadReport(Exception):
    """A report that no framework wrote, or not to its end."""


def told_apart(found: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """For frameworks that let tests share a name."""
    times: Counter[str] = Counter()
    for id, outcome in found:
        times[id] += 1
        yield (id if times[id] == 1 else f"{id} ({times[id]})"), outcome


def worst(found: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    outcomes: dict[str, str] = {}
    for name, outcome in found:
        id = writable(name)
        if id not in outcomes and len(outcomes) == MOST:
            raise ValueError(f"it tells of more than {MOST} tests")
        outcomes[id] = max(outcome, outcomes.get(id, ORDER[0]), key=ORDER.index)
    return outcomes


def jest(reports: Files) -> Mapping[str, str]:
    """`jest --json`: ids are titles, those around them in front."""

    def found() -> Iterator[tuple[str, str]]:
        for data in named(reports, ".json"):
            for suite in parsed(data)["testResults"]:
                for test in suite["assertionResults"]:
                    title = " > ".join([*map(str, test["ancestorTitles"]), str(test["title"])])
                    skipped = test["status"] in ("pending", "todo", "disabled", "skipped")
                    yield title, "skipped" if skipped else "passed" if test["status"] == "passed" else "failed"

    return checked(lambda: told_apart(found()))


def go(reports: Files) -> Mapping[str, str]:
    """`go test -json`: a line an event. Tests that were started and never ended have failed."""

    def found() -> Iterator[tuple[str, str]]:
        running: set[str] = set()
        for data in named(reports, ".json"):
            for line in data.splitlines():
                event = parsed(line)
                test, action = event.get("Test"), event.get("Action")
                if not isinstance(test, str):
                    continue
                if action == "run":
                    running.add(test)
                elif action in ("pass", "fail", "skip"):
                    running.discard(test)
                    yield test, {"pass": "passed", "fail": "failed", "skip": "skipped"}[action]
        yield from ((test, "failed") for test in running)

    return checked(found)


def go_story(reports: Files) -> str:
    """What the tests printed."""
    events = (parsed(line) for data in named(reports, ".json") for line in data.splitlines())
    return writable("".join(str(event.get("Output", "")) for event in events))


def libtest(reports: Files) -> Mapping[str, str]:
    """The log of Rust's test harness: `ok name` and the like. Each file of tests has one, which its name is from."""

    def found() -> Iterator[tuple[str, str]]:
        for path, file in reports.items():
            if not path.endswith(".log"):
                continue
            for line in file.text.splitlines():
                word, _, name = line.partition(" ")
                outcome = {"ok": "passed", "ignored": "skipped"}.get(word, "failed")
                yield f"{path.removesuffix('.log')}::{name}", outcome

    return checked(found)


def junit(reports: Files) -> Mapping[str, str]:
    """The XML that JUnit writes: ids are class and method."""

    def found() -> Iterator[tuple[str, str]]:
        for data in named(reports, ".xml"):
            for case in document(data).iter("testcase"):
                bad = any(child.tag in ("failure", "error") for child in case)
                skipped = any(child.tag == "skipped" for child in case)
                id = f"{case.attrib['classname']}.{case.attrib['name']}"
                yield id, "failed" if bad else "skipped" if skipped else "passed"

    return checked(lambda: told_apart(found()))


def catch(reports: Files) -> Mapping[str, str]:
    """The XML that Catch2 writes: ids are the names of test cases."""

    def found() -> Iterator[tuple[str, str]]:
        for data in named(reports, ".xml"):
            for case in document(data).iter("TestCase"):
                overall = case.find("OverallResult")
                passed = overall is not None and overall.get("success") == "true"
                skipped = passed and overall is not None and overall.get("skips", "0") != "0"
                yield case.attrib["name"], "skipped" if skipped else "passed" if passed else "failed"

    return checked(lambda: told_apart(found()))


# ---------------------------------------------------------------- reading


def checked(found: Callable[[], Iterable[tuple[str, str]]]) -> Mapping[str, str]:
    try:
        return worst(found())
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError, ElementTree.ParseError) as error:
        raise BadReport(f"the report of the tests cannot be read: {type(error).__name__} {error}"[:300]) from error


def writable(text: str) -> str:
    """Halves of characters, which JSON can spell, cannot be written down."""
    return text.encode(errors="replace").decode()


def named(reports: Files, ending: str) -> list[bytes]:
    return [file.data for path, file in reports.items() if path.endswith(ending)]


def parsed(data: bytes) -> Any:
    return json.loads(data)


def document(data: bytes) -> ElementTree.Element:
    # Without a document type there are no entities, and nothing to be blown up.
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data or (not data.isascii() and b"\0" in data):
        raise ValueError("it declares a type")
    return ElementTree.fromstring(data)  # noqa: S314
