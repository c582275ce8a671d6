"""The recurrent network whose memory is its output (Jordan, Cognitive Science Society 8:531–546, 1986)."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import keras
from keras import tree

from cells.gated import GatedCell


@keras.saving.register_keras_serializable(package="gateproof")
class JordanCell(GatedCell):
    """One step of Jordan's network: the recurrence carries the output y, where Elman's carries the hidden h.

    ::

        h = φ(x W + y U + b)
        y = ψ(h V + v)

    φ is `activation`, ψ is `output_activation`. Arguments are those of Keras 3.15's SimpleRNNCell, and `output_units`
    (R; None: as many as `units`), `output_activation` and `use_recurrent_bias`, a second bias beside y U:
    `bias (2, H)`. Weights: `kernel (X, H)`, `recurrent_kernel (R, H)`, `bias (H,)`, `output_kernel (H, R)`,
    `output_bias (R,)`.

    Call arguments: `inputs (B, X)`, `states` `[y (B, R)]`, `training`. Returns `y, [y]`.
    """

    gates = "h"
    states = "y"
    adds = MappingProxyType({"output_units": None, "output_activation": "linear", "use_recurrent_bias": False})

    output_units: int | None
    output_activation: Callable[[Any], Any]
    use_recurrent_bias: bool

    @property
    def recurrent_dim(self) -> int:
        return self.output_units or self.units

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        R = self.recurrent_dim
        self.output_kernel = self._weight("kernel", (self.units, R), name="output_kernel")
        self.output_bias = self._weight("bias", (R,), name="output_bias") if self.use_bias else None

    def call(self, inputs: Any, states: Any, training: Any = False) -> tuple[Any, Any]:
        φ, ψ = self.activation, self.output_activation
        y = states[0] if tree.is_nested(states) else states
        h = φ(self.affine(inputs, y, training))
        a = h @ self.output_kernel
        y = ψ(a if self.output_bias is None else a + self.output_bias)
        return y, [y] if tree.is_nested(states) else y
