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
