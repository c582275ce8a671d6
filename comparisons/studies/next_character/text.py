"""A text in numbers, and what counting alone predicts of it."""

from __future__ import annotations

from collections import Counter, defaultdict
from hashlib import sha256
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import numpy as np

from comparisons.proof.draws import LARGEST, UnreadableData
from comparisons.studies.part import Array

FEWEST, MOST = 1000, 100_000  # characters of a text
CHARACTERS = 999  # different ones at most, the most frequent of the training part; the others are one
COVERED = 0.9  # of the training part, that they must make up
OTHER = "\ufffd"
HELD_OUT = 10  # one in so many, at the end
ORDERS = (1, 2, 3, 4, 5, 6)


class Text(NamedTuple):
    """A text as numbers of its characters."""

    source: str  # what it is, in a few words
    digest: str
    characters: str  # by number; the last one stands for all others
    train: Array  # (N,)
    held_out: Array  # (M,), what follows
    of: int  # characters that the file has


def read(path: str | None, most: int = MOST) -> Text:
    """The file's first characters, `most` of them at most; the passage inside where none is named.

    Raises UnreadableData, in one sentence, for what does not fit.
    """
    if path is None:
        content, name = resources.files("comparisons").joinpath("data/coriolanus.txt").read_bytes(), "coriolanus.txt"
        return _text(content, name, "Shakespeare, Coriolanus, the beginning", most)
    file = Path(path)
    try:
        if (size := file.stat().st_size) > LARGEST:
            raise UnreadableData(f"--text must have at most {LARGEST} bytes, {file.name!r} has {size}")
        content = file.read_bytes()
    except OSError as error:
        raise UnreadableData(f"--text must be a file that can be read, got {path!r}: {error.strerror}") from None
    return _text(content, file.name, file.name, most)


def _text(content: bytes, name: str, source: str, most: int) -> Text:
    try:
        whole = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise UnreadableData(f"--text must be a text in UTF-8, got byte {error.start} of {name!r}") from None
    if len(whole) < FEWEST:
        raise UnreadableData(f"--text must have {FEWEST} characters at least, got {len(whole)} in {name!r}")
    text = whole[:most].replace(OTHER, "?")
    cut = len(text) - len(text) // HELD_OUT
    counts = Counter(text[:cut])
    frequent = [character for character, _ in counts.most_common(CHARACTERS)]
    covered = sum(counts[character] for character in frequent) / cut
    if len(frequent) < 2:
        raise UnreadableData(f"--text must have two different characters at least, got {text[0]!r} alone in {name!r}")
    if covered < COVERED:
        rule = f"the {CHARACTERS} most frequent characters of --text must make up nine tenths of it"
        raise UnreadableData(f"{rule}, got {covered:.0%} of {name!r}, which has {len(counts)} different ones")
    characters = "".join(sorted(frequent)) + OTHER
    index = {character: k for k, character in enumerate(characters)}
    numbers = np.array([index.get(character, len(characters) - 1) for character in text])
    return Text(source, sha256(content).hexdigest(), characters, numbers[:cut], numbers[cut:], len(whole))


def counted(text: Text, judged: Array) -> dict[int, float]:
    """Bits per character of the held-out positions `judged`, by n-grams of each order, counted in the training part.

    Each order is mixed with the one below by the rule of Witten & Bell (IEEE Transactions on Information Theory 37,
    1991, method C)::

        p_n(c | context) = (count(context c) + kinds · p_{n-1}(c)) / (count(context) + kinds)

    with `kinds`, how many different characters followed that context; below the first order all are as likely.
    """
    train, whole = text.train.tolist(), [*text.train.tolist(), *text.held_out.tolist()]
    begin = len(train)
    likely = np.full(len(judged), 1 / len(text.characters))
    bits = {}
    for order in ORDERS:
        follows: dict[tuple[int, ...], Counter[int]] = defaultdict(Counter)
        for k in range(order - 1, len(train)):
            follows[tuple(train[k - order + 1 : k])][train[k]] += 1
        for row, position in enumerate(judged):
            k = begin + int(position)
            if after := follows.get(tuple(whole[k - order + 1 : k])):
                kinds = len(after)
                likely[row] = (after[whole[k]] + kinds * likely[row]) / (after.total() + kinds)
        bits[order] = float(-np.log2(likely).mean())
    return bits
