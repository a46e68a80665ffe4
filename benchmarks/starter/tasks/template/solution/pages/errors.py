"""What can be wrong with a template."""


class TemplateError(ValueError):
    def __init__(self, message, line):
        super().__init__("line {}: {}".format(line, message))
        self.line = line


class Missing(Exception):
    """A name that has no value."""
