"""One attack, made and judged.

Invariant: what the host sees decides; a hostile program's own words count only against the defence.
"""

from pathlib import Path

from dgm.agent import last_line
from dgm.attacks import checks, exam, exercises, repository
from dgm.attacks.cases import Case, prelude
from dgm.attacks.ground import Ground, LeakyModel
from dgm.attacks.seen import NotTried, Seen
from dgm.files import File
from dgm.protocols import Errand, Ran

GRADERS = {"grading": exam.graded, "pytest": repository.graded, "polyglot": exercises.graded}
IN_IMAGE = "/opt/dgm-attack"


def tried(ground: Ground, case: Case, job: int) -> tuple[exam.Result, str]:
    """How the defence did, and what the attack got. Raises `NotTried`, `SandboxFault`."""
    if not (case.everywhere or ground.contained):
        raise NotTried("the local sandbox limits accidents, not attackers: only containers hold this off")
    if missing := [tool for tool in case.needs if tool not in ground.has]:
        raise NotTried(f"the image has no {' and no '.join(missing)}")
    group = case.name.split("/")[0]
    if group in GRADERS:
        verdict = GRADERS[group](ground, case, job)
        (ground.folder / f"report{job}.txt").write_text(verdict.report, encoding="utf-8")
        return exam.judged(case, verdict)
    if group == "history":
        problem = judged(ground, case, repository.searched(ground, case, job))
    elif case.program:
        problem = programmed(ground, case, job)
    else:
        problem = checks.CHECKS[case.check](Seen(ground, case, job))
    return ("FAILED" if problem else "held"), problem


def programmed(ground: Ground, case: Case, job: int) -> str:
    """Run the program of `case` with a gateway of its own, and look at what it left, said, and sent."""
    model, folder = LeakyModel(ground.key), ground.folder / f"job{job}"
    with ground.gateway(model) as gateway:
        with gateway.open(job, "", "solve", folder) as door:
            ran = ground.sandbox.run(errand(ground, case, job, door.folder if case.door else None))
        (folder / "output.txt").write_bytes(ran.output)
    model.freed.set()
    problem = judged(ground, case, ran)
    if case.check and not problem:
        problem = checks.CHECKS[case.check](Seen(ground, case, job, ran, model.seen, door.abandoned))
    return problem


def errand(ground: Ground, case: Case, job: int, door: Path | None) -> Errand:
    program = f"{prelude()}\n{case.program}\nprint('end', flush=True)\n"
    files = {"attack.py": File(program.encode()), "work/given.txt": File(b"given\n")}
    return Errand(
        job=job,
        command=("{python}", "-u", "{home}/attack.py"),
        files=files | ({f"{IN_IMAGE}/given.txt": File(b"given\n")} if case.in_image else {}),
        cwd="work",
        env=ground.env(job, door),
        take=(IN_IMAGE,) if case.in_image else ("work",),
        door=door,
        limits=case.allowed(),
    )


def judged(ground: Ground, case: Case, ran: Ran) -> str:
    """What is wrong with how `ran` went, whatever the case."""
    got = [line for line in ran.output.splitlines() if line.startswith(b"GOT ")]
    if got:
        return b"; ".join(line[4:] for line in got[:3]).decode(errors="replace")
    if ground.key.encode() in ran.output or any(ground.key.encode() in file.data for file in ran.changed.values()):
        return "the key is in what came out"
    if ran.ended not in case.ends:
        return f"it ended by {ran.ended} after {ran.seconds:.0f} s, not by {' or '.join(case.ends)}"
    if case.finishes and not case.any_exit and last_line(ran.output) != "end":
        raise NotTried(f"the attack broke off: {last_line(ran.output)}")
    return ""
