"""Names of topics: words joined by dots."""


def words(topic):
    return topic.split(".")
