"""What the tests of cells share: each cell beside Keras' own, asymmetric weights, and how close two results must be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import cells
from cells import sequence

X, H, T, B = 3, 4, 5, 4

STOCK = {
    "simple_rnn": ("SimpleRNNCell", {}),
    "lstm": ("LSTMCell", {}),
    "gru": ("GRUCell", {}),
    "gru reset before": ("GRUCell", {"reset_after": False}),
}
# What Keras' own cells cannot say.
OWN = {
    "lstm forget bias": ("LSTMCell", {"forget_bias": 1.0, "recurrent_activation": "hard_sigmoid_keras2"}),
    "gru keras 2": ("GRUCell", {"recurrent_activation": "hard_sigmoid_keras2"}),
}
UNIT = {"float64": 2.0**-53, "float32": 2.0**-24, "float16": 2.0**-11, "bfloat16": 2.0**-8}


@dataclass(frozen=True)
class Case:
    """A cell and its options; `ours` and `stock` make it, of H units unless told otherwise."""

    name: str
    options: dict[str, Any] = field(default_factory=dict)

    def ours(self, units: int = H, **options: Any) -> Any:
        return getattr(cells, self.name)(units, **self.options, **options)

    def stock(self, units: int = H, **options: Any) -> Any:
        return getattr(keras.layers, self.name)(units, **self.options, **options)

    @property
    def gates(self) -> int:
        return len(getattr(cells, self.name).gates)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say which backend was tested; test_backends.py reads it."""
    terminalreporter.write_line(f"Keras runs on {keras.backend.backend()}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is not marked any_backend needs TensorFlow as Keras' backend."""
    if keras.backend.backend() != "tensorflow":
        for item in items:
            if item.path.parent == Path(__file__).parent and not item.get_closest_marker("any_backend"):
                item.add_marker(pytest.mark.skip(reason="needs the TensorFlow backend"))


@pytest.fixture(params=STOCK)
def case(request: pytest.FixtureRequest) -> Case:
    """Each cell that Keras has too."""
    return Case(*STOCK[request.param])


@pytest.fixture(scope="session")
def every_case() -> list[Case]:
    """All of `case` at once."""
    return [Case(*stock) for stock in STOCK.values()]


@pytest.fixture(scope="session")
def every_own() -> list[Case]:
    """All of `own` at once."""
    return [Case(*options) for options in (STOCK | OWN).values()]


@pytest.fixture(params=STOCK | OWN)
def own(request: pytest.FixtureRequest) -> Case:
    """Each cell, with the options of ours alone as well."""
    return Case(*(STOCK | OWN)[request.param])


@pytest.fixture(scope="session")
def inputs() -> Callable[..., np.ndarray]:
    """`inputs(*shape, seed=0)`: standard normal float32, `(B, T, X)` unless told otherwise."""

    def draw(*shape: int, seed: int = 0) -> np.ndarray:
        return np.random.default_rng(seed).standard_normal(shape or (B, T, X)).astype("float32")

    return draw


@pytest.fixture(scope="session")
def states(inputs: Callable[..., np.ndarray]) -> Callable[[Any], list[np.ndarray]]:
    """`states(cell)`: one random `(B, H)` a state, in (−1, 1), as states are."""
    return lambda cell: [np.tanh(inputs(B, H, seed=9 + k)) for k, _ in enumerate(cell.get_initial_state(B))]


@pytest.fixture(scope="session")
def same_weights() -> Callable[..., None]:
    """Give built layers or models the same weights: normal, so that no two gates are alike, over √(X + H), so that
    rounding does not grow over time.
    """

    def set_weights(first: Any, *others: Any, seed: int = 1) -> None:
        rng = np.random.default_rng(seed)
        drawn = [rng.standard_normal(w.shape) / np.sqrt(X + H) for w in first.weights]
        for layer in (first, *others):
            layer.set_weights(drawn)

    return set_weights


@pytest.fixture(scope="session")
def arrays() -> Callable[[Any], list[np.ndarray]]:
    """Every tensor of a nested result, flat, as NumPy arrays."""
    return lambda result: [np.asarray(keras.ops.convert_to_numpy(t)) for t in keras.tree.flatten(result)]


@pytest.fixture(scope="session")
def assert_close(arrays: Callable[[Any], list[np.ndarray]]) -> Callable[..., None]:
    """Shapes and dtypes equal, values within `units` of half a last place at 1.

    16, where nothing else is said: each of two implementations may be 8 u from the exact result, which is 8 times what
    a float32 NumPy loop loses on cells as small and as contractive as these (test_sequences.py measures that).
    """

    def check(actual: Any, expected: Any, units: float = 16) -> None:
        actual, expected = arrays(actual), arrays(expected)
        assert [(a.shape, a.dtype) for a in actual] == [(e.shape, e.dtype) for e in expected]
        for position, (a, e) in enumerate(zip(actual, expected, strict=True)):
            distance = np.max(np.abs(a.astype("float64") - e.astype("float64")), initial=0) / UNIT[a.dtype.name]
            assert distance <= units, f"result {position}: {distance:.1f} u apart, allowed {units} u"

    return check


@pytest.fixture(scope="session")
def assert_equal(arrays: Callable[[Any], list[np.ndarray]]) -> Callable[[Any, Any], None]:
    """The same bits."""

    def check(actual: Any, expected: Any) -> None:
        actual, expected = arrays(actual), arrays(expected)
        assert len(actual) == len(expected)
        for a, e in zip(actual, expected, strict=True):
            assert a.dtype == e.dtype
            np.testing.assert_array_equal(a, e)

    return check


@pytest.fixture
def uncompiled(monkeypatch):
    """The layers' loops not compiled, which takes XLA a second a shape: test_layers_tensorflow.py has that."""
    monkeypatch.setattr(sequence, "compiled", lambda function: function)
    sequence.recurrence.cache_clear()
    yield
    sequence.recurrence.cache_clear()
