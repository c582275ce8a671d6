"""The texts of the study and whether each is positive: a user's file, the film-review snippets, Keras' IMDB reviews, or
the sentences that are inside.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator, Sequence
from hashlib import sha256
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from comparisons.proof.draws import LARGEST, UnreadableData
from comparisons.studies import snippets
from comparisons.studies.part import Array

IMDB, INSIDE = "imdb", "sentences"
TEXT, LABEL = ("text", "review", "sentence"), ("label", "rating", "sentiment", "score")  # names of columns
SAID = {"positive": 1.0, "pos": 1.0, "negative": -1.0, "neg": -1.0}
DELIMITERS = {".csv": ",", ".tsv": "\t", ".txt": "\t"}
FEWEST = 16  # of each class
WORD = re.compile(r"\w+(?:['’]\w+)*|[!?]")
TAG = re.compile(r"<[^<>]{1,40}>")  # reviews copied from pages have them


class Texts(NamedTuple):
    """Texts in words, each positive or not."""

    words: list[list[str]]
    positive: Array  # (N,), bool
    source: str  # what they are, in a few words
    digest: str  # of the file
    snippets: bool = False  # whether they are those of Hutto & Gilbert


def read(data: str | None, quick: bool = False) -> Texts:
    """What `--data` names; where nothing is named, the sentences inside, or in a full run what `make reviews` fetches.

    Raises UnreadableData, in one sentence, for a file that is not there or does not fit.
    """
    if data == IMDB and not Path(IMDB).exists():
        return _imdb()
    if data is not None:
        return _file(Path(data))
    if quick:
        inside = resources.files("comparisons").joinpath("data/sentences.csv").read_bytes()
        return _rows(inside, ",", "sentences.csv", "Sentences written for this study")
    if not (found := Path(snippets.TARGET)).exists():
        raise UnreadableData(
            f"the reviews must be in {snippets.TARGET!r}, where `make reviews` puts them, got no such file here: "
            f"name a file of your own with --data FILE, or Keras' reviews with --data {IMDB}, or take --quick"
        )
    return _file(found)


def _file(path: Path) -> Texts:
    delimiter = DELIMITERS.get(path.suffix.lower())
    if delimiter is None:
        raise UnreadableData(f"--data must be a .csv or .tsv file, or {IMDB}, got {str(path)!r}")
    try:
        if (size := path.stat().st_size) > LARGEST:
            raise UnreadableData(f"--data must have at most {LARGEST} bytes, {path.name!r} has {size}")
        content = path.read_bytes()
    except OSError as error:
        raise UnreadableData(f"--data must be a file that can be read, got {str(path)!r}: {error.strerror}") from None
    if snippets.are_these(content):
        found = _rows(content, delimiter, path.name, "Film-review snippets of Hutto & Gilbert (2014)")
        return found._replace(snippets=True)
    return _rows(content, delimiter, path.name, path.name)


def _rows(content: bytes, delimiter: str, name: str, source: str) -> Texts:
    """A row a text; the first one has the columns' names."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableData(f"--data must be a text in UTF-8, got byte {error.start} of {name!r}") from None
    quoting = csv.QUOTE_MINIMAL if delimiter == "," else csv.QUOTE_NONE  # in a .tsv a quotation mark is a character
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=quoting)
    try:
        said = [one.strip().lower() for one in next(reader, [])]
        at = [next((said.index(one) for one in names if one in said), None) for names in (TEXT, LABEL)]
        if None in at:
            rule = f"a text column ({', '.join(TEXT)}) and a label column ({', '.join(LABEL)})"
            got = ", ".join(map(repr, said[:6])) or "nothing"
            raise UnreadableData(f"--data must name in its first line {rule}, got {got[:200]} in {name!r}")
        pairs = list(_pairs(reader, at, name))
    except csv.Error as error:
        raise UnreadableData(f"--data must be a table, got {error} in line {reader.line_num} of {name!r}") from None
    positive, kept = _classes(np.array([label for _, label in pairs]), name)
    words = [split(pairs[k][0]) for k in kept]
    return Texts(words, positive, source, sha256(content).hexdigest())


def _pairs(reader: Any, at: Sequence[Any], name: str) -> Iterator[tuple[str, float]]:
    """Text and label of every row that is not empty."""
    for row in reader:
        if not any(row):
            continue
        where = f"in line {reader.line_num} of {name!r}"
        if len(row) <= max(at):
            raise UnreadableData(f"--data must have a text and a label in each row, got {len(row)} columns {where}")
        text, label = row[at[0]], row[at[1]].strip()
        try:
            value = SAID.get(label.lower())
            value = float(label) if value is None else value
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise UnreadableData(f"a label must be a number, positive or negative, got {label[:40]!r} {where}")
        if not split(text):
            raise UnreadableData(f"a text must have a word at least, got {text[:40]!r} {where}")
        yield text, value


def _classes(labels: Array, name: str) -> tuple[Array, Array]:
    """Which are positive, and the rows that are one or the other: above and below the middle, which is left out.

    The middle is 0 where a label is below 0, and else half-way between the lowest and the highest.
    """
    middle = 0.0 if not len(labels) or labels.min() < 0 else (labels.min() + labels.max()) / 2
    kept = np.flatnonzero(labels != middle)
    positive = labels[kept] > middle
    for what, count in (("above", int(positive.sum())), ("below", int((~positive).sum()))):
        if count < FEWEST:
            rule = f"--data must have {FEWEST} labels at least on either side of the middle ({middle:g})"
            raise UnreadableData(f"{rule}, got {count} {what} it in {name!r}")
    return positive, kept


def _imdb() -> Texts:
    """Keras' 50,000 film reviews, which it downloads once; the words are their numbers."""
    import keras

    load: Any = keras.datasets.imdb.load_data
    try:
        halves = load(num_words=10**9, start_char=None, oov_char=None, index_from=0)
    except Exception as error:  # the network's, the disk's, or a damaged file's
        why = " ".join(str(error).split())[:160]
        raise UnreadableData(
            f"--data {IMDB} must find Keras' reviews in its cache or on the network, got {why!r}: "
            "fetch others with `make reviews`, or name a file of your own with --data FILE"
        ) from None
    words = [[str(word) for word in review] for x, _ in halves for review in x]
    labels = np.concatenate([y for _, y in halves])
    positive, kept = _classes(labels, IMDB)
    digest = sha256(repr((words[:100], len(words))).encode()).hexdigest()
    return Texts([words[k] for k in kept], positive, "Film reviews of keras.datasets.imdb", digest)


def split(text: str) -> list[str]:
    """A text's words in small letters, and ! and ?.

    >>> split("It isn't <br />GOOD, is it?")
    ['it', "isn't", 'good', 'is', 'it', '?']
    """
    return WORD.findall(TAG.sub(" ", text).lower())
