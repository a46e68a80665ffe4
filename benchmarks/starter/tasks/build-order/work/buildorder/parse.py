"""Rules from text such as `app: lib main.c`, one a line; `#` starts a comment."""


def parse(text):
    rules = {}
    for line in text.splitlines():
        line = line.split("#")[0].strip()
        if not line:
            continue
        target, _, needs = line.partition(":")
        rules.setdefault(target.strip(), []).extend(needs.split())
    return rules
