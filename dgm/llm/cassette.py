"""Recorded traffic with a model, to be replayed byte for byte.

Invariant: a reply stands in the file exactly as the model gave it, and is found by the request alone: equal requests
get the recorded replies in their order.
"""

import threading
from collections import defaultdict, deque
from collections.abc import Collection
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from dgm.config import ConfigError
from dgm.keys import redact
from dgm.protocols import Chat, Model, ModelFault, Price


class Opening(Struct, frozen=True, tag="model", tag_field="line"):
    """The first line: whose traffic it is. `price` in dollars per token; None: unknown."""

    name: str
    price: Price | None


class Exchange(Struct, frozen=True, tag="exchange", tag_field="line", omit_defaults=True):
    """One request with what came back: a reply, or else a fault (kind, text, retry_after, billed)."""

    request: dict[str, Any]
    reply: dict[str, Any] | None = None
    fault: tuple[Any, str, float | None, bool] | None = None


class Recorder:
    """A `Model` that passes everything on to `model` and appends it to the file `path`. `secrets` are not recorded."""

    def __init__(self, model: Model, path: Path, secrets: Collection[str] = ()) -> None:
        self.name = model.name
        self._model = model
        self._path = path
        self._secrets = secrets
        self._lock = threading.Lock()
        if not path.exists():
            self._append(Opening(model.name, model.price()))

    def price(self) -> Price | None:
        return self._model.price()

    def complete(self, request: Chat, seconds: float) -> Chat:
        """Raises `ModelFault`, which is recorded too."""
        try:
            reply = self._model.complete(request, seconds)
        except ModelFault as fault:
            told = (fault.kind, str(fault), fault.retry_after, fault.billed)
            self._append(Exchange(dict(request), fault=told))
            raise
        self._append(Exchange(dict(request), dict(reply)))
        return reply

    def _append(self, line: Opening | Exchange) -> None:
        text = redact(msgspec.json.encode(line).decode(), self._secrets)
        with self._lock, self._path.open("a", encoding="utf-8") as file:
            file.write(text + "\n")


class Player:
    """A `Model` that answers from the file `path` alone. Raises `ConfigError` if it is no cassette."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._exchanges: dict[str, deque[Exchange]] = defaultdict(deque)
        try:
            first, *rest = path.read_bytes().splitlines()
            opening = msgspec.json.decode(first, type=Opening)
            for line in rest:
                exchange = msgspec.json.decode(line, type=Exchange)
                self._exchanges[digest(exchange.request)].append(exchange)
        except OSError as error:
            raise ConfigError(f"the cassette {path} cannot be read: {error.strerror or error}") from error
        except (ValueError, msgspec.DecodeError) as error:
            raise ConfigError(f"{path} is not a cassette: {error}") from error
        self.name = opening.name
        self._price = opening.price

    def price(self) -> Price | None:
        return self._price

    def complete(self, request: Chat, seconds: float) -> Chat:
        """Raises the recorded `ModelFault`, or one of its own where nothing (more) was recorded for `request`."""
        key = digest(request)
        with self._lock:
            if key not in self._exchanges:
                raise ModelFault("refused", f"the cassette holds no request like this one ({key[:12]})")
            if not self._exchanges[key]:
                raise ModelFault("refused", f"the cassette holds no more replies to this request ({key[:12]})")
            exchange = self._exchanges[key].popleft()
        if exchange.fault is not None:
            raise ModelFault(*exchange.fault)
        assert exchange.reply is not None
        return exchange.reply


def digest(request: Chat) -> str:
    """Equal for requests that mean the same, whatever the order of their keys."""
    return sha256(msgspec.json.encode(request, order="sorted")).hexdigest()
