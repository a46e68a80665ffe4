"""Reading the rows of SWE-bench datasets, and telling what is wrong with them."""

import json
from pathlib import Path
from typing import Any

import pytest

from dgm.benchmarks import BadBenchmark, SweBenchmark, open_benchmark
from dgm.benchmarks.instance import row
from dgm.benchmarks.stories import STORIES, TILL
from dgm.benchmarks.swebench_proof import Proof, Result, contradicted, provable, read_proof
from dgm.shipped import home
from tests.benchmarks.own import write

SAMPLE = Path(__file__).parents[3] / "shared" / "data" / "swebench-sample.jsonl"


def made() -> list[dict[str, Any]]:
    return [row(story, "0" * 40) for story in STORIES]


def opened(folder: Path) -> SweBenchmark:
    found = open_benchmark(str(folder))
    assert isinstance(found, SweBenchmark)
    return found


@pytest.mark.skipif(not SAMPLE.exists(), reason="no sample of the real rows beside the checkout")
def test_real_rows(tmp_path: Path) -> None:
    (tmp_path / "benchmark.toml").write_text(f'kind = "swebench"\nname = "sample"\nrows = "{SAMPLE}"\n')
    sample = opened(tmp_path)
    assert sample.tasks() == ("sample/pallets__flask-5014", "sample/sphinx-doc__sphinx-9367")
    assert sample.version == opened(tmp_path).version
    given = {item["instance_id"]: item for item in map(json.loads, SAMPLE.read_text().splitlines())}
    for id in sample.tasks():
        task, item = sample.task(id), given[id.split("/")[1]]
        assert task.workspace == "/testbed"
        assert task.image == item["image"]
        assert task.group == item["repo"]
        assert task.env["PATH"].startswith("/opt/miniconda3/envs/testbed/bin:/opt/miniconda3/bin:/usr/local/sbin")
        assert task.python == ("/opt/miniconda3/bin/python", "python3")
        assert provable(sample.rows[id])
        assert sample.rows[id].tested == {item["test_patch"].split()[2].removeprefix("a/")}
        reference = sample.reference(id)
        assert reference is not None
        assert reference.diff == item["patch"]


def test_agents_see_the_problem_and_nothing_else_of_a_row(tmp_path: Path) -> None:
    own = opened(write(tmp_path, made()))
    for story in STORIES:
        task = own.task(f"own/{story.id}")
        words = " ".join([task.statement, *task.setup, *task.env.values()])
        assert task.statement.startswith(story.problem.strip() + "\n\nThe repository is in /testbed.")
        assert not task.files
        assert "HINT" not in words
        assert not any(case.split("::")[-1] in words for case in story.fails)


def test_all_forms_of_a_file_are_one_benchmark(tmp_path: Path) -> None:
    own = opened(write(tmp_path / "lines", made()))
    listed = [{**item, "FAIL_TO_PASS": json.loads(item["FAIL_TO_PASS"])} for item in made()]
    (tmp_path / "rows.json").write_text(json.dumps(listed))
    for name in ("rows.json", "rows.parquet"):
        if name.endswith("parquet"):
            from pyarrow import Table, parquet

            parquet.write_table(Table.from_pylist(listed), tmp_path / name)
        (tmp_path / "benchmark.toml").write_text(f'kind = "swebench"\nname = "own"\nrows = "{name}"\n')
        assert opened(tmp_path).version == own.version


def test_fingerprints_tell_rows_apart(tmp_path: Path) -> None:
    own = opened(write(tmp_path / "a", made()))
    other = opened(write(tmp_path / "b", [{**item, "version": "2.0"} for item in made()[:1]] + made()[1:]))
    first, *rest = own.tasks()
    assert own.fingerprint(first) != other.fingerprint(first)
    assert [own.fingerprint(id) for id in rest] == [other.fingerprint(id) for id in rest]
    assert own.version != other.version


def test_a_pattern_for_images(tmp_path: Path) -> None:
    own = opened(write(tmp_path, made(), 'image = "mirror.example/swe/{id}:v1"\n'))
    assert own.task("own/own__till-11").image == "mirror.example/swe/own__till-11:v1"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"log_parser": "parse_log_nobody"}, r"row 1 \(own__till-11\): the log parser 'parse_log_nobody'"),
        ({"FAIL_TO_PASS": "[1, 2]"}, r"own__till-11.*FAIL_TO_PASS is not a list of test ids"),
        ({"PASS_TO_PASS": "['a']"}, r"own__till-11.*PASS_TO_PASS is not JSON"),
        ({"PASS_TO_PASS": None}, r"own__till-11.*PASS_TO_PASS is not a list"),
        ({"instance_id": "../own__till-11"}, "instance_id '../own__till-11' is not made of"),
        ({"instance_id": "own/till"}, "instance_id 'own/till' is not made of"),
        ({"instance_id": None}, "instance_id 'None'"),
        ({"instance_id": "own__slugs-202"}, "own__slugs-202 is there twice"),
        ({"image": None}, r"own__till-11.*has no `image` and `eval_script`.*swebench 5\.0\.2 derives neither"),
        ({"image": "not an image"}, "'not an image' is not the name of an image"),
        ({"eval_script": "true"}, "lacks the two lines"),
        ({"eval_type": "maybe"}, "eval_type 'maybe'"),
        ({"problem_statement": " "}, "problem_statement is empty"),
        ({"PASS_TO_PASS": "[" * 100_000}, r"own__till-11.*PASS_TO_PASS is not JSON"),
        ({"patch": "\ud800"}, r"own__till-11.*surrogates not allowed"),
        ({"repo": 5}, "Expected `str`, got `int` - at `[$].repo`"),
    ],
)
def test_bad_rows_are_named(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    with pytest.raises(BadBenchmark, match=told):
        opened(write(tmp_path, [{**made()[0], **change}, *made()[1:]]))


def test_bad_files_are_named(tmp_path: Path) -> None:
    folder = write(tmp_path, made())
    for text, told in (("{", "line 1 is not JSON"), ("[]", "row 1 is not an object"), ("", "holds no rows")):
        (folder / "rows.jsonl").write_text(text)
        with pytest.raises(BadBenchmark, match=told):
            opened(folder)
    (folder / "benchmark.toml").write_text('kind = "swebench"\nname = "own"\nrows = "rows.json"\n')
    for text, told in (("5", "holds no list of rows"), ("null", "no list"), ("[" * 100_000, "is not JSON")):
        (folder / "rows.json").write_text(text)
        with pytest.raises(BadBenchmark, match=told):
            opened(folder)
    for settings, told in (
        ('rows = "no.jsonl"', "no.jsonl is missing"),
        ('rows = "benchmark.toml"', "rows are read from .jsonl, .json and .parquet"),
        ("", "needs `rows` .* or `dataset`"),
        ('rows = "a.json"\ndataset = "b"', "and one only"),
        ('rows = "rows.jsonl"\nworkspace = "testbed"', "absolute path"),
    ):
        (folder / "benchmark.toml").write_text(f'kind = "swebench"\nname = "own"\n{settings}\n')
        with pytest.raises(BadBenchmark, match=told):
            opened(folder)


def test_a_dataset_that_cannot_be_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Offline and with nothing in the cache, there is one error, and it says what to do."""
    import datasets.config
    import huggingface_hub.constants

    monkeypatch.setattr(datasets.config, "HF_DATASETS_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True, raising=False)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    (tmp_path / "benchmark.toml").write_text('kind = "swebench"\nname = "own"\ndataset = "nobody/has-this"\n')
    with pytest.raises(BadBenchmark, match=r"(?s)nobody/has-this \(split test\) cannot be had.*set `rows`"):
        opened(tmp_path)
    assert "Fetching the dataset nobody/has-this" in capsys.readouterr().err


def test_a_hub_out_of_reach_is_not_asked_again_and_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens at its address, so the library, which would try for half a minute, is told to stay offline."""
    import datasets.config
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setattr(datasets.config, "HF_ENDPOINT", "http://127.0.0.1:1")
    (tmp_path / "benchmark.toml").write_text('kind = "swebench"\nname = "own"\ndataset = "nobody/has-this"\n')
    with pytest.raises(BadBenchmark, match=r"nothing answers at http://127\.0\.0\.1:1"):
        opened(tmp_path)
    assert not datasets.config.HF_HUB_OFFLINE


def test_a_dataset_is_fetched_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder stands for the hub; once its rows are in the cache, it is not looked at any more."""
    import datasets.config

    monkeypatch.setenv("DGM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "hub"))
    own = opened(write(tmp_path / "own", made()))
    data = tmp_path / "dataset"
    data.mkdir()
    rows = tmp_path / "own" / "rows.jsonl"
    (data / "test.jsonl").write_text(rows.read_text())
    (tmp_path / "benchmark.toml").write_text(f'kind = "swebench"\nname = "own"\ndataset = "{data}"\n')
    first = opened(tmp_path)
    assert first.version == own.version
    (data / "test.jsonl").unlink()
    assert opened(tmp_path).version == own.version
    (copy,) = (tmp_path / "cache" / "datasets").iterdir()
    assert copy.stat().st_mode & 0o777 == 0o600
    for text, told in ((copy.read_text()[:-99], "is not JSON"), ("7", "holds no list")):
        copy.write_text(text)
        with pytest.raises(BadBenchmark, match=f"{copy}.* {told}.*delete it to fetch that anew"):
            opened(tmp_path)


@pytest.mark.parametrize("name", ["swebench", "swebench-lite", "swebench-multilingual", "swebench-verified"])
def test_shipped_settings(name: str) -> None:
    text = (home("benchmarks") / name / "benchmark.toml").read_text()
    assert f'name = "{name}"' in text
    assert 'dataset = "SWE-bench/SWE-bench' in text


# ---------------------------------------------------------------- the proof, as text


def sent(*lines: str, nonce: str = "n0") -> Result:
    return Result(
        started=True, nonce="n0", proof="\n".join(["noise", nonce, *lines, f"{nonce} end", "test passed a::b", ""])
    )


GOOD = ("canary good",) * 4


def test_proofs_are_read_up_to_their_end() -> None:
    proof = read_proof(sent(*GOOD, "test passed a::x", "test failed a::y z"))
    assert (proof.state, proof.odd) == ("whole", ())
    assert proof.outcomes == {"a::x": "passed", "a::y z": "failed"}
    assert read_proof(Result()).state == "absent"
    assert read_proof(sent(*GOOD, nonce="guess")).state == "left"
    assert read_proof(sent("canary bad", *GOOD[1:])).odd == ("canary",)
    assert read_proof(sent("test passed a::x")).odd == ("canary",)
    assert read_proof(sent("canary good", "canary good", "interrupted")).odd == ()
    assert read_proof(sent(*GOOD, "altered TestReport.x", "trouble ValueError no")).odd == (
        "altered:TestReport.x",
        "proof-trouble:ValueError no",
    )


@pytest.mark.parametrize(
    ("case", "status", "outcomes", "wrong"),
    [
        ("t.py::a", "PASSED", {"t.py::a": "passed"}, False),
        ("t.py::a", "PASSED", {"t.py::a": "failed"}, True),
        ("t.py::a", "PASSED", {"t.py::a": "skipped"}, True),
        ("t.py::a", "PASSED", {}, True),
        ("t.py::a", "FAILED", {}, False),
        ("t.py::a", "SKIPPED", {"t.py::a": "skipped"}, False),
        ("t.py::a", "SKIPPED", {"t.py::a": "failed"}, True),
        ("t.py::a", "XFAIL", {"t.py::a": "xfailed"}, False),
        ("t.py::a - later", "XFAIL", {"t.py::a": "xfailed"}, False),
        ("at setup of t.py::a - [NOTRUN]", "XFAIL", {"t.py::a": "xfailed"}, False),
        ("t.py::a[x", "PASSED", {"t.py::a[x y]": "passed", "t.py::a[x z]": "passed"}, False),
        ("t.py::a[x", "PASSED", {"t.py::a[x y]": "passed", "t.py::a[x z]": "failed"}, True),
        ("t.py::a[/b]", "PASSED", {"t.py::a[/tmp/b]": "passed"}, False),
        ("t.py::a[/b]", "PASSED", {"t.py::a[/tmp/b]": "failed"}, True),
        ("[100%]", "PASSED", {}, False),
    ],
)
def test_a_log_against_a_proof(case: str, status: str, outcomes: dict[str, str], wrong: bool) -> None:
    assert bool(contradicted({case: status}, Proof("whole", outcomes))) == wrong


def test_what_can_be_proven(tmp_path: Path) -> None:
    own = opened(write(tmp_path, made()))
    assert [provable(row) for row in own.rows.values()] == [True, True, False]
    assert own.rows["own/own__till-11"].tested == set(TILL.test)
