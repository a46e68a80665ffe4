"""Text that is safe inside HTML."""


def escape(text):
    for mark, name in (("&", "amp"), ("<", "lt"), (">", "gt"), ('"', "quot"), ("'", "#x27")):
        text = text.replace(mark, "&{};".format(name))
    return text
