from pages.rendering import render

__all__ = ["render"]
