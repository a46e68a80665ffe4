"""What the tables of a run hold: every column with its type, its unit and its meaning.

Invariant: columns are added, never renamed.
"""

from collections.abc import Mapping

TEXT, WHOLE, WHOLE_OR_NONE, REAL = "string", "int64", "Int64", "float64"
YES, YES_OR_NONE, TIME = "bool", "boolean", "datetime64[us, UTC]"

Columns = Mapping[str, tuple[str, str]]
"""The first one is the frame's index where `INDEXED` says so."""

COST: Columns = {
    "usd": (REAL, "dollars"),
    "calls": (WHOLE, "model calls"),
    "tokens_in": (WHOLE, "tokens sent to models"),
    "tokens_out": (WHOLE, "tokens that models wrote"),
    "seconds": (REAL, "seconds that it took, as measured outside the sandbox"),
}
COLUMNS: Mapping[str, Columns] = {
    "agents": {
        "agent": (TEXT, "the commit, 40 hexadecimal digits"),
        "parent": (TEXT, "the parent agent; none for a seed"),
        "depth": (WHOLE, "generations below the seed"),
        "born": (TIME, "when it joined the tree"),
        "job": (WHOLE_OR_NONE, "the job that made it; none for a seed"),
        "author": (TEXT, "the agent that wrote it, if that is not its parent"),
        "study": (TEXT, "the failed task that its parent learnt from, if any"),
        "summary": (TEXT, "what was changed, in the words of a model: untrusted"),
        "solved": (WHOLE, "tasks solved"),
        "failed": (WHOLE, "tasks not solved"),
        "evaluations": (WHOLE, "tasks with a score"),
        "rate": (REAL, "solved / evaluations; none before the first"),
        "low": (REAL, "lower end of the 90 % interval of the success rate, by Beta(1 + solved, 1 + failed)"),
        "high": (REAL, "its upper end"),
        "belief": (REAL, "the epsilon-quantile of the same (policy.epsilon), the best belief of HGM"),
        "clade_solved": (WHOLE, "tasks solved by the agent and all its descendants"),
        "clade_failed": (WHOLE, "tasks not solved by them"),
        "clade_rate": (REAL, "the estimate of clade metaproductivity: the share of these that is solved"),
        "children": (WHOLE, "agents born of it"),
        "stillborn": (WHOLE, "expansions of it that gave no agent that works"),
        "usd": (REAL, "dollars of its evaluations and of the expansions of it"),
        "calls": (WHOLE, "model calls of the same"),
        "tokens_in": (WHOLE, "tokens sent to models, of the same"),
        "tokens_out": (WHOLE, "tokens that models wrote, of the same"),
        "seconds": (REAL, "seconds of the same jobs"),
        "best": (YES, "whether it is the one to take, as the run's policy has it"),
    },
    "results": {
        "agent": (TEXT, "the agent"),
        "task": (TEXT, "the task"),
        "solved": (YES, "the score"),
        "job": (WHOLE, "the evaluation that gave it; rows are in the order in which scores came in"),
        "at": (TIME, "when it came in"),
        "flags": (TEXT, "what a sceptic should look at, as a JSON list; empty if nothing"),
        **COST,
    },
    "jobs": {
        "job": (WHOLE, "number of the job, in the order of starting, from 1"),
        "kind": (TEXT, "evaluate, expand"),
        "agent": (TEXT, "what is evaluated, or expanded"),
        "task": (TEXT, "the task; of an expansion the failure that it studies, if any"),
        "author": (TEXT, "of an expansion: who wrote the child, if not the agent itself"),
        "outcome": (TEXT, "solved, unsolved, born, running, or why it failed: stillborn, infra, provider, lost, ..."),
        "reason": (TEXT, "of a failure: what went wrong; of a birth: the summary. Untrusted"),
        "child": (TEXT, "what was born"),
        "flags": (TEXT, "of a score: as in `results`"),
        "started": (TIME, "when it started"),
        "ended": (TIME, "when it ended; none while it runs"),
        **COST,
    },
    "costs": {
        "at": (TIME, "when the job ended; rows are in that order"),
        "job": (WHOLE, "the job"),
        "kind": (TEXT, "evaluate, expand"),
        "outcome": (TEXT, "as in `jobs`"),
        **COST,
        "evaluations": (WHOLE, "scores in the run by then, this one counted"),
        "usd_total": (REAL, "dollars of the run by then, this job's counted"),
        "hours": (REAL, "hours since the run's first event"),
    },
    "conversations": {
        "job": (WHOLE, "the job"),
        "conversation": (WHOLE, "number within the job, from 1"),
        "role": (TEXT, "solve, improve, diagnose"),
        "agent": (TEXT, "the agent that held it; in a diagnosis the one that is spoken of"),
        "task": (TEXT, "the task, or the failure that is studied"),
        "outcome": (TEXT, "of the job, as in `jobs`"),
        "model": (TEXT, "the model"),
        "messages": (WHOLE, "messages in it"),
        "shared": (WHOLE, "of these, at the start, those that an earlier one of the job has too"),
        "altered": (WHOLE, "replies that the agent sent back in other words"),
        "complete": (YES, "whether the transcript holds all of it"),
        "cached": (YES, "whether another run held it, and paid for it"),
        **COST,
    },
}
INDEXED = ("agents", "jobs")
