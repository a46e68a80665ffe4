"""Settings from environment variables."""


def from_environment(prefix, environment):
    layer = {}
    for name, value in environment.items():
        if name.startswith(prefix):
            layer[name[len(prefix) :].lower()] = value
    return layer
