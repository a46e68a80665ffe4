"""One job's way to a model: metering, caps, retries, transcript.

Invariant: no call is sent before its worst case is reserved under every cap and noted on disk, and none is forgotten
after: it is booked as the provider's own usage says, or in full where no answer came. Once a door is closed nothing
passes it any more.
"""

import shutil
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from dgm.config import ModelConfig
from dgm.jobs import AgentId, JobId, Usage
from dgm.keys import redact
from dgm.ledger import Ledger, cut, read_transcript
from dgm.protocols import Chat, Model, ModelFault, Price
from dgm.retries import Call, retrying
from dgm.server import Server
from dgm.spending import FREE, CapReached, Reservation, Spending, cost, most_tokens, tokens_of
from dgm.wire import Refusal, parse

Fault = tuple[Literal["provider", "interrupted", "infra"], str]
"""Why a job cannot go on through no fault of its agent: the cause of its `Failure`, and the reason."""


class Route(Struct, frozen=True):
    """Where the calls of a role go, and by which rules."""

    config: ModelConfig
    model: Model
    price: Price
    spending: Spending
    secrets: frozenset[str] = frozenset()
    backoff: float = 1.0
    role: str = ""


class Door:
    """One job's way to one model, from `Gateway.open` to `close`."""

    def __init__(
        self, route: Route, job: JobId, agent: AgentId, folder: Path, record: Path, closed: Callable[["Door"], None]
    ) -> None:
        self.folder = folder
        """A host folder that holds the socket `model.sock`; any user may connect."""
        self.model = route.config.name
        """The name that requests give, if any."""
        self._route = route
        self._closed = closed
        self.job, self._agent = job, agent
        self._lock = threading.Lock()
        self._gone = threading.Event()
        self._usage = Usage()
        self._fault: Fault | None = None
        self._abandoned = False
        self._flying: dict[int, Reservation] = {}
        self._asking: set[Future[Chat]] = set()
        self._failing: dict[Call, str] = {}
        self._ledger = Ledger(record, durable=route.price != FREE, secrets=route.secrets, role=route.role)
        try:
            folder.mkdir()
            folder.chmod(0o755)
            self._server = Server(folder / "model.sock", self.model, self._answer)
        except BaseException:
            self._ledger.close()
            raise

    @property
    def usage(self) -> Usage:
        """What the calls through this door have cost so far; after `close` that is final. `seconds` stays 0."""
        with self._lock:
            return self._usage

    @property
    def fault(self) -> Fault | None:
        """Why the job must end as a failure, whatever its agent made of the error; None as long as all is well."""
        with self._lock:
            return self._fault

    @property
    def owing(self) -> str | None:
        """What the provider said when it last failed a call that has not been answered since, nor given up before the
        door was closed; None if there is no such call."""
        with self._lock:
            return next(iter(self._failing.values()), None)

    @property
    def abandoned(self) -> bool:
        """Whether a call was still under way when the door was closed."""
        with self._lock:
            return self._abandoned

    def text(self) -> str:
        """The transcript so far, for people and for a diagnosis."""
        return read_transcript(self._ledger.folder)

    def ask(self, messages: Sequence[Chat], **params: Any) -> str:
        """The text of one reply, by the rules for agents. Raises `Refusal`; `fault` says whose fault it was."""
        body = msgspec.json.encode({"messages": messages, **params})
        request = parse(body, self.model, self._route.config.max_tokens)
        pending: Future[Chat] = Future()
        with self._lock:
            self._check()
            self._asking.add(pending)
        threading.Thread(target=self._ask, args=(request, pending), daemon=True).start()
        return str(pending.result()["choices"][0]["message"].get("content") or "")

    def cancel(self) -> None:
        """Close the door on a job that is to end; its fault says so."""
        self._blame("interrupted", "the job was cancelled")
        self.close()

    def close(self) -> None:
        """Remove the socket at once and let no reply pass any more; may be called again."""
        with self._lock:
            if self._gone.is_set():
                return
            self._gone.set()
            self._abandoned = bool(self._flying)
            for reservation in self._flying.values():
                self._usage += Usage(self._route.spending.settle(reservation, None), 1)
            self._flying.clear()
            for pending in self._asking:
                pending.set_exception(Refusal(503, "closed", "the door to the model is closed"))
            self._asking.clear()
            self._ledger.close()
        self._server.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        self._closed(self)

    def __enter__(self) -> "Door":
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    # ------------------------------------------------------------ one call

    def _answer(self, body: bytes) -> Chat:
        return self._call(parse(body, self.model, self._route.config.max_tokens))

    def _ask(self, request: Chat, pending: Future[Chat]) -> None:
        reply: Chat | Refusal
        try:
            reply = self._call(request)
        except Refusal as refusal:
            reply = refusal
        with self._lock:
            if pending not in self._asking:
                return
            self._asking.remove(pending)
        if isinstance(reply, Refusal):
            pending.set_exception(reply)
        else:
            pending.set_result(reply)

    def _call(self, request: Chat) -> Chat:
        """Send `request` until there is a reply. Raises `Refusal` with what the agent is told."""
        seconds = self._route.config.seconds_per_call
        call = Call(request, time.monotonic() + seconds)
        attempts = retrying(self._route.backoff, seconds, self._gone)
        try:
            return attempts(self._attempt, call)
        except Refusal:
            raise
        except CapReached as reached:
            if reached.scope in ("run", "agent"):
                self._blame("interrupted", str(reached))
            elif call.lost:
                self._blame("provider", f"what failed attempts may have cost left too little for another: {reached}")
            raise Refusal(402, "insufficient_quota", f"{reached}; finish with what you have") from reached
        except ModelFault as fault:
            text = self._clean(fault)
            if fault.kind == "refused":
                raise Refusal(400, "refused_by_provider", text) from None
            self._blame("provider", text)
            raise Refusal(503, "provider_unavailable", text) from None
        except OSError as error:
            self._blame("infra", f"the record of calls cannot be written: {error}")
            raise Refusal(503, "unavailable", "the record of calls cannot be written") from error
        except BaseException as error:  # a bug of ours must not look like a failure of the agent
            self._blame("infra", f"the gateway broke: {self._clean(error)}")
            raise Refusal(503, "unavailable", "the gateway broke") from error
        finally:
            with self._lock:
                if not self._gone.is_set():
                    self._failing.pop(call, None)

    def _attempt(self, call: Call) -> Chat:
        """Send a call once. Raises `ModelFault`, `CapReached`, `OSError`, and `Refusal` where the door is shut."""
        number, reservation = self._begin(call)
        request = {**call.request, "max_tokens": reservation.max_tokens}
        started = time.monotonic()
        try:
            reply = self._route.model.complete(request, max(0.1, call.until - started))
        except ModelFault as fault:
            with self._lock:
                if fault.kind == "busy" and not self._gone.is_set():
                    self._failing[call] = self._clean(fault)
            call.lost += self._failed(number, reservation, fault.billed, time.monotonic() - started, self._clean(fault))
            raise
        except BaseException as error:
            text = self._clean(error)
            self._failed(number, reservation, True, time.monotonic() - started, text)
            self._blame("infra", f"the model's adapter broke: {text}")
            raise Refusal(503, "unavailable", "the model's adapter broke") from error
        self._replied(number, reservation, time.monotonic() - started, reply)
        return self._redacted(reply)

    def _begin(self, call: Call) -> tuple[int, Reservation]:
        with self._lock:
            self._check()
        spending = self._route.spending
        reservation = spending.reserve(
            self.job,
            self._agent,
            most_tokens(call.request),
            call.request["max_tokens"],
            self._route.price,
            lost=call.lost,
            seconds=call.until - time.monotonic(),
            wanted=lambda: not self._gone.is_set(),
        )
        with self._lock:
            try:
                self._check()
                number = self._ledger.reserve(reservation.usd, {**call.request, "max_tokens": reservation.max_tokens})
            except BaseException:
                spending.refund(reservation)
                raise
            self._flying[number] = reservation
            return number, reservation

    def _failed(self, number: int, reservation: Reservation, billed: bool, seconds: float, error: str) -> float:
        """Book a call without an answer; returns the dollars that it may have cost."""
        spending = self._route.spending
        with self._lock:
            self._land(number)
            usd = 0.0
            if billed:
                usd = spending.settle(reservation, None)
                self._usage += Usage(usd, 1)
            else:
                spending.refund(reservation)
            self._ledger.fail(number, usd, billed, seconds, error)
            return usd

    def _replied(self, number: int, reservation: Reservation, seconds: float, reply: Chat) -> None:
        tokens = tokens_of(reply)
        flags = []
        usd: float | None = None
        if tokens is None:
            flags.append("the provider reported no possible usage: booked as reserved")
        else:
            usd = cost(*tokens, self._route.price)
            if usd > reservation.usd or tokens[1] > reservation.max_tokens:
                flags.append("the provider reported more than was asked for")
        with self._lock:
            self._land(number)
            used = Usage(self._route.spending.settle(reservation, usd), 1, *(tokens or (0, 0)))
            self._usage += used
            self._ledger.settle(number, used, seconds, reply, flags)

    def _land(self, number: int) -> None:
        """From here on the call's end is known. Raises `Refusal` if the door was closed in the meantime."""
        if self._flying.pop(number, None) is None:
            raise Refusal(503, "closed", "the door to the model is closed")

    def _check(self) -> None:
        """Raises `Refusal` unless calls may pass."""
        if self._gone.is_set():
            raise Refusal(503, "closed", "the door to the model is closed")
        if self._fault is not None:
            raise Refusal(503, "unavailable", self._fault[1])

    def _blame(self, kind: Literal["provider", "interrupted", "infra"], text: str) -> None:
        with self._lock:
            # What befalls an abandoned call is no reason to discard a job that ended well.
            if not self._gone.is_set():
                self._fault = self._fault or (kind, text)

    def _clean(self, error: BaseException) -> str:
        return cut(redact(str(error) or type(error).__name__, self._route.secrets), 2_000)

    def _redacted(self, reply: Chat) -> Chat:
        if not self._route.secrets:
            return reply
        clean: Chat = msgspec.json.decode(redact(msgspec.json.encode(reply).decode(), self._route.secrets))
        return clean
