"""Command lines to settings."""

from options.declare import Option


class UsageError(ValueError):
    pass


class Parser:
    def __init__(self):
        self._options = {}
        self._shorts = {}

    def flag(self, name, short=None):
        self._declare(Option(name, short, "nothing", False, bool))

    def value(self, name, short=None, default=None, kind=str):
        self._declare(Option(name, short, "one", default, kind))

    def many(self, name, short=None, kind=str):
        self._declare(Option(name, short, "many", None, kind))

    def usage(self):
        return "\n".join(option.usage() for option in self._options.values())

    def parse(self, arguments):
        settings = {name: option.start() for name, option in self._options.items()}
        rest, words = [], iter(list(arguments))
        for word in words:
            if word == "--":
                rest.extend(words)
            elif word.startswith("--"):
                self._long(word, words, settings)
            elif word.startswith("-") and word != "-":
                self._short(word, words, settings)
            else:
                rest.append(word)
        return settings, rest

    def _declare(self, option):
        if option.name in self._options or option.short in self._shorts:
            raise ValueError("declared twice: {}".format(option.name))
        self._options[option.name] = option
        if option.short is not None:
            self._shorts[option.short] = option

    def _long(self, word, words, settings):
        typed, equals, value = word.partition("=")
        name = typed[2:]
        negated = self._options.get(name[3:]) if name.startswith("no-") and name not in self._options else None
        if negated and negated.takes == "nothing":
            if equals:
                raise UsageError("{} takes no value".format(typed))
            settings[negated.name] = False
            return
        option = self._find(name, typed)
        if option.takes != "nothing":
            self._set(option, typed, value if equals else self._next(typed, words), settings)
        elif equals:
            raise UsageError("{} takes no value".format(typed))
        else:
            settings[option.name] = True

    def _find(self, name, typed):
        if name in self._options:
            return self._options[name]
        found = [option for option in self._options.values() if option.name.startswith(name)]
        if not found:
            raise UsageError("unknown option {}".format(typed))
        if len(found) > 1:
            names = ", ".join("--" + option.name for option in found)
            raise UsageError("{} may stand for {}".format(typed, names))
        return found[0]

    def _short(self, word, words, settings):
        for at, letter in enumerate(word[1:], 2):
            typed = "-" + letter
            option = self._shorts.get(letter)
            if option is None:
                raise UsageError("unknown option {}".format(typed))
            if option.takes != "nothing":
                self._set(option, typed, word[at:] or self._next(typed, words), settings)
                return
            settings[option.name] = True

    def _next(self, typed, words):
        for word in words:
            return word
        raise UsageError("{} needs a value".format(typed))

    def _set(self, option, typed, text, settings):
        try:
            value = option.kind(text)
        except ValueError as error:
            raise UsageError("bad value for {}: {}".format(typed, error)) from error
        if option.takes == "many":
            settings[option.name].append(value)
        else:
            settings[option.name] = value
