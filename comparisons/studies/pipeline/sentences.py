"""Small Chinese sentences that praise or blame, and their way to arrays: words, numbers, padding."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import NamedTuple

import numpy as np

from comparisons.studies.part import Array


class Word(NamedTuple):
    """A word of the list, and how it is read."""

    syllables: str  # in pinyin, one a character
    english: str
    praises: bool | None = None  # of the properties


WORDS = {
    "公主": Word("gōng zhǔ", "princess"),
    "王子": Word("wáng zǐ", "prince"),
    "国王": Word("guó wáng", "king"),
    "很": Word("hěn", "very"),
    "不": Word("bù", "not"),
    "也": Word("yě", "also"),
    "可是": Word("kě shì", "but"),
    "漂亮": Word("piào liang", "beautiful", True),
    "高大": Word("gāo dà", "tall", True),
    "聪明": Word("cōng ming", "clever", True),
    "丑": Word("chǒu", "ugly", False),
    "矮": Word("ǎi", "short", False),
    "笨": Word("bèn", "stupid", False),
}
PADDING, UNKNOWN = "∅", "?"
VOCABULARY = {word: index for index, word in enumerate((PADDING, UNKNOWN, *WORDS))}
CLASSES = ("blame", "praise")
TWO = ("公主很漂亮", "王子很高大可是不聪明")
ENGLISH = ("The princess is very beautiful.", "The prince is tall but not clever.")


def pinyin(text: str) -> str | None:
    """How a text of the list's words is read, or a character of them; None of others.

    >>> pinyin("公主很漂亮"), pinyin("主"), pinyin("帅")
    ('gōngzhǔ hěn piàoliang', 'zhǔ', None)
    """
    words = tokenise(text)
    if all(word in WORDS for word in words):
        return " ".join(WORDS[word].syllables.replace(" ", "") for word in words)
    return next((dict(zip(w, of.syllables.split(), strict=True))[text] for w, of in WORDS.items() if text in w), None)


def tokenise(text: str) -> list[str]:
    """The words of a text, from the left the longest that is known; a character that begins none is a word of its own.

    >>> tokenise("公主很漂亮")
    ['公主', '很', '漂亮']
    """
    found, longest = [], max(map(len, WORDS))
    while text:
        word = next((text[:n] for n in range(longest, 0, -1) if text[:n] in WORDS), text[0])
        found.append(word)
        text = text[len(word) :]
    return found


def index(words: Sequence[str]) -> list[int]:
    """The words' numbers: 0 is padding, 1 a word that is not known.

    >>> index(["公主", "很", "帅"])
    [2, 5, 1]
    """
    return [VOCABULARY.get(word, VOCABULARY[UNKNOWN]) for word in words]


def pad(sequences: Sequence[Sequence[int]], length: int, where: str) -> Array:
    """Numbers `(B, length)`, zeros behind each sequence (`where="post"`) or before it (`"pre"`)."""
    padded = np.zeros((len(sequences), length), "int32")
    for row, sequence in zip(padded, sequences, strict=True):
        row[slice(None, len(sequence)) if where == "post" else slice(length - len(sequence), None)] = sequence
    return padded


def corpus() -> list[tuple[str, int]]:
    """Every sentence of one to three clauses with its class, which is that of its last clause.

    A clause is 很 or 不 and a property, which 不 turns round. 也 joins two that agree, 可是 two that do not. In a
    sentence no property is there twice; three clauses only about the princess.
    """
    clauses = [
        (degree + word, word, of.praises == (degree == "很"))
        for word, of in WORDS.items()
        if of.praises is not None
        for degree in ("很", "不")
    ]
    sentences = []
    for number in (1, 2, 3):
        for chosen in permutations(clauses, number):
            if len({word for _, word, _ in chosen}) < number:
                continue
            text, before = "", False
            for clause, _, praises in chosen:
                text += ("" if not text else "也" if praises == before else "可是") + clause
                before = praises
            sentences += [
                (subject + text, int(before)) for subject in ("公主", "王子", "国王")[: 3 if number < 3 else 1]
            ]
    return sentences


def split(seed: int) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """The corpus in two halves, to train on and to judge by, where the two sentences are."""
    every = [one for one in corpus() if one[0] not in TWO]
    order = np.random.default_rng([seed, 0]).permutation(len(every))
    half = len(every) // 2
    return [every[k] for k in order[:half]], [every[k] for k in order[half:]] + [c for c in corpus() if c[0] in TWO]


def arrays(sentences: Sequence[tuple[str, int]], length: int, where: str) -> tuple[Array, Array]:
    """The padded numbers `(B, length)` and the classes `(B,)`."""
    return pad([index(tokenise(text)) for text, _ in sentences], length, where), np.array([c for _, c in sentences])
