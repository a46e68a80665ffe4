"""Exercise collections are read whole, wherever they are; reports of test frameworks are not believed blindly."""

import hashlib
import io
import json
import stat
import tarfile
import threading
import tomllib
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import msgspec
import pytest

from dgm.benchmarks import BadBenchmark, PolyglotBenchmark, outcomes
from dgm.benchmarks.collection import exercises as read
from dgm.benchmarks.collection import origin
from dgm.benchmarks.languages import CPP, GO, JAVA, JAVASCRIPT, LANGUAGES, RUST, number_of_tests, without_skips
from dgm.benchmarks.outcomes import BadReport
from dgm.benchmarks.reported import Canaries, crates, judged, only_crates, with_canaries, without_canaries
from dgm.files import File, Files
from dgm.protocols import Ran
from tests.benchmarks.samples import LOCAL, exercises, sample

# ---------------------------------------------------------------- where collections are


def tarred(folder: Path, to: Path, top: str = "collection-main/") -> Path:
    with tarfile.open(to, "w:gz") as tar:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                tar.add(path, top + path.relative_to(folder).as_posix())
    return to


def zipped(folder: Path, to: Path) -> Path:
    with zipfile.ZipFile(to, "w") as held:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                held.write(path, "collection-main/" + path.relative_to(folder).as_posix())
    return to


def test_a_folder_and_archives_hold_the_same(tmp_path: Path) -> None:
    folder = exercises(tmp_path / "folder")
    wanted = read(tmp_path, "folder", "")
    assert set(wanted) == {("python", "leap")}
    assert read(tmp_path, tarred(folder, tmp_path / "a.tar.gz").name, "") == wanted
    assert read(tmp_path, zipped(folder, tmp_path / "a.zip").name, "") == wanted
    digest = hashlib.sha256((tmp_path / "a.zip").read_bytes()).hexdigest()
    assert read(tmp_path, "a.zip", digest.upper()) == wanted
    with pytest.raises(BadBenchmark, match=digest):
        read(tmp_path, "a.zip", "0" * 64)
    (tmp_path / "benchmark.toml").write_text(LOCAL + 'path = "a.zip"\n')
    assert PolyglotBenchmark(tmp_path).source == f"{tmp_path}/a.zip (SHA-256 {digest})"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, list[str]]]:
    """The address of an archive of one exercise, and the paths that were asked for."""
    data, asked = tarred(exercises(tmp_path / "served"), tmp_path / "served.tar.gz").read_bytes(), []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            found = self.path == "/main.tar.gz"
            self.send_response(200 if found else 404)
            self.end_headers()
            self.wfile.write(data if found else b"")

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as found:
        thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{found.server_port}", asked
        found.shutdown()
        thread.join()


def test_an_address_is_fetched_once(tmp_path: Path, server: tuple[str, list[str]]) -> None:
    address, asked = server
    assert set(read(tmp_path, f"{address}/main.tar.gz", "")) == {("python", "leap")}
    assert set(read(tmp_path, f"{address}/main.tar.gz", "")) == {("python", "leap")}
    digest = hashlib.sha256((tmp_path / "served.tar.gz").read_bytes()).hexdigest()
    assert origin(tmp_path, f"{address}/main.tar.gz", "") == f"{address}/main.tar.gz (SHA-256 {digest})"
    assert asked == ["/main.tar.gz"]
    with pytest.raises(BadBenchmark, match="has changed"):
        read(tmp_path, f"{address}/main.tar.gz", "0" * 64)
    with pytest.raises(BadBenchmark, match="fetch it yourself"):
        read(tmp_path, f"{address}/elsewhere.zip", "")


def hostile(kind: str, path: Path) -> None:
    place = "x/python/exercises/practice/leap/"
    with tarfile.open(path, "w:gz") as tar:
        info = tarfile.TarInfo(place + {"parent": "../../up.py", "git": ".git/config"}.get(kind, "leap.py"))
        if kind == "link":
            info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        if kind == "device":
            info.type = tarfile.CHRTYPE
        if kind == "bomb":
            info.size = 400_000_000
            tar.fileobj.write(info.tobuf())  # type: ignore[union-attr]
            return
        tar.addfile(info, io.BytesIO(b""))


@pytest.mark.parametrize("kind", ["parent", "git", "link", "device", "bomb"])
def test_hostile_archives_are_refused(tmp_path: Path, kind: str) -> None:
    hostile(kind, tmp_path / "a.tar.gz")
    with pytest.raises(BadBenchmark, match=r"a\.tar\.gz"):
        read(tmp_path, "a.tar.gz", "")


def test_a_zipped_link_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as held:
        info = zipfile.ZipInfo("go/exercises/practice/leap/leap.go")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        held.writestr(info, "/etc/passwd")
    with pytest.raises(BadBenchmark, match="not a regular file"):
        read(tmp_path, "a.zip", "")


@pytest.mark.parametrize("data", [b"", b"junk", b"\x1f\x8b junk", b"PK\x05\x06" + b"\0" * 18])
def test_what_is_no_archive_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(BadBenchmark, match=r"readable|holds no"):
        read(tmp_path, "a.zip", "")


# ---------------------------------------------------------------- what exercises are made of


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = sample(tmp_path_factory.mktemp("sample"))
    (folder / "benchmark.toml").write_text('kind = "polyglot"\n')
    return folder


def test_all_languages_are_read(collection: Path) -> None:
    benchmark = PolyglotBenchmark(collection)
    assert len(benchmark.tasks()) == 19
    assert {benchmark.task(id).group for id in benchmark.tasks()} == set(LANGUAGES)
    images = {benchmark.task(id).group: benchmark.task(id).image for id in benchmark.tasks()}
    assert set(benchmark.recipes) == set(images.values())
    assert all((recipe / "Dockerfile").is_file() for recipe in benchmark.recipes.values())


def test_hidden_is_hidden(collection: Path) -> None:
    benchmark = PolyglotBenchmark(collection)
    for id in benchmark.tasks():
        shown = set(benchmark.task(id).files)
        assert not shown & set(benchmark.items[id].exam.hidden)
        assert not any(word in path.lower() for path in shown for word in ("test", "spec", "example", "proof", ".meta"))
    shown = set(benchmark.task("polyglot/java-bowling").files)
    assert shown == {"src/main/java/BowlingGame.java", "build.gradle"}
    assert set(benchmark.items["polyglot/go-bowling"].exam.hidden) == {"bowling_test.go", "cases_test.go"}


def test_references_are_laid_where_they_belong(collection: Path) -> None:
    benchmark = PolyglotBenchmark(collection)
    laid = {}
    for id in benchmark.tasks():
        reference = benchmark.reference(id)
        assert reference is not None
        laid[id.removeprefix("polyglot/")] = set(reference.changed)
    assert laid["java-bowling"] == {"src/main/java/BowlingGame.java", "src/main/java/Frame.java"}
    assert laid["cpp-bank-account"] == {"bank_account.cpp", "bank_account.h"}
    assert laid["rust-bowling"] == {"src/lib.rs"}
    assert laid["javascript-bowling"] == {"bowling.js"}
    assert laid["go-alphametics"] == {"alphametics.go"}


def test_settings_reach_the_tasks(collection: Path) -> None:
    settings = collection / "benchmark.toml"
    settings.write_text(
        'kind = "polyglot"\nlanguages = ["go", "rust"]\ntests_visible = true\ntries = 2\nseconds = 30\n'
        'images = {go = "my/go:1"}\n'
    )
    benchmark = PolyglotBenchmark(collection)
    settings.write_text('kind = "polyglot"\n')
    task = benchmark.task("polyglot/go-bowling")
    assert (task.tries, task.seconds, task.image, task.group) == (2, 30, "my/go:1", "go")
    assert {"bowling_test.go", "cases_test.go"} <= set(task.files)
    assert b"#[ignore]" not in benchmark.task("polyglot/rust-bowling").files["tests/bowling.rs"].data
    assert len(benchmark.recipes) == 1
    assert PolyglotBenchmark(collection).fingerprint("polyglot/go-bowling") != benchmark.fingerprint(
        "polyglot/go-bowling"
    )


def test_bad_settings(collection: Path) -> None:
    settings = collection / "benchmark.toml"
    for text, says in (("tries = 0", "1 or more"), ('images = {cobol = "x"}', "supported are"), ("trys = 2", "tries")):
        settings.write_text(f'kind = "polyglot"\n{text}\n')
        with pytest.raises(BadBenchmark, match=says):
            PolyglotBenchmark(collection)
    settings.write_text('kind = "polyglot"\n')


# ---------------------------------------------------------------- tests, lifted and counted


BEHIND_FEATURES = """
#[cfg(feature = "x")]
use a::B;

#[cfg(feature = "x")]
pub fn c() {
    if d {
    }
}

mod e {
    mod f {
        #[test]
        #[ignore]
        fn g() {}
    }
    #[cfg(feature = "x")]
    #[allow(h)]
    mod i {
        #[test]
        #[ignore]
        fn j() {
        }
    }
    #[test]
    fn k() {}
}
"""


@pytest.mark.parametrize(
    ("language", "text", "tests", "free"),
    [
        (
            JAVASCRIPT,
            "test('a', f);\n  xtest('b', f);\nxit('c', f);\n// test('d')\ntest.skip('e', f);\ntest.each`x`;\n",
            5,
            5,
        ),
        (JAVASCRIPT, "xdescribe('a', () => {\n  test('b', () => { latest('c'); });\n});\n", 1, 1),
        (GO, "func TestA(t *testing.T) {}\nfunc TestMain(m *testing.M) {}\nfunc BenchmarkA(b *testing.B) {}\n", 1, 1),
        (
            RUST,
            '#[cfg(feature = "x")]\n#[test]\n#[ignore]\nfn a() {}\n#[test]\n#[cfg(feature = "x")]\nfn b() {}\n',
            2,
            0,
        ),
        (RUST, BEHIND_FEATURES, 3, 2),
        (RUST, '#[test]\n#[cfg(not(feature = "x"))]\nfn a() {\n}\n', 1, 1),
        (GO, "//go:build bonus\n\npackage a\n\nfunc TestA(t *testing.T) {}\n", 1, 0),
        (GO, "//go:build a || (!b && !c)\n\npackage a\n\nfunc TestA(t *testing.T) {}\n", 1, 1),
        (CPP, "#if defined(EXERCISM_INCLUDE_BENCHMARK)\nTEST_CASE() {}\n#endif\nTEST_CASE() {}\n", 2, 1),
        (RUST, '#[cfg(feature = "x")]\nmod y;\n#[test]\n#[ignore]\nfn b() {}\n', 1, 1),
        (RUST, '#[test]\n#[ignore]\nfn a() {}\n#[test]\n#[ignore = "why (not)"]\nfn b() {}\n', 2, 2),
        (
            JAVA,
            '@Disabled("Remove (it)")\n@Test\nvoid a() {}\n@ParameterizedTest\nvoid b() {}\n/* @Test */\n@Disabled\n',
            2,
            2,
        ),
        (CPP, '#if defined(EXERCISM_RUN_ALL_TESTS)\nTEST_CASE("a", "[b]") {}\n#endif\n  SCENARIO("c") {}\n', 2, 2),
    ],
)
def test_skips_are_lifted_and_tests_counted(language: object, text: str, tests: int, free: int) -> None:
    assert isinstance(language, type(GO))
    lifted = without_skips(text, language)
    assert number_of_tests(text, language) == tests
    assert number_of_tests(lifted, language) == free
    for mark in ("xtest", "xit", "xdescribe", ".skip", "#[ignore", "@Disabled", "EXERCISM"):
        assert mark not in lifted


def test_what_is_behind_a_feature_goes_whole() -> None:
    lifted = without_skips(BEHIND_FEATURES, RUST)
    assert lifted.count("{") == lifted.count("}") == 4
    assert not any(word in lifted for word in ("fn c", "allow", "mod i", "fn j"))


@pytest.mark.parametrize("language", [name for name, row in LANGUAGES.items() if row])
def test_canaries_have_fresh_names(collection: Path, language: str) -> None:
    row, benchmark = LANGUAGES[language], PolyglotBenchmark(collection)
    assert row is not None
    hidden = benchmark.items[next(id for id in benchmark.tasks() if f"/{language}-" in id)].exam.hidden
    one, other = with_canaries(hidden, row), with_canaries(hidden, row)
    assert not {*one.passing, *one.failing} & {*other.passing, *other.failing}
    assert len(one.passing) == 1
    assert len(one.failing) == len(row.canary.failing) >= 3
    text = b"".join(file.data for file in one.files.values()).decode()
    assert all(name in text for name in (*one.passing, *one.failing))


# ---------------------------------------------------------------- reports


def reports(**texts: str) -> Files:
    return {name.replace("_", "."): File(text.encode()) for name, text in texts.items()}


def test_reports_are_read() -> None:
    titles = {"ancestorTitles": ["A"], "title": "b"}
    suite = {"assertionResults": [{**titles, "status": "passed"}, {**titles, "status": "failed"}]}
    assert outcomes.jest(reports(jest_json=json.dumps({"testResults": [suite]}))) == {
        "A > b": "passed",
        "A > b (2)": "failed",
    }
    events = [("run", "TestA"), ("run", "TestB"), ("pass", "TestA"), ("run", "TestC"), ("skip", "TestC")]
    lines = "\n".join(json.dumps({"Action": action, "Test": test}) for action, test in events)
    assert outcomes.go(reports(go_json=lines)) == {"TestA": "passed", "TestB": "failed", "TestC": "skipped"}
    assert outcomes.libtest(reports(a_log="ok x\nfailed y\nignored z\nok y\n")) == {
        "a::x": "passed",
        "a::y": "failed",
        "a::z": "skipped",
    }
    cases = "<testcase classname='A' name='b()'/><testcase classname='A' name='c()'><failure/></testcase>"
    xml = f"<testsuite>{cases}</testsuite>"
    assert outcomes.junit(reports(a_xml=xml)) == {"A.b()": "passed", "A.c()": "failed"}
    xml = "<R><TestCase name='a'><OverallResult success='true' skips='0'/></TestCase><TestCase name='b'></TestCase></R>"
    assert outcomes.catch(reports(a_xml=xml)) == {"a": "passed", "b": "failed"}
    for name in ("jest", "go", "libtest", "junit", "catch"):
        assert getattr(outcomes, name)({}) == {}


BOMB = '<!DOCTYPE a [<!ENTITY b "x">]><testsuite><testcase classname="&b;" name="c"/></testsuite>'


@pytest.mark.parametrize("text", ["", "junk", "[]", "{}", "[" * 100_000, '{"testResults": 5}', "<a", BOMB, "\0"])
@pytest.mark.parametrize("kind", ["jest", "junit", "catch", "go"])
def test_hostile_reports(kind: str, text: str) -> None:
    read_as = getattr(outcomes, kind)
    try:
        found = read_as(reports(a_json=text) if kind in ("jest", "go") else reports(a_xml=text))
    except BadReport:
        return
    assert found == {}


def test_what_reports_say_can_be_written_down() -> None:
    line = json.dumps({"Action": "pass", "Test": "\ud800a", "Output": "\udfff"})
    found = outcomes.go(reports(go_json=line)), outcomes.go_story(reports(go_json=line))
    assert msgspec.json.decode(msgspec.json.encode(found)) == [{"?a": "passed"}, "?"]
    with pytest.raises(BadReport, match="more than"):
        outcomes.libtest(reports(a_log="".join(f"ok {number}\n" for number in range(20_001))))


def verdict(outcome: dict[str, str], wanted: int = 1, ended: str = "exited") -> tuple[bool, tuple[str, ...]]:
    log = "".join(f"{'ok' if how == 'passed' else how} {name}\n" for name, how in outcome.items())
    ran = Ran(ended, 1, b"", {"report/t.log": File(log.encode())}, (), (), 1.0)  # type: ignore[arg-type]
    grade = judged(ran, Canaries({}, {"Q1": 1}, {"Q2": 1}), wanted, RUST)
    assert not any("Q" in name for name in grade.tests)
    return grade.solved, grade.flags


def test_what_it_takes_to_be_solved() -> None:
    right = {"a": "passed", "zz_Q1": "passed", "zz_Q2": "failed"}
    assert verdict(right) == (True, ())
    assert verdict(right, wanted=2) == (False, ())
    assert verdict(right, wanted=0) == (False, ())
    assert verdict(right, ended="timeout") == (False, ())
    assert verdict({**right, "b": "failed"}) == (False, ())
    assert verdict({**right, "b": "ignored"}) == (False, ())
    assert verdict({**right, "zz_Q2": "passed"}) == (False, ("canary:1 of 2 came out wrong",))
    assert verdict({**right, "zz_Q1": "failed"}) == (False, ("canary:1 of 2 came out wrong",))
    assert verdict({"a": "passed"}) == (False, ("canary:2 of 2 came out wrong",))
    assert verdict({}) == (False, ())


RULE = "-" * 79
PRINTED = {
    "javascript": """FAIL a.spec.js
  ✓ Q1 (1 ms)
  ✕ kept

  ● kept

    kept

  ● Q2

    gone

Test Suites: 1 gone
Tests:       1 gone
""",
    "go": """=== RUN   TestQ1
    zzQ3_test.go:5: Q1
--- PASS: TestQ1 (0.00s)
=== RUN   TestKept
--- FAIL: TestKept (0.00s)
=== RUN   TestQ2
--- FAIL: TestQ2 (0.00s)
FAIL
FAIL\tgone\t0.012s
""",
    "rust": """running 3 tests (gone)
test kept ... FAILED
test zz_Q2 ... FAILED

failures:

---- zz_Q2 stdout ----
gone

---- kept stdout ----
kept

failures:
    kept
    zz_Q2

test result: FAILED. 1 gone
""",
    "java": """Failures (2):
  JUnit Jupiter:ZzQ3:zzQ2()
    => gone
       gone(A.java:1)
  JUnit Jupiter:A:kept()
    => kept
\tat org.junit.gone(A.java:1)

Test run finished after 9 ms (gone)
[         3 tests found           ]
""",
    "cpp": f"""{RULE}
kept
{RULE}
a.cpp:1: kept

{RULE}
Q2
{RULE}
a.cpp:2: FAILED:
  gone

{"=" * 79}
test cases: 3 | 2 gone
assertions: 3 | 2 gone
""",
}


@pytest.mark.parametrize("name", PRINTED)
def test_reports_tell_nothing_of_the_graders_own_tests(name: str) -> None:
    language = LANGUAGES[name]
    assert language is not None
    canaries = Canaries({"src/zzQ3_test.go": File(b"")}, {"Q1": 1}, {"Q2": 1})
    text = without_canaries(PRINTED[name], canaries, language)
    assert not any(word in text for word in ("Q1", "Q2", "Q3", "gone", "tests found"))
    assert text.lower().count("kept") == PRINTED[name].lower().count("kept")


# ---------------------------------------------------------------- Cargo.toml


def test_only_plain_dependencies_are_taken() -> None:
    work = reports(Cargo_toml='[package]\nname = "a"\nversion = "1.0.0"\n\n[dependencies]\nrand = "0.8"\n')
    theirs = reports(
        Cargo_toml='[package]\nname = "a"\nbuild = "x.rs"\nautotests = false\n[lib]\npath = "x.rs"\n[dependencies]\n'
        'rand = "0.1"\nregex = {version = "1.0", features = ["std"]}\nanyhow = "1"\n'
        'mine = {path = "mine"}\nother = {git = "https://x"}\n"a.b" = "1"\n'
    )
    merged = tomllib.loads(crates(work, theirs)["Cargo.toml"].data.decode())
    assert merged == {
        "package": {"name": "a", "version": "1.0.0"},
        "dependencies": {"rand": "0.8", "regex": {"version": "*", "features": ["std"]}, "anyhow": {"version": "*"}},
    }
    assert not only_crates(work, theirs)
    assert crates(work, reports(Cargo_toml="junk ]")) == {"Cargo.toml": work["Cargo.toml"]}
    assert crates({}, theirs) == {}
