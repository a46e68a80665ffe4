"""Landscapes: how able agents are, how hard tasks are, and what a rewrite does to its author's ability.

Invariant: data only. Abilities, drifts and difficulties are logits; `dgm.simulation.worlds` draws from them.
The named families were calibrated on seeds below 1,000: results to be trusted use others.
"""

from pathlib import Path

from msgspec import Struct

FITTED = "fitted:"
"""What the name of a family begins with that is fitted to the run in a folder."""


class Family(Struct, frozen=True, kw_only=True):
    """An agent of ability t solves a task of difficulty d with probability g + (1 - g - s) sigma(a (t + e - d))."""

    name: str
    about: str = ""
    # -------------------------------------------------------- tasks
    hard: float = 0.73
    """Mean difficulty; the seed's ability is 0."""
    spread: float = 2.0
    """Standard deviation of the difficulties."""
    keenness: float = 0.0
    """Standard deviation of log a: 0 is a Rasch world, more is a two-parameter logistic one."""
    flaky: float = 0.1
    """Share of tasks that fail by chance with a probability s up to"""
    slip: float = 0.4
    guess: float = 0.02
    """g: the chance to solve a task without any ability."""
    taste: float = 0.3
    """Standard deviation of e, what an agent is better or worse at than its ability says; children inherit it, and"""
    redrawn: float = 0.3
    """this share of it is drawn anew by each rewrite."""
    # -------------------------------------------------------- rewrites
    stillborn: float = 0.05
    """Expansions without a child."""
    broken: float = 0.2
    """Children that solve nothing, nor do theirs."""
    idle: float = 0.3
    """Children that behave like their parent."""
    step: float = 0.3
    """Scale of what any other rewrite adds to the ability"""
    tail: float = 3.0
    """(Student's t with that many degrees of freedom; 0: normal), beside"""
    shift: float = -0.1
    """its mean, and the parent's drift, which is"""
    drift: float = 0.0
    """this for the seed, and then"""
    wander: float = 0.15
    """walks randomly from parent to child, the less the more the ability was raised, by"""
    contrast: float = 0.0
    """this share: 1 makes quick wins dead ends."""
    lucky: float = 0.0
    """The chance of"""
    windfall: float = 0.0
    """that much more ability."""
    ceiling: float = 1.2
    """The ability at which gains have shrunk to a half."""
    # -------------------------------------------------------- time
    haste: float = 0.6
    """Standard deviation of the logarithm of an evaluation's time, whose median is 1; also"""
    drag: float = 0.15
    """each logit of difficulty makes it longer by this share, and"""
    despair: float = 1.5
    """failing takes that many times as long."""
    expanding: float = 4.5
    """Median time of an expansion."""


NAMED = (
    Family(
        name="flat",
        about="tasks alike, a weak seed, a drift that decides everything: the published simulation's world",
        hard=2.2,
        spread=0.3,
        flaky=0.0,
        guess=0.0,
        taste=0.0,
        broken=0.1,
        idle=0.15,
        step=0.15,
        tail=0.0,
        shift=0.0,
        drift=0.4,
        wander=0.3,
        ceiling=8.0,
    ),
    Family(name="hgm", about="calibrated to what HGM, DGM and SICA report on 60 tasks of SWE-bench"),
    Family(
        name="rugged",
        about="deceptive: quick wins are dead ends, productive lineages begin mediocre",
        wander=0.25,
        contrast=0.8,
    ),
    Family(
        name="drift",
        about="no large steps; lineages differ in how fast they improve",
        step=0.15,
        tail=0.0,
        shift=0.0,
    ),
    Family(
        name="jumps",
        about="no drift; one rewrite in ten is a large gain",
        broken=0.25,
        step=0.2,
        wander=0.0,
        lucky=0.1,
        windfall=0.7,
    ),
    Family(
        name="scarce",
        about="nearly nothing improves: one rewrite in twenty gains a little, the rest harms",
        step=0.1,
        tail=0.0,
        shift=-0.08,
        wander=0.0,
        lucky=0.05,
        windfall=0.4,
    ),
    Family(
        name="null",
        about="nothing improves: every rewrite is idle, harmful or broken",
        step=0.0,
        wander=0.0,
        shift=-0.2,
        redrawn=0.0,
    ),
    Family(
        name="alien",
        about="violates what a Rasch model assumes: strong tastes, keen and dull tasks, many flaky ones",
        hard=0.65,
        keenness=0.5,
        flaky=0.4,
        taste=1.2,
    ),
)


def drawn(number: int) -> Family:
    """A random family, the same for the same `number`. The ranges were set by what HGM gains in numbers 0 to 39."""
    from numpy.random import default_rng

    rng = default_rng([0x5EED, number])

    def between(low: float, high: float) -> float:
        return float(rng.uniform(low, high))

    return Family(
        name=f"random-{number}",
        about="drawn at random",
        hard=between(-0.5, 2.0),
        spread=between(0.5, 2.5),
        keenness=between(0.0, 0.5) * (rng.random() < 0.5),
        flaky=between(0.0, 0.4),
        slip=between(0.1, 0.4),
        guess=between(0.0, 0.05),
        taste=between(0.0, 1.2),
        redrawn=between(0.1, 0.6),
        stillborn=between(0.0, 0.15),
        broken=between(0.05, 0.35),
        idle=between(0.1, 0.5),
        step=between(0.1, 0.45),
        tail=float(rng.choice([0.0, 3.0, 5.0])),
        shift=between(-0.3, -0.05),
        drift=between(-0.05, 0.05),
        wander=between(0.0, 0.2) * (rng.random() < 0.7),
        contrast=between(0.0, 0.9) * (rng.random() < 0.4),
        lucky=between(0.0, 0.15) * (rng.random() < 0.4),
        windfall=between(0.3, 0.9),
        ceiling=between(0.2, 2.0),
        haste=between(0.3, 1.0),
        drag=between(0.0, 0.3),
        despair=between(1.0, 2.0),
        expanding=between(2.0, 10.0),
    )


def family(name: str) -> Family:
    """One of `NAMED`, `random-N`, or `fitted:FOLDER` for one that is like the run in that folder.

    Raises `KeyError`, and for a folder `NoArchive`, `Damaged`, and `ValueError` where nothing was evaluated.
    """
    for known in NAMED:
        if known.name == name:
            return known
    kind, _, number = name.partition("-")
    if kind == "random" and number.isdecimal():
        return drawn(int(number))
    if name.startswith(FITTED):
        from dgm.simulation.fitted import fit_to

        return fit_to(Path(name.removeprefix(FITTED))).family
    raise KeyError(name)
