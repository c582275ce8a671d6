"""How far the new model is from the old numbers: its recurrent layers one by one, then the whole of it.

The layers are held to the computed bounds of `comparisons.proof`. The whole model's outputs, each relative to its
largest number, are held to 8 times how far the oracle's own move: when it computes in the model's precision (float32),
and when every weight is moved by as much as a fold rounds it (2 u); or to 8 u, where that is more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comparisons.frameworks.keras_family import Kit, with_states
from comparisons.porting.pairs import TwoDirections
from comparisons.porting.parts import Part
from comparisons.porting.recurrent import zeroing
from comparisons.proof import draws
from comparisons.proof.bounds import UNITS, NoBound
from comparisons.proof.measure import ORACLE, SLACK, Judge, Trace
from reference.files.stored import Graph, Node, StoredLayer, StoredModel
from reference.layer import AnyLayer, Bidirectional, Layer, Stack
from reference.stock.model import run_graph

Array = NDArray[Any]
BATCH, STEPS = 3, 6
MOVED = 2.0  # u, of the weights
DTYPES = ("float16", "float32", "float64")


@dataclass(frozen=True)
class Measured:
    """One distance and what is allowed, both in u of `dtype`. `what` is a rule of `proof.measure`, or "outputs": of the
    whole model, in u of the output's largest number."""

    what: str
    masked: bool
    dtype: str
    distance: float
    allowed: float
    ratio: float

    @property
    def passed(self) -> bool:
        return bool(self.ratio <= 1)


def recurrent(old: AnyLayer, live: Any, part: Part, masked: bool, seed: int) -> list[Measured]:
    """The live layer on drawn inputs against the old one; `masked`: on a mask of steps as well."""
    dtype = precision([live])
    x = np.random.default_rng([seed, 3]).normal(size=(BATCH, STEPS, input_dim(old))).astype(dtype)
    if isinstance(old, Bidirectional) and old.merge_mode is None:  # two outputs, which are shown side by side
        old = replace(old, merge_mode="concat")
    if part.kind == "Bidirectional" and not old.return_sequences:  # Keras zeroes those that are shown here alone
        old = zeroing(old)
    found = []
    roundings = float(max(each.roundings for each in part.everything()))
    for mask in (None, draws.mask(BATCH, STEPS, seed))[: 1 + masked]:
        judge = Judge(old.astype(dtype), x, mask, dtype, weights=roundings)
        trace = shown(live, x, mask)
        try:
            distances = judge.distances(trace)
        except NoBound:
            distances = judge.distances(Trace(trace.outputs, trace.state))
        found += [
            Measured(rule, mask is not None, dtype, d.distance, d.allowed, d.ratio) for rule, d in distances.items()
        ]
    return found


def input_dim(layer: AnyLayer) -> int:
    """How many numbers a step takes."""
    while not isinstance(layer, Layer):
        layer = layer.layers[0] if isinstance(layer, Stack) else layer.forward
    return layer.input_dim


def precision(live: Iterable[Any]) -> str:
    """The coarsest in which one of the layers computes; bfloat16 is coarser still than float16, and NumPy has none."""
    kept = [layer.compute_dtype for layer in live]
    return min((name if name in DTYPES else "float16" for name in kept), key=DTYPES.index, default="float32")


def shown(live: Any, x: Array, mask: Array | None) -> Trace:
    """What a live layer does: a copy of it that returns everything, from its own arguments and weights, is run."""
    import keras

    everything = {"return_sequences": True, "return_state": True, "stateful": False}
    copy = _copy(live, everything)
    outputs, *state = _run(copy, live.get_weights(), x, mask)
    states = None
    # Keras on JAX takes no cell with a mask whose output is wider than its first state, as the one here is.
    shows = mask is None or keras.backend.backend() != "jax"
    if shows and isinstance(live, keras.layers.RNN) and not hasattr(live.cell, "cells"):
        kit = Kit(keras.layers, keras.ops.concatenate, lambda _: None, lambda _: None, lambda _: [])
        cell = type(live.cell).from_config(live.cell.get_config())
        flags = {"go_backwards": live.go_backwards, "dtype": live.dtype_policy, "unroll": live.unroll}
        both = keras.layers.RNN(with_states(kit, cell), return_sequences=True, **flags)
        joined, *_ = _run(both, live.get_weights(), x, mask)
        ends = np.cumsum([field.shape[-1] for field in state])[:-1]
        states = tuple(np.split(joined, ends, axis=-1))
    return Trace(outputs, tuple(state), states)


def _copy(live: Any, told: Mapping[str, Any]) -> Any:
    import keras

    if isinstance(live, TwoDirections):
        return TwoDirections(_copy(live.forward_layer, told), _copy(live.backward_layer, told))
    if isinstance(live, keras.layers.Bidirectional):
        forward, backward = (_copy(side, told) for side in (live.forward_layer, live.backward_layer))
        return keras.layers.Bidirectional(forward, backward_layer=backward, merge_mode=live.merge_mode or "concat")
    return type(live).from_config({**live.get_config(), **told})


def _run(layer: Any, weights: list[Array], x: Array, mask: Array | None) -> list[Array]:
    import keras

    layer.build(x.shape)
    layer.set_weights(weights)
    given = {} if mask is None else {"mask": keras.ops.convert_to_tensor(mask)}
    found = keras.tree.flatten(layer(keras.ops.convert_to_tensor(x), **given))
    return [np.asarray(keras.ops.convert_to_numpy(value)) for value in found]


def whole(
    model: StoredModel, layers: Mapping[str, AnyLayer], inputs: list[Array], outputs: list[Array], dtype: str, seed: int
) -> Measured:
    """The new model's outputs against the oracle's on the same inputs; `layers` are the old recurrent ones by path.

    Raises ValueError where the oracle cannot run the model.
    """
    assert model.graph is not None
    u, wide, draw = UNITS[dtype], ORACLE[dtype], np.random.default_rng([seed, 5])
    moved = lambda a: np.asarray(a * (1 + MOVED * u * draw.uniform(-1, 1, a.shape)))
    told = {"era": model.era, "version": model.version, "backend": model.backend}
    run = lambda graph, own, of: run_graph(graph, own, inputs, dtype=of, **told)
    exact = run(model.graph, layers, wide)
    if [a.shape for a in outputs] != [a.shape for a in exact]:
        return Measured("outputs", False, dtype, np.inf, 0.0, np.inf)
    edited = {path: _edited(layer.astype(wide), moved) for path, layer in layers.items()}
    near = run(model.graph, layers, dtype), run(_moved(model.graph, moved, wide), edited, wide)
    found = []
    for k, (value, output) in enumerate(zip(exact, outputs, strict=True)):
        largest = float(np.abs(value).max(initial=0)) or 1.0
        shift = max(_apart(other[k], value) for other in near) / (u * largest)
        distance, allowed = _apart(output, value) / (u * largest), SLACK * max(shift, 1.0)
        found.append(Measured("outputs", False, dtype, distance, allowed, distance / allowed))
    return max(found, key=lambda measured: measured.ratio)


Move = Callable[[Array], Array]


def _edited(layer: AnyLayer, move: Move) -> AnyLayer:
    """The layer with every array moved."""
    if isinstance(layer, Layer):
        return layer.edited(lambda _, a: move(a))
    if isinstance(layer, Stack):
        return replace(layer, layers=tuple(_edited(each, move) for each in layer.layers))
    return replace(layer, forward=_edited(layer.forward, move), backward=_edited(layer.backward, move))


def _moved(graph: Graph, move: Move, dtype: str) -> Graph:
    """The graph with every array of its layers moved, as it is read."""

    def stored(layer: StoredLayer) -> StoredLayer:
        each = lambda own: replace(own, read=lambda: move(own.read().astype(dtype)))
        return replace(layer, arrays={name: each(own) for name, own in layer.arrays.items()})

    def part(layer: StoredLayer | Graph | None) -> Any:
        if layer is None:
            return None
        return _moved(layer, move, dtype) if isinstance(layer, Graph) else stored(layer)

    nodes = {name: Node(part(node.layer), node.calls, part(node.inner)) for name, node in graph.nodes.items()}
    return replace(graph, nodes=nodes)


def _apart(a: Array, b: Array) -> float:
    if a.shape != b.shape:
        return np.inf
    far = np.abs(np.asarray(a, "float64") - np.asarray(b, "float64"))
    return float(np.where(np.isnan(far), np.inf, far).max(initial=0))
