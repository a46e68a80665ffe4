import threading
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from dgm.config import CapsConfig
from dgm.protocols import Price
from dgm.spending import LEAST_TOKENS, CapReached, Reservation, Spending, cost

PRICE = Price(1e-6, 4e-6)
WIDE = CapsConfig(usd_per_call=1e3, usd_per_job=1e3, usd_per_agent=1e3, usd_per_run=1e3, calls_per_job=1000)


def caps(**changes: float) -> CapsConfig:
    wide = {"usd_per_call": 1e3, "usd_per_job": 1e3, "usd_per_agent": 1e3, "usd_per_run": 1e3, "calls_per_job": 1000}
    return CapsConfig(**{**wide, **changes})  # type: ignore[arg-type]


def test_the_worst_case_is_held_until_the_true_cost_is_known() -> None:
    spending = Spending(WIDE)
    held = spending.reserve(1, "a", 1000, 500, PRICE)
    assert held.max_tokens == 500
    assert held.usd == pytest.approx(0.003)
    assert (spending.usd, spending.reserved) == (0.0, held.usd)
    assert spending.settle(held, 0.001) == pytest.approx(0.001)
    assert (spending.usd, spending.reserved) == (pytest.approx(0.001), 0.0)


def test_an_unknown_end_costs_the_reservation_and_a_refused_call_nothing() -> None:
    spending = Spending(WIDE)
    assert spending.settle(spending.reserve(1, "a", 1000, 500, PRICE), None) == pytest.approx(0.003)
    spending.refund(spending.reserve(1, "a", 1000, 500, PRICE))
    assert spending.usd == pytest.approx(0.003)


@pytest.mark.parametrize(
    ("changes", "scope"),
    [({"usd_per_call": 0.0012}, "call"), ({"usd_per_job": 0.0012}, "job"), ({"usd_per_agent": 0.0012}, "agent")],
)
def test_each_cap_cuts_a_reply_short_and_in_the_end_refuses(changes: dict[str, float], scope: str) -> None:
    spending = Spending(caps(**changes))
    assert spending.reserve(1, "a", 0, 10_000, PRICE).max_tokens == 300
    with pytest.raises(CapReached) as caught:
        spending.reserve(1, "a", 500, 10_000, PRICE)
    assert caught.value.scope == scope
    assert not spending.exhausted


def test_shorter_replies_are_granted_down_to_the_least() -> None:
    room = cost(100, LEAST_TOKENS, PRICE)
    assert Spending(caps(usd_per_job=room)).reserve(1, "a", 100, 4096, PRICE).max_tokens == LEAST_TOKENS
    with pytest.raises(CapReached) as caught:
        Spending(caps(usd_per_job=room * 0.99)).reserve(1, "a", 100, 4096, PRICE)
    assert caught.value.scope == "job"
    assert "usd_per_job" in str(caught.value)
    assert Spending(caps(usd_per_job=room * 0.5)).reserve(1, "a", 100, 10, PRICE).max_tokens == 10


def test_no_reply_is_cut_short_for_the_cap_of_the_run() -> None:
    spending = Spending(caps(usd_per_run=cost(100, 4095, PRICE)))
    with pytest.raises(CapReached) as caught:
        spending.reserve(1, "a", 100, 4096, PRICE)
    assert caught.value.scope == "run"
    assert spending.exhausted


def test_what_was_spent_before_counts() -> None:
    spending = Spending(caps(usd_per_agent=1.0, usd_per_run=5.0), 4.0, {"a": 1.0, "b": 0.0})
    with pytest.raises(CapReached) as caught:
        spending.reserve(1, "a", 100, 100, PRICE)
    assert caught.value.scope == "agent"
    spending.reserve(2, "b", 100, 100, PRICE)
    with pytest.raises(CapReached) as caught:
        Spending(caps(usd_per_run=4.0), 4.0).reserve(3, "c", 100, 100, PRICE)
    assert caught.value.scope == "run"


def test_earlier_attempts_at_a_call_count_towards_its_cap() -> None:
    spending = Spending(caps(usd_per_call=0.01))
    spending.reserve(1, "a", 1000, 300, PRICE, lost=0.007)
    with pytest.raises(CapReached) as caught:
        spending.reserve(1, "a", 1000, 300, PRICE, lost=0.008)
    assert caught.value.scope == "call"


def test_calls_are_counted_though_they_cost_nothing() -> None:
    spending = Spending(CapsConfig(calls_per_job=2, usd_per_run=0.0, usd_per_job=0.0))
    free = Price(0.0, 0.0)
    spending.refund(spending.reserve(1, "a", 10, 10, free))
    for _ in range(2):
        spending.settle(spending.reserve(1, "a", 10, 10, free), 0.0)
    with pytest.raises(CapReached, match="calls_per_job"):
        spending.reserve(1, "a", 10, 10, free)
    spending.reserve(2, "a", 10, 10, free)


def test_a_call_waits_for_what_others_only_hold() -> None:
    spending = Spending(caps(usd_per_run=0.004))
    held = spending.reserve(1, "a", 1000, 500, PRICE)
    granted: list[Reservation] = []
    waiting = threading.Thread(
        target=lambda: granted.append(spending.reserve(2, "b", 1000, 500, PRICE, seconds=60.0)), daemon=True
    )
    waiting.start()
    with pytest.raises(CapReached):
        spending.reserve(3, "c", 1000, 500, PRICE)
    assert not spending.exhausted, "what is held may yet come back"
    spending.settle(held, 0.001)
    waiting.join(60)
    assert len(granted) == 1


def test_nobody_waits_for_a_call_that_is_wanted_no_more() -> None:
    spending = Spending(caps(usd_per_run=0.004))
    spending.reserve(1, "a", 1000, 500, PRICE)
    with pytest.raises(CapReached):
        spending.reserve(2, "b", 1000, 500, PRICE, seconds=1e6, wanted=lambda: False)


def test_64_threads_never_pass_a_cap() -> None:
    spending = Spending(caps(usd_per_run=0.05))
    passed: list[float] = []

    def call(number: int) -> None:
        rng = Random(number)
        for _ in range(20):
            try:
                held = spending.reserve(number, "a", rng.randrange(1000), 500, PRICE, seconds=60.0)
            except CapReached:
                return
            passed.append(spending.usd + spending.reserved)
            spending.settle(held, held.usd * rng.random() if rng.random() < 0.9 else None)

    threads = [threading.Thread(target=call, args=(number,)) for number in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert spending.exhausted
    assert spending.reserved == 0.0
    # `usd` and `reserved` are read one after the other, so only their end is exact.
    assert 0.045 < spending.usd <= 0.05
    assert passed


usd = st.floats(0.0, 0.05)


@given(usd, st.integers(0, 10_000), st.integers(1, 10_000), st.floats(0, 1e-4), st.floats(0, 1e-4))
def test_a_grant_always_fits_and_is_no_smaller_than_need_be(
    cap: float, tokens_in: int, tokens_out: int, usd_in: float, usd_out: float
) -> None:
    price = Price(usd_in, usd_out)
    try:
        held = Spending(caps(usd_per_job=cap)).reserve(1, "a", tokens_in, tokens_out, price)
    except CapReached:
        least = min(tokens_out, LEAST_TOKENS)
        assert cost(tokens_in, least, price) > cap - 2e-9
        return
    assert held.usd <= cap
    assert held.max_tokens == tokens_out or cost(tokens_in, held.max_tokens + 1, price) > cap - 2e-9


class Purse(RuleBasedStateMachine):
    """Any interleaving of reservations and ends, checked against plain sums."""

    @initialize(call=usd, job=usd, agent=usd, run=usd, before=st.floats(0.0, 0.01), calls=st.integers(1, 5))
    def begin(self, call: float, job: float, agent: float, run: float, before: float, calls: int) -> None:
        self.caps = CapsConfig(
            usd_per_call=call, usd_per_job=job, usd_per_agent=agent, usd_per_run=run, calls_per_job=calls
        )
        self.spending = Spending(self.caps, before, {"a": before})
        self.before = before
        self.open: list[Reservation] = []
        self.booked: list[tuple[Reservation, float]] = []

    @rule(
        job=st.integers(1, 3),
        tokens=st.tuples(st.integers(0, 5000), st.integers(1, 5000)),
        price=st.builds(Price, st.floats(0, 1e-5), st.floats(0, 1e-5)),
        lost=st.floats(0, 0.01),
    )
    def reserve(self, job: int, tokens: tuple[int, int], price: Price, lost: float) -> None:
        agent = "a" if job < 3 else "b"
        try:
            held = self.spending.reserve(job, agent, *tokens, price, lost=lost)
        except CapReached:
            return
        assert held.usd + lost <= self.caps.usd_per_call + 1e-9
        assert held.usd >= cost(tokens[0], held.max_tokens, price) - 1e-12
        self.open.append(held)

    @precondition(lambda self: self.open)
    @rule(which=st.integers(0, 100), share=st.none() | st.floats(0, 1))
    def settle(self, which: int, share: float | None) -> None:
        held = self.open.pop(which % len(self.open))
        booked = self.spending.settle(held, None if share is None else held.usd * share)
        assert booked == held.usd if share is None else booked <= held.usd
        self.booked.append((held, booked))

    @precondition(lambda self: self.open)
    @rule(which=st.integers(0, 100))
    def refund(self, which: int) -> None:
        self.spending.refund(self.open.pop(which % len(self.open)))

    @invariant()
    def no_cap_is_passed(self) -> None:
        if not hasattr(self, "caps"):
            return
        noise = 2e-9
        for job in (1, 2, 3):
            count = [held for held in self.open if held.job == job]
            done = [(held, booked) for held, booked in self.booked if held.job == job]
            assert sum(held.usd for held in count) + sum(b for _, b in done) <= self.caps.usd_per_job + noise
            assert len(count) + len(done) <= self.caps.calls_per_job
        for agent, before in (("a", self.before), ("b", 0.0)):
            total = sum(held.usd for held in self.open if held.agent == agent)
            total += sum(booked for held, booked in self.booked if held.agent == agent)
            assert total == 0 or total + before <= self.caps.usd_per_agent + noise
        total = sum(held.usd for held in self.open) + sum(booked for _, booked in self.booked)
        assert total == 0 or total + self.before <= self.caps.usd_per_run + noise
        assert self.spending.usd + self.spending.reserved == pytest.approx(total + self.before, abs=1e-8)


TestPurse = Purse.TestCase
TestPurse.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
