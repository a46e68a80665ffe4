from pagekit.index import unique_slugs
from pagekit.slug import slugify

__all__ = ["slugify", "unique_slugs"]
