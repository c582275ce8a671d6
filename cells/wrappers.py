"""The wrappers of TensorFlow 1's `tf.nn.rnn_cell`, around any cell: ours, Keras' or one another.

Read and run in tf_keras/src/layers/rnn/legacy_cells.py and legacy_cell_wrappers.py, tf-keras 2.21. `DropoutWrapper` has
a file of its own, `cells/dropout_wrapper.py`.

A wrapper takes `inputs (B, X)` and the state of its cell, and returns `output, new state`, the state in the form in
which it was given. By hand `zero_state` gives the state to start from; `keras.layers.RNN` runs a wrapper as any other
cell. `training`, given to the outermost cell, reaches those inside through Keras.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

import keras
from keras import ops, tree
from keras.src.layers.rnn.dropout_rnn_cell import DropoutRNNCell  # RNN finds a cell's dropout by this class alone

from cells.tf1.rnn_cell import RNNCell


class CellWrapper(RNNCell, DropoutRNNCell):
    """A cell around another: its sizes, its initial state, its weights, and the masks that it keeps for a sequence.

    Raises TypeError when the cell is no cell.
    """

    cell: Any

    def __init__(self, cell: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cell = a_cell(cell)

    @property
    def state_size(self) -> Any:
        return self.cell.state_size

    @property
    def output_size(self) -> int:
        return width(self.cell)

    def zero_state(self, batch_size: Any, dtype: Any = None) -> Any:
        return zeros(self.cell, batch_size, dtype)

    def get_initial_state(self, batch_size: Any = None) -> Any:
        return self.cell.get_initial_state(batch_size=batch_size)

    def build(self, input_shape: Any) -> None:
        for cell in inside(self):
            if not cell.built:
                cell.build(input_shape)
            input_shape = (input_shape[0], width(cell))

    def get_dropout_mask(self, step_input: Any) -> None:
        """Called by Keras' RNN before its loop, in which nothing may be drawn on JAX."""
        draw_inside(self, step_input)

    def get_recurrent_dropout_mask(self, step_input: Any) -> None:
        """Called by Keras' RNN after the one above, which has drawn all."""

    def reset_dropout_mask(self) -> None:
        forget_inside(self)

    def reset_recurrent_dropout_mask(self) -> None:
        """Called by Keras' RNN after the one above, which has forgotten all."""

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "cell": keras.saving.serialize_keras_object(self.cell)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        objects = {
            name: keras.saving.deserialize_keras_object(config[name], custom_objects=custom_objects)
            for name in ("cell", "cells", "dropout_state_filter_visitor", "residual_fn")
            if config.get(name) is not None
        }
        return cls(**{**config, **objects})


@keras.saving.register_keras_serializable(package="gateproof")
class ResidualWrapper(CellWrapper):
    """A cell whose inputs are added to its outputs; its states are left alone.

    ::

        output, state = cell(inputs, state)
        output = inputs + output                    or residual_fn(inputs, output)

    Raises TypeError when the cell is no cell, and ValueError when inputs and outputs, with no `residual_fn`, differ in
    width.
    """

    def __init__(self, cell: Any, residual_fn: Callable[[Any, Any], Any] | None = None, **kwargs: Any) -> None:
        super().__init__(cell, **kwargs)
        self.residual_fn = residual_fn

    def call(self, inputs: Any, state: Any, training: Any = False) -> tuple[Any, Any]:
        output, state = self.cell(inputs, state)
        if self.residual_fn is not None:
            return self.residual_fn(inputs, output), state
        if inputs.shape[-1] != output.shape[-1]:
            raise ValueError(
                f"inputs must be as wide as outputs to be added, got {inputs.shape[-1]} and {output.shape[-1]}; "
                "give residual_fn, or another number of units"
            )
        return inputs + output, state

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "residual_fn": keras.saving.serialize_keras_object(self.residual_fn)}


@keras.saving.register_keras_serializable(package="gateproof")
class DeviceWrapper(CellWrapper):
    """A cell whose steps and initial states are computed on one device, `keras.device(device)`: `"cpu:0"`, `"gpu:1"`.

    Raises TypeError when the cell is no cell, or the device no string (TF1 takes functions of graph operations too).
    """

    def __init__(self, cell: Any, device: str, **kwargs: Any) -> None:
        super().__init__(cell, **kwargs)
        if not isinstance(device, str):
            raise TypeError(f"device must be a string such as 'cpu:0', got {device!r}")
        self.device = device

    def zero_state(self, batch_size: Any, dtype: Any = None) -> Any:
        with keras.device(self.device):
            return super().zero_state(batch_size, dtype)

    def get_initial_state(self, batch_size: Any = None) -> Any:
        with keras.device(self.device):
            return super().get_initial_state(batch_size)

    def call(self, inputs: Any, state: Any, training: Any = False) -> tuple[Any, Any]:
        with keras.device(self.device):
            return self.cell(inputs, state)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "device": self.device}


@keras.saving.register_keras_serializable(package="gateproof")
class MultiRNNCell(CellWrapper):
    """Cells one after another: the output of each is the input of the next.

    The state is a tuple of the cells' states, in order, or, where `state_is_tuple` is False, those states side by side
    `(B, …)`, which each cell must keep in one array.

    Raises TypeError when `cells` is no sequence of cells, and ValueError when it is empty or holds one cell twice (TF1
    shares its weights), or, without `state_is_tuple`, when a cell keeps more than one array.
    """

    def __init__(self, cells: Sequence[Any], state_is_tuple: bool = True, **kwargs: Any) -> None:
        RNNCell.__init__(self, **kwargs)
        if not isinstance(cells, (list, tuple)):
            raise TypeError(f"cells must be a list or tuple of cells, got {cells!r}")
        if not cells or len({id(cell) for cell in cells}) < len(cells):
            raise ValueError(f"cells must be one or more, and none of them twice, got {cells!r}")
        self.cells = [a_cell(cell) for cell in cells]
        self.state_is_tuple = state_is_tuple
        sizes = [cell.state_size for cell in cells]
        if not state_is_tuple and any(tree.is_nested(size) for size in sizes):
            raise ValueError(
                f"states must be one array a cell to be joined, got sizes {sizes}; give state_is_tuple=True"
            )

    @property
    def state_size(self) -> Any:
        sizes = [cell.state_size for cell in self.cells]
        return tuple(sizes) if self.state_is_tuple else sum(sizes)

    @property
    def output_size(self) -> int:
        return width(self.cells[-1])

    def zero_state(self, batch_size: Any, dtype: Any = None) -> Any:
        if not self.state_is_tuple:
            return RNNCell.zero_state(self, batch_size, dtype)
        return tuple(zeros(cell, batch_size, dtype) for cell in self.cells)

    def get_initial_state(self, batch_size: Any = None) -> list[Any]:
        states = [cell.get_initial_state(batch_size=batch_size) for cell in self.cells]
        return states if self.state_is_tuple else [ops.concatenate(tree.flatten(states), axis=-1)]

    def call(self, inputs: Any, state: Any, training: Any = False) -> tuple[Any, Any]:
        states, new = self._each(state), []
        if len(states) != len(self.cells):
            raise ValueError(f"state must be one a cell, {len(self.cells)}, got {len(states)}")
        for cell, one in zip(self.cells, states, strict=True):
            inputs, one = cell(inputs, one)
            new.append(one)
        if self.state_is_tuple:
            return inputs, new if isinstance(state, list) else tuple(new)
        joined = ops.concatenate(new, axis=-1)
        return inputs, [joined] if tree.is_nested(state) else joined

    def _each(self, state: Any) -> Any:
        if self.state_is_tuple:
            return state
        joined = state[0] if tree.is_nested(state) else state
        ends = list(accumulate(cell.state_size for cell in self.cells))
        return ops.split(joined, ends[:-1], axis=-1)

    def get_config(self) -> dict[str, Any]:
        cells = [keras.saving.serialize_keras_object(cell) for cell in self.cells]
        return {**RNNCell.get_config(self), "cells": cells, "state_is_tuple": self.state_is_tuple}


def a_cell(cell: Any) -> Any:
    """The cell. Raises TypeError when it is none."""
    lacks = [name for name in ("call", "state_size", "get_initial_state") if not hasattr(cell, name)]
    if lacks:
        raise TypeError(f"cell must have {' and '.join(lacks)}, as every cell of Keras has, got {cell!r}")
    return cell


def batch_size(inputs: Any) -> Any:
    """A number, or a tensor where it is not known before the run."""
    shape: Any = ops.shape(inputs)
    return shape[0]


def width(cell: Any) -> int:
    """Of its outputs."""
    return getattr(cell, "output_size", None) or tree.flatten(cell.state_size)[0]


def zeros(cell: Any, batch_size: Any, dtype: Any) -> Any:
    """Its state of zeros, in TF1's form where it has one."""
    if isinstance(cell, RNNCell):
        return cell.zero_state(batch_size, dtype)
    return tree.map_structure(lambda s: ops.zeros_like(s, dtype=dtype), cell.get_initial_state(batch_size=batch_size))


def inside(cell: Any) -> list[Any]:
    """The cells that run inside a cell, in order."""
    if isinstance(cell, (MultiRNNCell, keras.layers.StackedRNNCells)):
        return list(cell.cells)
    return [cell.cell] if isinstance(cell, CellWrapper) else []


def draw_inside(cell: Any, inputs: Any) -> None:
    """Have the cells inside draw the masks that they keep for a sequence: Keras' RNN tells the outermost cell alone."""
    rows = batch_size(inputs)
    for part in inside(cell):
        if isinstance(part, DropoutRNNCell):
            part.get_dropout_mask(inputs)
            part.get_recurrent_dropout_mask(ops.zeros((rows, width(part)), dtype=inputs.dtype))
        else:
            draw_inside(part, inputs)
        inputs = ops.zeros((rows, width(part)), dtype=inputs.dtype)


def forget_inside(cell: Any) -> None:
    """Have the cells inside forget the masks of the sequence."""
    for part in inside(cell):
        if isinstance(part, DropoutRNNCell):
            part.reset_dropout_mask()
            part.reset_recurrent_dropout_mask()
        else:
            forget_inside(part)
