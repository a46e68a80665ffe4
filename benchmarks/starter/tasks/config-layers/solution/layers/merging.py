"""Several layers of settings as one."""

import copy


class MergeError(ValueError):
    """Layers that do not fit together."""


class _Delete:
    def __deepcopy__(self, memo):
        return self

    def __repr__(self):
        return "DELETE"


DELETE = _Delete()


def merge(*layers):
    merged = {}
    for layer in layers:
        _lay(merged, layer, ())
    return merged


def _lay(merged, layer, path):
    for key in sorted(layer, key=lambda key: key.endswith("+")):
        value = layer[key]
        name = key[:-1] if key.endswith("+") else key
        if name != key:
            earlier = merged.setdefault(name, [])
            if not isinstance(earlier, list) or not isinstance(value, list):
                raise MergeError("only a list can be appended to a list: " + ".".join(path + (name,)))
            earlier.extend(copy.deepcopy(value))
        elif value is DELETE:
            merged.pop(name, None)
        elif isinstance(value, dict):
            if not isinstance(merged.get(name), dict):
                merged[name] = {}
            _lay(merged[name], value, path + (name,))
        else:
            merged[name] = copy.deepcopy(value)


def origin(path, *named):
    """The name of the layer that decided the value at the dotted `path`."""
    found, merged = None, {}
    for name, layer in named:
        if _decides(layer, merged, path.split(".")):
            found = name
        _lay(merged, layer, ())
    return found


def _decides(layer, merged, words):
    """Whether `layer`, laid over `merged`, sets the value at `words` or something that contains it."""
    word = words[0]
    if word + "+" in layer:
        return True
    if word not in layer:
        return False
    value = layer[word]
    if not isinstance(value, dict):
        return True
    earlier = merged.get(word) if isinstance(merged, dict) else None
    if not isinstance(earlier, dict):
        return word in merged or len(words) == 1 or _decides(value, {}, words[1:])
    return len(words) > 1 and _decides(value, earlier, words[1:])
