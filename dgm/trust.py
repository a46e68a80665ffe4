"""Whose settings are acted on: those of a log only where somebody has run with the same ones on this machine.

Invariant: an archive from elsewhere gets neither a key, nor an address, nor a sandbox of its own choosing, without a
word of the user's.
"""

from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from typing import Any

import msgspec

from dgm.cache import cache_folder
from dgm.config import ConfigError
from dgm.durable import make_folder

FOLDER = "accepted"
AT_STAKE = ("models", "sandbox")
"""The sections that say who gets which key, and where agents run."""

Settings = Mapping[str, Any]
"""As a log keeps them."""


def accept(settings: Settings) -> None:
    """Remember that the user has said these. What cannot be kept is asked for again: no run is to end over it."""
    with suppress(OSError):
        folder = cache_folder() / FOLDER
        make_folder(folder, 0o700)
        (folder / _digest(settings)).touch()


def insist(settings: Settings, trusted: bool) -> None:
    """`trusted`: what the user says of them, and it is remembered. Raises `ConfigError` where nobody has, `OSError`."""
    if trusted:
        accept(settings)
    elif not (cache_folder() / FOLDER / _digest(settings)).exists():
        raise ConfigError(
            f"no run was ever started on this machine with what this archive names: {'; '.join(_words(settings))}. "
            "If you want that to be used, say so once with --trust"
        )


def _digest(settings: Settings) -> str:
    at_stake = {section: settings.get(section) for section in AT_STAKE}
    return sha256(msgspec.json.encode(at_stake, order="deterministic")).hexdigest()


def _words(settings: Settings) -> list[str]:
    said = []
    for role, model in settings.get("models", {}).items():
        place = f" at {model['api_base']}" if model.get("api_base") else ""
        key = f" with the key in ${model['api_key_env']}" if model.get("api_key_env") else ""
        said.append(f"{role} by {model.get('name', '')}{place}{key}")
    return [*said, f"sandbox {settings.get('sandbox', {}).get('kind', '')}"]
