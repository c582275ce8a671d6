"""This project's wrappers around cells, with the masks of the reference's `Wrapped` replayed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from comparisons.proof.cases import Case
from comparisons.proof.measure import Trace
from reference import Dropout, Layer, Stack, Wrapped
from reference.steps import module

PARTS = ("input", "state", "output")
Live = Callable[[Layer, str], Any]  # a built cell with the layer's weights, in a precision


def parts(case: Case, layer: Any) -> list[tuple[Case, Any]]:
    """The layers on one another, each with its own case."""
    layers = layer.layers if isinstance(layer, Stack) else (layer,)
    cases = [case, replace(case.above, dtype=case.dtype)] if case.above else [case] * len(layers)
    return list(zip(cases, layers, strict=True))


def keep_probs(layer: Wrapped) -> dict[str, float]:
    """A DropoutWrapper's probabilities; none where there is nothing to drop."""
    given: dict[str, Dropout | None] = {part: getattr(layer, part) for part in PARTS}
    return {f"{part}_keep_prob": dropout.keep_prob for part, dropout in given.items() if dropout is not None}


def inside(layer: Layer | Wrapped) -> Iterator[Wrapped]:
    """Every Wrapped in one, itself first."""
    while isinstance(layer, Wrapped):
        yield layer
        layer = layer.layer


def run(case: Case, layer: Any, x: Any, live: Live) -> Trace:
    """In keras.layers.RNN; masks that change from step to step, step by step."""
    import keras

    from cells.tf1 import LSTMStateTuple
    from cells.wrappers import MultiRNNCell

    dropped: list[tuple[Any, Wrapped]] = []
    stacked = [_around(part, of, live, dropped) for of, part in parts(case, layer)]
    cell = MultiRNNCell(stacked, dtype=case.dtype) if isinstance(layer, Stack) else stacked[0]
    if not cell.built:
        cell.build((None, x.shape[-1]))
    changing = any(getattr(one, part).kept.shape[1] > 1 for _, one in dropped for part in PARTS if getattr(one, part))
    outputs, fields = _stepwise(cell, x, dropped) if changing else _in_a_layer(keras, case, cell, x, dropped)
    ordered: list[Any] = []
    for part in stacked:  # h first
        own = [fields.pop(0) for _ in keras.tree.flatten(part.state_size)]
        ordered += own[::-1] if isinstance(part.state_size, LSTMStateTuple) else own
    states = tuple(ordered)
    return Trace(outputs, tuple(field[:, -1] for field in states), None if isinstance(layer, Stack) else states)


def _around(layer: Layer | Wrapped, case: Case, live: Live, dropped: list[tuple[Any, Wrapped]]) -> Any:
    from cells.dropout_wrapper import DropoutWrapper
    from cells.wrappers import DeviceWrapper, ResidualWrapper

    if isinstance(layer, Layer):
        cell, device = live(layer, case.dtype), case.wrapper.get("device")
        return DeviceWrapper(cell, device, dtype=case.dtype) if device else cell
    cell = _around(layer.layer, case, live, dropped)
    if given := keep_probs(layer):
        variational = case.wrapper.get("variational_recurrent", False)
        cell = DropoutWrapper(cell, **given, variational_recurrent=variational, dtype=case.dtype)  # type: ignore[arg-type]
        dropped.append((cell, layer))
    return ResidualWrapper(cell, dtype=case.dtype) if layer.residual else cell


def _replay(dropped: list[tuple[Any, Wrapped]], t: int) -> None:
    """Give every DropoutWrapper its masks of a step."""
    import keras

    from cells.dropout_wrapper import DropoutMasks
    from cells.tf1 import LSTMStateTuple

    for cell, layer in dropped:
        given: dict[str, Any] = {part: d.at(t) for part in PARTS if (d := getattr(layer, part)) is not None}
        if "state" in given:
            fields = module(layer.cell).State._fields
            everything = np.ones((1, layer.units), bool)  # of a state that is not dropped
            each = [everything if name in layer.left else given["state"] for name in fields]
            given["state"] = tuple(each[::-1] if isinstance(cell.state_size, LSTMStateTuple) else each)
            assert len(each) == len(keras.tree.flatten(cell.state_size))
        cell.masks = DropoutMasks(**given)


def _stepwise(cell: Any, x: Any, dropped: list[tuple[Any, Wrapped]]) -> tuple[Any, list[Any]]:
    """Outputs over time, and every state over time in the cell's order."""
    import keras

    state = cell.get_initial_state(batch_size=len(x))
    steps = []
    for t in range(x.shape[1]):
        _replay(dropped, t)
        output, state = cell(x[:, t], state, training=True)
        steps.append([np.asarray(a) for a in (output, *keras.tree.flatten(state))])
    outputs, *fields = (np.stack(field, axis=1) for field in zip(*steps, strict=True))
    return outputs, fields


def _in_a_layer(keras: Any, case: Case, cell: Any, x: Any, dropped: list[tuple[Any, Wrapped]]) -> tuple[Any, list[Any]]:
    """The same from one run of RNN, around a cell whose output is its own output and its states side by side."""
    sizes = [cell.output_size, *keras.tree.flatten(cell.state_size)]

    class Shown(keras.layers.Layer):
        def __init__(self) -> None:
            super().__init__(dtype=case.dtype)
            self.cell, self.state_size, self.output_size = cell, cell.state_size, sum(sizes)
            self.built = True

        def get_initial_state(self, batch_size: Any = None) -> Any:
            return cell.get_initial_state(batch_size=batch_size)

        def call(self, inputs: Any, states: Any, training: Any = False) -> Any:
            output, new = self.cell(inputs, states, training=training)
            return keras.ops.concatenate([output, *keras.tree.flatten(new)], axis=-1), new

    _replay(dropped, 0)
    half = x.shape[1] // 2
    layer = keras.layers.RNN(Shown(), return_sequences=True, stateful=case.stateful, dtype=case.dtype)
    pieces = [x[:, :half], x[:, half:]] if case.stateful else [x]
    both = np.concatenate([keras.ops.convert_to_numpy(layer(piece, training=True)) for piece in pieces], axis=1)
    outputs, *fields = np.split(both, np.cumsum(sizes)[:-1], axis=-1)
    return outputs, fields
