"""Families: what each promises by construction, without a policy."""

import pytest
from msgspec.structs import replace

from dgm.simulation.families import NAMED, Family, drawn, family
from dgm.simulation.worlds import World


def born(world: World, width: int = 4, most: int = 60) -> list[tuple[str, str]]:
    """Pairs of a parent and its child, breadth first from the seed."""
    pairs: list[tuple[str, str]] = []
    parents = [world.root]
    for parent in parents:
        for number in range(1, width + 1):
            child = world.child(parent, number)
            if child is not None:
                pairs.append((parent, child))
                parents.append(child)
        if len(pairs) >= most:
            break
    return pairs


@pytest.mark.parametrize("seed", range(3))
def test_nothing_improves_where_nothing_improves(seed: int) -> None:
    world = World(family("null"), seed)
    for parent, child in born(world):
        assert world.truths[child].utility <= world.truths[parent].utility


@pytest.mark.parametrize("known", NAMED, ids=lambda known: known.name)
def test_a_seed_is_neither_hopeless_nor_done(known: Family) -> None:
    world = World(known, 1)
    assert 0.05 < world.truths[world.root].utility < 0.6
    assert any(world.truths[child].broken for _, child in born(world))


def test_a_gain_has_shrunk_to_a_half_at_the_ceiling() -> None:
    sure = replace(family("null"), stillborn=0.0, broken=0.0, idle=0.0, shift=0.4, wander=0.0, taste=0.0)
    low, high = World(replace(sure, ceiling=50.0), 1), World(replace(sure, ceiling=0.0), 1)
    for world, gain in ((low, 0.4), (high, 0.2)):
        child = world.child(world.root, 1)
        assert child is not None
        assert world.truths[child].ability == pytest.approx(gain)


def test_a_family_is_found_by_its_name() -> None:
    assert family("rugged").name == "rugged"
    assert family("random-7") == drawn(7) != drawn(8)
    with pytest.raises(KeyError):
        family("nowhere")
