"""The time axis of a picture: steps by their numbers, or by the characters and words that were read."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from matplotlib import font_manager
from matplotlib.ft2font import FT2Font

FAMILY = "DejaVu Sans"  # comes with matplotlib
SPACES = {" ": "␣", "\n": "↵", "\t": "⇥", "\r": "←", "": "∅"}
WIDTH = 14.2  # inches of a page's panel
FITS = 130  # texts that can be told apart on it


def families(texts: Iterable[str]) -> list[str]:
    """The fonts that together draw as many of the characters as the installed ones can, matplotlib's own first."""
    files = _files()
    missing = {character for text in texts for character in text} - _drawn(files[FAMILY])
    found = [FAMILY]
    while missing:
        best = max(files, key=lambda name: len(missing & _drawn(files[name])))
        if not missing & _drawn(files[best]):
            break
        found.append(best)
        missing -= _drawn(files[best])
    return found


def undrawn(texts: Iterable[str]) -> list[str]:
    """The characters that no installed font draws, in their order; spaces have signs of their own."""
    characters = dict.fromkeys(character for text in texts for character in text if character not in SPACES)
    files = _files()
    known = set().union(*(_drawn(files[name]) for name in families(characters)))
    return [character for character in characters if character not in known or _invisible(character)]


def shown(text: str) -> str:
    """A text as a picture has it: spaces by signs, and what no font draws by its code point."""
    if text in SPACES:
        return SPACES[text]
    lost = set(undrawn([text]))
    return "".join(SPACES.get(c, c) if c not in lost else f"U+{ord(c):04X}" for c in text)


def _invisible(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def _files() -> dict[str, str]:
    """Every installed font by its name, upright where it is, but those that have a box for all characters."""
    fonts = [font for font in font_manager.fontManager.ttflist if "Last Resort" not in font.name]
    fonts.sort(key=lambda font: (font.style != "normal", abs(font.weight - 400) if isinstance(font.weight, int) else 0))
    return {font.name: font.fname for font in reversed(fonts)}


@cache
def _drawn(path: str) -> frozenset[str]:
    """The characters that a font has."""
    return frozenset(map(chr, FT2Font(path).get_charmap()))


def label(axis: Any, tokens: Sequence[str] | None, begin: int, end: int) -> bool:
    """Ticks of an x axis for the steps of the input from `begin` to before `end`, which are 0, 1 … on it.

    True where they are the tokens, False where numbers.
    """
    steps = end - begin
    if tokens is not None and steps <= FITS:
        texts = [shown(text) for text in tokens[begin:end]]
        longest = max(map(wide, texts), default=1)
        room = 72 * WIDTH / max(steps, 1)  # points
        across = longest * 7 < room or longest <= 1
        size = min(14.0, max(5.0, room * 0.95 if across else room * 0.8))
        axis.set_xticks(
            range(steps),
            texts,
            fontsize=size if longest > 1 else min(14.0, max(5.0, room)),
            rotation=0 if across else 90,
            family=families(texts),
            parse_math=False,
        )
        return True
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis.xaxis.set_major_locator(MaxNLocator(12, integer=True))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda at, _: f"{at + begin:.0f}"))
    return False


def wide(text: str) -> int:
    """In halves of a wide character, as a terminal counts them."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def plain(text: str) -> str:
    """A title's text, in which nothing is mathematics."""
    return shown(text).replace("$", r"\$")
