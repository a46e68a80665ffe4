"""Keeping API keys out of everything that is written or said.

Invariant: text that went through `redact` holds none of the keys it was given, in plain or JSON-escaped form.
"""

import json
from collections.abc import Collection, Iterable, Mapping

_ENDINGS = ("KEY", "TOKEN", "SECRET", "PASSWORD")
_SHORTEST = 8
"""A shorter value is no key, and replacing it would garble innocent text."""


def secrets(env: Mapping[str, str], names: Iterable[str] = ()) -> frozenset[str]:
    """The values to hide: of the variables `names`, and of all whose own names say that they hold a secret."""
    named = {env[name] for name in names if name in env}
    likely = {value for name, value in env.items() if name.upper().endswith(_ENDINGS) and len(value) >= _SHORTEST}
    return frozenset((named | likely) - {""})


def redact(text: str, keys: Collection[str]) -> str:
    """`text` with each of `keys` replaced, longest first, so that no rest of a longer key remains."""
    for key in sorted(keys, key=len, reverse=True):
        for form in (key, json.dumps(key)[1:-1]):
            text = text.replace(form, "[key]")
    return text
