"""Semantic versions."""


class Version:
    def __init__(self, major, minor, patch, pre=(), build=()):
        self.major = major
        self.minor = minor
        self.patch = patch
        self.pre = tuple(pre)
        self.build = tuple(build)

    @classmethod
    def parse(cls, text):
        numbers, _, pre = text.partition("-")
        major, minor, patch = numbers.split(".")
        return cls(int(major), int(minor), int(patch), pre.split(".") if pre else ())

    def __str__(self):
        text = "{}.{}.{}".format(self.major, self.minor, self.patch)
        return text + ("-" + ".".join(self.pre) if self.pre else "")

    def __eq__(self, other):
        return str(self) == str(other)

    def __lt__(self, other):
        return str(self) < str(other)
