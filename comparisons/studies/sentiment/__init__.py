"""`gateproof study sentiment`: reviews, read by a bidirectional LSTM, a deep one and a GRU, stock and ours."""

from __future__ import annotations

from typing import Any

from comparisons.studies.part import Part
from comparisons.studies.sentiment.accuracy import accuracy_part
from comparisons.studies.sentiment.apart import apart_part
from comparisons.studies.sentiment.texts import read
from comparisons.studies.sentiment.training import QUICK, Sizes, bag_of_words, measure
from comparisons.studies.work import Piece, Work


def run(work: Work) -> list[Part]:
    """Both parts. Raises UnreadableData, in one sentence, for data that are not there or do not fit."""
    data: str | None = work.options.get("data")
    texts = read(data, work.quick)
    sizes = QUICK if work.quick else Sizes()
    same: dict[str, Any] = {"data": data, "digest": texts.digest, "quick": work.quick, "seed": work.seed}
    seeds = range(sizes.seeds)
    nets = {(name, n): Piece(measure, {"network_name": name, **same, "n": n}) for name in sizes.networks for n in seeds}
    bags = {n: Piece(bag_of_words, {**same, "n": n}) for n in seeds}
    found = work.each(
        {f"{name}, seed {n}": piece for (name, n), piece in nets.items()}
        | {f"bag of words, seed {n}": piece for n, piece in bags.items()}
    )
    networks = {name: [found[f"{name}, seed {n}"] for n in seeds] for name in sizes.networks}
    words = [found[f"bag of words, seed {n}"] for n in seeds]
    return [accuracy_part(texts, sizes, networks, words), apart_part(texts, sizes, networks)]
