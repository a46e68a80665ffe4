"""A pytest plugin that tells the grader, past all printing, what pytest itself found out.

A grader lays it among the packages of the interpreter that runs the tests, with `SOCKET` filled in, and listens there.
The plugin connects when pytest starts, before any product code is imported, and gets a nonce and names for canaries.
At the end it sends, between two lines with the nonce, the outcome of each test as pytest's own reports and exceptions
have it, how the canaries ended (at the start and at the end one passes and one fails, past the session's counts), and
which functions that a verdict hangs on were altered. Where nobody listens, or not any more, it does nothing.

Invariant: the session comes out as it would without the plugin: canaries are in no list, no count and no log.

What remains: product code shares the interpreter and can hunt its objects for the nonce or for the tests.

Standard library only, Python >= 3.6, pytest >= 4.
"""
# mypy: disable-error-code="no-untyped-def, no-untyped-call"

import builtins
import os
import random
import socket
import sys
import unittest

SOCKET = "@SOCKET@"
VITAL = (
    *("pytest_runtestloop", "pytest_runtest_protocol", "pytest_runtest_setup", "pytest_runtest_call"),
    *("pytest_runtest_makereport", "pytest_pyfunc_call", "pytest_runtest_logreport"),
)
"""Hooks by which a plugin could decide how a test ends."""
BUILTINS = (
    *("AssertionError", "BaseException", "Exception", "all", "any", "getattr", "hasattr", "isinstance"),
    *("issubclass", "len", "setattr", "type"),
)
INTERRUPTED = 2
write, whoami = os.write, os.getpid


def connect():
    """The connection, the nonce and the names of the canaries; None where nobody listens."""
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(20)
        connection.connect(SOCKET)
        words = connection.recv(1000).decode().split()
        connection.settimeout(None)
    except OSError:
        connection.close()
        return None
    return (connection, words) if len(words) == 3 else None


def functions(owner):
    """The functions of a class or module, with their code, to be compared by identity later."""
    found = {}
    for name, value in list(vars(owner).items()):
        value = getattr(value, "__func__", value)
        if callable(value) and (owner is not builtins or name in BUILTINS):
            found[name] = (value, getattr(value, "__code__", None))
    return found


def foundation():
    """What a verdict hangs on: classes and modules of pytest, pluggy and unittest, as far as there are any."""
    import _pytest.main
    import _pytest.python
    import _pytest.reports
    import _pytest.runner
    import pluggy

    callers = [sys.modules[name] for name in ("pluggy._callers", "pluggy.callers") if name in sys.modules]
    found = [builtins, _pytest.runner, _pytest.runner.CallInfo, _pytest.reports.TestReport, _pytest.main.Session]
    found += [_pytest.python.Function, _pytest.python.Module, pluggy.PluginManager, unittest.TestCase]
    return found + callers


class Proof:
    """The plugin proper."""

    def __init__(self, connection, words):
        # A bare number: an object that is never closed is complained about when a developer's interpreter ends.
        self.line, self.pid = connection.detach(), whoami()
        self.nonce, self.passes, self.fails = words
        self.lines, self.outcomes, self.known, self.loops = [], {}, set(), 0
        self.order = random.SystemRandom()
        self.before = [(owner, functions(owner)) for owner in foundation()]

    # ------------------------------------------------------------ what pytest found out

    def note(self, item, call, report):
        """The outcome of one phase. An exception counts, whatever somebody made of it in the report."""
        outcome = str(report.outcome)
        if hasattr(report, "wasxfail"):
            outcome = "xfailed" if outcome == "skipped" else "xpassed"
        elif outcome == "passed" and call.excinfo is not None:
            outcome = "failed"
        phases = self.outcomes.setdefault(item.nodeid, {})
        if call.when == "setup":
            phases.clear()  # a plugin runs it once more
        if phases.get(call.when) != "failed":  # a part of it may have failed before
            phases[call.when] = outcome

    def combined(self, phases):
        return phases.get("call") or phases.get("setup") or "failed"

    # ------------------------------------------------------------ canaries

    def canaries(self, session):
        """Run one test that must pass and one that must fail, and note whether they did."""
        import pytest
        from _pytest.runner import runtestprotocol

        class Test(pytest.Item):
            def runtest(self):
                if self.name == fails:
                    raise AssertionError("as it must")

            def reportinfo(self):
                return self.name, 0, self.name

        fails = self.fails
        names = [self.passes, self.fails]
        self.order.shuffle(names)
        for name in names:
            old = not hasattr(Test, "from_parent")
            item = Test(name, session) if old else Test.from_parent(session, name=name)
            reports = runtestprotocol(item, log=False, nextitem=None)
            told = [report.outcome for report in reports if report.when == "call"]
            felt = self.combined(self.outcomes.pop(item.nodeid, {}))
            wanted = "failed" if name == self.fails else "passed"
            self.lines.append("canary " + ("good" if told == [wanted] and felt == wanted else "bad"))

    def guarded(self, work, *words):
        """Trouble here must show in the proof, and not in the session."""
        try:
            work(*words)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is not the tests' fault
            self.lines.append("trouble " + type(error).__name__ + " " + str(error)[:200].replace("\n", " "))

    # ------------------------------------------------------------ the end

    def finish(self, session, exitstatus):
        if exitstatus == INTERRUPTED:  # by an error while tests were collected, most often
            self.lines.append("interrupted")
        elif self.loops:
            self.guarded(self.canaries, session)
        self.guarded(self.altered, session.config)
        self.send(session.config)

    def altered(self, config):
        for owner, before in self.before:
            now = functions(owner)
            for name, value in before.items():
                here = now.get(name, (None, None))
                if here[0] is not value[0] or here[1] is not value[1]:
                    self.lines.append("altered " + owner.__name__ + "." + name)
        for plugin in config.pluginmanager.get_plugins():
            if id(plugin) not in self.known and any(hasattr(plugin, name) for name in VITAL):
                name = getattr(plugin, "__name__", "") or type(plugin).__name__
                if not str(getattr(plugin, "__file__", "")).endswith("conftest.py"):
                    self.lines.append("altered plugin:" + str(name)[:100])

    def send(self, config):
        shown = getattr(config, "cwd_relative_nodeid", str)
        lines = [self.nonce, *self.lines]
        for node, phases in self.outcomes.items():
            lines.extend(
                "test " + self.combined(phases) + " " + name.replace("\n", " ") for name in {node, shown(node)}
            )
        data = "\n".join([*lines, self.nonce + " end\n"]).encode("utf-8", "backslashreplace")
        while data:
            data = data[write(self.line, data) :]


def plugin(proof):
    """The hooks. Made only once pytest is there for sure."""
    import pytest

    class Hooks:
        @pytest.hookimpl(trylast=True)
        def pytest_sessionstart(self, session):
            proof.known = {id(one) for one in session.config.pluginmanager.get_plugins()}
            if session.config.getoption("dist", "no") != "no" or session.config.getoption("numprocesses", None):
                proof.lines.append("distributed")

        @pytest.hookimpl(hookwrapper=True, tryfirst=True)
        def pytest_runtestloop(self, session):
            if "distributed" not in proof.lines and not session.config.getoption("collectonly", False):
                proof.loops += 1
                proof.guarded(proof.canaries, session)
            yield

        @pytest.hookimpl(hookwrapper=True, tryfirst=True)
        def pytest_runtest_makereport(self, item, call):
            outcome = yield
            if outcome.excinfo is None:
                proof.guarded(proof.note, item, call, outcome.get_result())

        @pytest.hookimpl(trylast=True)
        def pytest_sessionfinish(self, session, exitstatus):
            if whoami() == proof.pid:
                proof.finish(session, exitstatus)

    return Hooks()


FOUND = connect() if SOCKET.startswith("/") else None
if FOUND is not None:
    HOOKS = plugin(Proof(*FOUND))
    FOUND = None

    def pytest_configure(config):
        # From here on, nothing finds the plugin by name.
        sys.modules.pop(__name__, None)
        config.pluginmanager.register(globals().pop("HOOKS"), "outcomes")
