"""Small outputs in the formats of the released DGM and HGM code, as their sources write them."""

import difflib
import json
import math
from pathlib import Path
from typing import Any

SEED = {
    "coding_agent.py": "import tools\n\n\ndef main():\n    return tools.go()\n",
    "coding_agent_polyglot.py": "# for exercises\n",
    "utils/eval_utils.py": "x = 1\n",
    "tools/bash.py": "LIMIT = 10\n",
}
ONE, TWO, THREE, FOUR = (f"20250513_12{n:02}00_000001" for n in range(4))
TASKS = [f"django__django-{n}" for n in range(11000, 11006)]


def seed(folder: Path, start: bool = False) -> Path:
    """A checkout of the system's repository."""
    for name, text in SEED.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / ".dockerignore").write_text("# comment\n<!-- x -->\noutput_dgm/\n**/__pycache__/\n.git\n.dockerignore\n")
    for name in ("output_dgm/big.log", ".git/config", "tools/__pycache__/bash.pyc"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("not a part of it")
    if start:
        (folder / "start").write_text("#!/bin/sh\n")
    return folder


def diff(path: str, before: str | None, after: str) -> str:
    """As `git diff` has it."""
    old, new = (before or "").splitlines(keepends=True), after.splitlines(keepends=True)
    names = ("/dev/null" if before is None else f"a/{path}", f"b/{path}")
    head = f"diff --git a/{path} b/{path}\n" + ("new file mode 100644\n" if before is None else "")
    return head + "index 1..2\n" + "".join(difflib.unified_diff(old, new, *names))


FIRST = diff("tools/bash.py", "LIMIT = 10\n", "LIMIT = 20\n") + diff("self_evo.md", None, "what was said\n")
SECOND = diff("tools/bash.py", "LIMIT = 20\n", "LIMIT = 20\nRETRY = True\n")
BINARY = "diff --git a/x.png b/x.png\nnew file mode 100644\nindex 0..1\nBinary files /dev/null and b/x.png differ\n"


def tally(solved: list[str], unsolved: list[str], empty: list[str] = [], **more: Any) -> dict[str, Any]:  # noqa: B006
    number = len(solved) + len(unsolved) + len(empty)
    return {
        "accuracy_score": len(solved) / number if number else 0,
        "total_resolved_instances": len(solved),
        "total_submitted_instances": number,
        "files": [],
        "total_resolved_ids": solved,
        "total_unresolved_ids": unsolved,
        "total_emptypatch_ids": empty,
        **more,
    }


def agent(run: Path, name: str, parent: str | None, patch: str | None = None, **more: Any) -> None:
    (run / name).mkdir(parents=True)
    data = {"run_id": name, **({"parent_commit": parent} if parent else {}), **more}
    (run / name / "metadata.json").write_text(json.dumps(data, indent=4))
    if patch is not None:
        (run / name / "model_patch.diff").write_text(patch)


def dgm(run: Path) -> Path:
    """initial > ONE > TWO, initial > THREE; FOUR did not compile."""
    agent(run, "initial", None, overall_performance=tally(TASKS[:1], TASKS[1:3], TASKS[3:4]))
    brief = {"entry": TASKS[1], "problem_statement": "# Wait longer\n\nMore than before."}
    agent(run, ONE, "initial", FIRST, overall_performance=tally(TASKS[:2], TASKS[2:4]), **brief)
    agent(run, TWO, ONE, SECOND + BINARY, overall_performance=tally(TASKS[:3], TASKS[3:4]), entry="solve_stochasticity")
    agent(run, THREE, "initial", "no patch\n", overall_performance=tally([], TASKS[:4]))
    agent(run, FOUR, "initial", FIRST, overall_performance=tally([], [], TASKS[:4]))
    generations = [([ONE, FOUR], [ONE]), ([TWO, THREE], [TWO, THREE])]
    archive = ["initial"]
    with (run / "dgm_metadata.jsonl").open("w") as file:
        for number, (children, compiled) in enumerate(generations):
            archive = archive + compiled
            entry = {"generation": number, "selfimprove_entries": [["initial", TASKS[1]]], "children": children}
            file.write(json.dumps({**entry, "children_compiled": compiled, "archive": archive}, indent=2) + "\n")
    return run


def hgm(run: Path) -> Path:
    """initial > ONE > TWO, with the seed's source, an evaluation without a verdict, and a node without results."""
    agent(run, "initial", None, overall_performance=tally(TASKS[:1], TASKS[1:3], total_submitted_ids=TASKS[:3]))
    seed(run / "initial/src")
    agent(run, ONE, "initial", FIRST, overall_performance=tally(TASKS[:2], TASKS[2:3], total_submitted_ids=TASKS[:5]))
    agent(run, TWO, ONE, SECOND, overall_performance=tally([], [], total_submitted_ids=[]))
    (run / ONE / f"{ONE}.{ONE}_0.json").write_text(json.dumps({"error_ids": [TASKS[5]], "incomplete_ids": ["never-1"]}))
    rows: list[dict[str, Any]] = [
        {"commit_id": ONE, "id": 1, "parent_id": 0, "mean_utility": 0.4, "num_evals": 171_160},
        {"commit_id": TWO, "id": 2, "parent_id": 1, "mean_utility": math.inf, "num_evals": 9},
    ]
    with (run / "hgm_metadata.jsonl").open("w") as file:
        for number in (1, 2):
            file.write(json.dumps({"n_task_evals": 5 * number, "nodes": rows[:number]}, indent=2) + "\n")
    (run / "init_evaluated_tasks.json").write_text("[]")
    return run
