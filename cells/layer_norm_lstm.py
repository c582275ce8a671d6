"""LSTM with layer normalisation (Ba, Kiros & Hinton, arXiv 1607.06450 v1) of each gate and of c, as TF1 contrib's
LayerNormBasicLSTMCell has it (tensorflow/contrib/rnn/python/ops/rnn_cell.py, 1.15)."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import keras
from keras import ops

from cells.gated import GatedCell


@keras.saving.register_keras_serializable(package="gateproof")
class LayerNormLSTMCell(GatedCell):
    """One step of the LSTM whose gates are normalised one by one, and whose c is stored normalised.

    ::

        a_q = norm_q(x W_q + h U_q + b_q)      q = i, f, g, o
        i = σ(a_i)
        f = σ(a_f + forget_bias)
        g = φ(a_g)
        o = σ(a_o)
        c = norm_c(f · c + i · g)
        h = o · φ(c)

        norm(a) = γ · (a − mean(a)) / √(variance(a) + ε) + β

    σ is `recurrent_activation`, φ is `activation`, ε is `norm_epsilon` (default 1e-12); the mean is over the H units of
    one gate. Arguments are those of Keras 3.15's LSTMCell without `unit_forget_bias`, and `forget_bias` (added at run
    time, never stored; contrib's default is 1.0, here 0.0), `norm_gamma_initializer`, `norm_beta_initializer`,
    `norm_epsilon` and `use_recurrent_bias` (a second bias beside h U). Contrib has no b, β takes its place: so
    `use_bias` is False by default. Weights: `kernel (X, 4H)`, `recurrent_kernel (H, 4H)`, `bias (4H,)`, `gamma (4H,)`,
    `beta (4H,)`, `state_gamma (H,)`, `state_beta (H,)`. Half precisions are normalised in float32.

    Call arguments: `inputs (B, X)`, `states` `[h (B, H), c (B, H)]`, `training`. Returns `h, [h, c]`.
    """

    gates = "ifgo"
    states = "hc"
    takes = frozenset({"recurrent_activation"})
    adds = MappingProxyType(
        {
            "use_bias": False,
            "forget_bias": 0.0,
            "norm_gamma_initializer": "ones",
            "norm_beta_initializer": "zeros",
            "norm_epsilon": 1e-12,
            "use_recurrent_bias": False,
        }
    )

    forget_bias: float
    norm_epsilon: float
    use_recurrent_bias: bool

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        H = self.units
        self.gamma = self._weight("norm_gamma", (4 * H,), name="gamma")
        self.beta = self._weight("norm_beta", (4 * H,), name="beta")
        self.state_gamma = self._weight("norm_gamma", (H,), name="state_gamma")
        self.state_beta = self._weight("norm_beta", (H,), name="state_beta")

    def call(self, inputs: Any, states: Any, training: Any = False) -> tuple[Any, list[Any]]:
        σ, φ, ε = self.recurrent_activation, self.activation, self.norm_epsilon
        h, c = states
        a, γ, β = (self.split(array) for array in (self.affine(inputs, h, training), self.gamma, self.beta))
        a_i, a_f, a_g, a_o = (norm(*of_gate, ε) for of_gate in zip(a, γ, β, strict=True))
        i = σ(a_i)
        f = σ(a_f + self.forget_bias)
        g = φ(a_g)
        o = σ(a_o)
        c = norm(f * c + i * g, self.state_gamma, self.state_beta, ε)
        h = o * φ(c)
        return h, [h, c]


def norm(a: Any, gamma: Any, beta: Any, epsilon: float) -> Any:
    """γ · (a − mean(a)) / √(variance(a) + ε) + β over the last axis."""
    dtype = keras.backend.standardize_dtype(a.dtype)
    if dtype in ("float16", "bfloat16"):  # where 1e-12 is nothing, and a variance soon infinite
        a, gamma, beta = (ops.cast(array, "float32") for array in (a, gamma, beta))
    d = a - _mean(a)
    y = d / ops.sqrt(_mean(d * d) + epsilon)
    return ops.cast(y * gamma + beta, dtype)


def _mean(a: Any) -> Any:
    # Not ops.mean, which adds up float64 in float32 on JAX and PyTorch.
    total: Any = ops.sum(a, axis=-1, keepdims=True)
    return total / a.shape[-1]
