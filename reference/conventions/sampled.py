"""The forms of every cell whose conversions are judged, and a layer of each with asymmetric numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from reference import steps
from reference.conventions.counted import SQUARE, VARIANTS
from reference.layer import Layer

X, H, P = 2, 3, 2


class Shape(NamedTuple):
    """A form of a cell whose conversions are judged: a step's options, and which of its arrays there are."""

    cell: str
    options: Mapping[str, Any]
    arrays: tuple[str, ...] = ("bias",)
    whole: bool = False  # a framework with more arrays has another form


_STATE = ("state_gamma", "state_beta")
_MORE = {"NP": (), "FGR": ("peephole", "gate_recurrent_kernel")}
_KERAS = {era: {"recurrent_activation": f"hard_sigmoid_{era}"} for era in ("keras2", "keras3")}
FORMS = {
    "simple_rnn": Shape("simple_rnn", {}),
    "simple_rnn, relu": Shape("simple_rnn", {"activation": "relu"}),
    "lstm": Shape("lstm", {}),
    "lstm, forget_bias 1": Shape("lstm", {"forget_bias": 1.0}),
    "lstm, hard sigmoid of Keras 2": Shape("lstm", _KERAS["keras2"]),
    "lstm, hard sigmoid of Keras 3": Shape("lstm", _KERAS["keras3"]),
    "lstm, peepholes": Shape("peephole_lstm", {}, ("bias", "peephole")),
    "lstm, projection": Shape("peephole_lstm", {}, ("bias", "projection")),
    "lstm, i = 1 − f": Shape("cifg", {"coupled": "i"}),
    "lstm, f = 1 − i": Shape("cifg", {"coupled": "f"}),
    "gru, reset before": Shape("gru", {"reset_after": False}),
    "gru, reset after": Shape("gru", {"reset_after": True}, ("bias", "recurrent_bias")),
    "gru, reset after, one bias": Shape("gru", {"reset_after": True}, whole=True),
    "gru, reset after, hard sigmoid of Keras 2": Shape(
        "gru", {"reset_after": True, **_KERAS["keras2"]}, ("bias", "recurrent_bias")
    ),
    "lstm, no bias": Shape("lstm", {}, (), whole=True),
    "jordan": Shape("jordan", {}, ("bias", "output_kernel", "output_bias")),
    "jordan, output as it is": Shape("jordan", {}),
    "lstm_1997": Shape("lstm_1997", {}),
    "lstm_1997, hard sigmoid": Shape("lstm_1997", _KERAS["keras3"]),
    "layer_norm_lstm": Shape("layer_norm_lstm", {}, ("gamma", "beta", *_STATE)),
    "fused_layer_norm_lstm": Shape(
        "fused_layer_norm_lstm",
        {},
        ("bias", "kernel_gamma", "kernel_beta", "recurrent_gamma", "recurrent_beta", *_STATE),
    ),
    **{
        f"greff_lstm {name}": Shape("greff_lstm", {"variant": name}, ("bias", *_MORE.get(name, ("peephole",))))
        for name in VARIANTS
    },
    "mgu": Shape("mgu", {}),
    "ugrnn": Shape("ugrnn", {}),
    "ugrnn, hard sigmoid": Shape("ugrnn", _KERAS["keras3"]),
    "mut1": Shape("mut1", {}),
    "mut2": Shape("mut2", {}),
    "mut3": Shape("mut3", {}),
}


def drawn(shape: Shape) -> Layer:
    """A layer of this form, with numbers that are rational in few bits."""
    letters = {"X": H if shape.cell in SQUARE else X, "H": H, "R": P if "projection" in shape.arrays else H}
    letters["C"] = sum(steps.widths(shape.cell, H, shape.options).values())
    rng = np.random.default_rng(0)
    draw = lambda spec: rng.integers(-8, 9, steps.shape(spec, **letters)) / 16
    arrays = {name: draw(spec) for name, spec in steps.shapes(shape.cell).items()}
    if "recurrent_bias" in shape.arrays:
        arrays["recurrent_bias"][-H:] += 1
        arrays["recurrent_bias"][:-H] = 0  # of the candidate alone
    weights = {name: arrays[name] for name in ("kernel", "recurrent_kernel", *shape.arrays)}
    return Layer(shape.cell, steps.weights_type(shape.cell)(**weights), dict(shape.options))
