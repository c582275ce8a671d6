"""The vanilla LSTM and its eight variants (Greff et al., LSTM: A Search Space Odyssey, arXiv 1503.04069 v2)."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import keras
from keras import ops

from cells.gated import GatedCell
from cells.peephole_lstm import peep

VARIANTS = ("V", "NIG", "NFG", "NOG", "NIAF", "NOAF", "CIFG", "NP", "FGR")
ABSENT = {"NIG": "i", "NFG": "f", "NOG": "o", "CIFG": "f"}  # the gate that has no weights


@keras.saving.register_keras_serializable(package="gateproof")
class GreffLSTMCell(GatedCell):
    """One step of the vanilla LSTM, with peepholes, or of one of its variants.

    ::

        a = x W + h U + b
        a_i, a_f, a_o += (i f o) R                   FGR
        i = σ(a_i + p_i · c)                         NIG: i = 1
        f = σ(a_f + p_f · c)                         NFG: f = 1    CIFG: f = 1 − i
        g = φ(a_g)                                   NIAF: g = a_g
        c = f · c + i · g
        o = σ(a_o + p_o · c)                         NOG: o = 1
        h = o · φ(c)                                 NOAF: h = o · c

    σ is `recurrent_activation`, φ is `activation`. Without the right column it is the paper's vanilla LSTM, V, which is
    the default; `variant` names one line of that column. p is `peephole`, which NP leaves out; o sees the new c. R is
    `gate_recurrent_kernel`: (i f o), the gates of the step before side by side, times R gives columns i f o.

    Arguments are those of Keras 3.15's LSTMCell without `unit_forget_bias`, and `variant`, `peephole_initializer` and
    `use_recurrent_bias` (a second bias beside h U: `bias (2, C)`). Weights: `kernel (X, C)`, `recurrent_kernel (H, C)`
    and `bias (C,)`, gates i f g o without the absent one; `peephole (C − H,)`, of those of i f o that there are;
    `gate_recurrent_kernel (3H, 3H)`, with the initialiser, regulariser and constraint of the recurrent kernel.

    Call arguments: `inputs (B, X)`, `states` `[h (B, H), c (B, H)]`, in FGR `[h, c, i, f, o]`, `training`. Returns
    `h, states`.

    Raises ValueError for an unknown variant.
    """

    gates = "ifgo"
    takes = frozenset({"recurrent_activation"})
    adds = MappingProxyType({"variant": "V", "peephole_initializer": "glorot_uniform", "use_recurrent_bias": False})

    variant: str
    use_recurrent_bias: bool

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.variant not in VARIANTS:
            raise ValueError(f"variant must be one of {', '.join(VARIANTS)}, got {self.variant!r}")

    @property
    def states(self) -> str:  # type: ignore[override]
        return "hcifo" if self.variant == "FGR" else "hc"

    @property
    def widths(self) -> tuple[int, ...]:
        return tuple(0 if letter == ABSENT.get(self.variant) else self.units for letter in self.gates)

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        H = self.units
        self.peephole = None if self.variant == "NP" else self._weight("peephole", (sum(self.widths) - H,))
        self.gate_recurrent_kernel = (
            self._weight("recurrent", (3 * H, 3 * H), name="gate_recurrent_kernel") if self.variant == "FGR" else None
        )

    def call(self, inputs: Any, states: Any, training: Any = False) -> tuple[Any, list[Any]]:
        σ, φ, ψ, variant = self.recurrent_activation, self.activation, self.activation, self.variant
        if variant == "NIAF":
            φ = keras.activations.linear
        if variant == "NOAF":
            ψ = keras.activations.linear
        h, c, *ifo = states
        a_i, a_f, a_g, a_o = self.split(self.affine(inputs, h, training))
        if variant == "FGR":
            r_i, r_f, r_o = self.split(self._matmul(ops.concatenate(ifo, axis=-1), self.gate_recurrent_kernel, None), 3)
            a_i, a_f, a_o = a_i + r_i, a_f + r_f, a_o + r_o
        p_i, p_f, p_o = self._peepholes()
        i = 1.0 if variant == "NIG" else σ(peep(a_i, p_i, c))
        f = 1.0 if variant == "NFG" else 1 - i if variant == "CIFG" else σ(peep(a_f, p_f, c))
        g = φ(a_g)
        c = f * c + i * g
        o = 1.0 if variant == "NOG" else σ(peep(a_o, p_o, c))
        h = o * ψ(c)
        carried = [h, c, i, f, o][: len(self.states)]
        carried = [ops.cast(s, self.compute_dtype) for s in carried]  # Keras' tanh makes float32 of float64 on JAX
        return carried[0], carried

    def _peepholes(self) -> Any:
        """Those of i, f and o; of no columns where there is no gate, None where there are none."""
        if self.peephole is None:
            return None, None, None
        i, f, _, _ = self.widths
        return ops.split(self.peephole, [i, i + f])
