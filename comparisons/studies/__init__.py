"""The studies of `gateproof study`, as data.

A study is an entry here; the module or package of its name in `comparisons/studies`, dashes as underscores, whose
`run(work)` gives its parts (`comparisons.studies.part`, `comparisons.studies.work`), or raises UnreadableData for what
it is given to read; and the module of its name in `comparisons/render/studies`, whose `PICTURES` has a function for
each part that draws it.
"""

from __future__ import annotations

from typing import NamedTuple


class Study(NamedTuple):
    title: str
    summary: str  # for the command line
    takes: str  # about how long on two cores, in words
    options: tuple[str, ...] = ()  # of the command line's, beside those that every study has


STUDIES = {
    "gradients": Study(
        "How far back gradients reach",
        "how far gradients reach over time and depth, and what clipping and truncation leave of them",
        "under a minute",
    ),
    "forget-bias": Study(
        "What a forget bias does",
        "learning curves over the bias that a forget gate starts with, stored or added at run time",
        "eight minutes",
    ),
    "long-lag": Study(
        "Who learns to bridge which lag",
        "two problems of Hochreiter & Schmidhuber (1997) at lags from 10 to 200, six cells, two ways to begin",
        "a quarter of an hour",
    ),
    "pipeline": Study(
        "From raw text to a decision",
        "two Chinese sentences from raw text to a decision, step by step, and what padding does on the way",
        "three minutes",
    ),
    "sentiment": Study(
        "Reviews, read by recurrent networks",
        "reviews read by a bidirectional LSTM, a deep one and a GRU, of stock layers and of ours",
        "four minutes",
        ("data",),
    ),
    "next-character": Study(
        "Which character comes next",
        "five Chinese characters and a text, learned character by character, generated and traced",
        "two minutes",
        ("text",),
    ),
    "counting": Study(
        "Cells that count",
        "how far cells with and without peepholes count after learning aⁿbⁿ, and the state that counts",
        "three minutes",
    ),
    "downsample": Study(
        "What preprocessing does to the memory that a task needs",
        "an early event in a noisy signal, at full rate, averaged and thinned, told by Elman and LSTM",
        "three minutes",
    ),
    "hard-sigmoid": Study(
        "One name, two functions: hard_sigmoid",
        "a model trained with Keras 2's hard_sigmoid, run with Keras 3's, and folded",
        "three minutes",
    ),
}
