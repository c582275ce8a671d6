"""A unit that tells something: what of the text a single unit's state goes with, beside what chance finds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import comparisons
from comparisons.studies.next_character.text import Text
from comparisons.studies.part import Array
from reference import Layer

OPENING, CLOSING = "([{“«„（「『", ")]}”»“）」』"
LAST = "which letter it is"  # where nothing else is to be seen
SEEN = 6000  # characters of each part that are looked at


def since(characters: str, ends: Callable[[str], bool]) -> Array:
    """How many characters ago one was read that ends something; the logarithm of 1 and that, as it counts."""
    found, count = [], 0
    for character in characters:
        count = 0 if ends(character) else count + 1
        found.append(count)
    return np.log1p(np.array(found, float))


def inside(characters: str) -> Array:
    """1 within brackets or quotation marks."""
    found, depth = [], 0
    for character in characters:
        depth = max(0, depth + (character in OPENING) - (character in CLOSING))
        found.append(float(depth > 0))
    return np.array(found)


SIGNS: dict[str, Callable[[str], Array]] = {
    "how far into the line it is": lambda text: since(text, lambda c: c == "\n"),
    "how far into the word it is": lambda text: since(text, lambda c: not c.isalnum() and c not in "'’"),
    "how far into the sentence it is": lambda text: since(text, lambda c: c in ".!?。！？"),
    "whether it is within brackets": inside,
    LAST: lambda text: np.array([ord(c) for c in text], float),  # there is always this one
}


def telling(layer: Layer, untrained: Layer, text: Text, shown: int, sample: list[int]) -> dict[str, Any]:
    """The unit and the sign that go together most, chosen on the training part; how well they do on the held-out one.

    By the correlation of the state (c where there is one) with the sign. Beside it the same choice among the units of
    the layer before training: what so many units find by chance.
    """
    train, held_out = text.train[-SEEN:], text.held_out[:SEEN]
    said = lambda numbers: "".join(text.characters[k] for k in numbers)
    signs = {name: (sign(said(train)), sign(said(held_out))) for name, sign in SIGNS.items()}
    signs = {name: both for name, both in signs.items() if both[0].std() > 0 and both[1].std() > 0}
    trained = {name: _best(layer, text, train, held_out, *both) for name, both in signs.items()}
    before = {name: _best(untrained, text, train, held_out, *both) for name, both in signs.items()}
    longer = [name for name in signs if name != LAST] or list(signs)
    sign = max(longer, key=lambda name: abs(trained[name].chosen))
    unit = trained[sign].unit
    passage = [*held_out[:shown]]
    trace = comparisons.trace(layer, np.eye(len(text.characters))[None, [*passage, *sample]], unit=unit)
    state = trace.states.get("c", trace.states["h"])[0, :, unit]
    keeps = next((float(lives[unit]) for lives in trace.half_left.values()), None)
    return {
        "unit": unit,
        "sign": sign,
        "correlation": trained[sign].held_out,
        "before training": before[sign].held_out,
        "all": {name: [trained[name].held_out, before[name].held_out] for name in signs},
        "half left": keeps if keeps is not None and np.isfinite(keeps) else None,
        "passage": said(passage),
        "state": [float(value) for value in state],
    }


class Best(NamedTuple):
    """The unit whose state has the largest correlation with a sign on the training part, and both correlations."""

    unit: int
    chosen: float
    held_out: float


def _best(layer: Layer, text: Text, train: Array, held_out: Array, *signs: Array) -> Best:
    one_hot = np.eye(len(text.characters))
    found = []
    for numbers, sign in zip((train, held_out), signs, strict=True):
        states = layer.run(one_hot[numbers][None]).states
        found.append(_correlations(getattr(states, "c", states.h)[0], sign))
    unit = int(np.argmax(np.abs(found[0])))
    return Best(unit, float(found[0][unit]), float(found[1][unit]))


def _correlations(states: Array, sign: Array) -> Array:
    """`(T, H)`, `(T,)` -> `(H,)`; 0 of a unit that does not move."""
    a, b = states - states.mean(axis=0), sign - sign.mean()
    length = np.linalg.norm(a, axis=0) * np.linalg.norm(b)
    return np.where(length > 0, b @ a / np.where(length > 0, length, 1), 0.0)
