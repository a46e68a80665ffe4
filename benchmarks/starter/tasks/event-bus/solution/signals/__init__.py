from signals.bus import Bus, DeliveryError

__all__ = ["Bus", "DeliveryError"]
