"""LSTM whose gates see the cell (Gers & Schmidhuber, IJCNN 3:189–194, 2000; Graves, arXiv 1308.0850 v5), with
clipping and projection (Sak, Senior & Beaufays, arXiv 1402.1128 v1) as TF1's LSTMCell has them."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import keras
from keras import ops

from cells.activations import clip
from cells.gated import GatedCell


@keras.saving.register_keras_serializable(package="gateproof")
class PeepholeLSTMCell(GatedCell):
    """One step of the LSTM with peepholes: i and f see the old c, o the new one.

    ::

        i = σ(x W_i + h U_i + p_i · c + b_i)
        f = σ(x W_f + h U_f + p_f · c + b_f + forget_bias)
        g = φ(x W_g + h U_g + b_g)
        c = clip(f · c + i · g)
        o = σ(x W_o + h U_o + p_o · c + b_o)
        h = clip(o · ψ(c) V)

    σ is `recurrent_activation`, φ is `activation`, ψ is `output_activation`, or φ where that is None. Arguments are
    those of Keras 3.15's LSTMCell, and:

    forget_bias: added to the forget gate at run time and never stored. Default 0.0.
    output_activation: ψ, where it is not φ.
    use_peepholes: p, a vector a gate and no matrix: `peephole (3H,)`, of i, f and o. Default True.
    cell_clip: the new c is clipped to ± this before o and ψ see it. Default None: it is not.
    num_proj: R, the width of the output and of what the recurrence carries: `projection (H, R)`, without a bias, and
        `recurrent_kernel (R, 4H)`. Default None: h is not projected.
    proj_clip: the projected h is clipped to ± this.
    peephole_initializer, projection_initializer.
    use_recurrent_bias: a second bias beside h U: `bias (2, 4H)`.

    Names are those of TF1's LSTMCell (tensorflow/python/ops/rnn_cell_impl.py, 1.15).

    Call arguments: `inputs (B, X)`, `states` `[h (B, R), c (B, H)]`, `training`. Returns `h, [h, c]`.

    Raises ValueError for a clip that is not positive, and for `proj_clip` without `num_proj`.
    """

    gates = "ifgo"
    states = "hc"
    takes = frozenset({"recurrent_activation", "unit_forget_bias"})
    adds = MappingProxyType(
        {
            "forget_bias": 0.0,
            "output_activation": None,
            "use_peepholes": True,
            "cell_clip": None,
            "num_proj": None,
            "proj_clip": None,
            "peephole_initializer": "glorot_uniform",
            "projection_initializer": "glorot_uniform",
            "use_recurrent_bias": False,
        }
    )

    unit_forget_bias: bool
    forget_bias: float
    output_activation: Any
    use_peepholes: bool
    cell_clip: float | None
    num_proj: int | None
    proj_clip: float | None
    use_recurrent_bias: bool

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("cell_clip", "num_proj", "proj_clip"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"{name} must be positive, or None for none, got {value!r}")
        if self.proj_clip is not None and self.num_proj is None:
            raise ValueError(f"proj_clip needs num_proj, a projection to clip, got proj_clip={self.proj_clip!r} alone")

    @property
    def recurrent_dim(self) -> int:
        return self.num_proj or self.units

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        H = self.units
        self.peephole = self._weight("peephole", (3 * H,)) if self.use_peepholes else None
        self.projection = self._weight("projection", (H, self.num_proj)) if self.num_proj else None

    def call(self, inputs: Any, states: Any, training: Any = False) -> tuple[Any, list[Any]]:
        σ, φ, ψ = self.recurrent_activation, self.activation, self.output_activation or self.activation
        h, c = states
        a_i, a_f, a_g, a_o = self.split(self.affine(inputs, h, training))
        p_i, p_f, p_o = pieces(self.peephole, 3)
        i = σ(peep(a_i, p_i, c))
        f = σ(peep(a_f, p_f, c) + self.forget_bias)
        g = φ(a_g)
        c = clip(f * c + i * g, self.cell_clip)
        o = σ(peep(a_o, p_o, c))
        h = o * ψ(c)
        if self.projection is not None:
            h = clip(h @ self.projection, self.proj_clip)
        return h, [h, c]


def pieces(peephole: Any, gates: int) -> Any:
    """The peephole of each gate, or as many None."""
    return (None,) * gates if peephole is None else ops.split(peephole, gates)


def peep(a: Any, peephole: Any, c: Any) -> Any:
    """a + p · c, or a where there is no peephole."""
    return a if peephole is None else a + peephole * c
