"""Settings from environment variables."""

import json

from layers.merging import MergeError


def from_environment(prefix, environment):
    layer = {}
    for name in sorted(environment):
        words = name[len(prefix) :].lower().split("__")
        if name.startswith(prefix) and "" not in words and not any(word.startswith("_") for word in words):
            _put(layer, words, _value(environment[name]))
    return layer


def _put(layer, words, value):
    for depth, word in enumerate(words[:-1], 1):
        layer = layer.setdefault(word, {})
        if not isinstance(layer, dict):
            raise MergeError("both a value and a table: " + ".".join(words[:depth]))
    layer[words[-1]] = value


def _value(text):
    try:
        return json.loads(text, parse_constant=_refuse)
    except ValueError:
        return text


def _refuse(constant):
    raise ValueError(constant)
