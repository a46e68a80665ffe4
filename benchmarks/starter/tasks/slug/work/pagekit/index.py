"""Slugs for all pages of a site."""

from pagekit.slug import slugify


def unique_slugs(titles):
    seen = {}
    slugs = []
    for title in titles:
        slug = slugify(title)
        seen[slug] = seen.get(slug, 0) + 1
        slugs.append(slug if seen[slug] == 1 else "{}-{}".format(slug, seen[slug]))
    return slugs
