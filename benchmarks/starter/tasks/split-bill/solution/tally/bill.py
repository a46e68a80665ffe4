"""Who pays what."""

from fractions import Fraction

from tally.money import Money


def split(total, weights):
    """Parts of `total` in proportion to `weights` that add up to it exactly."""
    whole = sum(weights)
    if whole <= 0 or any(weight < 0 for weight in weights):
        raise ValueError("weights must not be negative, and not all of them 0")
    exact = [Fraction(total.cents) * weight / whole for weight in weights]
    parts = [share.numerator // share.denominator for share in exact]
    order = sorted(range(len(parts)), key=lambda n: parts[n] - exact[n])
    for n in order[: total.cents - sum(parts)]:
        parts[n] += 1
    return [Money(part, total.currency) for part in parts]
