"""The eight steps from raw text to a decision, each with its arrays, of two sentences; every layer is Keras' own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from comparisons.studies.part import Part
from comparisons.studies.pipeline.layers import LENGTH, PADDED, WAYS, Sentence, in_keras, through
from comparisons.studies.pipeline.networks import Network, softmax
from comparisons.studies.pipeline.said import said
from comparisons.studies.pipeline.sentences import CLASSES, TWO, pinyin

STEPS = ("raw text", "tokenise", "index", "pad", "embed", "run", "read", "classify")
COLUMNS = ("sentence", "array", "shape", "row", "column", "head", "value")
HEADS = ("sentence", "array", "shape", "row", "values")


class Block(NamedTuple):
    """An array as a picture shows it: columns with heads, rows with labels."""

    name: str
    shape: tuple[int, ...]
    heads: Sequence[str]
    labels: Sequence[str]
    values: Sequence[Sequence[Any]]  # (labels, heads)


def eight(network: Network) -> list[Part]:
    """The parts, a step each."""
    layers = in_keras(network)
    two = [through(text, layers) for text in TWO]
    blocks: dict[str, list[list[Block]]] = {step: [] for step in STEPS}
    for one in two:
        for step, arrays in zip(STEPS, _blocks(one), strict=True):
            blocks[step].append(arrays)
    says = dict(zip(STEPS, said(two, network), strict=True))
    width, units = network.embedding.shape[1], network.layer.units
    settings = f"two sentences padded to {LENGTH}, {width} numbers a word, an LSTM of {units} units"
    return [
        _part(number, step, settings, [one.text for one in two], blocks[step], says[step])
        for number, step in enumerate(STEPS, start=1)
    ]


TITLES = {
    "raw text": "Raw text: numbers already",
    "tokenise": "Tokenise: where does a word end?",
    "index": "Index: a number for a word",
    "pad": "Pad: one length for all",
    "embed": "Embed: a vector for a number",
    "run": "Run: a state for every step",
    "read": "Read the last output",
    "classify": "Classify: from the last output to a decision",
}


def _part(number: int, step: str, settings: str, texts: list[str], blocks: list[list[Block]], says: Any) -> Part:
    rows, table = [], []
    for text, arrays in zip(texts, blocks, strict=True):
        for block in arrays:
            shape = f"({', '.join(map(str, block.shape))}{',' * (len(block.shape) == 1)})"
            for label, values in zip(block.labels, block.values, strict=True):
                key = (text, block.name, shape, label)
                rows += [(*key, k, head, v) for k, (head, v) in enumerate(zip(block.heads, values, strict=True))]
                table.append((*key, " ".join(map(written, values))))
    title = f"{number} {TITLES[step]}"
    name = f"{number}-{step.replace(' ', '-')}"
    return Part(name, title, settings, COLUMNS, rows, HEADS, table, *says)


def written(value: Any) -> str:
    """A value of an array as a table and a picture have it."""
    return f"{value:z.2f}".replace("-", "−") if isinstance(value, float) else str(value)


def _blocks(one: Sentence) -> Iterator[list[Block]]:
    """The arrays of each step."""
    flat = lambda name, heads, values: Block(name, (len(heads),), list(heads), [""], [list(values)])
    yield [flat("code points", one.text, map(ord, one.text))]
    yield [
        flat(name, [pinyin(token) or "" for token in tokens], tokens)
        for name, tokens in (
            ("split at spaces", one.text.split()),
            ("characters", list(one.text)),
            ("words, the longest match", one.words),
        )
    ]
    yield [flat("indices", one.words, one.numbers)]
    yield [
        block
        for where in ("post", "pre")
        for heads, tokens in [(one.heads(f"{where}, mask"), one.padded[f"{where}, mask"])]
        for block in (flat(where, heads, map(int, tokens)), flat(f"{where}: mask", heads, map(int, tokens > 0)))
    ]
    over_time = lambda name, letter, heads, array: Block(
        name, array.shape, heads, [f"{letter}{k + 1}" for k in range(array.shape[1])], array.T.astype(float).tolist()
    )
    yield [over_time("embedded, post", "x", one.heads("post, mask"), one.embedded["post, mask"])]
    yield [over_time(f"h: {way}", "h", one.heads(way), one.states[way]) for way in PADDED]
    last = np.stack([one.last[way] for way in WAYS])
    far = [one.far(way) for way in WAYS]
    yield [
        over_time("last h", "h", list(WAYS), last),
        Block("distance from the sentence alone, over its length", (len(far),), list(WAYS), [""], [far]),
    ]
    logits = np.stack([one.logits[way] for way in WAYS]).astype(float)
    chances = softmax(logits)
    yield [
        Block("logits", logits.shape, list(WAYS), CLASSES, logits.T.tolist()),
        Block("probabilities", chances.shape, list(WAYS), CLASSES, chances.T.tolist()),
        Block("decision", (len(WAYS),), list(WAYS), [""], [[one.decision(way) for way in WAYS]]),
    ]
