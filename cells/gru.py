"""Gated recurrent unit: reset before the matmul (Cho et al., arXiv 1406.1078 v3) or after it (v1, cuDNN)."""

from __future__ import annotations

from typing import Any

import keras
from keras import tree

from cells.gated import GatedCell


@keras.saving.register_keras_serializable(package="gateproof")
class GRUCell(GatedCell):
    """One step of the GRU; drop-in for `keras.layers.GRUCell`.

    ::

        z = σ(x W_z + b_z + h U_z + d_z)
        r = σ(x W_r + b_r + h U_r + d_r)
        n = φ(x W_n + b_n + r · (h U_n + d_n))      reset_after=True
        n = φ(x W_n + b_n + (r · h) U_n)            reset_after=False
        h = z · h + (1 − z) · n

    σ is `recurrent_activation` (`"hard_sigmoid"` is Keras 3's, `"hard_sigmoid_keras2"` Keras 2's), φ is `activation`.
    The old state is kept where z = 1. Arguments, defaults and weights are those of Keras 3.15: `kernel (X, 3H)`,
    `recurrent_kernel (H, 3H)`, `bias` `(2, 3H)` with b and d as its rows, or `(3H,)` with b alone for reset before.

    Call arguments: `inputs (B, X)`, `states` `[h (B, H)]`, `training`. Returns `h, [h]`.
    """

    gates = "zrn"
    takes = frozenset({"recurrent_activation", "reset_after"})

    reset_after: bool

    def call(self, inputs: Any, states: Any, training: Any = False) -> tuple[Any, Any]:
        σ, φ = self.recurrent_activation, self.activation
        h = states[0] if tree.is_nested(states) else states
        b, d = self.biases()
        x_z, x_r, x_n = self.split(self.project(inputs, training, b))
        if self.reset_after:
            h_z, h_r, h_n = self.split(self.recur(h, training, bias=d))
            z, r = σ(x_z + h_z), σ(x_r + h_r)
            n = φ(x_n + r * h_n)
        else:
            h_z, h_r = self.split(self.recur(h, training, "zr"), 2)
            z, r = σ(x_z + h_z), σ(x_r + h_r)
            n = φ(x_n + self.recur(r * h, training, "n"))
        h = z * h + (1 - z) * n
        return h, [h] if tree.is_nested(states) else h

    @property
    def two_biases(self) -> bool:
        return self.reset_after
