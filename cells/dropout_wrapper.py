"""TensorFlow 1's `DropoutWrapper`, in which masks can be read, kept, and given.

Read and run in tf_keras/src/layers/rnn/legacy_cell_wrappers.py, tf-keras 2.21.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops, tree

from cells.tf1.rnn_cell import LSTMStateTuple, positive
from cells.wrappers import CellWrapper, batch_size, inside


class DropoutMasks(NamedTuple):
    """What a `DropoutWrapper` keeps, 1, and drops, 0, each `(B, width)`, or `(1, width)` for one mask for the batch.

    None where nothing is dropped. `state` has one entry a state, in the order of the wrapped cell.
    """

    input: Any = None
    state: Any = None
    output: Any = None


@keras.saving.register_keras_serializable(package="gateproof")
class DropoutWrapper(CellWrapper):
    """Dropout of a cell's inputs, new states and outputs.

    ::

        output, state = cell(inputs · mask / input_keep_prob, state)
        state = state · mask / state_keep_prob
        output = output · mask / output_keep_prob

    Each · mask is drawn by itself: the output is the cell's own, not the h that state dropout left. A mask keeps an
    element with its probability. It is drawn anew for every step and element, or, with `variational_recurrent`, once
    for a whole sequence and batch (Gal & Ghahramani, arXiv 1512.05287); by hand such a mask stays until
    `reset_dropout_mask()`. On JAX, masks that are drawn for every step need `unroll=True` in Keras' RNN.

    An LSTM's c is not dropped, wherever its cell keeps it, unless c and h are joined in one array.
    `dropout_state_filter_visitor` decides otherwise: called with the state, where an LSTM's is an `LSTMStateTuple`, it
    returns True to drop in it, False to leave it, or one bool a part; where True, it is asked again about each part.

    Unlike TF1, which always drops, this drops in training alone: `training=True`, or `fit`. `input_size` is known from
    the inputs and need not be given; one that is given must be right.

    `masks`: set it to `DropoutMasks` to use those instead of drawn ones, at every step until it is set anew, or to None
    again. `draw(inputs)` gives a step's masks. What a compiled function has seen of `masks` stays in it.

    Raises TypeError when the cell is no cell or the visitor cannot be called, and ValueError when a probability is not
    above 0 and at most 1 (TF1 divides by 0, or refuses it later), or masks do not fit the probabilities.
    """

    def __init__(
        self,
        cell: Any,
        input_keep_prob: float = 1.0,
        output_keep_prob: float = 1.0,
        state_keep_prob: float = 1.0,
        variational_recurrent: bool = False,
        input_size: int | None = None,
        *,  # TF1 has the dtype here
        seed: int | None = None,
        dropout_state_filter_visitor: Callable[[Any], Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(cell, **kwargs)
        if dropout_state_filter_visitor is not None and not callable(dropout_state_filter_visitor):
            raise TypeError(
                f"dropout_state_filter_visitor must be a function of a state, got {dropout_state_filter_visitor!r}"
            )
        given = DropoutMasks(input_keep_prob, state_keep_prob, output_keep_prob)
        for name, probability in given._asdict().items():
            if not 0 < probability <= 1:
                raise ValueError(f"{name}_keep_prob must be above 0 and at most 1, got {probability!r}")
            setattr(self, f"{name}_keep_prob", probability)
        self.keep = DropoutMasks(*(float(np.float32(probability)) for probability in given))  # TF1 rounds them so
        self.variational_recurrent = variational_recurrent
        self.input_size = None if input_size is None else positive("input_size", input_size)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.dropout_state_filter_visitor = dropout_state_filter_visitor
        self._given = self._kept = self._started = None

    @property
    def masks(self) -> DropoutMasks | None:
        return self._given

    @masks.setter
    def masks(self, masks: DropoutMasks | None) -> None:
        for name, probability in self.keep._asdict().items() if masks is not None else ():
            mask = getattr(masks, name)
            if (mask is None) != (probability == 1):
                raise ValueError(f"{name} masks must be given if and only if {name}_keep_prob is below 1, got {mask!r}")
            for part in tree.flatten(mask):
                if part is not None and not ((part := ops.convert_to_numpy(part)) == part.astype(bool)).all():
                    raise ValueError(f"{name} masks must be of 0 and 1, not scaled, got {part!r}")
        states = len(tree.flatten(self.state_size))
        if masks is not None and masks.state is not None and len(masks.state) != states:
            raise ValueError(f"state masks must be one a state, {states}, got {len(masks.state)}")
        self._given = masks

    def build(self, input_shape: Any) -> None:
        if self.input_size not in (None, input_shape[-1]):
            raise ValueError(f"input_size must be the width of the inputs, {input_shape[-1]}, got {self.input_size}")
        super().build(input_shape)

    def draw(self, inputs: Any) -> DropoutMasks:
        """Masks for a step with inputs `(B, X)`."""
        rows = 1 if self.variational_recurrent else batch_size(inputs)

        def mask(width: int, keep: float) -> Any:
            return keras.random.uniform((rows, width), seed=self.seed_generator) < keep

        keep = self.keep
        return DropoutMasks(
            None if keep.input == 1 else mask(inputs.shape[-1], keep.input),
            None if keep.state == 1 else tuple(mask(size, keep.state) for size in tree.flatten(self.state_size)),
            None if keep.output == 1 else mask(self.output_size, keep.output),
        )

    def call(self, inputs: Any, state: Any, training: Any = False) -> tuple[Any, Any]:
        if not training:
            return self.cell(inputs, state)
        masks, keep = self._given or self._drawn(inputs), self.keep
        output, state = self.cell(dropped(inputs, masks.input, keep.input), state)
        if masks.state is not None:
            parts = zip(tree.flatten(state), masks.state, self._filter(state), strict=True)
            parts = [dropped(part, mask, keep.state) if drop else part for part, mask, drop in parts]
            state = tree.pack_sequence_as(state, parts)
        return dropped(output, masks.output, keep.output), state

    def _filter(self, state: Any) -> list[bool]:
        """Whether to drop in each part of a state, in its order."""
        visitor = self.dropout_state_filter_visitor or all_but_c
        drop = decisions(visitor, named(self.cell, state))
        numbers = tree.pack_sequence_as(state, list(range(len(drop))))
        return [drop for _, drop in sorted(zip(tree.flatten(named(self.cell, numbers)), drop, strict=True))]

    def _drawn(self, inputs: Any) -> DropoutMasks:
        if not self.variational_recurrent:
            if self._started and self._started != jax_trace():
                raise ValueError(
                    "dropout must not draw inside Keras' loop on JAX, which would use one step's masks for all: "
                    "give RNN unroll=True, or DropoutWrapper variational_recurrent=True"
                )
            return self.draw(inputs)
        self._kept = self._kept or self.draw(inputs)
        return self._kept

    def get_dropout_mask(self, step_input: Any) -> None:
        super().get_dropout_mask(step_input)
        self._started = jax_trace()
        if self.variational_recurrent and self._given is None:
            self._drawn(step_input)

    def reset_dropout_mask(self) -> None:
        super().reset_dropout_mask()
        self._kept = self._started = None

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            **{name: getattr(self, name) for name in (f"{part}_keep_prob" for part in DropoutMasks._fields)},
            "variational_recurrent": self.variational_recurrent,
            "input_size": self.input_size,
            "seed": self.seed,
            "dropout_state_filter_visitor": keras.saving.serialize_keras_object(self.dropout_state_filter_visitor),
        }


def dropped(x: Any, mask: Any, keep: float) -> Any:
    """x · mask / keep, or x where everything is kept. Raises ValueError when there is no mask."""
    if keep == 1:
        return x
    if mask is None:
        raise ValueError("masks must be given for all that is dropped, got None for one of the states")
    return x * ops.cast(mask, x.dtype) / keep


def all_but_c(state: Any) -> Any:
    """TF1's own `dropout_state_filter_visitor`."""
    return LSTMStateTuple(c=False, h=True) if isinstance(state, LSTMStateTuple) else True


def decisions(visitor: Callable[[Any], Any], state: Any) -> list[bool]:
    """Whether to drop, for each part of a state: True goes on into a structure, False leaves all of it alone."""
    answer = visitor(state)
    if not tree.is_nested(state):
        return [answer]
    answers = [answer] * len(state) if isinstance(answer, bool) else answer
    drop = []
    for one, part in zip(answers, state, strict=True):
        drop += decisions(visitor, part) if one else [False] * len(tree.flatten(part))
    return drop


def named(cell: Any, state: Any) -> Any:
    """The state with every LSTM's c and h in an LSTMStateTuple, wherever its cell keeps them."""
    if not tree.is_nested(cell.state_size):
        return state[0] if tree.is_nested(state) else state
    if hasattr(cell, "cell"):
        return named(cell.cell, state)
    if parts := inside(cell):
        return tuple(named(part, one) for part, one in zip(parts, state, strict=True))
    if isinstance(cell.state_size, LSTMStateTuple):
        return LSTMStateTuple(*state)
    if isinstance(cell, keras.layers.LSTMCell) or getattr(cell, "states", None) == "hc":
        h, c = state
        return LSTMStateTuple(c, h)
    return state


def jax_trace() -> Any:
    """Which of JAX' traces runs, in a tuple: inside a loop another one than before it. None on other backends."""
    return (getattr(ops.zeros(()), "_trace", None),) if keras.backend.backend() == "jax" else None
