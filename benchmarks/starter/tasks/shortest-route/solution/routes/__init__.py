from routes.map import Map, NoRoute

__all__ = ["Map", "NoRoute"]
