"""SWE-bench and every dataset in its form: real repositories in images of their own, judged by their own tests.

Invariant: an agent sees the statement and the repository at one commit without a past, and nothing else of a row. The
verdict is the official one on the official script's log, in a container that no agent has touched, unless what pytest
says of itself contradicts the log; then it is unsolved.
"""

import marshal
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.resources import files as resources
from pathlib import Path
from threading import Lock
from typing import Literal

import msgspec
from msgspec import Struct

from dgm.benchmarks import swebench_official
from dgm.benchmarks.grading import TRACES, whole
from dgm.benchmarks.held import GRADING, Advice, BadBenchmark, read_settings
from dgm.benchmarks.swebench_exam import LOG_BYTES, PLACE, Sitting, examined
from dgm.benchmarks.swebench_patch import PROTECTED, SHADOWED, Filtered, filtered, steered_back
from dgm.benchmarks.swebench_proof import Proof, provable
from dgm.benchmarks.swebench_rows import START, Row, read_rows
from dgm.files import BadFiles, File
from dgm.jobs import JobId, TaskId
from dgm.protocols import Errand, Grade, Limits, Patch, Sandbox, SandboxFault, Task

STEPS = ("plan", "swebench_lay.py", "swebench_grader.py")
TOOLS = {
    name: resources("dgm.benchmarks").joinpath(name).read_bytes
    for name in ("swebench_lay.py", "swebench_grader.py", "pytest_proof.py")
}
ONE_COMMIT = resources("dgm.benchmarks").joinpath("one_commit.py").read_text
GRADE = """import sys
for name in sys.argv[2:]:
    with open(name, "rb") as file: exec(file.read(), {"__name__": "__main__"})
"""
GATE = "{{ command -v {python} || command -v python3; }} > {place}/tools/python; kill -STOP $$"
OFFLINE = {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
"""Installing the project again works with what the image has. (To pip, a false value here means: no isolation.)"""
USUAL = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
APPLY = "cd {work} && {{ git apply --verbose {home}/gold.diff || patch --batch --fuzz=5 -p1 -i {home}/gold.diff; }}"
STATEMENT = """{problem}

The repository is in {workspace}. Change it so that this is resolved; hidden tests will decide.
"""


class SweSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """`benchmark.toml` of a SWE-bench dataset: either `rows` or `dataset`."""

    name: str
    kind: Literal["swebench"] = "swebench"
    description: str = ""
    limits: Advice = Advice()
    """Recommended limits of attempts and grading."""
    rows: str = ""
    """A .jsonl, .json or .parquet file, relative to this one."""
    dataset: str = ""
    """The name of a dataset of the Hugging Face hub."""
    split: str = "test"
    revision: str | None = None
    python: tuple[str, ...] = ("/opt/miniconda3/bin/python", "python3")
    """Interpreters for agents and the grader in the images; the first one that is there."""
    workspace: str = "/testbed"
    """Where the images hold the repository."""
    seconds: float | None = None
    """How long an agent may work on a task; the run's own limit if there is none."""
    image: str = ""
    """The name of the images, where they are not the rows' own: `{id}` stands for the row's, in lower case."""


class SweBenchmark:
    """Fulfils `dgm.protocols.Benchmark`."""

    name: str
    version: str

    def __init__(self, folder: Path, limits: Limits = GRADING) -> None:
        """Reads all rows. Raises `BadBenchmark`."""
        settings = read_settings(folder / "benchmark.toml", SweSettings)
        if bool(settings.rows) == bool(settings.dataset):
            raise BadBenchmark(f"{folder / 'benchmark.toml'} needs `rows` (a file) or `dataset` (a name), and one only")
        if not settings.workspace.startswith("/"):
            raise BadBenchmark(f"{folder / 'benchmark.toml'}: `workspace` is an absolute path in the images")
        source = folder / settings.rows if settings.rows else None
        self.name, self.limits, self.settings = settings.name, limits, settings
        rows = read_rows(source, settings.dataset, settings.split, settings.revision)
        self.rows = {f"{settings.name}/{row.instance_id}": self._named(row) for row in rows}
        self.fingerprints = {id: self._fingerprint(row) for id, row in self.rows.items()}
        self.version = sha256(" ".join(self.fingerprints.values()).encode()).hexdigest()[:16]
        self._untouched: dict[TaskId, Proof] = {}
        self._locks: defaultdict[TaskId, Lock] = defaultdict(Lock)

    def _named(self, row: Row) -> Row:
        pattern = self.settings.image
        return msgspec.structs.replace(row, image=pattern.replace("{id}", row.instance_id.lower())) if pattern else row

    def _fingerprint(self, row: Row) -> str:
        code = [ONE_COMMIT(), *(read() for read in TOOLS.values()), sorted(SHADOWED), PROTECTED, TRACES.pattern]
        where = self.settings.workspace, self.settings.python, self.settings.seconds
        parts = [row, where, code, STATEMENT, GATE, swebench_official.version()]
        return sha256(msgspec.msgpack.encode(parts)).hexdigest()[:16]

    # ------------------------------------------------------------ what an agent gets

    def tasks(self) -> Sequence[TaskId]:
        return tuple(self.rows)

    def fingerprint(self, id: TaskId) -> str:
        return self.fingerprints[id]

    def task(self, id: TaskId) -> Task:
        row, settings = self.rows[id], self.settings
        return Task(
            id=id,
            statement=STATEMENT.format(problem=row.problem_statement.strip(), workspace=settings.workspace),
            image=row.image,
            workspace=settings.workspace,
            seconds=settings.seconds,
            derive=("{python}", "-I", "-S", "-B", "-c", ONE_COMMIT(), settings.workspace),
            env=environment(row),
            python=settings.python,
            group=row.repo,
        )

    def reference(self, id: TaskId) -> Patch | None:
        return Patch(diff=self.rows[id].patch) if self.rows[id].patch.strip() else None

    # ------------------------------------------------------------ the verdict

    def grade(self, id: TaskId, patch: Patch, sandbox: Sandbox, job: JobId) -> Grade:
        row = self.rows[id]
        try:
            if patch.diff:
                patch = self._applied(row, patch.diff, sandbox, job)
            filter = filtered(patch, (*row.tested, *row.words))
            filter = self._steered_back(row, filter, sandbox, job)
        except BadFiles as error:
            return Grade(False, f"The patch cannot be graded: {error}", image=sandbox.identity(row.image))
        return self._judged(id, filter, sandbox, job)

    def _judged(self, id: TaskId, filter: Filtered, sandbox: Sandbox, job: JobId) -> Grade:
        row = self.rows[id]
        wanted = provable(row) and not self._known_unprovable(id)
        sitting = self._examined(row, filter, sandbox, job, wanted)
        if sitting.proof is not None and sitting.proof.dubious and not sitting.hopeless:
            with self._locks[id]:
                if id not in self._untouched:
                    plain = self._examined(row, Filtered({}, (), {}, ()), sandbox, job, True)
                    self._untouched[id] = plain.proof or Proof("absent")
            if self._known_unprovable(id):
                sitting = self._examined(row, filter, sandbox, job, False)
        return sitting.grade(sandbox.identity(row.image))

    def _known_unprovable(self, id: TaskId) -> bool:
        """Whether the tests of the untouched repository, too, prove nothing."""
        plain = self._untouched.get(id)
        return plain is not None and plain.dubious

    def _examined(self, row: Row, filter: Filtered, sandbox: Sandbox, job: JobId, prove: bool) -> Sitting:
        """Run the tests of `row` on the patched repository. Raises `SandboxFault`."""
        names = {path: f"content/{n}" for n, path in enumerate(filter.changed)}
        traced = any(TRACES.search(file.data) for file in filter.changed.values())
        plan = {
            "workspace": self.settings.workspace,
            "files": [[path, names[path], file.executable] for path, file in filter.changed.items()],
            "deleted": filter.deleted,
            "fresh": sorted(SHADOWED),
            "traces": TRACES.pattern.decode() if traced else "",
            "script": "eval.sh",
            "proof": "pytest_proof.py" if prove else "",
            "log_bytes": LOG_BYTES,
        }
        files = {name: File(read()) for name, read in TOOLS.items()}
        files |= {"plan": File(marshal.dumps(plan, 2)), "eval.sh": File(gated(row).encode())}
        files |= {names[path]: File(file.data) for path, file in filter.changed.items()}
        ran = sandbox.run(
            Errand(
                job=job,
                command=("{python}", "-I", "-S", "-B", "-c", GRADE, *(f"{PLACE}/tools/{name}" for name in STEPS)),
                files={f"{PLACE}/tools/{name}": file for name, file in files.items()},
                env={"HOME": "/root", **OFFLINE},
                take=(f"{PLACE}/out",),
                image=row.image,
                python=self.settings.python,
                limits=msgspec.structs.replace(self.limits, take_bytes=2 * LOG_BYTES),
            )
        )
        return examined(row, filter, ran, prove)

    def _applied(self, row: Row, diff: str, sandbox: Sandbox, job: JobId) -> Patch:
        """The reference as files. Raises `BadFiles`, `SandboxFault`."""
        work = self.settings.workspace
        ran = sandbox.run(
            Errand(
                job=job,
                command=("/bin/sh", "-c", APPLY.format(work=work, home="{home}")),
                files={"gold.diff": File(diff.encode()), ".gitconfig": File(b"[safe]\n\tdirectory = *\n")},
                take=(work,),
                image=row.image,
                python=self.settings.python,
                limits=self.limits,
            )
        )
        whole(ran)
        if ran.exit != 0 or ran.refused:
            raise BadFiles(f"the reference does not apply: {ran.output.decode(errors='replace')[-2000:]} {ran.refused}")
        cut = len(work.rstrip("/")) + 1
        changed = {path[cut:]: file for path, file in ran.changed.items() if not path.endswith(".orig")}
        return Patch(changed, tuple(path[cut:] for path in ran.deleted))

    def _steered_back(self, row: Row, filter: Filtered, sandbox: Sandbox, job: JobId) -> Filtered:
        """`filter` with its mixed files as far as they may enter."""
        if not filter.mixed:
            return filter
        work, flags, changed = self.settings.workspace, list(filter.flags), dict(filter.changed)
        paths = {path: f"{n}" for n, path in enumerate(filter.mixed)}
        copy = 'for p in "$@"; do n=$((${n:--1}+1)); [ ! -f "$p" ] || [ -L "$p" ] || cp "$p" ' + f"{PLACE}/$n; done"
        ran = sandbox.run(
            Errand(
                job=job,
                command=("/bin/sh", "-c", f"cd {work} && {copy}", "sh", *(f"./{path}" for path in paths)),
                take=(PLACE,),
                image=row.image,
                python=self.settings.python,
                limits=self.limits,
            )
        )
        whole(ran)
        if ran.exit != 0:
            raise SandboxFault(f"the files of {row.image} cannot be read: {ran.output.decode(errors='replace')[-500:]}")
        for path, number in paths.items():
            new = filter.mixed[path]
            entering = steered_back(path, new, ran.changed.get(f"{PLACE}/{number}"))
            if entering is not None:
                changed[path] = entering
            if entering != new:
                flags.append(f"touched:{path}")
        return msgspec.structs.replace(filter, changed=changed, mixed={}, flags=tuple(flags))


def gated(row: Row) -> str:
    """The official script, which stops just before the tests until the grader lets it go on."""
    first = row.commands[0].split()[0] if row.commands else ""
    python = first if re.fullmatch(r"python[\d.]*", first) else "python"
    lines = swebench_official.script(row.official()).split("\n")
    place = next(number for number, line in enumerate(lines) if START in line)
    return "\n".join([*lines[:place], GATE.format(python=python, place=PLACE), *lines[place:]])


def environment(row: Row) -> Mapping[str, str]:
    """What makes the agent's commands those of the tests' environment, where the script activates one."""
    found = re.search(r"^conda activate ([\w.-]+)$", row.eval_script, re.MULTILINE)
    if found is None:
        return {}
    home = f"/opt/miniconda3/envs/{found[1]}"
    return {
        "PATH": f"{home}/bin:/opt/miniconda3/bin:{USUAL}",
        "CONDA_DEFAULT_ENV": found[1],
        "CONDA_PREFIX": home,
    }
