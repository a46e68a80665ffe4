"""What the commits of agents say to plain git: a message for each, and notes with the tallies.

Invariant: a message holds all that is needed to know a birth again, should the log be damaged.
"""

from dgm.jobs import AgentId, JobId
from dgm.tree import Tree

NO_SUMMARY = "A child without a word"


def notes(tree: Tree) -> dict[AgentId, str]:
    """What `git log --notes=dgm` shows of each agent."""
    return {
        agent.id: f"solved: {agent.solved} of {agent.evaluations}\n"
        f"clade: {agent.clade_solved} of {agent.clade_solved + agent.clade_failed}\n"
        f"usd: {agent.usage.usd:.4f}\n"
        for agent in tree.agents.values()
    }


def message(summary: str, job: JobId) -> str:
    """What the commit of a child says: enough to know its birth again, should the log be damaged."""
    return f"{summary or NO_SUMMARY}\n\nJob: {job}\n"


def told(message: str) -> tuple[str, JobId | None]:
    """The summary and the job in the `message` of a commit."""
    text, _, job = message.rpartition("\n\nJob: ")
    return ("" if text == NO_SUMMARY else text, int(job)) if job.strip().isdecimal() else (message, None)


def printable(text: str, limit: int = 4_000) -> str:
    """`text`, which untrusted code may have written, as it can be stored and shown: no control codes, not too long."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text[:limit]).strip()
