"""flax.linen's cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from comparisons.frameworks import absent, refusals, versions
from comparisons.frameworks.stepwise import stepwise, whole, zeros
from comparisons.proof.cases import Case
from comparisons.proof.measure import Trace
from reference import Layer, pack
from reference.layer import AnyLayer

CELLS = {"simple_rnn": "SimpleCell", "lstm": "LSTMCell", "gru": "GRUCell"}


def title() -> str:
    return f"Flax linen {versions('flax')['flax'] or ''}".rstrip()


def missing() -> str | None:
    return absent("flax")


def unable(case: Case, layer: AnyLayer) -> str | None:
    return refusals.bare(case, layer, "Flax") or refusals.packed(layer, "flax")


def run(case: Case, layer: Layer, x: Any, mask: Any) -> Trace:
    """linen.RNN for outputs and last state, of OptimizedLSTMCell where it is an LSTM; the plain cell step by step for
    the states over time."""
    import jax
    from flax import linen

    packed = pack(layer, "flax")
    name, given = CELLS[packed.cell], arguments(packed.options, case.dtype)
    parameters = nested(packed.arrays)
    with jax.enable_x64(True):
        cell = getattr(linen, name)(**given)
        fused = getattr(linen, name.replace("LSTM", "OptimizedLSTM"))(**given)
        sequence = linen.RNN(fused, return_carry=True)
        return traced(
            jax.jit(lambda carry, x_t: cell.apply({"params": parameters}, carry, x_t)),
            jax.jit(lambda carry, piece: sequence.apply({"params": {"cell": parameters}}, piece, initial_carry=carry)),
            case,
            layer,
            x,
        )


def traced(cell: Any, sequence: Any, case: Case, layer: Layer, x: Any) -> Trace:
    """A run of `cell(carry, x_t)` and `sequence(carry, x)`, which both give carry and output; a carry is c, h."""
    turned = lambda state: state[::-1] if len(state) > 1 else state[0]
    fields = lambda carry: carry[::-1] if isinstance(carry, tuple) else (carry,)
    step = lambda x_t, state: (fields(cell(turned(state), x_t)[0]), {})

    def piece(x: Any, state: Any) -> Any:
        carry, outputs = sequence(turned(state), x)
        return outputs, fields(carry)

    start = zeros(layer, len(x))
    outputs, state = whole(piece, x, start, case.stateful)
    return Trace(outputs, state, stepwise(step, x, start).states)


def arguments(options: Mapping[str, Any], dtype: str) -> dict[str, Any]:
    """The constructor arguments of a cell of Flax, its functions in place of their names."""
    import jax

    functions = lambda name: getattr(jax.nn, name)
    own = {name: functions(value) if name.endswith("_fn") else value for name, value in options.items()}
    return {**own, "dtype": dtype, "param_dtype": dtype}


def nested(arrays: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Arrays named `place/field` as Flax nests them."""
    tree: dict[str, dict[str, Any]] = {}
    for path, array in arrays.items():
        place, field = path.split("/")
        tree.setdefault(place, {})[field] = array
    return tree
