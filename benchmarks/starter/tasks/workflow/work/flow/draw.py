"""A machine for people."""


def edges(machine):
    return ["--{}--> {}".format(event, target) for event, target in machine._transitions.items()]
