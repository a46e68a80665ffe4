"""What an option is."""


class Option:
    def __init__(self, name, short, takes, default, kind):
        if short is not None and len(short) != 1:
            raise ValueError("a short name is one character: {!r}".format(short))
        self.name = name
        self.short = short
        self.takes = takes
        self.default = default
        self.kind = kind

    def start(self):
        return [] if self.takes == "many" else self.default

    def usage(self):
        head = "-{}, ".format(self.short) if self.short else "    "
        tail = {"nothing": "", "one": " " + self.name.upper(), "many": " {} ...".format(self.name.upper())}
        return head + "--" + self.name + tail[self.takes]
