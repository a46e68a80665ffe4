"""Changes of a text and their inverses."""


class Insert:
    def __init__(self, at, text):
        self.at = at
        self.text = text

    def apply(self, text):
        return text[: self.at] + self.text + text[self.at :]

    def inverse(self):
        return Delete(self.at, self.text)


class Delete:
    def __init__(self, at, text):
        self.at = at
        self.text = text

    def apply(self, text):
        return text[: self.at] + text[self.at + len(self.text) :]

    def inverse(self):
        return Insert(self.at, self.text)


def joins(last, change):
    """Whether `change` goes on with what `last` did."""
    if type(last) is not type(change):
        return False
    if isinstance(change, Insert):
        return change.at == last.at + len(last.text) and "\n" not in last.text + change.text
    return last.at in (change.at, change.at + len(change.text))
