"""The first LSTM, without a forget gate (Hochreiter & Schmidhuber, Neural Computation 9:1735–1780, 1997)."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import keras

from cells.gated import GatedCell


@keras.saving.register_keras_serializable(package="gateproof")
class LSTM1997Cell(GatedCell):
    """One step of the LSTM of 1997: what is in the cell stays there.

    ::

        i = σ(x W_i + h U_i + b_i)
        g = φ(x W_g + h U_g + b_g)
        o = σ(x W_o + h U_o + b_o)
        c = c + i · g
        h = o · ψ(c)

    σ is `recurrent_activation`, φ is `activation`, ψ is `output_activation`, or φ where that is None. The paper's own
    are `activation="sigmoid_in_2"`, 4 / (1 + exp(−a)) − 2, and `output_activation="sigmoid_in_1"`,
    2 / (1 + exp(−a)) − 1.

    Arguments are those of Keras 3.15's LSTMCell without `unit_forget_bias`, and `output_activation` and
    `use_recurrent_bias` (a second bias beside h U: `bias (2, 3H)`). Weights: `kernel (X, 3H)`,
    `recurrent_kernel (H, 3H)`, `bias (3H,)`, gates i g o.

    Call arguments: `inputs (B, X)`, `states` `[h (B, H), c (B, H)]`, `training`. Returns `h, [h, c]`.
    """

    gates = "igo"
    states = "hc"
    takes = frozenset({"recurrent_activation"})
    adds = MappingProxyType({"output_activation": None, "use_recurrent_bias": False})

    output_activation: Any
    use_recurrent_bias: bool

    def call(self, inputs: Any, states: Any, training: Any = False) -> tuple[Any, list[Any]]:
        σ, φ, ψ = self.recurrent_activation, self.activation, self.output_activation or self.activation
        h, c = states
        a_i, a_g, a_o = self.split(self.affine(inputs, h, training))
        i = σ(a_i)
        g = φ(a_g)
        o = σ(a_o)
        c = c + i * g
        h = o * ψ(c)
        return h, [h, c]
