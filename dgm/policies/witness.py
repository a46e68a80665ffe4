"""Random numbers that listen to what a policy says while it draws them.

Invariant: they are those of `dgm.machine.stream`, number for number.
"""

from numpy.random import Generator

from dgm.policies.reasons import Reasons


class Witness(Generator):
    """The numbers that `rng` would have given; what it has been told is in `reasons`."""

    def __init__(self, rng: Generator) -> None:
        super().__init__(rng.bit_generator)
        self.reasons = Reasons()
