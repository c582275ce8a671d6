"""Minimal gated unit (Zhou, Wu, Zhang & Zhou, arXiv 1603.09420 v1)."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import keras
from keras import tree

from cells.gated import GatedCell


@keras.saving.register_keras_serializable(package="gateproof")
class MGUCell(GatedCell):
    """One step of the minimal gated unit, whose one gate is a GRU's r and its 1 − z at once.

    ::

        f = σ(x W_f + b_f + h U_f + d_f)
        n = φ(x W_n + b_n + (f · h) U_n + d_n)
        h = (1 − f) · h + f · n

    σ is `recurrent_activation`, φ is `activation`. As in the paper, the old state is kept where f = 0. Arguments are
    those of Keras 3.15's GRUCell without `reset_after`, and `use_recurrent_bias` (d, the second row of `bias (2, 2H)`;
    default False: no d). Weights: `kernel (X, 2H)`, `recurrent_kernel (H, 2H)`, `bias (2H,)`, gates f n.

    Call arguments: `inputs (B, X)`, `states` `[h (B, H)]`, `training`. Returns `h, [h]`.
    """

    gates = "fn"
    takes = frozenset({"recurrent_activation"})
    adds = MappingProxyType({"use_recurrent_bias": False})

    use_recurrent_bias: bool

    def call(self, inputs: Any, states: Any, training: Any = False) -> tuple[Any, Any]:
        σ, φ = self.recurrent_activation, self.activation
        h = states[0] if tree.is_nested(states) else states
        b, d = self.biases()
        d_f, d_n = (None, None) if d is None else self.split(d)
        x_f, x_n = self.split(self.project(inputs, training, b))
        f = σ(x_f + self.recur(h, training, "f", d_f))
        n = φ(x_n + self.recur(f * h, training, "n", d_n))
        h = (1 - f) * h + f * n
        return h, [h] if tree.is_nested(states) else h
