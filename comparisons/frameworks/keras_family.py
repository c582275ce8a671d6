"""What Keras 3, Keras 2 and `cells` share: layers run as a user runs them, and a cell once more to show its states."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from comparisons.frameworks import refusals
from comparisons.proof.cases import Case
from comparisons.proof.measure import Trace
from reference import NotRepresentable, pack
from reference.conventions.assembling import forms, known
from reference.layer import AnyLayer, Bidirectional, Layer, Stack

STOCK = {"simple_rnn": "SimpleRNN", "lstm": "LSTM", "gru": "GRU"}
RNN_ARGUMENTS = {"go_backwards", "return_sequences", "zero_output_for_mask", "stateful"}


class Kit(NamedTuple):
    """What one family offers to run a reference layer as a live one."""

    layers: Any  # keras.layers, or tf_keras.layers
    concatenate: Callable[..., Any]
    cell: Callable[[Layer], Any]  # the live cell
    layer: Callable[..., Any]  # the live layer, with RNN's arguments
    arrays: Callable[[Layer], list[Any]]  # what `set_weights` takes


def stock(layers: Any, concatenate: Callable[..., Any], framework: str, dtype: str) -> Kit:
    """The framework's own layers and cells; what they have no argument for is folded into the weights by `pack`."""

    def make(layer: Layer, suffix: str, **flags: Any) -> Any:
        packed = pack(layer, framework)
        given = {name: value for name, value in packed.options.items() if name not in RNN_ARGUMENTS}
        return getattr(layers, STOCK[packed.cell] + suffix)(**given | {"dtype": dtype} | flags)

    return Kit(
        layers,
        concatenate,
        lambda layer: make(layer, "Cell"),
        lambda layer, **flags: make(layer, "", **flags),
        lambda layer: list(pack(layer, framework).arrays.values()),
    )


def unable(layer: AnyLayer, framework: str) -> str | None:
    """Why a framework's own layers cannot be this one."""
    if reason := refusals.wrapped(layer, framework):
        return reason
    if isinstance(layer, Stack | Bidirectional):
        parts = layer.layers if isinstance(layer, Stack) else (layer.forward, layer.backward)
        return next((reason for part in parts if (reason := unable(part, framework))), None)
    try:
        packed = pack(layer, framework)
    except NotRepresentable as reason:
        return str(reason)
    home = known(framework)
    takes = home.takes(packed.cell)
    own = [name for name in packed.options if name in takes and takes[name].own]
    if own or forms(home, packed.cell)[packed.form].own:
        return f"{framework} has no {packed.cell}{' with ' if own else ''}{', '.join(own)} but this project's"
    return None


def run(kit: Kit, case: Case, layer: AnyLayer, x: Any, mask: Any) -> Trace:
    """Run the live layers for their outputs and last states, and one layer's cell once more to see c as well as h."""
    outputs, state = x, []
    for part in layer.layers if isinstance(layer, Stack) and _mixed(layer) else [layer]:
        live, weights = _live(kit, case, part)
        outputs, *last = _over(live, weights, case, outputs, mask)
        state += last
    if not isinstance(layer, Layer):
        return Trace(outputs, tuple(state))
    showing = kit.layers.RNN(with_states(kit, kit.cell(layer)), **_flags(case, layer))
    both, *_ = _over(showing, kit.arrays(layer), case, x, mask)
    ends = np.cumsum([field.shape[-1] for field in state])[:-1]
    return Trace(outputs, tuple(state), tuple(np.split(both, ends, axis=-1)))


def _mixed(stack: Stack) -> bool:
    """Whether the stack is more than cells on one another."""
    return not all(isinstance(layer, Layer) for layer in stack.layers)


def _live(kit: Kit, case: Case, layer: AnyLayer) -> tuple[Any, list[Any]]:
    if isinstance(layer, Layer):
        return kit.layer(layer, **_flags(case, layer)), kit.arrays(layer)
    if isinstance(layer, Stack):
        parts = [part for part in layer.layers if isinstance(part, Layer)]
        cells = [kit.cell(part) for part in parts]
        stacked = kit.layers.StackedRNNCells(cells, dtype=case.dtype)  # a list would be one of float32
        return kit.layers.RNN(stacked, **_flags(case, layer)), [a for part in parts for a in kit.arrays(part)]
    (forward, ahead), (backward, back) = (_live(kit, case, part) for part in (layer.forward, layer.backward))
    both = kit.layers.Bidirectional(forward, backward_layer=backward, merge_mode=layer.merge_mode, dtype=case.dtype)
    return both, ahead + back


def _flags(case: Case, layer: Layer | Stack) -> dict[str, Any]:
    """The arguments of RNN."""
    return {
        "return_sequences": True,
        "return_state": True,
        "go_backwards": layer.go_backwards,
        "stateful": case.stateful,
        "dtype": case.dtype,
    }


def _over(layer: Any, weights: list[Any], case: Case, x: Any, mask: Any) -> list[Any]:
    half = x.shape[1] // 2
    pieces = [x[:, :half], x[:, half:]] if case.stateful else [x]
    layer.build((len(x), None, x.shape[-1]))
    layer.set_weights(weights)
    given = {} if mask is None else {"mask": mask}
    runs = [[np.asarray(_detached(value)) for value in _flat(layer(piece, **given))] for piece in pieces]
    return [np.concatenate([run[0] for run in runs], axis=1), *runs[-1][1:]]


def _flat(values: Any) -> list[Any]:
    return [leaf for value in values for leaf in (_flat(value) if isinstance(value, list | tuple) else [value])]


def _detached(value: Any) -> Any:
    return value.detach() if hasattr(value, "detach") else value


def with_states(kit: Kit, cell: Any) -> Any:
    """The cell in a cell whose output is all of its states side by side: one run of RNN shows c as well as h."""

    class WithStates(kit.layers.Layer):
        def __init__(self) -> None:
            super().__init__(dtype=cell.dtype)
            self.cell = cell
            self.state_size = cell.state_size
            self.output_size = sum(cell.state_size) if isinstance(cell.state_size, list) else cell.state_size

        def build(self, input_shape: Any) -> None:
            if not self.cell.built:
                self.cell.build(input_shape)
                self.cell.built = True
            self.built = True

        def call(self, inputs: Any, states: Any) -> Any:
            _, new = self.cell(inputs, states)
            fields = list(new) if isinstance(new, (list, tuple)) else [new]
            return kit.concatenate(fields, axis=-1), new

    return WithStates()
