"""LSTM with coupled input and forget gates, either way (Greff et al., arXiv 1503.04069 v2; TF1 contrib)."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import keras

from cells.gated import GatedCell
from cells.peephole_lstm import peep, pieces


@keras.saving.register_keras_serializable(package="gateproof")
class CIFGCell(GatedCell):
    """One step of the LSTM that forgets as much as it takes in.

    ::

        f = σ(x W_f + h U_f + p_f · c + b_f + forget_bias),   i = 1 − f      coupled="i"
        i = σ(x W_i + h U_i + p_i · c + b_i − forget_bias),   f = 1 − i      coupled="f"
        g = φ(x W_g + h U_g + b_g)
        c = f · c + i · g
        o = σ(x W_o + h U_o + p_o · c + b_o)
        h = o · ψ(c)

    σ is `recurrent_activation`, φ is `activation`, ψ is `output_activation`, or φ where that is None. `coupled` names
    the gate that has no weights: "f" is the paper's and ONNX' `input_forget`, "i" TF1
    contrib's (CoupledInputForgetGateLSTMCell).

    Arguments are those of Keras 3.15's LSTMCell without `unit_forget_bias`, and `coupled`, `forget_bias` (added at run
    time, never stored), `output_activation`, `use_peepholes` (default False) with `peephole_initializer`, and
    `use_recurrent_bias` (a second bias beside h U: `bias (2, 3H)`). Weights: `kernel (X, 3H)`,
    `recurrent_kernel (H, 3H)`, `bias (3H,)`, gates f g o or i g o, and `peephole (2H,)`, of f or i, and of o.

    Call arguments: `inputs (B, X)`, `states` `[h (B, H), c (B, H)]`, `training`. Returns `h, [h, c]`.

    Raises ValueError when `coupled` is neither "i" nor "f".
    """

    gates = "ifgo"
    states = "hc"
    takes = frozenset({"recurrent_activation"})
    adds = MappingProxyType(
        {
            "coupled": "i",
            "forget_bias": 0.0,
            "output_activation": None,
            "use_peepholes": False,
            "peephole_initializer": "glorot_uniform",
            "use_recurrent_bias": False,
        }
    )

    coupled: str
    forget_bias: float
    output_activation: Any
    use_peepholes: bool
    use_recurrent_bias: bool

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.coupled not in ("i", "f"):
            raise ValueError(f"coupled must be 'i' (i = 1 − f) or 'f' (f = 1 − i), got {self.coupled!r}")

    @property
    def widths(self) -> tuple[int, ...]:
        return tuple(0 if letter == self.coupled else self.units for letter in self.gates)

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        self.peephole = self._weight("peephole", (2 * self.units,)) if self.use_peepholes else None

    def call(self, inputs: Any, states: Any, training: Any = False) -> tuple[Any, list[Any]]:
        σ, φ, ψ = self.recurrent_activation, self.activation, self.output_activation or self.activation
        h, c = states
        a_i, a_f, a_g, a_o = self.split(self.affine(inputs, h, training))
        p, p_o = pieces(self.peephole, 2)
        if self.coupled == "i":
            f = σ(peep(a_f, p, c) + self.forget_bias)
            i = 1 - f
        else:
            i = σ(peep(a_i, p, c) - self.forget_bias)
            f = 1 - i
        g = φ(a_g)
        c = f * c + i * g
        o = σ(peep(a_o, p_o, c))
        h = o * ψ(c)
        return h, [h, c]
