from hypothesis import given
from hypothesis import strategies as st

from dgm.pool import Pool

steps = st.lists(st.tuples(st.integers(0, 8), st.none() | st.tuples(st.integers(0, 2), st.integers(0, 2))), max_size=60)


@given(steps)
def test_a_pool_is_a_mapping_from_agent_to_tally(steps: list[tuple[int, tuple[int, int] | None]]) -> None:
    pool = Pool()
    model: dict[int, tuple[int, int]] = {}
    for agent, tally in steps:
        if tally is None:
            pool.drop(agent)
            model.pop(agent, None)
        else:
            pool.put(agent, *tally)
            model[agent] = tally
        seen = {
            member: (int(solved), int(failed))
            for solved, failed, members in zip(pool.solved, pool.failed, pool.members, strict=True)
            for member in members
        }
        assert seen == model
        assert len(pool) == len(model)
        assert [len(members) for members in pool.members] == list(pool.sizes)
        assert all(pool.tally(agent) == tally and agent in pool for agent, tally in model.items())
        assert pool.tallies == sorted(set(model.values()))
        assert all(list(members) == sorted(members) for members in pool.members)
