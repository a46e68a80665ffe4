"""What an option is."""


class Option:
    def __init__(self, name, short, takes, default, kind):
        self.name = name
        self.short = short
        self.takes = takes
        self.default = default
        self.kind = kind
