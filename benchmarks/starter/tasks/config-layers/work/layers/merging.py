"""Several layers of settings as one."""


def merge(*layers):
    merged = {}
    for layer in layers:
        for key, value in layer.items():
            if isinstance(value, dict) and key in merged:
                merged[key].update(value)
            else:
                merged[key] = value
    return merged
