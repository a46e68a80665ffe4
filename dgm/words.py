"""A run at a glance, in words: the same ones while it goes on, at its end, and in its report.

Invariant: each function puts one part of a `Status` into words, on one line.
"""

from collections.abc import Mapping

from dgm.report import RunningJob, Status
from dgm.text import dollars, plain, short


def state_words(now: Status) -> str:
    return now.state + (f": {plain(now.reason)}" if now.reason else "")


def evaluation_words(now: Status) -> str:
    of = f" of {now.budget:,}" if now.account.by_evaluations else ""
    return f"{now.evaluations:,}{of}, {now.solved:,} solved"


def budget_words(now: Status) -> str:
    """Empty where the number of evaluations says it all."""
    return "" if now.account.by_evaluations else f"{now.account.share:.0%} spent: {now.account.words()}"


def cap_words(now: Status) -> str:
    return f" of at most {dollars(now.cap_usd)}" if not now.simulation else ""


def failure_words(failures: Mapping[str, int]) -> str:
    return ", ".join(f"{number:,} {cause}" for cause, number in sorted(failures.items(), key=lambda item: -item[1]))


def target_words(job: RunningJob) -> str:
    return short(job.agent) + (f" on {plain(job.task)}" if job.task else "")
