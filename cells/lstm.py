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
        h = o · φ(c)

    σ is `recurrent_activation` (`"hard_sigmoid"` is Keras 3's, `"hard_sigmoid_keras2"` Keras 2's), φ is `activation`.
    Arguments, defaults and weights are those of Keras 3.15: `kernel (X, 4H)`, `recurrent_kernel (H, 4H)`, `bias (4H,)`,
    and one more:

    forget_bias: added to the forget gate at run time and never stored, as TF1's BasicLSTMCell does
        (tensorflow/python/ops/rnn_cell_impl.py, 1.15). Default 0.0. `unit_forget_bias`, in contrast, sets the stored
        bias at initialisation.

    Call arguments: `inputs (B, X)`, `states` `[h (B, H), c (B, H)]`, `training`. Returns `h, [h, c]`.
    """

    gates = "ifgo"
    states = "hc"
    takes = frozenset({"recurrent_activation", "unit_forget_bias"})
    adds = MappingProxyType({"forget_bias": 0.0})

    unit_forget_bias: bool
    forget_bias: float

    def call(self, inputs: Any, states: Any, training: Any = False) -> tuple[Any, list[Any]]:
        σ, φ = self.recurrent_activation, self.activation
        h, c = states
        a_i, a_f, a_g, a_o = self.split(self.project(inputs, training, self.bias) + self.recur(h, training))
        i = σ(a_i)
        f = σ(a_f + self.forget_bias)
        g = φ(a_g)
        o = σ(a_o)
        c = f * c + i * g
        h = o * φ(c)
        return h, [h, c]

    @property
    def initial_bias(self) -> Any:
        """Ones for the forget gate, `bias_initializer` for the others."""
        if not self.unit_forget_bias:
            return None

        def initializer(_: Any, *args: Any, **kwargs: Any) -> Any:
            i = self.bias_initializer((self.units,), *args, **kwargs)
            f = keras.initializers.Ones()((self.units,), *args, **kwargs)
            go = self.bias_initializer((2 * self.units,), *args, **kwargs)
            return ops.concatenate([i, f, go])

        return initializer
