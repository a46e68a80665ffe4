"""Worlds with known truth for the real loop, the real tree and the real policies; only jobs are simulated.

Invariant: an outcome depends on the world's seed, the agent's place in the tree and the task, never on the policy or on
the order of jobs, so that policies are compared on common random numbers.
"""
