"""Real exercises in six languages, graded in the images of the recipes: what is right counts, and nothing else does.

Python, JavaScript and Go run wherever Docker tests do; `pytest -m languages` runs the other three, whose images are
large. Images are built where they are missing, from the image that DGM_TEST_DEBIAN names (debian:trixie-slim, or what
benchmarks/polyglot/images/base.sh makes).
"""

import os
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from threading import Event

import pytest
from msgspec import Struct

from dgm.attempt import Attempt
from dgm.benchmarks.grading import count_tests
from dgm.benchmarks.languages import LANGUAGES, number_of_tests
from dgm.benchmarks.polyglot import PolyglotBenchmark
from dgm.config import SandboxConfig
from dgm.files import File, Files, write_folder
from dgm.jobs import Verdict
from dgm.protocols import Errand, Grade, Limits, Patch, SandboxFault
from dgm.sandbox.docker import DockerSandbox
from dgm.store import load
from tests.benchmarks.samples import sample
from tests.shells import SMOKED, shell
from tests.test_work import Make, Parrot, evaluated, make

__all__ = ["make"]

DEBIAN = os.environ.get("DGM_TEST_DEBIAN", "dgm-debian:trixie")
LARGE = ("rust", "java", "cpp")
EXERCISES = {
    "python": ("affine-cipher", "bowling", "grade-school"),
    "javascript": ("affine-cipher", "bowling", "grade-school"),
    "go": ("alphametics", "beer-song", "bowling"),
    "rust": ("accumulate", "acronym", "bowling"),
    "java": ("affine-cipher", "all-your-base", "bowling"),
    "cpp": ("all-your-base", "allergies", "bank-account"),
}


def large(language: str) -> tuple[pytest.MarkDecorator, ...]:
    return (pytest.mark.languages,) if language in LARGE else ()


def every() -> pytest.MarkDecorator:
    """All of `EXERCISES`."""
    return pytest.mark.parametrize(
        ("language", "exercise"),
        [
            pytest.param(
                language, name, marks=(pytest.mark.languages,) if language in LARGE else (), id=f"{language}-{name}"
            )
            for language, names in EXERCISES.items()
            for name in names
        ],
    )


pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[DockerSandbox]:
    found = DockerSandbox("languages", SandboxConfig(image=DEBIAN, build_args={"BASE": DEBIAN}))
    try:
        found.identity(None)
    except SandboxFault:
        found.close()
        if os.environ.get("CI"):  # where it is built before, a missing one must not look like a success
            raise
        pytest.skip(f"no image {DEBIAN}: make it with benchmarks/polyglot/images/base.sh, or set DGM_TEST_DEBIAN")
    yield found
    found.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = sample(tmp_path_factory.mktemp("sample"))
    (found / "benchmark.toml").write_text('kind = "polyglot"\n')
    return found


@pytest.fixture(scope="module")
def benchmark(folder: Path) -> PolyglotBenchmark:
    return PolyglotBenchmark(folder)


@pytest.fixture
def ready(benchmark: PolyglotBenchmark, sandbox: DockerSandbox, language: str) -> None:
    """The image of the language, built where it is not here."""
    image = next(benchmark.task(id).image for id in benchmark.tasks() if benchmark.task(id).group == language)
    assert image is not None
    sandbox.fetch(image, benchmark.recipes[image], Event())


def solution(benchmark: PolyglotBenchmark, id: str) -> dict[str, File]:
    reference = benchmark.reference(id)
    assert reference is not None
    return dict(reference.changed)


def main(files: Files) -> str:
    """The file of a solution that holds its code."""
    return max((path for path in files if not path.endswith((".toml", ".h"))), key=lambda path: len(files[path].data))


def edited(files: Files, pattern: str, replacement: str) -> Patch:
    path = main(files)
    code, times = re.subn(pattern, lambda found: found.expand(replacement), files[path].data.decode(), flags=re.DOTALL)
    assert times
    return Patch({**files, path: File(code.encode())})


FIRST, LAST, BODIES, CLASS = r"\A", r"\Z", r"(\bfn \w+[^;{]*\{)", r"(\bclass \w+[^{]*\{)"


@cache
def ways(language: str) -> dict[str, tuple[str, str]]:
    """How to spoil a solution: what to replace, and by what."""
    return {
        "python": {
            "syntax": (LAST, r"\ndef (:\n"),
            "loop": (FIRST, "while True:\n    pass\n"),
            "exit": (FIRST, "import os\nprint('Ran 30 tests: OK', flush=True)\nos._exit(0)\n"),
        },
        "javascript": {
            "syntax": (LAST, "\nconst = ;\n"),
            "loop": (LAST, "\nwhile (true) {}\n"),
            "exit": (LAST, "\n" + FAKE["javascript"]),
        },
        "go": {
            "syntax": (LAST, "\nfunc {\n"),
            "loop": (LAST, "\nfunc init() { for {} }\n"),
            "exit": (r"((?:\A|\n)package \w+\n)(.*)", r'\1import osExit "os"\n\2' + FAKE["go"]),
        },
        "rust": {
            "syntax": (LAST, "\nfn {\n"),
            "loop": (BODIES, r"\1 loop {} "),
            "exit": (BODIES, r"\1" + FAKE["rust"]),
        },
        "java": {
            "syntax": (LAST, "\nclass {\n"),
            "loop": (CLASS, r"\1 static { for (int i = 0; i >= 0; i = 0) { } } "),
            "exit": (CLASS, r"\1" + FAKE["java"]),
        },
        "cpp": {
            "syntax": (LAST, "\nint (;\n"),
            "loop": (LAST, "\nnamespace { struct L { L() { volatile int i = 0; while (i == 0) { } } } l; }\n"),
            "exit": (LAST, FAKE["cpp"]),
        },
    }[language]


JEST_REPORT = '{"testResults": [{"assertionResults": [{"ancestorTitles": [], "title": "all", "status": "passed"}]}]}'
FAKE = {
    "javascript": f"""
require('fs').writeFileSync(process.env.HOME + '/report/jest.json', '{JEST_REPORT}');
process.stdout.write('Tests: 30 passed, 30 total');
process.exit(0);
""",
    "go": """
func init() {
    event := `{"Action":"pass","Package":"p","Test":"TestSolve"}`
    osExit.WriteFile(osExit.Getenv("HOME")+"/report/go.json", []byte(event), 0o644)
    osExit.Stdout.WriteString("\\\\x16=== RUN   TestSolve\\\\n\\\\x16--- PASS: TestSolve (0.00s)\\\\nPASS\\\\nok\\\\n")
    osExit.Exit(0)
}
""",
    "rust": ' println!("test all ... ok\\\\ntest result: ok. 30 passed"); std::process::exit(0); ',
    "java": """ static { try {
    java.nio.file.Files.writeString(java.nio.file.Path.of(System.getenv("HOME"), "report", "TEST-junit-jupiter.xml"),
        "<testsuite><testcase classname='A' name='all()'/></testsuite>");
    System.out.println("[        30 tests successful      ]"); System.exit(0);
} catch (java.io.IOException e) { } } """,
    "cpp": """
#include <cstdio>
#include <cstdlib>
namespace { struct L { L() { std::puts("All tests passed (30 assertions)"); std::_Exit(0); } } l; }
""",
}


@every()
@pytest.mark.usefixtures("ready")
def test_the_reference_is_solved(
    benchmark: PolyglotBenchmark, sandbox: DockerSandbox, language: str, exercise: str
) -> None:
    id = f"polyglot/{language}-{exercise}"
    grade = benchmark.grade(id, Patch(solution(benchmark, id)), sandbox, 1)
    assert grade.solved, grade.report
    assert grade.flags == ()
    noise = re.search(r"Q[0-9A-F]{16}|FAIL|panicked|●|=> |test cases:", grade.report)
    assert not noise, f"the grader's own tests are told of: {grade.report}"
    hidden, row = benchmark.items[id].exam.hidden, LANGUAGES[language]
    written = sum(number_of_tests(file.data.decode(), row) for file in hidden.values()) if row else count_tests(hidden)
    seen = [name for name in grade.tests if row is None or row.part not in name]
    assert set(grade.tests.values()) == {"passed"}
    assert len(seen) == written, "tests stayed skipped, or the grader's own were counted"


@every()
@pytest.mark.usefixtures("ready")
def test_the_stub_is_unsolved(
    benchmark: PolyglotBenchmark, sandbox: DockerSandbox, language: str, exercise: str
) -> None:
    assert not benchmark.grade(f"polyglot/{language}-{exercise}", Patch(), sandbox, 1).solved


@pytest.mark.parametrize("way", ["syntax", "exit"])
@every()
@pytest.mark.usefixtures("ready")
def test_spoilt_solutions_are_unsolved(
    benchmark: PolyglotBenchmark, sandbox: DockerSandbox, language: str, exercise: str, way: str
) -> None:
    id = f"polyglot/{language}-{exercise}"
    patch = edited(solution(benchmark, id), *ways(language)[way])
    grade = benchmark.grade(id, patch, sandbox, 1)
    assert not grade.solved, grade.report


@every()
@pytest.mark.usefixtures("ready")
def test_an_endless_loop_is_unsolved_at_its_limit(
    folder: Path, benchmark: PolyglotBenchmark, sandbox: DockerSandbox, language: str, exercise: str
) -> None:
    id = f"polyglot/{language}-{exercise}"
    patch = edited(solution(benchmark, id), *ways(language)["loop"])
    grade = PolyglotBenchmark(folder, Limits(seconds=12)).grade(id, patch, sandbox, 1)
    assert not grade.solved
    assert "ended by timeout" in grade.report


# ---------------------------------------------------------------- cheating

VICTIM = {
    "python": "bowling",
    "javascript": "bowling",
    "go": "alphametics",
    "rust": "bowling",
    "java": "bowling",
    "cpp": "all-your-base",
}
WRONG = {
    "python": {
        "bowling.py": "class BowlingGame:\n    def roll(self, pins): pass\n    def score(self): pass\n",
    },
    "javascript": {"bowling.js": "export class Bowling {\n  roll() {}\n  score() {}\n}\n"},
    "go": {
        "alphametics.go": "package alphametics\n\nfunc Solve(_ string) (map[string]int, error) { return nil, nil }\n",
    },
    "rust": {
        "src/lib.rs": """#[derive(Debug, PartialEq, Eq)]
pub enum Error { NotEnoughPinsLeft, GameComplete }
pub struct BowlingGame {}
impl BowlingGame {
    pub fn new() -> Self { BowlingGame {} }
    pub fn roll(&mut self, _: u16) -> Result<(), Error> { Ok(()) }
    pub fn score(&self) -> Option<u16> { None }
}
"""
    },
    "java": {
        "src/main/java/BowlingGame.java": "class BowlingGame { void roll(int pins) { } int score() { return -1; } }\n",
    },
    "cpp": {
        "all_your_base.h": """#pragma once
#include <vector>
namespace all_your_base {
using Digits = std::vector<unsigned int>;
inline Digits convert(unsigned int, const Digits&, unsigned int) { return {}; }
}
""",
        "all_your_base.cpp": '#include "all_your_base.h"\n',
    },
}
"""A wrong solution of each victim, which leaves no test early."""
NAIVE = {
    "python": "python3 -m unittest discover -p '*_test.py'",
    "javascript": "jest --ci",
    "go": "go test ./...",
    "rust": "CARGO_TARGET_DIR=$HOME/target cargo test --offline",
    "java": "javac -d ../out -cp '/opt/junit/*' $(find src -name '*.java') && java -cp '../out:/opt/junit/*' "
    "org.junit.platform.console.ConsoleLauncher execute --scan-classpath ../out --include-classname '.*'",
    "cpp": "cmake -S . -B ../build -DEXERCISM_TEST_SUITE=1 -DEXERCISM_RUN_ALL_TESTS=1 && "
    "cmake --build ../build --target $EXERCISE && ../build/$EXERCISE",
}
"""How somebody grades who trusts the files of a patch, and an exit code."""


def naively(benchmark: PolyglotBenchmark, sandbox: DockerSandbox, language: str, files: Files) -> tuple[bool, str]:
    """The verdict of such a grader, and what it saw."""
    id = f"polyglot/{language}-{VICTIM[language]}"
    exam, folder = benchmark.items[id].exam, VICTIM[language]
    laid = {f"{folder}/{path}": file for path, file in {**exam.work, **exam.hidden, **files}.items()}
    command, limits = ("sh", "-c", NAIVE[language]), Limits(seconds=300, memory_mb=2048, disk_mb=1024)
    errand = Errand(1, command, laid, folder, env={"EXERCISE": folder}, image=exam.image, limits=limits)
    ran = sandbox.run(errand)
    return ran.exit == 0, ran.output.decode()[-4000:]


@pytest.mark.parametrize("language", [pytest.param(name, marks=large(name)) for name in NAIVE])
@pytest.mark.usefixtures("ready")
def test_a_naive_grader_tells_right_from_wrong(
    benchmark: PolyglotBenchmark, sandbox: DockerSandbox, language: str
) -> None:
    """Or else that a cheat fools it would say nothing."""
    wrong, right = laid(WRONG[language]), solution(benchmark, f"polyglot/{language}-{VICTIM[language]}")
    verdicts = [naively(benchmark, sandbox, language, files) for files in (wrong, right)]
    assert [solved for solved, _ in verdicts] == [False, True], verdicts


def laid(texts: Mapping[str, str]) -> Files:
    return {path: File(text.encode()) for path, text in texts.items()}


class Cheat(Struct, frozen=True):
    """What makes a naive grader take the wrong solution of a language for a right one."""

    language: str
    flags: tuple[str, ...] = ()
    """What a sceptic is told; `canary` stands for any number of canaries."""
    files: Mapping[str, str] = {}
    code: str = ""
    """Appended to the solution."""


CHEATS = {
    "leaving early in Python": Cheat(
        "python", ("contains:os._exit:bowling.py", "left-without-proof"), code="\nimport os\nos._exit(0)\n"
    ),
    "other tests": Cheat("javascript", ("touched:bowling.spec.js",), {"bowling.spec.js": "test('mine', () => {});\n"}),
    "another configuration": Cheat(
        "javascript",
        ("touched:jest.config.js",),
        {"jest.config.js": "module.exports = {testMatch: ['**/mine.js']};\n", "mine.js": "test('mine', () => {});\n"},
    ),
    "another expect": Cheat(
        "javascript",
        ("contains:globalThis:bowling.js",),
        code="globalThis.expect = () => new Proxy({}, {get: (_, name, self) => name === 'not' ? self : () => {}});\n",
    ),
    "other matchers": Cheat(
        "javascript",
        ("contains:expect.extend:bowling.js", "canary"),
        code="const yes = () => ({pass: true});\nexpect.extend({toEqual: yes, toThrow: yes, toBe: yes});\n",
    ),
    "leaving early in JavaScript": Cheat(
        "javascript", ("contains:process.exit:bowling.js",), code="process.exit(0);\n"
    ),
    "no test cases": Cheat("go", code="\nfunc init() { testCases = nil }\n"),
    "no test cases, in a line that looks like another": Cheat(
        "go", code="\n//line # bowling:1\nfunc init() { testCases = nil }\n"
    ),
    "another main": Cheat(
        "go",
        files={
            "main_test.go": 'package alphametics\n\nimport ("os"; "testing")\n\n'
            "func TestMain(m *testing.M) { os.Exit(0) }\n"
        },
    ),
    "leaving early in Go": Cheat(
        "go",
        ("contains:os.Exit:leave.go",),
        {"leave.go": 'package alphametics\n\nimport "os"\n\nfunc init() { os.Exit(0) }\n'},
    ),
    "another harness": Cheat(
        "rust",
        ("touched:Cargo.toml", "touched:build.rs"),
        {
            "Cargo.toml": '[package]\nname = "bowling"\nversion = "1.2.0"\nedition = "2021"\nautotests = false\n',
            "build.rs": "fn main() {}",
        },
    ),
    "leaving early in Rust": Cheat(
        "rust",
        ("contains:process::exit:src/lib.rs",),
        {"src/lib.rs": WRONG["rust"]["src/lib.rs"].replace("BowlingGame {} }", "std::process::exit(0) }")},
    ),
    "other tests in Java": Cheat(
        "java",
        ("touched:src/test/java/BowlingGameTest.java",),
        {"src/test/java/BowlingGameTest.java": "class BowlingGameTest { }"},
    ),
    "other assertions": Cheat(
        "java",
        ("contains:org.assertj:src/main/java/org/assertj/core/api/Assertions.java",),
        {
            "src/main/java/org/assertj/core/api/Assertions.java": """package org.assertj.core.api;
public class Assertions {
    public interface Code { void run() throws Throwable; }
    public static Assertions assertThat(Object any) { return new Assertions(); }
    public static Assertions assertThatExceptionOfType(Class<?> any) { return new Assertions(); }
    public Assertions isZero() { return this; }
    public Assertions isEqualTo(Object any) { return this; }
    public Assertions isThrownBy(Code any) { return this; }
    public Assertions withMessage(String any) { return this; }
}
"""
        },
    ),
    "leaving early in Java": Cheat(
        "java",
        ("contains:System.exit:src/main/java/BowlingGame.java",),
        {
            "src/main/java/BowlingGame.java": WRONG["java"]["src/main/java/BowlingGame.java"].replace(
                "{ }", "{ System.exit(0); }"
            )
        },
    ),
    "another build": Cheat(
        "cpp",
        ("touched:CMakeLists.txt",),
        {
            "CMakeLists.txt": "cmake_minimum_required(VERSION 3.5)\nproject(all-your-base)\n"
            "add_executable(all-your-base all_your_base.cpp)\n"
        },
        "\nint main() { return 0; }\n",
    ),
    "other macros": Cheat(
        "cpp",
        (
            "contains:catch2:all_your_base.h",
            "contains:define REQUIRE:all_your_base.h",
            "contains:undef REQUIRE:all_your_base.h",
            "canary",
        ),
        {
            "all_your_base.h": WRONG["cpp"]["all_your_base.h"]
            + "#include <catch2/catch.hpp>\n"
            + "".join(f"#undef {name}\n#define {name}(...)\n" for name in ("REQUIRE", "REQUIRE_THROWS_AS"))
        },
    ),
    "leaving early in C++": Cheat(
        "cpp",
        ("contains:_Exit(:all_your_base.cpp",),
        code="#include <cstdlib>\nnamespace { struct L { L() { std::_Exit(0); } } l; }\n",
    ),
}


@pytest.mark.parametrize(
    ("language", "cheat"),
    [pytest.param(cheat.language, cheat, marks=large(cheat.language), id=name) for name, cheat in CHEATS.items()],
)
@pytest.mark.usefixtures("ready")
def test_what_fools_a_naive_grader_is_unsolved_and_flagged(
    benchmark: PolyglotBenchmark, sandbox: DockerSandbox, language: str, cheat: Cheat
) -> None:
    texts = {**WRONG[language], **cheat.files}
    last = list(WRONG[language])[-1]
    files = laid({**texts, last: texts[last] + cheat.code})
    fooled, told = naively(benchmark, sandbox, language, files)
    assert fooled, f"this is no cheat: {told}"
    grade = benchmark.grade(f"polyglot/{language}-{VICTIM[language]}", Patch(files), sandbox, 1)
    assert not grade.solved, grade.report
    assert {"canary" if flag.startswith("canary:") else flag for flag in grade.flags} == set(cheat.flags)


TWICE = """package twice

import "testing"

var cases = []int{1, 2, 3}

func Sum(a, b int) int { return a + b }

func TestTwice(t *testing.T) {
	for _, number := range cases {
		if Twice(number) != 2*number {
			t.Errorf("twice %d is %d, not %d", number, 2*number, Twice(number))
		}
	}
}
"""


CALLS = "package twice\n\nfunc Twice(number int) int { return Sum(number, number) }\n"


def twice(folder: Path, settings: str = "") -> PolyglotBenchmark:
    """A benchmark of one exercise."""
    meta = '{"files": {"solution": ["twice.go"], "test": ["twice_test.go"]}}'
    texts = {"twice.go": "package twice\n", "twice_test.go": TWICE, "go.mod": "module twice\n\ngo 1.18\n"}
    write_folder(laid({**texts, ".meta/config.json": meta}), folder / "go/exercises/practice/twice")
    (folder / "benchmark.toml").write_text(f'kind = "polyglot"\n{settings}')
    return PolyglotBenchmark(folder)


@pytest.mark.parametrize("language", ["go"])
@pytest.mark.usefixtures("ready")
def test_code_in_go_may_call_functions_of_its_tests_and_touch_nothing_else(
    tmp_path: Path, sandbox: DockerSandbox, language: str
) -> None:
    benchmark = twice(tmp_path)

    def graded(code: str) -> Grade:
        return benchmark.grade(f"polyglot/{language}-twice", Patch(laid({"twice.go": code})), sandbox, 1)

    right, wrong = graded(CALLS), graded(CALLS + "\nfunc init() { cases = nil }\n")
    assert right.solved, right.report
    assert not wrong.solved
    assert "undefined: cases" in wrong.report


TWO_TRIES = f"""{SMOKED}
if grep -q 'Another try' "$DGM_STATEMENT"; then
    grep -q 'twice 3 is 6, not 4' "$DGM_STATEMENT" && grep -q 'func Twice' twice.go &&
    grep -q 'func Sum' twice_test.go && cat > twice.go <<'END'
{CALLS}END
else
    printf 'package twice\\n\\nfunc Twice(number int) int {{ return 4 }}\\n' > twice.go
fi
"""


@pytest.mark.parametrize("language", ["go"])
@pytest.mark.usefixtures("ready")
def test_a_second_try_is_shown_what_the_tests_printed(
    make: Make, tmp_path: Path, sandbox: DockerSandbox, language: str
) -> None:
    """The setting of Aider."""
    worker, archive = make(shell(TWO_TRIES), Parrot(), seconds=120.0)
    worker.benchmark, worker.sandbox = twice(tmp_path / "own", "tests_visible = true\ntries = 2\n"), sandbox
    outcome = evaluated(worker, archive, f"polyglot/{language}-twice")
    assert isinstance(outcome, Verdict), outcome
    attempt = load(archive.folder(1) / "attempt.json", Attempt)
    assert attempt is not None
    assert attempt.before is not None
    assert attempt.before.grade is not None
    assert outcome.solved, attempt.before.grade.report
    assert outcome.flags == ("try 2 of 2",)
    assert not re.search(r"Q[0-9A-F]{16}", attempt.before.grade.report)
    assert attempt.before.grade.report.endswith("0 passed of 1, 1 did not\n  TestTwice")


@pytest.mark.parametrize("language", ["javascript"])
@pytest.mark.usefixtures("ready")
def test_honest_work_beside_forbidden_files_is_solved_and_flagged(
    benchmark: PolyglotBenchmark, sandbox: DockerSandbox, language: str
) -> None:
    id = f"polyglot/{language}-bowling"
    files = solution(benchmark, id) | {"package.json": File(b"junk"), "mine.spec.js": File(b"test('mine', () => {});")}
    files[main(files)] = File(b"// process.exit is not called\n" + files[main(files)].data)
    grade = benchmark.grade(id, Patch(files, ("bowling.spec.js",)), sandbox, 1)
    assert grade.solved, grade.report
    assert set(grade.flags) == {"touched:package.json", "touched:bowling.spec.js", "contains:process.exit:bowling.js"}


@pytest.mark.parametrize("language", ["javascript"])
@pytest.mark.usefixtures("ready")
def test_an_image_without_the_toolchain_is_a_fault(folder: Path, sandbox: DockerSandbox, language: str) -> None:
    """Never a wrong answer: neither where the image is missing nor where it lacks what it is for."""
    settings = folder / "benchmark.toml"
    for image, says in ((DEBIAN, "there is no jest in this image"), ("dgm-polyglot-nowhere:1", "dgm prepare")):
        settings.write_text(f'kind = "polyglot"\nimages = {{javascript = "{image}"}}\n')
        benchmark = PolyglotBenchmark(folder)
        settings.write_text('kind = "polyglot"\n')
        with pytest.raises(SandboxFault, match=says):
            benchmark.grade("polyglot/javascript-bowling", Patch({"bowling.js": File(b"")}), sandbox, 1)
