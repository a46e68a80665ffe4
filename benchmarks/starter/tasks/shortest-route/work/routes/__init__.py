from routes.map import Map

__all__ = ["Map"]
