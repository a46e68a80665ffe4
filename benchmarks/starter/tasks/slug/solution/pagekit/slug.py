"""The part of an address that names a page."""

import re
import unicodedata


def slugify(title, limit=60):
    """Lower-case ASCII words joined by hyphens, at most `limit` characters."""
    bare = title.replace("'", "").replace("\u2019", "")
    plain = "".join(c for c in unicodedata.normalize("NFKD", bare) if not unicodedata.combining(c))
    words = re.findall(r"[a-z0-9]+", plain.lower())
    if not words:
        return "untitled"
    slug = words[0][:limit]
    for word in words[1:]:
        longer = slug + "-" + word
        if len(longer) > limit:
            break
        slug = longer
    return slug
