"""Numbers for reading, and the class of what is coloured by one."""

from __future__ import annotations

from math import inf, isinf, isnan

from comparisons.render import document

SHADES = {0.1: "w1", 0.3: "w2", 0.6: "w3", 1.0: "w4"}  # up to that share of the allowance


def distance(value: float) -> str:
    """In u: 0.31, 18.3, 21,600, 2.15e+14, ∞."""
    if isinf(value):
        return "∞"
    digits = ".2f" if value < 10 else ".1f" if value < 1000 else ",.0f" if value < 1e7 else ".3g"
    return format(value, digits)


def share(ratio: float) -> str:
    """A share of an allowance: 0.31, and past it 21,600×."""
    return f"{ratio:.2f}" if ratio <= 1 else document.times(inf if isnan(ratio) else ratio)


def shade(ratio: float) -> str:
    """The class of a share: how much of the allowance is taken."""
    return next((name for limit, name in SHADES.items() if ratio <= limit), "past")


def several(count: int, what: str) -> str:
    """So many of a thing: 1 case, 56 cases."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"
