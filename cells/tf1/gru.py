"""TensorFlow 1's `GRUCell`."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops, tree

from cells.tf1.rnn_cell import UnitsCell, σ


@keras.saving.register_keras_serializable(package="gateproof", name="TF1GRUCell")
class GRUCell(UnitsCell):
    """One step of TF1's GRU: reset before the matmul.

    ::

        r = σ([x; h] W_r + b_r)
        z = σ([x; h] W_z + b_z)
        n = φ([x; r · h] W_n + b_n)
        h = z · h + (1 − z) · n

    z is TF1's u, n its c. σ is the sigmoid, φ is `activation`, tanh where it is None. Weights: `gates_kernel (X+H, 2H)`
    and `gates_bias (2H,)`, their columns r z; `candidate_kernel (X+H, H)` and `candidate_bias (H,)`; in TF1
    `gates/kernel` and so on. Where `bias_initializer` is None, the gates' biases start at 1, the candidate's at 0.

    Raises ValueError when `num_units` is not a positive integer, or `activation` is hard_sigmoid.
    """

    config = ("kernel_initializer", "bias_initializer")

    def __init__(
        self,
        num_units: int,
        activation: Any = None,
        *,
        kernel_initializer: Any = None,
        bias_initializer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(num_units, activation, **kwargs)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)

    def build(self, input_shape: Any) -> None:
        H, rows = self.num_units, input_shape[-1] + self.num_units
        for name, columns, bias in ("gates", 2 * H, "ones"), ("candidate", H, "zeros"):
            kernel = self.add_weight(shape=(rows, columns), name=f"{name}_kernel", initializer=self.kernel_initializer)
            setattr(self, f"{name}_kernel", kernel)
            bias = self.add_weight(shape=(columns,), name=f"{name}_bias", initializer=self.bias_initializer or bias)
            setattr(self, f"{name}_bias", bias)

    def call(self, inputs: Any, state: Any) -> tuple[Any, Any]:
        φ = self.activation
        h = state[0] if tree.is_nested(state) else state
        a_r, a_z = self.split(self.affine(inputs, h, self.gates_kernel, self.gates_bias), 2)
        r = σ(a_r)
        z = σ(a_z)
        n = φ(self.affine(inputs, r * h, self.candidate_kernel, self.candidate_bias))
        h = ops.cast(z * h + (1 - z) * n, self.compute_dtype)
        return h, [h] if tree.is_nested(state) else h
