from pages.errors import TemplateError
from pages.rendering import render

__all__ = ["TemplateError", "render"]
