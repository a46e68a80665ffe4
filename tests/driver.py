"""A driver to be killed: `python -m tests.driver FOLDER EVALUATIONS`. Only the world is simulated."""

import sys
from pathlib import Path

from dgm.archive import Archive
from dgm.config import PolicyConfig
from dgm.events import RunConfigured
from dgm.executors import Threads
from dgm.flight import Flight
from dgm.machine import run
from dgm.policies.hgm import HGM
from dgm.testing import World, numbered

TASKS = tuple(f"toy/{n}" for n in range(40))
SLOTS = 6


def main(folder: str, evaluations: str) -> None:
    budget = int(evaluations)
    with Archive(Path(folder)) as archive:
        if not archive.tree.length:
            archive.configure(RunConfigured(1.0, "0", {}, TASKS, "v"))
        archive.seed(numbered(0.4))
        world = World(archive, seconds=lambda rng: rng.random() / 20, faults=0.02)
        end = run(archive, HGM(budget, PolicyConfig()), Flight(world, Threads()), SLOTS)
        archive.end(end.code, end.reason)
        archive.mirror()


if __name__ == "__main__":
    main(*sys.argv[1:])
