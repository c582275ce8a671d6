"""TensorFlow 1's wrappers around its cells: its own code says what dropout is applied to, given masks what it drops.

Its DropoutWrapper asks `_gen_seed` for a seed, naming what it is about to drop, and hands that to `tf.nn.dropout`: here
the seed is the mask, and `tf.nn.experimental.general_dropout`, the same function with noise of one's own, drops by it.
A variational wrapper has its noise in attributes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import numpy as np

from comparisons.frameworks.wrapping import keep_probs, parts
from comparisons.proof.cases import Case
from comparisons.proof.measure import Trace
from reference import Dropout, Layer, Stack, Wrapped


def run(case: Case, layer: Any, x: Any, live: Callable[[Layer, str], Any]) -> Trace:
    """Step by step; `live` gives TensorFlow 1's cell of a layer, with its weights."""
    import tensorflow as tf
    from tf_keras.api._v1.keras.__internal__.legacy import rnn_cell
    from tf_keras.src.layers.rnn import legacy_cell_wrappers

    stacked = [_around(rnn_cell, part, of, live) for of, part in parts(case, layer)]
    cell = _on_one_another(rnn_cell, stacked) if isinstance(layer, Stack) else stacked[0]
    state, steps = cell.zero_state(len(x), x.dtype.name), []
    for t in range(x.shape[1]):
        with patch.object(legacy_cell_wrappers.tf.nn, "dropout", _dropout_at(t)):
            output, state = cell(tf.constant(x[:, t]), state)
        fields: list[Any] = []
        for one in state if isinstance(layer, Stack) else (state,):  # h first
            fields += tf.nest.flatten(one)[::-1]
        steps.append([np.asarray(a) for a in (output, *fields)])
    outputs, *over_time = (np.stack(field, axis=1) for field in zip(*steps, strict=True))
    states = tuple(over_time)
    return Trace(outputs, tuple(field[:, -1] for field in states), None if isinstance(layer, Stack) else states)


def _on_one_another(rnn_cell: Any, cells: list[Any]) -> Any:
    """MultiRNNCell, which logs that it is deprecated."""
    logger = logging.getLogger("tensorflow")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        return rnn_cell.MultiRNNCell(cells)
    finally:
        logger.setLevel(before)


def _around(rnn_cell: Any, layer: Layer | Wrapped, case: Case, live: Callable[[Layer, str], Any]) -> Any:
    if isinstance(layer, Layer):
        cell, device = live(layer, case.dtype), case.wrapper.get("device")
        return rnn_cell.DeviceWrapper(cell, device) if device else cell
    cell = _around(rnn_cell, layer.layer, case, live)
    if given := keep_probs(layer):
        if case.wrapper.get("variational_recurrent"):
            cell = _variational(rnn_cell, cell, layer, given, case.dtype)
        else:
            cell = rnn_cell.DropoutWrapper(cell, **given)
            cell._gen_seed = lambda part, _: getattr(layer, part)
    return rnn_cell.ResidualWrapper(cell) if layer.residual else cell


def _dropout_at(t: int) -> Callable[..., Any]:
    def dropout(value: Any, *, rate: float, seed: Dropout) -> Any:
        import tensorflow as tf

        kept = np.broadcast_to(seed.at(t), value.shape)
        return tf.nn.experimental.general_dropout(
            value, rate, lambda shape, dtype: tf.constant(_noise(kept, rate), dtype)
        )

    return dropout


def _noise(kept: Any, rate: float) -> Any:
    """Uniform noise that keeps, being `rate` or more, what is to be kept."""
    return np.where(kept, (1 + rate) / 2, rate / 2)


def _variational(rnn_cell: Any, cell: Any, layer: Wrapped, given: dict[str, float], dtype: str) -> Any:
    import tensorflow as tf

    wrapper = rnn_cell.DropoutWrapper(
        cell, **given, variational_recurrent=True, input_size=tf.TensorShape([layer.input_dim]), dtype=dtype
    )
    noise = lambda dropout: tf.constant(_noise(dropout.at(0), 1 - dropout.keep_prob), dtype)
    if layer.input:
        wrapper._recurrent_input_noise = noise(layer.input)
    if layer.state:
        drawn, h = wrapper._recurrent_state_noise, noise(layer.state)
        wrapper._recurrent_state_noise = drawn._replace(h=h) if hasattr(drawn, "_replace") else h
    if layer.output:
        wrapper._recurrent_output_noise = noise(layer.output)
    return wrapper
