"""With a mask: whether a padded sentence gives the very bits of the sentence alone, in Keras' layers and elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import reference
from comparisons.studies.part import Array, Part, short
from comparisons.studies.pipeline.networks import CELLS, fresh
from comparisons.studies.pipeline.sentences import TWO, index, pad, tokenise
from comparisons.studies.work import Piece, Work

GRID = 2.0**-10  # of what x W multiplies: its sums are then exact in float32, whatever their order in a matmul
KERAS, REFERENCE = WHO = ("keras.layers", "reference")
Run = Callable[[Array, Array | None], Array]  # inputs (1, T, X) and a mask (1, T) to the states (T, H)


def masked(work: Work, sizes: Any) -> Part:
    """Numbers compared, and those of other bits, with and without a mask."""
    given = {"units": sizes.units, "pads": list(sizes.mask_pads), "seeds": sizes.mask_seeds, "seed": work.seed}
    runs = work.each({f"bit for bit: {cell}": Piece(compared, {"cell": cell, **given}) for cell in sizes.cells})
    rows = [(cell, *row) for cell, run in zip(sizes.cells, runs.values(), strict=True) for row in run]
    total = {
        key: _total(rows, *key)
        for cell in sizes.cells
        for who in WHO
        for mask in (True, False)
        for key in [(cell, who, mask)]
    }
    numbers, other, _ = np.sum([of for (_, _, mask), of in total.items() if mask], axis=0)
    unmasked = sum(of[1] for (_, _, mask), of in total.items() if not mask)
    sides = {}
    for where in ("post", "pre"):
        of = [row for row in rows if row[2] == where and not row[4]]
        sides[where] = f"{where} {sum(row[6] for row in of)} of {sum(row[5] for row in of)}"
    farthest = max(row[7] for row in rows)
    found = {
        "with a mask": {"numbers": int(numbers), "other bits": int(other)},
        "without": {"numbers": int(numbers), "other bits": unmasked},
    }
    verdict = (
        f"{int(other)} have other bits, so that the mask is not exact here"
        if other
        else "not one has other bits. A masked step copies the state, and a step that counts does the same arithmetic "
        "on the same numbers: this is no matter of tolerance"
    )
    says = (
        f"Of {int(numbers)} numbers of the states of sentences that are padded and masked, {verdict}. That is so "
        f"behind (post) and before (pre), with {', '.join(map(str, sizes.mask_pads))} padded steps, in Keras' own "
        f"layers and in `reference`, in float32. The same comparison without the mask finds {unmasked} with other "
        f"bits ({', '.join(sides.values())}), up to {short(farthest)} away: it can fail. Compared are the states of "
        f"all steps that count, and the last output. Embedding and kernel are multiples of 1/1024 here, so that the "
        f"sums of a matmul are exact in whatever order it takes them."
    )
    table = [
        (cell, who, *(_written(*total[cell, who, mask]) for mask in (True, False)))
        for cell in sizes.cells
        for who in WHO
    ]
    return Part(
        "mask",
        "With a mask: bit for bit the sentence alone",
        f"{sizes.units} units, initial weights drawn {sizes.mask_seeds} times, two sentences",
        ("cell", "who", "padding", "padded_steps", "mask", "numbers", "other_bits", "farthest"),
        rows,
        ("cell", "who", "other bits with a mask", "without"),
        table,
        found,
        says,
    )


def _total(rows: list[Any], cell: str, who: str, mask: bool) -> tuple[int, int, float]:
    of = [row for row in rows if (row[0], row[1], row[4]) == (cell, who, mask)]
    return sum(row[5] for row in of), sum(row[6] for row in of), max(row[7] for row in of)


def _written(numbers: int, other: int, farthest: float) -> str:
    return f"{other} of {numbers}" + (f", up to {short(farthest)}" if other else "")


def compared(cell: str, units: int, pads: list[int], seeds: int, seed: int) -> list[list[Any]]:
    """Rows (who, padding, padded steps, mask, numbers, of other bits, farthest), the seeds and sentences added up."""
    rows: dict[tuple[Any, ...], list[Any]] = {}
    for n in range(seeds):
        embedding, runs = _runs(cell, units, seed + n)
        for who, run in runs.items():
            for numbers in (index(tokenise(text)) for text in TWO):
                x = embedding[pad([numbers], len(numbers), "post")]
                alone = run(x, None)
                for where, padded, seen in _paddings(numbers, pads):
                    for mask in (True, False):
                        states = run(embedding[padded], padded > 0 if mask else None)
                        got, wanted = np.vstack([states[seen], states[-1:]]), np.vstack([alone, alone[-1:]])
                        row = rows.setdefault((who, where, padded.shape[1] - len(numbers), mask), [0, 0, 0.0])
                        row[0] += wanted.size
                        row[1] += int((_bits(got) != _bits(wanted)).sum())
                        row[2] = max(row[2], float(np.abs(got - wanted).max()))
    return [[*key, *row] for key, row in rows.items()]


def _paddings(numbers: list[int], pads: list[int]) -> Iterator[tuple[str, Array, slice]]:
    for where in ("post", "pre"):
        for more in pads:
            begin = 0 if where == "post" else more
            yield where, pad([numbers], len(numbers) + more, where), slice(begin, begin + len(numbers))


def _bits(a: Array) -> Array:
    return np.ascontiguousarray(a).view("uint32")


def _runs(cell: str, units: int, seed: int) -> tuple[Array, dict[str, Run]]:
    """The embedding, and the same layer twice, in float32."""
    import keras

    network = fresh(cell, units, seed)
    embedding, layer = (network.embedding / GRID).round() * GRID, network.layer
    layer = layer.edited(lambda name, a: (a / GRID).round() * GRID if name == "kernel" else a)
    embedding, layer = embedding.astype("float32"), layer.astype("float32")
    arrays = list(reference.pack(layer, "keras").arrays.values())
    live = getattr(keras.layers, CELLS[cell])(units, return_sequences=True)
    live.build((None, None, units))
    live.set_weights(arrays)
    return embedding, {
        KERAS: lambda x, mask: np.array(live(x, mask=mask))[0],
        REFERENCE: lambda x, mask: layer.run(x, mask=mask).outputs[0],
    }
