"""torch.nn's RNN, LSTM and GRU: stacked, bidirectional and projected too."""

from __future__ import annotations

import warnings
from typing import Any

from comparisons.frameworks import absent, refusals, versions
from comparisons.frameworks.stepwise import stepwise, whole, zeros
from comparisons.proof.cases import Case
from comparisons.proof.measure import Trace
from reference import Layer, pack
from reference.layer import AnyLayer

MODULES = {"simple_rnn": "RNN", "lstm": "LSTM", "peephole_lstm": "LSTM", "gru": "GRU"}


def title() -> str:
    return f"PyTorch {versions('pytorch')['torch'] or ''}".rstrip()


def missing() -> str | None:
    return absent("pytorch")


def unable(case: Case, layer: AnyLayer) -> str | None:
    return refusals.masked(case, "PyTorch") or refusals.packed(layer, "pytorch")


def run(case: Case, layer: AnyLayer, x: Any, mask: Any) -> Trace:
    """The module over the whole sequence for outputs and last state; step by step for the states over time.

    A stack or a pair of directions has its last states in the order of the modules' own: l0, l0 reverse, l1, …
    """
    import torch

    module = network(layer, case.dtype)

    def over(piece: Any, state: Any) -> Any:
        given = [torch.tensor(field)[None] for field in state or ()]
        with warnings.catch_warnings(), torch.no_grad():
            warnings.filterwarnings("ignore", "LSTM with projections is not supported with oneDNN")
            outputs, last = module(torch.tensor(piece), tuple(given) if len(given) > 1 else next(iter(given), None))
        fields = last if isinstance(last, tuple) else (last,)
        return outputs.numpy(), tuple(field[k].numpy() for k in range(len(fields[0])) for field in fields)

    if not isinstance(layer, Layer):
        return Trace(*over(x, None))
    start = zeros(layer, len(x))
    outputs, state = whole(over, x, start, case.stateful)
    step = lambda x_t, state: (over(x_t[:, None], state)[1], {})
    return Trace(outputs, state, stepwise(step, x, start).states)


def network(layer: AnyLayer, dtype: str) -> Any:
    """The module with the layer's weights; PyTorch itself checks every array's name and shape."""
    import torch

    packed = pack(layer, "pytorch")
    arrays = {name: torch.tensor(array) for name, array in packed.arrays.items()}
    module = getattr(torch.nn, MODULES[packed.cell])(**packed.options, batch_first=True, dtype=getattr(torch, dtype))
    module.load_state_dict(arrays)
    return module.eval()
