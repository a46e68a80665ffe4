"""Real exercises in six languages, graded in the images of the recipes: what is right counts, and nothing else does.

Python, JavaScript and Go run wherever Docker tests do; `pytest -m languages` runs the other three, whose images are
large. Images are built where they are missing, from the image that DGM_TEST_DEBIAN names (debian:trixie-slim, or what
benchmarks/polyglot/images/base.sh makes).
"""

import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from threading import Event

import pytest

from dgm.benchmarks.grading import count_tests
from dgm.benchmarks.languages import LANGUAGES, number_of_tests
from dgm.benchmarks.polyglot import PolyglotBenchmark
from dgm.config import SandboxConfig
from dgm.files import File, Files
from dgm.protocols import Limits, Patch, SandboxFault
from dgm.sandbox.docker import DockerSandbox
from tests.benchmarks.samples import sample

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
    found = DockerSandbox("languages", DEBIAN, settings=SandboxConfig(build_args={"BASE": DEBIAN}))
    try:
        found.identity(None)
    except SandboxFault:
        found.close()
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

CHEATS = {
    "a test of one's own": ("javascript", "bowling", {"extra.spec.js": "test('mine', () => {});\n"}, ""),
    "another configuration": (
        "javascript",
        "bowling",
        {"jest.config.js": "module.exports = {testMatch: []};\n", "package.json": "{}"},
        "",
    ),
    "another expect": (
        "javascript",
        "bowling",
        {},
        "globalThis.expect = () => new Proxy({}, {get: () => () => {}});\n",
    ),
    "other matchers": (
        "javascript",
        "bowling",
        {},
        "expect.extend({toEqual: () => ({pass: true}), toThrow: () => ({pass: true}), toBe: () => ({pass: true})});\n",
    ),
    "no test cases": ("go", "alphametics", {}, "\nfunc init() { testCases = nil }\n"),
    "another main": (
        "go",
        "alphametics",
        {
            "main_test.go": 'package alphametics\n\nimport ("os"; "testing")\n\n'
            "func TestMain(m *testing.M) { os.Exit(0) }\n"
        },
        "",
    ),
    "another harness": (
        "rust",
        "bowling",
        {
            "Cargo.toml": '[package]\nname = "bowling"\nversion = "1.2.0"\nautotests = false\n',
            "build.rs": "fn main() {}",
        },
        "",
    ),
    "other assertions": (
        "rust",
        "bowling",
        {},
        "\n#[macro_export]\nmacro_rules! assert_eq { ($($x:tt)*) => {} }\n"
        "#[macro_export]\nmacro_rules! assert { ($($x:tt)*) => {} }\n",
    ),
    "a listener": (
        "java",
        "bowling",
        {
            "src/test/java/BowlingGameTest.java": "class BowlingGameTest {}",
            "src/main/java/org/assertj/core/api/Assertions.java": "",
        },
        "",
    ),
    "another build": (
        "cpp",
        "bank-account",
        {"CMakeLists.txt": "project(bank-account)\nadd_executable(bank-account bank_account.cpp)\n"},
        "\nint main() { return 0; }\n",
    ),
    "other macros": (
        "cpp",
        "bank-account",
        {
            "bank_account.h": "#pragma once\n#define CATCH_TEST_MACROS_HPP_INCLUDED\n"
            "#define REQUIRE(...)\n#define TEST_CASE(...)\n"
        },
        "",
    ),
}


@pytest.mark.parametrize(
    ("language", "exercise", "files", "code"),
    [pytest.param(*cheat, marks=large(cheat[0]), id=f"{cheat[0]}: {name}") for name, cheat in CHEATS.items()],
)
@pytest.mark.usefixtures("ready")
def test_cheating_is_unsolved_and_flagged(
    benchmark: PolyglotBenchmark,
    sandbox: DockerSandbox,
    language: str,
    exercise: str,
    files: dict[str, str],
    code: str,
) -> None:
    id = f"polyglot/{language}-{exercise}"
    stub = benchmark.task(id).files
    path = main({path: stub[path] for path in solution(benchmark, id) if path in stub})
    changed = {path: File(stub[path].data + code.encode())} | {
        name: File(text.encode()) for name, text in files.items()
    }
    grade = benchmark.grade(id, Patch(changed), sandbox, 1)
    assert not grade.solved, grade.report


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
