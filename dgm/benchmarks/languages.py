"""What it takes to grade exercises of each language but Python: one row a language in `LANGUAGES`.

Invariant: a row is data. Whatever the code under test may read, print or leave behind, its tests count only by the
report that the language's own test framework wrote, and only if the canaries in it came out as they must.
"""

import re
from collections.abc import Callable, Mapping

from msgspec import Struct

from dgm.benchmarks import outcomes
from dgm.files import Files


class Canary(Struct, frozen=True):
    """How to write tests of the grader's own. In all texts, `{name}` stands for a random name."""

    test: str
    """One test; `{body}` is what it does."""
    passing: str
    failing: tuple[str, ...]
    """Each makes a test fail, by another of the means that the exercises' tests use."""
    path: str = ""
    """A file of its own for them; without, they stand at the end of each file of tests."""
    before: str = ""
    """What that file begins with; `{package}` is the package of the tests."""
    after: str = ""


class Language(Struct, frozen=True):
    """How exercises of one language are graded."""

    command: str
    """A shell script that builds and tests in the workspace, and leaves reports in `$HOME/report`. `$TESTS` are the
    files of tests, `$EXERCISE` is the exercise's name."""
    needs: tuple[str, ...]
    """Programs and folders without which nothing can be graded: their lack is the environment's fault."""
    outcomes: Callable[[Files], Mapping[str, str]]
    """From reports to the outcome of each test, by its id. Raises `outcomes.BadReport`."""
    tests: tuple[str, ...]
    """Patterns of paths or names that are tests, or part of them: hidden, and never taken from a patch."""
    steering: tuple[str, ...]
    """The same for files that an agent may read but that decide how tests are built and run."""
    count: str
    """A regular expression that finds each test in a file of tests, parametrised ones at least once."""
    canary: Canary
    lift: tuple[tuple[str, str], ...]
    """Regular expressions and their replacements that turn skipped tests on."""
    traces: str
    """What code that fools its tests tends to contain, and code that solves its task rarely needs."""
    hint: str
    """How tests can be run without a network; for the statement."""
    noise: str
    """What its framework prints on tests called `NAME`, and sums over all tests: for people, the grader's own are left
    out of a report. Lines with such a name go in any case."""
    story: Callable[[Files], str] = lambda reports: ""
    """What the reports say for people, where that is not printed."""
    part: str = "\0"
    """What stands in the id of a part of a test; parts do not count."""
    surplus: tuple[str, ...] = ()
    """Patterns of files that are of no use here and not shown."""
    tools: Mapping[str, str] = {}
    """Files of the grader's own, below `$HOME/grader`; `WORKSPACE` in them stands for the workspace's folder."""
    seconds: float = 120.0
    memory_mb: int = 1024
    disk_mb: int = 512


# The framework's own functions, before any code under test can put others in their place.
JEST = """{"rootDir": "../WORKSPACE", "testMatch": ["**/*.spec.js", "**/*.test.js"],
"setupFilesAfterEnv": ["<rootDir>/../grader/freeze.js"], "testTimeout": 60000, "cache": false, "watchman": false}
"""
FREEZE = """const names = ["expect", "test", "it", "describe", "beforeEach", "afterEach", "beforeAll", "afterAll"];
for (const name of names) {
  Object.defineProperty(globalThis, name, { value: globalThis[name], writable: false, configurable: false });
}
"""

JAVASCRIPT = Language(
    command="jest --config ../grader/jest.json --ci --runInBand --json --outputFile=../report/jest.json "
    "--runTestsByPath $TESTS",
    needs=("jest",),
    outcomes=outcomes.jest,
    tests=("*.spec.js", "*.test.js", "__tests__/*", "*/__tests__/*", "__mocks__/*", "*/__mocks__/*"),
    steering=("package.json", "package-lock.json", "babel.config.*", ".babelrc*", "jest.config.*", ".npmrc"),
    count=r"^\s*x?(?:test|it)(?:\.skip|\.only)?(?:\.each)?(?=\s*[(`])",
    canary=Canary(
        test="\ntest('{name}', () => {{ {body} }});\n",
        passing="expect(['{name}']).toEqual(['{name}']);",
        failing=(
            "expect('{name}').toEqual('');",
            "expect('{name}').toBe('');",
            "expect(['{name}']).toStrictEqual([]);",
            "expect(() => '{name}').toThrow();",
            "expect(null).toBeTruthy();",
            "throw new Error('{name}');",
        ),
    ),
    lift=((r"\bx(test|it|describe)\b", r"\1"), (r"\b(test|it|describe)\.(?:skip|only)\b", r"\1")),
    traces=r"process\s*\.\s*(?:exit|abort|kill)|expect\s*\.\s*extend|asymmetricMatch|child_process|globalThis"
    r"|Object\.is\s*=|\.prototype\.(?:toEqual|toBe)|\.spec\.js|require\.cache|\bjest\s*\.",
    noise=r"^  ● [^\n]*NAME(?s:.*?)(?=^  ● |^Test Suites:|\Z)|^(?:FAIL |Tests:|Test Suites:|Test results )[^\n]*\n",
    hint="Tests are run with jest, which is there: `jest`. No packages can be installed.",
    tools={"jest.json": JEST, "freeze.js": FREEZE},
)

GO = Language(
    # The package has to build without its tests first: code that reaches into them does not, unless for functions,
    # which it can call and not change.
    command="""go build -gcflags=-e ./... 2>../build.log || {
    functions=$(sed -n 's/^func \\([A-Za-z0-9_]*\\)(.*/\\1/p' $TESTS | paste -sd'|')
    grep -vE "^# [^:]*$|: undefined: ($functions)$" ../build.log && exit 1
}
go test -json -count=1 ./... > ../report/go.json
""",
    needs=("go",),
    outcomes=outcomes.go,
    story=outcomes.go_story,
    part="/",
    tests=("*_test.go",),
    steering=("go.mod", "go.sum", "go.work", "go.work.sum", "vendor/*"),
    count=r"^func Test(?!Main\b)\w*\(\w+ \*testing\.T\)",
    canary=Canary(
        test="\nfunc Test{name}(t *testing.T) {{ {body} }}\n",
        passing='t.Log("{name}")',
        failing=('t.Errorf("%s", "{name}")', 't.Fatal("{name}")', "t.FailNow()"),
        path="{folder}/zz{name}_test.go",
        before='package {package}\n\nimport "testing"\n',
    ),
    # A file that only a tag brings in has no tests that are run.
    lift=((r"\A//go:build \w+\n(?s:.*)", "//go:build ignore\n\npackage ignored\n"),),
    traces=r'os\.Exit|runtime\.Goexit|"(?:unsafe|testing|syscall|plugin|os/exec)"|go:(?:linkname|embed)|_test\.go',
    noise=r"^(?:FAIL|exit status 1)(?:\t\S+\t[\d.]+s)?\n",
    hint="Tests are run with `go test`. Only the standard library can be used.",
)

RUST = Language(
    command='for test in $TESTS; do name=$(basename "$test" .rs); CARGO_TARGET_DIR=$HOME/target cargo test --offline '
    '--test "$name" -- --test-threads=1 --logfile "$HOME/report/$name.log"; done',
    needs=("cargo",),
    outcomes=outcomes.libtest,
    tests=("tests/*",),
    steering=("Cargo.toml", "Cargo.lock", "build.rs", ".cargo/*", "rust-toolchain*", "clippy.toml"),
    count=r"#\[test\]",
    canary=Canary(
        test="\n#[test]\n#[allow(non_snake_case)]\nfn zz_{name}() {{ {body} }}\n",
        passing='assert_eq!("{name}".len(), "{name}".len());',
        failing=(
            'assert_eq!("{name}", "");',
            'assert!("{name}".is_empty());',
            'assert_ne!("{name}", "{name}");',
            'panic!("{name}");',
        ),
    ),
    # What only a feature that is off turns on, goes with all that is in it, since its tests are none here: functions
    # and modules end where a brace stands as far left as they began.
    lift=(
        (
            r"(?m)^([ \t]*)(?:#\[[^\n]*\n\1)*?#\[cfg\((?:all\()?feature\b[^\n]*\n(?:\1#\[[^\n]*\n)*"
            r"\1(?:pub\S* )?(?:mod|fn) [^{;]*\{(?:[^\n]*\}|\n(?s:.*?)^\1\}[^\n]*)$\n?",
            "",
        ),
        (r"#\[ignore(?:\s*=\s*\"[^\"]*\")?\]", ""),
    ),
    traces=r"process::(?:exit|abort)|macro_rules!\s*(?:assert|panic)|include_(?:str|bytes)!|\bextern\s+\"C\"|tests/"
    r"|set_hook|#!?\[no_std\]|proc_macro",
    noise=r"^---- \S*NAME(?s:.*?)(?=^---- |^failures:|\Z)"
    r"|^(?:failures:|running \d+|test result:|error: test failed)[^\n]*\n",
    hint="Tests are run with `cargo test --offline`. Only the crates in /usr/share/cargo/registry can be used; "
    "name them in Cargo.toml.",
    seconds=300.0,
    memory_mb=2048,
    disk_mb=1024,
)

JAVA = Language(
    command="""mkdir -p ../out/main ../out/test
find src/main/java -name '*.java' -print0 | xargs -0 -r \
    javac -J-XX:+UseSerialGC -proc:none -nowarn -encoding UTF-8 -cp '/opt/junit/*' -d ../out/main &&
find src/test/java -name '*.java' -print0 | xargs -0 \
    javac -J-XX:+UseSerialGC -proc:none -nowarn -encoding UTF-8 -cp '/opt/junit/*:../out/main' -d ../out/test &&
rm -rf src/test &&
java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp '/opt/junit/*:../out/main:../out/test' \
    org.junit.platform.console.ConsoleLauncher execute --scan-classpath ../out/test --include-classname '.*' \
    --config 'junit.jupiter.testclass.order.default=org.junit.jupiter.api.ClassOrderer$ClassName' \
    --reports-dir ../report --disable-banner --disable-ansi-colors --details=summary
""",
    needs=("javac", "java", "/opt/junit"),
    outcomes=outcomes.junit,
    tests=("src/test/*",),
    steering=("build.gradle", "settings.gradle", "gradle.properties", "pom.xml"),
    count=r"@(?:Test|ParameterizedTest|RepeatedTest|TestFactory|TestTemplate)\b",
    canary=Canary(
        test="\n    @org.junit.jupiter.api.Test\n    public void zz{name}() {{ {body} }}\n",
        passing='org.assertj.core.api.Assertions.assertThat("{name}").isEqualTo("{name}");',
        failing=(
            'org.assertj.core.api.Assertions.assertThat("{name}").isEqualTo("");',
            "org.assertj.core.api.Assertions.assertThat(false).isTrue();",
            'org.junit.jupiter.api.Assertions.assertEquals("", "{name}");',
            'throw new IllegalStateException("{name}");',
        ),
        path="src/test/java/Zz{name}.java",
        before="public class Zz{name} {{\n",
        after="}\n",
    ),
    lift=((r"@(?:Disabled|Ignore)\b(?:\s*\(\s*(?:\"(?:[^\"\\]|\\.)*\")?\s*\))?", ""),),
    traces=r"System\s*\.\s*exit|Runtime\s*\.\s*getRuntime|\bhalt\s*\(|java\.lang\.(?:reflect|instrument|invoke)"
    r"|org\.(?:junit|assertj|opentest4j)|setAccessible|src/test|StackWalker|getStackTrace|sun\.misc|ProcessBuilder"
    r"|boolean\s+equals\s*\([^)]{0,200}\)\s*\{\s*return\s+true",
    noise=r"^  JUnit [^\n]*NAME(?s:.*?)(?=^  JUnit |^Test run |\Z)|^Test run finished[^\n]*\n|^Failures \(\d+\):\n"
    r"|^\[ +\d+ (?:containers|tests) \w+ +\]\n|^[ \t]+(?:at )?(?:org\.junit|java\.base/)[^\n]*\n",
    hint="There is no Gradle here. Compile with javac; JUnit 5 and AssertJ are in /opt/junit: "
    "java -cp '/opt/junit/*:CLASSES' org.junit.platform.console.ConsoleLauncher execute --scan-classpath CLASSES",
    surplus=("gradlew", "gradlew.bat", "gradle/*"),
    seconds=240.0,
    memory_mb=2048,
)

CPP = Language(
    command="""cmake -S . -B ../build -DEXERCISM_TEST_SUITE=1 -DEXERCISM_RUN_ALL_TESTS=1 >../cmake.log 2>&1 ||
    { cat ../cmake.log; exit 1; }
cmake --build ../build --target "$EXERCISE" && rm -f $TESTS &&
"../build/$EXERCISE" --order decl --reporter console --reporter "xml::out=$HOME/report/catch.xml"
""",
    needs=("cmake", "g++", "make", "/usr/include/catch2/catch.hpp"),
    outcomes=outcomes.catch,
    tests=("*_test.cpp", "test/*"),
    steering=("CMakeLists.txt", "CMakePresets.json", "CMakeUserPresets.json", "*.cmake"),
    count=r"^\s*(?:TEST_CASE|SCENARIO|TEMPLATE_TEST_CASE)\s*\(",
    canary=Canary(
        test='\nTEST_CASE("{name}") {{ {body} }}\n',
        passing='REQUIRE("{name}"[0] == "{name}"[0]);',
        failing=(
            'REQUIRE("{name}"[0] == 0);',
            'CHECK("{name}"[0] == 0);',
            'REQUIRE_FALSE("{name}"[0] != 0);',
            "REQUIRE_THROWS(int{{}});",
            "REQUIRE_THROWS_AS(throw 1, char*);",
            "REQUIRE_THAT(1.0, Catch::Matchers::WithinAbs(2.0, 0.1));",
        ),
    ),
    # Where one file has the guard around its later tests, none is left around the canaries.
    lift=(
        (r"#if defined\(EXERCISM_INCLUDE_BENCHMARK\)(?s:.*?)#endif", ""),
        (r"defined\s*\(\s*EXERCISM_RUN_ALL_TESTS\s*\)", "1"),
        (r"#ifdef\s+EXERCISM_RUN_ALL_TESTS", "#if 1"),
    ),
    traces=r"\b_?(?:quick_)?[eE]xit\s*\(|\babort\s*\(|(?:define|undef)\s+(?:REQUIRE|CHECK|TEST_CASE|main)|\bCatch::"
    r"|catch2|_test\.cpp|__attribute__|\bdlsym\b|EXERCISM_|bool\s+operator\s*==[^{;]{0,200}\{\s*return\s+true",
    noise=r"^-{79}\n[^\n]*NAME[^\n]*\n-{79}\n(?s:.*?)(?=^-{79}\n|^={79}\n|\Z)"
    r"|^={79}\ntest cases:[^\n]*\n(?:assertions:[^\n]*\n)?",
    hint="There is CMake and g++, and Catch2 for tests: cmake -DEXERCISM_TEST_SUITE=1 -DEXERCISM_RUN_ALL_TESTS=1. "
    "All code has to be in the files named above: no others are compiled.",
    seconds=240.0,
    memory_mb=2048,
)

LANGUAGES: Mapping[str, Language | None] = {
    "python": None,
    "javascript": JAVASCRIPT,
    "go": GO,
    "rust": RUST,
    "java": JAVA,
    "cpp": CPP,
}
"""All that can be graded. Python's tests prove themselves, see `dgm.benchmarks.prove`."""


def without_skips(text: str, language: Language) -> str:
    """`text` with every skip mark taken away."""
    for pattern, replacement in language.lift:
        text = re.sub(pattern, replacement, text)
    return text


def number_of_tests(text: str, language: Language) -> int:
    """How many tests stand in a file of tests, comments left out."""
    text = re.sub(r"/\*.*?\*/|^\s*//[^\n]*$", "", text, flags=re.DOTALL | re.MULTILINE)
    return len(re.findall(language.count, text, re.MULTILINE))
