"""Long short-term memory with a forget gate (Gers, Schmidhuber & Cummins, Neural Computation 12:2451–2471, 2000)."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import keras
from keras import ops

from cells.gated import GatedCell


@keras.saving.register_keras_serializable(package="gateproof")
class LSTMCell(GatedCell):
    """One step of the LSTM; drop-in for `keras.layers.LSTMCell`.

    ::

        i = σ(x W_i + h U_i + b_i)
        f = σ(x W_f + h U_f + b_f + forget_bias)
        g = φ(x W_g + h U_g + b_g)
        o = σ(x W_o + h U_o + b_o)
        c = f · c + i · g
        h = o · ψ(c)

    σ is `recurrent_activation` (`"hard_sigmoid"` is Keras 3's, `"hard_sigmoid_keras2"` Keras 2's), φ is `activation`, ψ
    is `output_activation`, or φ where that is None. Arguments, defaults and weights are those of Keras 3.15:
    `kernel (X, 4H)`, `recurrent_kernel (H, 4H)`, `bias (4H,)`, and four more:

    forget_bias: added to the forget gate at run time and never stored, as TF1's BasicLSTMCell does
        (tensorflow/python/ops/rnn_cell_impl.py, 1.15). Default 0.0. `unit_forget_bias`, in contrast, sets the stored
        bias at initialisation.
    output_activation: ψ, where it is not φ.
    cells_per_block: S cells that share their gates, as the paper's memory blocks do: i, f and o have H/S columns in
        `kernel (X, 3H/S + H)` and the others, and each serves S neighbouring cells.
    use_recurrent_bias: a second bias beside h U, as PyTorch, ONNX and cuDNN store it: `bias (2, 4H)`.

    Call arguments: `inputs (B, X)`, `states` `[h (B, H), c (B, H)]`, `training`. Returns `h, [h, c]`.

    Raises ValueError when `cells_per_block` does not divide `units`, and when there is no bias for the second to join.
    """

    gates = "ifgo"
    states = "hc"
    takes = frozenset({"recurrent_activation", "unit_forget_bias"})
    adds = MappingProxyType(
        {"forget_bias": 0.0, "output_activation": None, "cells_per_block": 1, "use_recurrent_bias": False}
    )

    unit_forget_bias: bool
    forget_bias: float
    output_activation: Any
    cells_per_block: int
    use_recurrent_bias: bool

    @property
    def widths(self) -> tuple[int, ...]:
        S = self.cells_per_block
        if not isinstance(S, int) or S < 1 or self.units % S:
            raise ValueError(f"cells_per_block must be a positive integer that divides units ({self.units}), got {S!r}")
        blocks = self.units // S
        return blocks, blocks, self.units, blocks

    def call(self, inputs: Any, states: Any, training: Any = False) -> tuple[Any, list[Any]]:
        σ, φ, ψ = self.recurrent_activation, self.activation, self.output_activation or self.activation
        h, c = states
        a_i, a_f, a_g, a_o = self.split(self.affine(inputs, h, training))
        i = self._shared(σ(a_i))
        f = self._shared(σ(a_f + self.forget_bias))
        g = φ(a_g)
        o = self._shared(σ(a_o))
        c = f * c + i * g
        h = o * ψ(c)
        return h, [h, c]

    def _shared(self, gate: Any) -> Any:
        """A gate of each block, for each of its cells."""
        return gate if self.cells_per_block == 1 else ops.repeat(gate, self.cells_per_block, axis=-1)
