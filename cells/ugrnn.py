"""Update gate RNN (Collins, Sohl-Dickstein & Sussillo, arXiv 1611.09913 v3)."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import keras
from keras import tree

from cells.gated import GatedCell


@keras.saving.register_keras_serializable(package="gateproof")
class UGRNNCell(GatedCell):
    """One step of the update gate RNN: the simple recurrent network, with a gate that keeps the old state.

    ::

        z = σ(x W_z + h U_z + b_z + forget_bias)
        n = φ(x W_n + h U_n + b_n)
        h = z · h + (1 − z) · n

    σ is `recurrent_activation`, φ is `activation`. The paper's g is z here, and its c is n: the old state is kept where
    z = 1. Arguments are those of Keras 3.15's GRUCell without `reset_after`, and `forget_bias` (added at run time and
    never stored; 1.0 in TF1 contrib's UGRNNCell, here 0.0) and `use_recurrent_bias` (a second bias beside h U:
    `bias (2, 2H)`). Weights: `kernel (X, 2H)`, `recurrent_kernel (H, 2H)`, `bias (2H,)`, gates z n.

    Call arguments: `inputs (B, X)`, `states` `[h (B, H)]`, `training`. Returns `h, [h]`.
    """

    gates = "zn"
    takes = frozenset({"recurrent_activation"})
    adds = MappingProxyType({"forget_bias": 0.0, "use_recurrent_bias": False})

    forget_bias: float
    use_recurrent_bias: bool

    def call(self, inputs: Any, states: Any, training: Any = False) -> tuple[Any, Any]:
        σ, φ = self.recurrent_activation, self.activation
        h = states[0] if tree.is_nested(states) else states
        a_z, a_n = self.split(self.affine(inputs, h, training))
        z = σ(a_z + self.forget_bias)
        n = φ(a_n)
        h = z * h + (1 - z) * n
        return h, [h] if tree.is_nested(states) else h
