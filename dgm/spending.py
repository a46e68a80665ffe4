"""The purse of a run: the worst case of a call is set aside before it is sent, the true cost is booked after.

Invariant: for each cap, booked plus reserved dollars never exceed it, whatever the number of calls at once, unless a
provider bills more than a call's worst case. Sums are whole nanodollars, rounded up, so they neither drift nor shrink.
"""

import math
import threading
import time
from collections.abc import Callable, Mapping
from typing import Literal

import msgspec
from msgspec import Struct

from dgm.config import CapsConfig, ConfigError, ModelConfig
from dgm.jobs import AgentId, JobId
from dgm.protocols import Chat, Model, Price

Scope = Literal["call", "job", "agent", "run"]

OVERHEAD_TOKENS = 1_024
"""What a provider may add to a prompt of its own, such as the frame around messages and the preamble to tools."""
FREE = Price(0.0, 0.0)
LEAST_TOKENS = 256
"""A reply is cut shorter than was asked for, to fit a cap, only down to this; below, the call is refused."""


class CapReached(Exception):
    """A call does not fit under a cap any more. `scope` says whose cap it is."""

    def __init__(self, scope: Scope, text: str) -> None:
        super().__init__(text)
        self.scope = scope


class Reservation(Struct, frozen=True):
    """Money set aside for one call, and the `max_tokens` of output that it pays for."""

    job: JobId
    agent: AgentId
    max_tokens: int
    nano: int

    @property
    def usd(self) -> float:
        return self.nano / 1e9


class _Account:
    """What one job, agent or run has booked and reserved; nanodollars and calls."""

    __slots__ = ("booked", "calls", "limit", "open_calls", "reserved", "scope")

    def __init__(self, scope: Scope, limit: float, booked: float = 0.0) -> None:
        self.scope = scope
        self.limit = math.floor(limit * 1e9)
        self.booked = math.ceil(booked * 1e9)
        self.reserved = self.calls = self.open_calls = 0

    @property
    def room(self) -> int:
        return self.limit - self.booked


class Spending:
    """Thread-safe. `spent_run` and `spent_by_agent`: the dollars that the log already accounts for."""

    def __init__(
        self, caps: CapsConfig, spent_run: float = 0.0, spent_by_agent: Mapping[AgentId, float] | None = None
    ) -> None:
        self.caps = caps
        self._changed = threading.Condition()
        self._run = _Account("run", caps.usd_per_run, spent_run)
        self._earlier = dict(spent_by_agent or {})
        self._agents: dict[AgentId, _Account] = {}
        self._jobs: dict[JobId, _Account] = {}
        self._exhausted = False

    @property
    def usd(self) -> float:
        """All dollars booked in this run so far."""
        with self._changed:
            return self._run.booked / 1e9

    @property
    def reserved(self) -> float:
        """The dollars that calls under way may still cost."""
        with self._changed:
            return self._run.reserved / 1e9

    @property
    def exhausted(self) -> bool:
        """Whether a call has been refused because the run's own cap is reached."""
        return self._exhausted

    def reserve(
        self,
        job: JobId,
        agent: AgentId,
        tokens_in: int,
        tokens_out: int,
        price: Price,
        *,
        lost: float = 0.0,
        seconds: float = 0.0,
        wanted: Callable[[], bool] = lambda: True,
    ) -> Reservation:
        """Set aside the worst case of a call of at most `tokens_in` and `tokens_out` tokens, or of a shorter reply.

        lost: dollars that earlier attempts at the same call have cost. Where only the reservations of other calls
        stand in the way, waits for them up to `seconds` and while `wanted()`. Raises `CapReached`.
        """
        until = time.monotonic() + seconds
        with self._changed:
            accounts = self._accounts(job, agent)
            while True:
                tokens, nano = self._worst_case(accounts, tokens_in, tokens_out, price, lost)
                blocked = self._blocked(accounts, nano)
                if blocked is None:
                    break
                left = until - time.monotonic()
                if left <= 0 or not wanted():
                    raise CapReached(blocked, f"other calls hold what is left of the cap of this {blocked}")
                self._changed.wait(min(left, 0.5))
            for account in accounts:
                account.reserved += nano
                account.open_calls += 1
            return Reservation(job, agent, tokens, nano)

    def settle(self, reservation: Reservation, usd: float | None) -> float:
        """Book what a call has cost and return it: `usd` dollars, or where nobody knows, None, all that was reserved.

        Each reservation is settled or refunded exactly once.
        """
        nano = reservation.nano if usd is None else math.ceil(round(usd * 1e9, 3))
        self._close(reservation, nano, calls=1)
        return nano / 1e9

    def refund(self, reservation: Reservation) -> None:
        """The call was refused before it was processed: it neither cost nor counts."""
        self._close(reservation, 0, calls=0)

    def _close(self, reservation: Reservation, nano: int, calls: int) -> None:
        with self._changed:
            for account in self._accounts(reservation.job, reservation.agent):
                account.reserved -= reservation.nano
                account.open_calls -= 1
                account.booked += nano
                account.calls += calls
            self._changed.notify_all()

    def _accounts(self, job: JobId, agent: AgentId) -> tuple[_Account, _Account, _Account]:
        if agent not in self._agents:
            self._agents[agent] = _Account("agent", self.caps.usd_per_agent, self._earlier.get(agent, 0.0))
        if job not in self._jobs:
            self._jobs[job] = _Account("job", self.caps.usd_per_job)
        return self._jobs[job], self._agents[agent], self._run

    def _worst_case(
        self, accounts: tuple[_Account, _Account, _Account], tokens_in: int, tokens_out: int, price: Price, lost: float
    ) -> tuple[int, int]:
        """The output tokens to grant and what they may cost, by what is booked alone. Raises `CapReached`."""
        job, agent, run = accounts
        if job.calls >= self.caps.calls_per_job:
            raise CapReached("job", f"this job has made all its {self.caps.calls_per_job} calls (calls_per_job)")
        granted = tokens_out
        rooms: tuple[tuple[Scope, int], ...] = (
            ("call", math.floor((self.caps.usd_per_call - lost) * 1e9)),
            ("job", job.room),
            ("agent", agent.room),
        )
        for scope, room in rooms:
            granted = min(granted, _affordable(room, tokens_in, tokens_out, price))
            if granted < min(tokens_out, LEAST_TOKENS):
                raise CapReached(scope, self._refusal(scope))
        nano = _nano(tokens_in, granted, price)
        # A reply is not cut short for the run's cap: the agent would be scored on less than the others got.
        if nano > run.room:
            self._exhausted = True
            raise CapReached("run", self._refusal("run"))
        return granted, nano

    def _refusal(self, scope: Scope) -> str:
        key = f"usd_per_{scope}"
        return (
            "the worst case of this call exceeds what is left of the cap of "
            f"{getattr(self.caps, key)} USD per {scope} ({key})"
        )

    def _blocked(self, accounts: tuple[_Account, _Account, _Account], nano: int) -> Scope | None:
        """The scope whose reservations by other calls leave no room for `nano` now."""
        job = accounts[0]
        if job.calls + job.open_calls >= self.caps.calls_per_job:
            return "job"
        return next((account.scope for account in accounts if nano > account.room - account.reserved), None)


def price_of(config: ModelConfig, model: Model) -> Price:
    """The configured price of a model, else the one that it knows itself. Raises `ConfigError` if there is none."""
    if config.usd_per_million_in is not None and config.usd_per_million_out is not None:
        return Price(config.usd_per_million_in / 1e6, config.usd_per_million_out / 1e6)
    if (price := model.price()) is None:
        raise ConfigError(
            f"the price of the model {config.name!r} is unknown: set usd_per_million_in and usd_per_million_out "
            "(0 for a model that costs nothing)"
        )
    return price


def _nano(tokens_in: int, tokens_out: int, price: Price) -> int:
    """Nanodollars, rounded up; what is smaller than a thousandth of one is floating point noise."""
    return math.ceil(round(cost(tokens_in, tokens_out, price) * 1e9, 3))


def cost(tokens_in: int, tokens_out: int, price: Price) -> float:
    """Dollars."""
    return tokens_in * price.usd_in + tokens_out * price.usd_out


def most_tokens(request: Chat) -> int:
    """More input tokens than any provider counts for `request`: no tokenizer makes more tokens of a text than bytes."""
    return len(msgspec.json.encode(request)) + OVERHEAD_TOKENS


def tokens_of(reply: Chat) -> tuple[int, int] | None:
    """Input and output tokens as the provider counted them; None where that is missing or cannot be."""
    usage = reply.get("usage")
    if not isinstance(usage, Mapping):
        return None
    tokens_in, tokens_out = usage.get("prompt_tokens"), usage.get("completion_tokens")
    if not (type(tokens_in) is int and type(tokens_out) is int and tokens_in > 0 and tokens_out >= 0):
        return None
    return tokens_in, tokens_out


def _affordable(room: int, tokens_in: int, tokens_out: int, price: Price) -> int:
    """How many of `tokens_out` fit into `room` nanodollars, after the input; -1 if not even the input does."""
    if _nano(tokens_in, tokens_out, price) <= room:
        return tokens_out
    if _nano(tokens_in, 0, price) > room:
        return -1
    tokens = min(tokens_out, int((room / 1e9 - tokens_in * price.usd_in) / price.usd_out))
    while tokens >= 0 and _nano(tokens_in, tokens, price) > room:
        tokens -= 1
    return tokens
