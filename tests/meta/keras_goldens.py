"""Keras' own golden tests as evidence: their code and numbers, from the wheel, run on any layer of the reference.

`lstm_test.py` and its like look `layers` up as a global of their module. There a stand-in takes the place of LSTM, GRU
and SimpleRNN: it has Keras build and initialise the layer as the test asks, reads it, changes it, and runs the
reference.
"""

from __future__ import annotations

import unittest
from collections.abc import Callable
from importlib import import_module
from typing import Any, ClassVar

import keras
import numpy as np

import reference

TESTS = ("test_correctness", "test_statefulness", "test_pass_initial_state", "test_masking")
FILES = {
    "lstm": ("lstm_test", "LSTMTest"),
    "gru": ("gru_test", "GRUTest"),
    "simple_rnn": ("simple_rnn_test", "SimpleRNNTest"),
}
NAMES = {"lstm": "LSTM", "gru": "GRU", "simple_rnn": "SimpleRNN"}

Change = Callable[[reference.Layer, bool], reference.Layer | None]


class StandIn:
    """What a golden test takes for a Keras layer."""

    read: ClassVar[dict[Any, reference.Layer]] = {}  # the same few layers are asked for again and again

    def __init__(self, change: Change, kind: str, units: int, arguments: dict[str, Any]) -> None:
        self.change, self.kind, self.units, self.arguments = change, kind, units, arguments
        self.applied = False
        self.state: Any = None

    def __call__(self, sequence: Any, initial_state: Any = None, mask: Any = None) -> Any:
        layer = self.layer(sequence.shape[-1])
        changed = self.change(layer, mask is not None)
        self.applied |= changed is not None
        given = [np.asarray(s) for s in initial_state] if isinstance(initial_state, list) else initial_state
        run = (changed or layer).run(sequence, self.state if given is None else given, mask)
        if self.arguments.get("stateful"):
            self.state = run.state
        return run.result

    def layer(self, features: int) -> reference.Layer:
        key = (self.kind, self.units, features, str({k: getattr(v, "value", v) for k, v in self.arguments.items()}))
        if key not in self.read:
            live = getattr(keras.layers, self.kind)(self.units, **self.arguments)
            live.build((2, None, features))
            self.read[key] = reference.read(live)
        return self.read[key]

    def reset_state(self) -> None:
        self.state = None


def passes(cell: str, change: Change) -> bool | None:
    """Whether Keras' golden tests of this cell pass on the layers as `change(layer, masked)` leaves them.

    None if it leaves every one as it is (returns None for it): then they say nothing.
    """
    file, name = FILES[cell]
    module = import_module(f"keras.src.layers.rnn.{file}")
    made: list[StandIn] = []

    class Layers:
        def __getattr__(self, kind: str) -> Any:
            if kind != NAMES[cell]:
                return getattr(keras.layers, kind)

            def make(units: int, **arguments: Any) -> StandIn:
                made.append(StandIn(change, kind, units, arguments))
                return made[-1]

            return make

    case = getattr(module, name)
    methods = [m for m in unittest.defaultTestLoader.getTestCaseNames(case) if m.startswith(TESTS)]
    assert len(methods) >= len(TESTS), methods
    original, module.layers = module.layers, Layers()
    try:
        result = unittest.TestResult()
        unittest.TestSuite(case(method) for method in methods).run(result)
    finally:
        module.layers = original
    if result.errors:
        raise AssertionError(result.errors[0][1])
    return result.wasSuccessful() if any(stand_in.applied for stand_in in made) else None
