"""The commands that read, as processes: their data, their errors, their exit codes."""

import json
import os
import subprocess
import sys
import unicodedata
from pathlib import Path

import msgspec
import pytest

from dgm import check, doctor, report
from dgm.archive import LOG, Archive
from dgm.cli import agents, closing
from dgm.cli.commands import looking
from dgm.cli.looking import MOST
from dgm.jobs import Evaluate, Usage, Verdict
from dgm.lineage import forest
from tests.cli.archives import BUDGET, NO_ENGINE, TASKS, chain, dgm, environ, grow, look

Grown = tuple[Path, list[str]]


def data(*words: object) -> object:
    done = look(*words, "--json")
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert done.stdout.isascii()
    return json.loads(done.stdout)


def test_help_names_every_command_and_its_examples() -> None:
    told = look("--help").stdout
    commands = ["init", "config", "run", "status", "tree", "show", "diff", "log", "best", "export", "check", "doctor"]
    for command in commands:
        assert f"\n  {command} " in told
        assert "Example" in look(command, "--help").stdout


def test_looking_loads_nothing_heavy(grown: Grown) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "import dgm.cli.commands; from dgm.cli.looking import show_status, show_tree\n"
        f"run = Path({str(grown[0])!r}); show_status(run, False); show_tree(run, None, 5)\n"
        "heavy = {'numpy', 'scipy', 'dulwich', 'docker', 'litellm', 'rich', 'tenacity', 'requests'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environ(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_status(grown: Grown) -> None:
    found = msgspec.convert(data("status", "--archive", grown[0]), report.Status)
    assert (found.state, found.agents, found.evaluations, found.solved) == ("stopped", 3, 12, 6)
    assert found.failures == {"infra": 1, "stillborn": 1}
    assert found.best is not None
    assert found.best.id == grown[1][2]
    assert [job.kind for job in found.running] == ["evaluate"]
    assert found.simulation
    text = look("status", "--archive", grown[0]).stdout
    assert "simulation" in text
    assert f"12 of {BUDGET}" in text


def test_the_archive_can_be_named_by_the_environment(grown: Grown) -> None:
    assert dgm("status", DGM_ARCHIVE=str(grown[0])).returncode == 0


def test_tree(grown: Grown) -> None:
    found = data("tree", "--archive", grown[0])
    assert isinstance(found, dict)
    rows = msgspec.convert(found["agents"], list[report.AgentRow])
    assert [row.id for row in rows] == grown[1]
    assert [row.depth for row in rows] == [0, 1, 2]
    text = look("tree", "--archive", grown[0]).stdout
    assert [agent[:8] in text for agent in grown[1]] == [True] * 3
    assert "╚═ ★" in text
    assert "(+2, best 4/4)" in look("tree", "--archive", grown[0], "--depth", 0).stdout


def test_the_tree_by_score_and_status(grown: Grown) -> None:
    def ids(*words: object) -> list[str]:
        found = data("tree", "--archive", grown[0], *words)
        assert isinstance(found, dict)
        return [row.id for row in msgspec.convert(found["agents"], list[forest.TreeRow])]

    assert ids("--min-score", 0.5) == grown[1][1:]
    assert ids("--status", "running") == grown[1][:1]
    assert ids("--status", "evaluated", "--status", "running", "--depth", 1) == grown[1][:2]
    assert ids("--status", "barren") == []
    told = look("tree", "--archive", grown[0], "--min-score", 1)
    assert grown[1][1][:8] not in told.stdout
    assert "⋯1" in told.stdout
    assert "1 of 3 agents fit" in told.stderr
    assert look("tree", "--status", "odd").returncode == 2
    assert look("tree", "--min-score", "7").returncode == 2


def test_the_statuses_of_the_option_are_those_there_are() -> None:
    assert tuple(one.value for one in looking.Status) == forest.STANDINGS


def test_a_terminal_without_unicode_gets_plain_branches(grown: Grown) -> None:
    done = dgm("tree", "--archive", grown[0], PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert "+= * " in done.stdout


def test_show(grown: Grown) -> None:
    found = msgspec.convert(data("show", "best", "--archive", grown[0]), agents.AgentReport)
    assert found.lineage == tuple(grown[1])
    assert [file.path for file in found.files] == ["blob.bin", "main.py", "start"]
    assert [result.solved for result in found.results] == [True] * 4
    assert found.job == 2


@pytest.mark.parametrize("name", ["seed", "prefix", "PREFIX"])
def test_agents_have_names(grown: Grown, name: str) -> None:
    word = {"prefix": grown[1][0][:4], "PREFIX": grown[1][0][:7].upper()}.get(name, name)
    found = msgspec.convert(data("show", word, "--archive", grown[0]), agents.AgentReport)
    assert found.agent.id == grown[1][0]


@pytest.mark.parametrize("name", ["nobody", "abc", "", "0" * 50])
def test_unknown_names(grown: Grown, name: str) -> None:
    done = look("show", name, "--archive", grown[0])
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "`seed`, `best`" in done.stderr


def test_ambiguous_names_list_what_they_may_mean(tmp_path: Path) -> None:
    chain(tmp_path / "run", 20)
    done = look("show", "0000", "--archive", tmp_path / "run")
    assert done.returncode == 1
    assert "give more digits" in done.stderr
    assert "and 12 more" in done.stderr


def test_diff(grown: Grown) -> None:
    text = look("diff", "best", "--archive", grown[0]).stdout
    assert "-print(1)" in text
    assert "+print(2)" in text
    assert "(binary: " in text
    found = data("diff", "seed", "best", "--archive", grown[0])
    assert isinstance(found, dict)
    assert (found["a"], found["b"]) == (grown[1][0], grown[1][2])
    assert [file["change"] for file in found["files"]] == ["changed"] * 3
    done = look("diff", "seed", "--archive", grown[0])
    assert done.returncode == 1
    assert "has no parent" in done.stderr


def test_log_and_transcript(grown: Grown) -> None:
    found = data("log", "seed", "--archive", grown[0])
    assert isinstance(found, dict)
    outcomes = [job["outcome"] for job in found["jobs"]]
    assert outcomes == ["born", *["unsolved"] * 4, "infra", "stillborn", "running"]
    failed = next(job for job in found["jobs"] if job["outcome"] == "infra")
    said = look("log", "seed", "--transcript", failed["id"], "--archive", grown[0]).stdout
    assert "hello \\x1b[2J" in said
    assert "bye \\x9b2J" in said
    done = look("log", "best", "--transcript", failed["id"], "--archive", grown[0])
    assert done.returncode == 1
    for option in ("--transcript", "--grade"):
        done = look("log", "best", option, "99", "--archive", grown[0])
        assert f"`python -m dgm log best --archive {grown[0]}` lists its jobs" in done.stderr


def test_best_says_which_solved_tasks_may_not_be(grown: Grown) -> None:
    found = msgspec.convert(data("best", "--archive", grown[0]), closing.BestReport)
    (doubt,) = found.doubts
    assert (doubt.task, doubt.flags) == ("toy/0", ("probed:x",))
    said = look("best", "--archive", grown[0]).stdout
    assert f"1 of its {found.agent.solved} solved tasks may be solved by fooling the tests" in said
    command = f"python -m dgm log best --grade JOB --archive {grown[0]}"
    assert f"(1 probed). They count as solved: read what it wrote with `{command}`, JOB {doubt.job}" in said
    listing = look("log", "best", "--archive", grown[0]).stderr
    assert f"`python -m dgm log best --archive {grown[0]}` with --transcript JOB prints" in listing


def test_best_says_when_a_difference_may_be_noise(grown: Grown) -> None:
    found = msgspec.convert(data("best", "--archive", grown[0]), closing.BestReport)
    assert found.against_seed is not None
    assert (found.against_seed.tasks, len(found.against_seed.gained)) == (4, 4)
    assert not found.against_seed.apart  # four of four are luck in one of eight cases
    assert found.against_seed.p == 0.125
    assert "may be noise" in look("best", "--archive", grown[0]).stdout
    surer = msgspec.structs.replace(found.against_seed, apart=True)
    assert any("leaves out 0, but" in line for line in closing.comparison_lines(surer))


def test_export(grown: Grown, tmp_path: Path) -> None:
    assert look("export", "best", tmp_path / "new", "--source", "--archive", grown[0]).returncode == 0
    assert (tmp_path / "new/main.py").read_bytes().endswith(b"print(2)\n")
    assert os.access(tmp_path / "new/start", os.X_OK)
    done = look("export", "best", tmp_path / "new", "--archive", grown[0])
    assert done.returncode == 1
    assert "not an empty folder" in done.stderr


@pytest.mark.parametrize(
    "words", [["status"], ["tree"], ["show", "best"], ["diff", "best"], ["log", "best"], ["log", "seed"], ["best"]]
)
def test_nothing_that_an_agent_wrote_controls_the_terminal(grown: Grown, words: list[str]) -> None:
    done = look(*words, "--archive", grown[0])
    assert done.returncode == 0
    odd = {c for c in done.stdout + done.stderr if unicodedata.category(c)[0] == "C" and c not in "\n\t"}
    assert not odd


def test_an_archive_can_be_read_while_it_is_written(tmp_path: Path) -> None:
    grow(tmp_path / "run")
    with Archive(tmp_path / "run") as archive:
        found = msgspec.convert(data("status", "--archive", tmp_path / "run"), report.Status)
        assert found.state == "running"
        seed = next(iter(archive.tree.agents))
        job = archive.start(Evaluate(seed, TASKS[4]))
        archive.finish(job.id, Verdict(True, Usage()))
        with (tmp_path / "run" / LOG).open("ab") as log:
            log.write(b"0123abcd {torn")
        found = msgspec.convert(data("status", "--archive", tmp_path / "run"), report.Status)
        assert found.evaluations == 13


def test_a_reader_may_leave_early(tmp_path: Path) -> None:
    chain(tmp_path / "run", 5_000)
    command = [sys.executable, "-m", "dgm", "tree", "--all", "--archive", str(tmp_path / "run")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ()) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 0


def test_a_deep_tree_is_drawn(tmp_path: Path) -> None:
    chain(tmp_path / "run", 10_000)
    folded = look("tree", "--archive", tmp_path / "run")
    assert len(folded.stdout.splitlines()) == MOST + 3
    assert "40 of 10,000 agents" in folded.stderr
    lines = look("tree", "--all", "--archive", tmp_path / "run").stdout.splitlines()
    assert len(lines) == 10_000 + 3
    assert max(map(len, lines)) < 250
    assert "step 9999" in lines[-3]
    assert len(look("tree", "--archive", tmp_path / "run", "--depth", 5).stdout.splitlines()) == 6 + 3


def test_no_archive(tmp_path: Path) -> None:
    for words in (["status"], ["tree"], ["show", "best"], ["check"], ["status", "--watch"]):
        done = look(*words, "--archive", tmp_path / "none")
        assert done.returncode == 1
        assert "holds no run" in done.stderr
        assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("words", [["nonsense"], ["show"], ["tree", "--depth", "x"], ["tree", "--nonsense"]])
def test_usage_errors(words: list[str]) -> None:
    done = look(*words)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_damage_has_its_own_exit_code_and_can_be_mended(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    grow(folder)
    assert look("check", "--archive", folder).returncode == 0
    log = bytearray((folder / LOG).read_bytes())
    log[len(log) // 2] ^= 1
    (folder / LOG).write_bytes(log)
    for words in (["status"], ["check"], ["best"]):
        done = look(*words, "--archive", folder)
        assert done.returncode == 4
        assert "--repair" in done.stderr
    found = json.loads(look("check", "--json", "--archive", folder).stdout)
    assert found["damaged"]
    assert msgspec.convert(found["findings"], list[check.Finding])
    mended = look("check", "--repair", "--archive", folder)
    assert mended.returncode == 0, mended.stderr
    assert look("check", "--archive", folder).returncode == 0


def test_doctor(tmp_path: Path) -> None:
    done = dgm("doctor", "--json", cwd=tmp_path)
    found = json.loads(done.stdout)
    checks = msgspec.convert(found["checks"], list[doctor.Check])
    assert (done.returncode, found["fit"]) == (0, True)
    levels = {check.name: check.level for check in checks}
    assert (levels["engine"], levels["sandbox"], levels["model scripted"]) == ("warn", "warn", "ok")
    unfit = dgm("doctor", "--set", "sandbox.kind=docker", cwd=tmp_path)
    assert unfit.returncode == 5
    assert "not fit" in unfit.stderr


@pytest.mark.usefixtures("litellm")
def test_doctor_misses_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", NO_ENGINE)
    words = ("--set", "models.default.name=openai/m", "--set", "models.default.api_key_env=NO_SUCH_KEY")
    done = look("doctor", os.devnull, *words)
    assert done.returncode == 5
    assert "export NO_SUCH_KEY" in done.stdout
    assert done.stdout.count("fail  model openai/m") == 2, "that nothing knows its price is said at once, too"
