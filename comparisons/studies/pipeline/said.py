"""The paragraphs of the eight steps, each made from the numbers found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from comparisons.studies.part import short
from comparisons.studies.pipeline.layers import ALONE, LENGTH, PADDED, WAYS, Sentence
from comparisons.studies.pipeline.networks import Network
from comparisons.studies.pipeline.sentences import VOCABULARY, WORDS, corpus


def said(two: list[Sentence], network: Network) -> Iterator[tuple[dict[str, Any], str]]:
    """Of each step what was found and what one sees."""
    one, other = two
    weights = sum(a.size for a in network.layer.weights if a is not None)
    count = lambda of: " and ".join(str(of(one)) for one in two)
    listed = lambda values: ", ".join(map(str, values))
    found = {"characters": [len(s.text) for s in two], "bytes": [len(s.text.encode()) for s in two]}
    yield (
        found,
        f"A text is numbers before anything is done: {count(lambda s: len(s.text))} code points, and in a file of "
        f"UTF-8 {count(lambda s: len(s.text.encode()))} bytes. They are names and no quantities: the first sentence "
        f"is {listed(map(ord, one.text))}, and {ord(one.text[0])} is where its first character stands in Unicode.",
    )
    every = [text for text, _ in corpus()]
    yield (
        {"split, characters, words": [[len(s.text.split()), len(s.text), len(s.words)] for s in two]},
        f"Chinese has no spaces, so that splitting at spaces, as many tutorials do, makes "
        f"{count(lambda s: len(s.text.split()))} token of the sentences: {len(every)} sentences would need a list of "
        f"{len(set(every))}. Characters are {count(lambda s: len(s.text))} tokens, from a list of "
        f"{len(set(''.join(every)))}. Here a list of {len(WORDS)} words is given, and the longest match from the left "
        f"makes {count(lambda s: len(s.words))} of them: {sum(len(s.words) for s in two)} steps for the layer in "
        f"place of {sum(len(s.text) for s in two)}, which was decided here.",
    )
    size = len(VOCABULARY)
    yield (
        {"indices": [s.numbers for s in two]},
        f"The index of a word is its place in the list of {size}: {listed(one.numbers)} and {listed(other.numbers)}. "
        f"0 is kept for padding and 1 for words that are not known. A list that begins at 0 makes its first word the "
        f"padding, and a mask would then hide it. One-hot vectors in place of numbers would be arrays "
        f"({len(one.words)}, {size}) and ({len(other.words)}, {size}).",
    )
    pads = [LENGTH - len(s.numbers) for s in two]
    zeros = lambda length: 2 * length - 2 * LENGTH + sum(pads)
    share = lambda length: f"{zeros(length)} of {2 * length} ({100 * zeros(length) / (2 * length):.0f} %)"
    yield (
        {"padded steps": pads},
        f"An array has one length, so {LENGTH - pads[0]} and {LENGTH - pads[1]} words become {LENGTH} numbers each, "
        f"by {pads[0]} and {pads[1]} zeros behind (post) or before (pre, the default of Keras' pad_sequences): "
        f"{share(LENGTH)} are padding, and with a length of 100, as is often taken, {share(100)} would be. The mask "
        f"says which steps count. It is another array: a layer that does not get it sees {LENGTH} words.",
    )
    lengths = np.linalg.norm(network.embedding, axis=1)
    rows, width = network.embedding.shape
    yield (
        {"length of the padding's vector": float(lengths[0]), "of the words'": lengths[2:].tolist()},
        f"Each number picks a row of the table, {rows} by {width}, which is {rows * width} parameters: so the "
        f"sentences are arrays ({LENGTH}, {width}), {2 * LENGTH * width} numbers. The row of the padding is a vector "
        f"like others: here it is {lengths[0]:.2f} long, and the words' are from {lengths[2:].min():.2f} to "
        f"{lengths[2:].max():.2f} (median {np.median(lengths[2:]):.2f}). Padding with 0 does not give the layer "
        f"zeros; and zeros would still leave it its biases and its state.",
    )
    jump = lambda s, many, way: float(np.abs(np.diff(s.states[way], axis=0)[-many:]).max())
    jumps = {
        way: [jump(s, many, way) for s, many in zip(two, pads, strict=True)] for way in ("post, mask", "post, no mask")
    }
    begins = [float(np.linalg.norm(s.states["pre, no mask"][many - 1])) for s, many in zip(two, pads, strict=True)]
    held = [float(np.linalg.norm(s.states["pre, mask"][many - 1])) for s, many in zip(two, pads, strict=True)]
    yield (
        {"largest change in a padded step": jumps, "length of the state before the first word": begins},
        f"A state of {network.layer.units} numbers for each of the {LENGTH} steps, {LENGTH * network.layer.units} in "
        f"an array ({LENGTH}, {network.layer.units}), by {weights} parameters. With the mask the state of the last "
        f"word is held over the padding behind it (largest change: {_both(jumps['post, mask'])}), and with the "
        f"padding before, the first word finds a state of length {_both(held)}. Without it the layer reads on: over "
        f"the padding behind the sentences a number of the state changes by up to {_both(jumps['post, no mask'])} in "
        f"a step, and the first word after padding finds a state {_both(begins)} long.",
    )
    far = {way: [s.far(way) for s in two] for way in PADDED}
    apart = {way: float(np.linalg.norm(one.last[way] - other.last[way])) for way in WAYS}
    yield (
        {"distance from alone": far, "distance between the sentences": apart},
        f"Of each array ({LENGTH}, {network.layer.units}) its last row goes on. With a mask, post and pre, it is that "
        f"of the sentence alone (distance {_both(far['post, mask'] + far['pre, mask'])}). Without one it is another "
        f"vector: with the padding behind it is {_both(far['post, no mask'])} of its length away, with the padding "
        f"before {_both(far['pre, no mask'])}. The two sentences are {apart[ALONE]:.2f} apart alone, "
        f"{apart['post, no mask']:.2f} with padding behind and {apart['pre, no mask']:.2f} with padding before.",
    )
    chances = {way: [s.chance(way) for s in two] for way in WAYS}
    decided = {way: [s.decision(way) for s in two] for way in WAYS}
    turned = [f"{s.text}, {way}" for s in two for way in PADDED if s.decision(way) != s.decision(ALONE)]
    of = lambda way: " and ".join(f"{chance:.2f}" for chance in chances[way])
    verdict = (
        f"turns {len(turned)} of the {len(two) * len(PADDED)} decisions round ({'; '.join(turned)})"
        if turned
        else f"turns none of the {len(two) * len(PADDED)} decisions round"
    )
    yield (
        {"probability of praise": chances, "decisions": decided, "turned round": turned},
        f"Two logits, softmax, the larger one: those of the first sentence alone are "
        f"{' and '.join(f'{logit:.2f}' for logit in one.logits[ALONE])}. Alone the sentences are "
        f"{' and '.join(decided[ALONE])}, with probabilities of praise of {of(ALONE)}. Without a mask these become "
        f"{of('post, no mask')} with the padding behind, and {of('pre, no mask')} with the padding before: here "
        f"padding {verdict}. The network was trained with a mask.",
    )


def _both(values: Sequence[float]) -> str:
    """Different numbers, briefly."""
    return " and ".join(dict.fromkeys(map(short, values)))
