"""Command lines to settings."""

from options.declare import Option


class Parser:
    def __init__(self):
        self._options = {}

    def flag(self, name, short=None):
        self._options[name] = Option(name, short, "nothing", False, bool)

    def value(self, name, short=None, default=None, kind=str):
        self._options[name] = Option(name, short, "one", default, kind)

    def many(self, name, short=None, kind=str):
        self._options[name] = Option(name, short, "many", [], kind)

    def parse(self, arguments):
        settings = {name: option.default for name, option in self._options.items()}
        rest = []
        while arguments:
            word = arguments.pop(0)
            if not word.startswith("--"):
                rest.append(word)
                continue
            option = self._options[word[2:]]
            if option.takes == "nothing":
                settings[option.name] = True
            elif option.takes == "one":
                settings[option.name] = option.kind(arguments.pop(0))
            else:
                settings[option.name].append(option.kind(arguments.pop(0)))
        return settings, rest
