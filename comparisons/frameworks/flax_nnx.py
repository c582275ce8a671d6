"""flax.nnx' cells. Its GRUCell is the third family: reset after the matmul, with no bias inside."""

from __future__ import annotations

from typing import Any

from comparisons.frameworks import absent, flax_linen, refusals, versions
from comparisons.proof.cases import Case
from comparisons.proof.measure import Trace
from reference import Layer, pack
from reference.layer import AnyLayer

CELLS = {"simple_rnn": "SimpleCell", "lstm": "LSTMCell", "gru": "GRUCell"}


def title() -> str:
    return f"Flax nnx {versions('flax_nnx')['flax'] or ''}".rstrip()


def missing() -> str | None:
    return absent("flax_nnx")


def unable(case: Case, layer: AnyLayer) -> str | None:
    return refusals.bare(case, layer, "Flax") or refusals.packed(layer, "flax_nnx")


def run(case: Case, layer: Layer, x: Any, mask: Any) -> Trace:
    """nnx.RNN for outputs and last state, the cell step by step for the states over time."""
    import jax
    from flax import nnx

    packed = pack(layer, "flax_nnx")
    with jax.enable_x64(True):
        zero = nnx.initializers.zeros_init()  # orthogonal draws have no float16
        cell = getattr(nnx, CELLS[packed.cell])(
            **flax_linen.arguments(packed.options, case.dtype), recurrent_kernel_init=zero, rngs=nnx.Rngs(0)
        )
        for path, array in packed.arrays.items():
            place, field = path.split("/")
            getattr(getattr(cell, place), field)[...] = array
        sequence = nnx.RNN(cell, return_carry=True)
        one = nnx.jit(lambda live, carry, x_t: live(carry, x_t))
        every = nnx.jit(lambda live, carry, piece: live(piece, initial_carry=carry))
        return flax_linen.traced(
            lambda carry, x_t: one(cell, carry, x_t),
            lambda carry, piece: every(sequence, carry, piece),
            case,
            layer,
            x,
        )
