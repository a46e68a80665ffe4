"""Names of topics: words joined by dots."""


def words(topic):
    """Raises ValueError for empty words."""
    found = topic.split(".")
    if "" in found:
        raise ValueError("not a topic: {!r}".format(topic))
    return found


def topic_words(topic):
    found = words(topic)
    if "*" in found or "#" in found:
        raise ValueError("a pattern is no topic: {!r}".format(topic))
    return found


def pattern_words(pattern):
    found = words(pattern)
    if "#" in found[:-1]:
        raise ValueError("# must be the last word: {!r}".format(pattern))
    return found


def matches(pattern, topic):
    """Both as lists of words."""
    if pattern[-1] == "#":
        pattern = pattern[:-1]
        topic, rest = topic[: len(pattern)], topic[len(pattern) :]
    return len(pattern) == len(topic) and all(one in ("*", other) for one, other in zip(pattern, topic))
