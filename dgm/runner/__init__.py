"""What an exported agent is run with, away from `dgm`: a way to the model, a time limit, an account of what changed.

Invariant: nothing of `dgm` and nothing beyond the standard library of Python 3.8 is imported here, since `dgm export`
writes this folder beside the agent as it is; and the key of the model never enters the agent's environment.
"""
