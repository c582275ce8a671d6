"""The layers that arrays may be by their shapes alone: kernels apart or joined, `[x; h]` or `[h; x]`, either way up;
biases none, one or two, in rows, in a line or apart; peepholes apart or in a line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comparisons.diagnosis.reading import Reading
from reference import Layer
from reference.steps import module, weights_type

Array = NDArray[Any]


def by_shape(cell: str, arrays: Mapping[str, Array], input_dim: int, outputs: int) -> Iterator[Reading]:
    """The layers that arrays may be by their shapes: kernels apart or joined, `[x; h]` or `[h; x]`, either way up;
    biases none, one or two, in rows, in a line or apart; peepholes apart or in a line."""
    gates = "".join(g for g in module(cell).gates)
    X, H, C = input_dim, outputs, outputs * len(gates)
    squeezed = {name: (a[0], "[0]") if a.ndim > 1 and len(a) == 1 else (a, "") for name, a in arrays.items()}
    place = lambda name: f'w["{name}"]{squeezed[name][1]}'
    flat = {name: a for name, (a, _) in squeezed.items()}
    matrices = [name for name, a in flat.items() if a.ndim == 2 and a.shape not in ((2, C), (3, H))]
    vectors = [name for name in flat if name not in matrices]
    for kernels in _kernels(matrices, flat, place, X, H, C):
        for more in _vectors(cell, vectors, flat, place, H, C):
            made = {**kernels, **more}
            weights = weights_type(cell)(**{name: array for name, (_, array) in made.items()})
            lines = tuple(f"{name} = {text}" for name, (text, _) in made.items())
            try:
                yield Reading(Layer(cell, weights, {}).astype("float64"), lines=lines)
            except ValueError:
                continue


def _either_way(name: str, a: Array, text: str, rows: int, columns: int) -> Iterator[tuple[str, Array]]:
    if a.shape == (rows, columns):
        yield text, a
    if a.shape == (columns, rows):
        yield f"{text}.T", a.T


def _kernels(
    matrices: Sequence[str], flat: Mapping[str, Array], place: Any, X: int, H: int, C: int
) -> Iterator[dict[str, Any]]:
    if len(matrices) == 1:
        (name,) = matrices
        for text, a in _either_way(name, flat[name], place(name), X + H, C):
            yield {"kernel": (f"{text}[:{X}]", a[:X]), "recurrent_kernel": (f"{text}[{X}:]", a[X:])}
            yield {"kernel": (f"{text}[{H}:]", a[H:]), "recurrent_kernel": (f"{text}[:{H}]", a[:H])}
    if len(matrices) == 2:
        for first, second in permutations(matrices):
            ways = product(
                _either_way(first, flat[first], place(first), X, C),
                _either_way(second, flat[second], place(second), H, C),
            )
            for kernel, recurrent in ways:
                yield {"kernel": kernel, "recurrent_kernel": recurrent}


def _vectors(
    cell: str, vectors: Sequence[str], flat: Mapping[str, Array], place: Any, H: int, C: int
) -> Iterator[dict[str, Any]]:
    """Biases and peepholes, whatever is left beside the kernels."""
    peepholes = [name for name in vectors if flat[name].shape in ((H,), (3 * H,), (3, H)) and C != H]
    biases = [name for name in vectors if name not in peepholes]
    made: dict[str, Any] = {}
    if cell == "peephole_lstm" and len(peepholes) == 3:
        texts, parts = [place(name) for name in peepholes], [flat[name] for name in peepholes]
        made["peephole"] = (f"np.concatenate([{', '.join(texts)}])", np.concatenate(parts))
    elif cell == "peephole_lstm" and len(peepholes) == 1:
        made["peephole"] = (f"{place(peepholes[0])}.reshape(-1)", flat[peepholes[0]].reshape(-1))
    elif (
        cell == "peephole_lstm"
        or (peepholes and cell != "gru")
        or (cell == "gru" and any(flat[n].shape != (C,) for n in peepholes))
    ):
        return
    elif cell == "gru":
        biases = list(vectors)
    shapes = [flat[name].shape for name in biases]
    if not biases:
        yield made
    elif shapes == [(C,)]:
        yield {**made, "bias": (place(biases[0]), flat[biases[0]])}
    elif shapes == [(2, C)]:
        yield {
            **made,
            **{
                key: (f"{place(biases[0])}[{k}]", flat[biases[0]][k])
                for k, key in enumerate(("bias", "recurrent_bias"))
            },
        }
    elif shapes == [(2 * C,)]:
        halves = {"bias": (f"[:{C}]", flat[biases[0]][:C]), "recurrent_bias": (f"[{C}:]", flat[biases[0]][C:])}
        yield {**made, **{key: (place(biases[0]) + cut, a) for key, (cut, a) in halves.items()}}
    elif shapes == [(C,), (C,)]:
        yield {
            **made,
            "bias": (place(biases[0]), flat[biases[0]]),
            "recurrent_bias": (place(biases[1]), flat[biases[1]]),
        }
