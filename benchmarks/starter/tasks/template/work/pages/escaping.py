"""Text that is safe inside HTML."""


def escape(text):
    return text.replace("<", "&lt;").replace(">", "&gt;").replace("&", "&amp;")
