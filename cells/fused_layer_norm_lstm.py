"""LSTM with layer normalisation (Ba, Kiros & Hinton, arXiv 1607.06450 v1) of each matmul and of c, as TensorFlow
Addons' LayerNormLSTMCell has it (tensorflow_addons/rnn/layer_norm_lstm_cell.py at fea341f)."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import keras

from cells.gated import GatedCell
from cells.layer_norm_lstm import norm


@keras.saving.register_keras_serializable(package="gateproof")
class FusedLayerNormLSTMCell(GatedCell):
    """One step of the LSTM whose two matmuls are normalised over all gates at once, and whose c is stored normalised.

    ::

        a = norm_x(x W) + norm_h(h U) + b
        i = σ(a_i)
        f = σ(a_f)
        g = φ(a_g)
        o = σ(a_o)
        c = norm_c(f · c + i · g)
        h = o · φ(c)

        norm(a) = γ · (a − mean(a)) / √(variance(a) + ε) + β

    σ is `recurrent_activation`, φ is `activation`, ε is `norm_epsilon` (default 1e-3); the mean is over the 4H columns
    of all gates. Arguments are those of Keras 3.15's LSTMCell, and `norm_gamma_initializer`, `norm_beta_initializer`,
    `norm_epsilon` and `use_recurrent_bias` (`bias (2, 4H)`, whose rows are added up). Weights: `kernel (X, 4H)`,
    `recurrent_kernel (H, 4H)`, `bias (4H,)`; `kernel_gamma`, `kernel_beta`, `recurrent_gamma` and `recurrent_beta`
    `(4H,)`; `state_gamma` and `state_beta` `(H,)`. Half precisions are normalised in float32.

    Call arguments: `inputs (B, X)`, `states` `[h (B, H), c (B, H)]`, `training`. Returns `h, [h, c]`.
    """

    gates = "ifgo"
    states = "hc"
    takes = frozenset({"recurrent_activation", "unit_forget_bias"})
    adds = MappingProxyType(
        {
            "norm_gamma_initializer": "ones",
            "norm_beta_initializer": "zeros",
            "norm_epsilon": 1e-3,
            "use_recurrent_bias": False,
        }
    )

    unit_forget_bias: bool
    norm_epsilon: float
    use_recurrent_bias: bool

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        H = self.units
        self.kernel_gamma = self._weight("norm_gamma", (4 * H,), name="kernel_gamma")
        self.kernel_beta = self._weight("norm_beta", (4 * H,), name="kernel_beta")
        self.recurrent_gamma = self._weight("norm_gamma", (4 * H,), name="recurrent_gamma")
        self.recurrent_beta = self._weight("norm_beta", (4 * H,), name="recurrent_beta")
        self.state_gamma = self._weight("norm_gamma", (H,), name="state_gamma")
        self.state_beta = self._weight("norm_beta", (H,), name="state_beta")

    def call(self, inputs: Any, states: Any, training: Any = False) -> tuple[Any, list[Any]]:
        σ, φ, ε = self.recurrent_activation, self.activation, self.norm_epsilon
        h, c = states
        a = norm(self.project(inputs, training, None), self.kernel_gamma, self.kernel_beta, ε)
        a = a + norm(self.recur(h, training), self.recurrent_gamma, self.recurrent_beta, ε)
        for bias in self.biases():
            a = a if bias is None else a + bias
        a_i, a_f, a_g, a_o = self.split(a)
        i = σ(a_i)
        f = σ(a_f)
        g = φ(a_g)
        o = σ(a_o)
        c = norm(f * c + i * g, self.state_gamma, self.state_beta, ε)
        h = o * φ(c)
        return h, [h, c]
