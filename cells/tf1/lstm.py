"""TensorFlow 1's `BasicLSTMCell` and `LSTMCell`."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops, tree

from cells.activations import clip
from cells.tf1.rnn_cell import LSTMStateTuple, UnitsCell, positive, σ


@keras.saving.register_keras_serializable(package="gateproof", name="TF1BasicLSTMCell")
class BasicLSTMCell(UnitsCell):
    """One step of TF1's plain LSTM.

    ::

        i = σ([x; h] W_i + b_i)
        f = σ([x; h] W_f + b_f + forget_bias)
        g = φ([x; h] W_g + b_g)
        o = σ([x; h] W_o + b_o)
        c = f · c + i · g
        h = o · φ(c)

    g is TF1's j. σ is the sigmoid, φ is `activation`, tanh where it is None; `forget_bias` is added at run time and
    never stored. Weights: `kernel (X+H, 4H)`, its rows x, then h, its columns i g f o, and `bias (4H,)`.

    State: `LSTMStateTuple(c, h)`, or c and h side by side `(B, 2H)` where `state_is_tuple` is False.

    Raises ValueError when `num_units` is not a positive integer, or `activation` is hard_sigmoid.
    """

    config = ("forget_bias", "state_is_tuple")

    def __init__(
        self,
        num_units: int,
        forget_bias: float = 1.0,
        state_is_tuple: bool = True,
        activation: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(num_units, activation, **kwargs)
        self.forget_bias = forget_bias
        self.state_is_tuple = state_is_tuple

    @property
    def state_size(self) -> Any:
        sizes = LSTMStateTuple(self.num_units, self.output_size)
        return sizes if self.state_is_tuple else sum(sizes)

    def build(self, input_shape: Any) -> None:
        H = self.num_units
        self.kernel = self.add_weight(
            shape=(input_shape[-1] + self.output_size, 4 * H),
            name="kernel",
            initializer=getattr(self, "initializer", None),
        )
        self.bias = self.add_weight(shape=(4 * H,), name="bias", initializer="zeros")

    def call(self, inputs: Any, state: Any) -> tuple[Any, Any]:
        φ = self.activation
        c, h = self.opened(state)
        a_i, a_g, a_f, a_o = self.split(self.affine(inputs, h, self.kernel, self.bias), 4)
        i = σ(a_i)
        f = σ(a_f + self.forget_bias)
        g = φ(a_g)
        o = σ(a_o)
        c = f * c + i * g
        h = o * φ(c)
        return h, self.closed(state, c, h)

    def opened(self, state: Any) -> Any:
        """c and h, however they are given."""
        if self.state_is_tuple:
            return state
        return ops.split(state[0] if tree.is_nested(state) else state, [self.num_units], axis=-1)

    def closed(self, given: Any, c: Any, h: Any) -> Any:
        """c and h in the form in which the state was given: a list from Keras' RNN, which its loops need back."""
        c, h = ops.cast(c, self.compute_dtype), ops.cast(h, self.compute_dtype)
        if self.state_is_tuple:
            return [c, h] if isinstance(given, list) else LSTMStateTuple(c, h)
        joined = ops.concatenate([c, h], axis=-1)
        return [joined] if tree.is_nested(given) else joined


@keras.saving.register_keras_serializable(package="gateproof", name="TF1LSTMCell")
class LSTMCell(BasicLSTMCell):
    """One step of TF1's LSTM with peepholes, clipping and a projection, each of which can be left out.

    ::

        i = σ([x; h] W_i + b_i + w_i_diag · c)
        f = σ([x; h] W_f + b_f + forget_bias + w_f_diag · c)
        g = φ([x; h] W_g + b_g)
        c = clip(f · c + i · g, −cell_clip, cell_clip)
        o = σ([x; h] W_o + b_o + w_o_diag · c)
        h = clip((o · φ(c)) P, −proj_clip, proj_clip)

    i and f see the old c, o the new one, clipped. P is `num_proj`; where it is None, there is no projection, and P = H.
    Weights: those of `BasicLSTMCell`, but `kernel (X+P, 4H)`; with `use_peepholes`, `w_f_diag`, `w_i_diag` and
    `w_o_diag`, each `(H,)`; with `num_proj`, `projection_kernel (H, P)`, in TF1 `projection/kernel`. `initializer` is
    for all but the bias. The state is c `(B, H)` and h `(B, P)`.

    Raises ValueError when a size is not a positive integer, a clip is not a positive number, `proj_clip` comes without
    `num_proj` (TF1 ignores it), or `activation` is hard_sigmoid.
    """

    config = ("use_peepholes", "cell_clip", "initializer", "num_proj", "proj_clip", "forget_bias", "state_is_tuple")

    def __init__(
        self,
        num_units: int,
        use_peepholes: bool = False,
        cell_clip: float | None = None,
        initializer: Any = None,
        num_proj: int | None = None,
        proj_clip: float | None = None,
        *,  # TF1 has its shards here
        forget_bias: float = 1.0,
        state_is_tuple: bool = True,
        activation: Any = None,
        **kwargs: Any,
    ) -> None:
        for name, limit in ("cell_clip", cell_clip), ("proj_clip", proj_clip):
            if limit is not None and not limit > 0:
                raise ValueError(f"{name} must be a positive number, got {limit!r}; None clips nothing")
        if proj_clip is not None and num_proj is None:
            raise ValueError(
                f"proj_clip must come with num_proj, whose result it clips, got proj_clip={proj_clip!r} alone"
            )
        super().__init__(num_units, forget_bias, state_is_tuple, activation, **kwargs)
        self.use_peepholes = use_peepholes
        self.cell_clip = cell_clip
        self.initializer = keras.initializers.get(initializer)
        self.num_proj = None if num_proj is None else positive("num_proj", num_proj)
        self.proj_clip = proj_clip

    @property
    def output_size(self) -> int:
        return self.num_proj or self.num_units

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        H = self.num_units
        for name in ("w_f_diag", "w_i_diag", "w_o_diag") if self.use_peepholes else ():
            setattr(self, name, self.add_weight(shape=(H,), name=name, initializer=self.initializer))
        if self.num_proj is not None:
            self.projection_kernel = self.add_weight(
                shape=(H, self.num_proj), name="projection_kernel", initializer=self.initializer
            )

    def call(self, inputs: Any, state: Any) -> tuple[Any, Any]:
        φ = self.activation
        c, h = self.opened(state)
        a_i, a_g, a_f, a_o = self.split(self.affine(inputs, h, self.kernel, self.bias), 4)
        i = σ(a_i + self.peephole("w_i_diag", c))
        f = σ(a_f + self.forget_bias + self.peephole("w_f_diag", c))
        g = φ(a_g)
        c = clip(f * c + i * g, self.cell_clip)
        o = σ(a_o + self.peephole("w_o_diag", c))
        h = clip(self.projected(o * φ(c)), self.proj_clip)
        return h, self.closed(state, c, h)

    def peephole(self, name: str, c: Any) -> Any:
        return c * getattr(self, name) if self.use_peepholes else 0

    def projected(self, h: Any) -> Any:
        return h if self.num_proj is None else ops.cast(h, self.projection_kernel.dtype) @ self.projection_kernel
