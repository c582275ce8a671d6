"""MUT1, MUT2 and MUT3, gated units found by search (Jozefowicz, Zaremba & Sutskever, ICML 2015, PMLR 37:2342–2350)."""

from __future__ import annotations

from typing import Any, ClassVar

import keras
from keras import ops, tree

from cells.gated import GatedCell


class _MUTCell(GatedCell):
    """What the three share: gates z r n, not all of which have a matrix."""

    gates = "zrn"
    takes = frozenset({"recurrent_activation"})
    seeing: ClassVar[str] = "zrn"  # the gates with columns in the kernel
    recurring: ClassVar[str] = "zrn"  # and in the recurrent kernel

    def build(self, input_shape: Any) -> None:
        super(GatedCell, self).build(input_shape)  # GatedCell's own gives every gate its columns
        X, H = input_shape[-1], self.units
        if self.seeing != self.gates and X != H:
            raise ValueError(
                f"{type(self).__name__} must have as many inputs as units, since a gate gets them without a matrix, "
                f"got {X} inputs and {H} units: put a Dense({H}) before it"
            )
        self.kernel = self._weight("kernel", (X, len(self.seeing) * H))
        self.recurrent_kernel = self._weight("recurrent", (H, len(self.recurring) * H), name="recurrent_kernel")
        self.bias = self._weight("bias", (3 * H,)) if self.use_bias else None

    def call(self, inputs: Any, states: Any, training: Any = False) -> tuple[Any, Any]:
        h = states[0] if tree.is_nested(states) else states
        x = ops.cast(inputs, self.compute_dtype)
        b = self.split(self.bias) if self.use_bias else [0.0] * 3
        h = self._step([x * m for m in self._masks(x, training)], h, self._masks(h, training, recurrent=True), b)
        return h, [h] if tree.is_nested(states) else h

    def _step(self, x: Any, h: Any, m: Any, b: Any) -> Any:
        """The new h, from the inputs with a mask a gate, the old h, its masks, and the biases."""
        raise NotImplementedError

    def _masks(self, x: Any, training: Any, *, recurrent: bool = False) -> Any:
        """A dropout mask a gate: 1 where nothing is dropped."""
        masks = self.masks(x, training, recurrent=recurrent)
        return masks if isinstance(masks, list) else [1.0 if masks is None else masks] * 3


@keras.saving.register_keras_serializable(package="gateproof")
class MUT1Cell(_MUTCell):
    """One step of MUT1.

    ::

        z = σ(x W_z + b_z)
        r = σ(x W_r + h U_r + b_r)
        n = φ(tanh(x) + (r · h) U_n + b_n)
        h = z · n + (1 − z) · h

    σ is `recurrent_activation`, φ is `activation`. As in the paper, the new state is taken where z = 1. Arguments are
    those of Keras 3.15's GRUCell without `reset_after`. Weights: `kernel (X, 2H)` of z r, `recurrent_kernel (H, 2H)` of
    r n, `bias (3H,)`.

    Call arguments: `inputs (B, X)`, `states` `[h (B, H)]`, `training`. Returns `h, [h]`.

    Raises ValueError where X is not H, when it is built.
    """

    seeing, recurring = "zr", "rn"

    def _step(self, x: Any, h: Any, m: Any, b: Any) -> Any:
        σ, φ = self.recurrent_activation, self.activation
        (x_z, x_r, x_n), (_, m_r, m_n), (b_z, b_r, b_n) = x, m, b
        W_z, W_r = self.split(self.kernel, 2)
        U_r, U_n = self.split(self.recurrent_kernel, 2)
        z = σ(x_z @ W_z + b_z)
        r = σ(x_r @ W_r + (m_r * h) @ U_r + b_r)
        n = φ(ops.tanh(x_n) + (m_n * r * h) @ U_n + b_n)
        return z * n + (1 - z) * h


@keras.saving.register_keras_serializable(package="gateproof")
class MUT2Cell(_MUTCell):
    """One step of MUT2; see MUT1Cell for what is not said here.

    ::

        z = σ(x W_z + h U_z + b_z)
        r = σ(x + h U_r + b_r)
        n = φ(x W_n + (r · h) U_n + b_n)
        h = z · n + (1 − z) · h

    Weights: `kernel (X, 2H)` of z n, `recurrent_kernel (H, 3H)`, `bias (3H,)`.

    Raises ValueError where X is not H, when it is built.
    """

    seeing = "zn"

    def _step(self, x: Any, h: Any, m: Any, b: Any) -> Any:
        σ, φ = self.recurrent_activation, self.activation
        (x_z, x_r, x_n), (m_z, m_r, m_n), (b_z, b_r, b_n) = x, m, b
        W_z, W_n = self.split(self.kernel, 2)
        U_z, U_r, U_n = self.split(self.recurrent_kernel, 3)
        z = σ(x_z @ W_z + (m_z * h) @ U_z + b_z)
        r = σ(x_r + (m_r * h) @ U_r + b_r)
        n = φ(x_n @ W_n + (m_n * r * h) @ U_n + b_n)
        return z * n + (1 - z) * h


@keras.saving.register_keras_serializable(package="gateproof")
class MUT3Cell(_MUTCell):
    """One step of MUT3; see MUT1Cell for what is not said here.

    ::

        z = σ(x W_z + tanh(h) U_z + b_z)
        r = σ(x W_r + h U_r + b_r)
        n = φ(x W_n + (r · h) U_n + b_n)
        h = z · n + (1 − z) · h

    Weights: `kernel (X, 3H)`, `recurrent_kernel (H, 3H)`, `bias (3H,)`. X need not be H.
    """

    def _step(self, x: Any, h: Any, m: Any, b: Any) -> Any:
        σ, φ = self.recurrent_activation, self.activation
        (x_z, x_r, x_n), (m_z, m_r, m_n), (b_z, b_r, b_n) = x, m, b
        W_z, W_r, W_n = self.split(self.kernel, 3)
        U_z, U_r, U_n = self.split(self.recurrent_kernel, 3)
        z = σ(x_z @ W_z + (m_z * ops.tanh(h)) @ U_z + b_z)
        r = σ(x_r @ W_r + (m_r * h) @ U_r + b_r)
        n = φ(x_n @ W_n + (m_n * r * h) @ U_n + b_n)
        return z * n + (1 - z) * h
