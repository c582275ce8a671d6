"""What TensorFlow 1's cells share: zero states, the LSTMs' state, the joined matmul, what is refused."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import keras
from keras import ops, tree

from cells import activations

σ: Callable[[Any], Any] = ops.sigmoid

REFUSED = {
    "reuse": "weights are shared by calling one cell twice",
    "num_unit_shards": "no weight is cut into shards",
    "num_proj_shards": "no weight is cut into shards",
}


class LSTMStateTuple(NamedTuple):
    """The state of TF1's LSTMs: c first, the inner state, then h, the output."""

    c: Any
    h: Any

    @property
    def dtype(self) -> Any:
        """The dtype of both. Raises TypeError when they differ."""
        if self.c.dtype != self.h.dtype:
            raise TypeError(f"c and h must have one dtype, got {self.c.dtype} and {self.h.dtype}")
        return self.c.dtype


class RNNCell(keras.layers.Layer):
    """What every cell of TF1 is: `state_size`, `output_size`, zero states, and `call(inputs, state)`.

    Derive cells of your own from it. `state_size` is a number or a tuple of numbers.

    Raises ValueError for `reuse` and the shards, which have no meaning here.
    """

    state_size: Any
    output_size: Any

    def __init__(self, **kwargs: Any) -> None:
        for name, reason in REFUSED.items():
            if kwargs.pop(name, None) is not None:
                raise ValueError(f"{name} must be left out: here {reason}")
        super().__init__(**kwargs)

    def zero_state(self, batch_size: Any, dtype: Any = None) -> Any:
        """Zeros in the structure of `state_size`."""
        dtype = keras.backend.standardize_dtype(dtype or self.compute_dtype)
        return tree.map_structure(lambda size: ops.zeros((batch_size, size), dtype), self.state_size)

    def get_initial_state(self, batch_size: Any = None) -> list[Any]:
        """What Keras' RNN starts from: `zero_state` in a list."""
        state = self.zero_state(batch_size)
        return list(state) if tree.is_nested(state) else [state]


class UnitsCell(RNNCell):
    """A cell of `num_units` units, which says in `config` what else its constructor takes."""

    config: ClassVar[tuple[str, ...]] = ()

    def __init__(self, num_units: int, activation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_units = positive("num_units", num_units)
        self.activation: Callable[[Any], Any] = activations.get("tanh" if activation is None else activation)
        if self.activation is keras.activations.hard_sigmoid:
            raise ValueError(
                "activation must not be hard_sigmoid, which is one function in TF1 and another in Keras 3: "
                "'hard_sigmoid_keras2' is what TF1 computed"
            )

    @property
    def state_size(self) -> Any:
        return self.num_units

    @property
    def output_size(self) -> int:
        return self.num_units

    def affine(self, x: Any, h: Any, kernel: Any, bias: Any) -> Any:
        """[x; h] W + b."""
        # Not ops.matmul, which multiplies float64 in float32 on the PyTorch backend (keras.backend.result_type).
        xh = ops.concatenate([ops.cast(x, kernel.dtype), ops.cast(h, kernel.dtype)], axis=-1)
        return xh @ kernel + bias

    def split(self, a: Any, gates: int) -> Any:
        """`(B, G·H)` -> one `(B, H)` a gate."""
        return ops.split(a, gates, axis=-1)

    def get_config(self) -> dict[str, Any]:
        own = {name: getattr(self, name) for name in self.config}
        own |= {name: keras.initializers.serialize(own[name]) for name in own if name.endswith("initializer")}
        activation = keras.activations.serialize(self.activation)
        return {**super().get_config(), "num_units": self.num_units, "activation": activation, **own}


def positive(name: str, value: Any) -> int:
    """The value as an int. Raises ValueError when it is not a positive integer."""
    if isinstance(value, bool) or not hasattr(value, "__index__") or value <= 0:
        raise ValueError(f"{name} must be a positive integer, got {value!r}")
    return operator.index(value)
