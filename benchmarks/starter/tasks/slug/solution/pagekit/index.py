"""Slugs for all pages of a site."""

from pagekit.slug import slugify


def unique_slugs(titles):
    """The slug of each title; repeats get the first free number."""
    seen = set()
    slugs = []
    for title in titles:
        base = slug = slugify(title)
        number = 1
        while slug in seen:
            number += 1
            slug = "{}-{}".format(base, number)
        seen.add(slug)
        slugs.append(slug)
    return slugs
