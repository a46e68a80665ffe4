"""Names of cells."""


def valid(name):
    return name[:1].isalpha() and name[1:].isdigit()
