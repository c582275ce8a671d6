"""The cases of the proof run, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

# The months of the longest window in use: one solar cycle of eleven years.
WINDOW = 132


@dataclass(frozen=True)
class Case:
    """One comparison: a cell and its options, on which input, with which weights."""

    name: str
    cell: str
    inputs: str = "series"  # "series" (real months, or the user's data), "sentence" (one-hot) or "drawn"
    weights: str = "trained"  # "trained" by stock Keras on the series, or "drawn"
    units: int = 32
    steps: int = WINDOW  # of a drawn input
    features: int = 8  # of a drawn input
    options: Mapping[str, Any] = field(default_factory=dict)  # of the cell's step
    use_bias: bool = True
    unit_forget_bias: bool = True
    mask: bool = False
    go_backwards: bool = False
    stateful: bool = False
    dtype: str = "float32"

    @property
    def training(self) -> tuple[Any, ...]:
        """What decides the trained weights: cases that agree in it share them."""
        bias = (self.use_bias, self.unit_forget_bias)
        return self.cell, self.units, tuple(sorted(self.options.items())), *bias


def _gated(era: str) -> dict[str, str]:
    return {"recurrent_activation": f"hard_sigmoid_{era}"}


_LSTM, _GRU = Case("lstm", "lstm"), Case("gru", "gru")

CASES: tuple[Case, ...] = (
    Case("simple_rnn", "simple_rnn"),
    Case("simple_rnn, sentence", "simple_rnn", "sentence", "drawn"),
    Case("simple_rnn, relu", "simple_rnn", "drawn", "drawn", options={"activation": "relu"}),
    Case("simple_rnn, mask", "simple_rnn", mask=True),
    Case("simple_rnn, float64", "simple_rnn", dtype="float64"),
    _LSTM,
    replace(_LSTM, name="lstm, sentence", inputs="sentence", weights="drawn"),
    replace(_LSTM, name="lstm, hard_sigmoid of Keras 3", options=_gated("keras3")),
    replace(_LSTM, name="lstm, hard_sigmoid of Keras 2", options=_gated("keras2")),
    replace(_LSTM, name="lstm, forget_bias 1.0", options={"forget_bias": 1.0}, unit_forget_bias=False),
    replace(_LSTM, name="lstm, no bias", inputs="drawn", weights="drawn", use_bias=False),
    replace(
        _LSTM, name="lstm, 64 inputs, 128 units", inputs="drawn", weights="drawn", features=64, units=128, steps=40
    ),
    replace(_LSTM, name="lstm, mask", mask=True),
    replace(_LSTM, name="lstm, mask, go_backwards", mask=True, go_backwards=True),
    replace(_LSTM, name="lstm, stateful", stateful=True),
    replace(_LSTM, name="lstm, float64", dtype="float64"),
    # float16 sees little: few inputs and units keep its bound small, a drawn input the mistakes large.
    Case("lstm, float16, 8 units", "lstm", "drawn", "drawn", features=4, units=8, dtype="float16"),
    _GRU,
    replace(_GRU, name="gru, sentence", inputs="sentence", weights="drawn"),
    replace(_GRU, name="gru, reset before", options={"reset_after": False}),
    replace(_GRU, name="gru, hard_sigmoid of Keras 2", options=_gated("keras2")),
    Case("gru, reset before, no bias", "gru", "drawn", "drawn", options={"reset_after": False}, use_bias=False),
    replace(_GRU, name="gru, mask, go_backwards", mask=True, go_backwards=True),
    replace(_GRU, name="gru, stateful", stateful=True),
    replace(_GRU, name="gru, float64", dtype="float64"),
)
