"""A machine for people."""


def edges(machine):
    return sorted({"{} --{}--> {}".format(*transition) for transition in machine.transitions()})
