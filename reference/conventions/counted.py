"""What a step of each cell multiplies, and arrays that are only counted. No NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from reference.conventions.frameworks import FRAMEWORKS
from reference.conventions.storage import Form

VARIANTS = ("V", "NIG", "NFG", "NOG", "NIAF", "NOAF", "CIFG", "NP", "FGR")  # Greff et al., arXiv 1503.04069 v2
ABSENT = {"NIG": "i", "NFG": "f", "NOG": "o", "CIFG": "f"}  # the gate without weights
_LSTM = ("f * c", "i * g", "o * tanh(c)")
_NEW = ("r * h", "z * n", "(1 - z) * h")


class Cell(NamedTuple):
    """The gates of a cell, and the elementwise products of H numbers each in one step."""

    gates: str
    products: tuple[str, ...] = ()


# The form of a cell whose reset, if it has one, is settled: what is counted.
FORMS = {
    "simple_rnn": Cell("h"),
    "jordan": Cell("h"),
    "lstm": Cell("ifgo", _LSTM),
    "lstm_1997": Cell("igo", _LSTM[1:]),
    "peephole_lstm": Cell("ifgo", _LSTM),
    "cifg": Cell("ifgo", _LSTM),
    "layer_norm_lstm": Cell("ifgo", (*_LSTM, *(f"gamma_{q} * norm(a_{q})" for q in "ifgo"), "gamma_c * norm(c)")),
    "fused_layer_norm_lstm": Cell(
        "ifgo", (*_LSTM, *(f"gamma_{w}{q} * norm({w}_{q})" for w in "xh" for q in "ifgo"), "gamma_c * norm(c)")
    ),
    "greff_lstm": Cell("ifgo", _LSTM),
    "gru reset before": Cell("zrn", ("r * h", "z * h", "(1 - z) * n")),
    "gru reset after": Cell("zrn", ("r * (h U_n + d_n)", "z * h", "(1 - z) * n")),
    "mgu": Cell("fn", ("f * h", "(1 - f) * h", "f * n")),
    "ugrnn": Cell("zn", ("z * h", "(1 - z) * n")),
    "mut1": Cell("zrn", _NEW),
    "mut2": Cell("zrn", _NEW),
    "mut3": Cell("zrn", _NEW),
}
CELLS = tuple(dict.fromkeys(key.split()[0] for key in FORMS))


def _kernels(kernel: str, recurrent: str, bias: str = "", **fields: str) -> dict[str, str]:
    biases = {"bias": f"b {bias}"} if bias else {}
    added = {name: f"{name} = {shape}" for name, shape in fields.items()}
    return {"kernel": f"W {kernel}", "recurrent_kernel": f"U {recurrent}", **biases, **added}


_ONE = "one bias per gate"
_NORM = {"state_gamma": "H", "state_beta": "H"}
MORE: Mapping[str, Mapping[str, Form]] = {
    "keras": {
        "layer_norm_lstm": Form(
            _kernels("ifgo", "ifgo", "ifgo", gamma="C", beta="C", **_NORM),
            why="one bias per gate, which the cell has where use_bias asks for it: beta takes its place",
        ),
        "fused_layer_norm_lstm": Form(
            _kernels(
                *["ifgo"] * 3, kernel_gamma="C", kernel_beta="C", recurrent_gamma="C", recurrent_beta="C", **_NORM
            ),
            why=f"{_ONE}, beside the shifts of the norms",
        ),
        "greff_lstm": Form(
            {**_kernels("ifgo", "ifgo", "ifgo", gate_recurrent_kernel="3H 3H"), "peephole": "p ifo"}, why=_ONE
        ),
        "mgu": Form(_kernels("fn", "fn", "fn"), why=_ONE),
        "ugrnn": Form(_kernels("zn", "zn", "zn"), why=_ONE),
        "mut1": Form(_kernels("zr", "rn", "zrn"), why=_ONE),
        "mut2": Form(_kernels("zn", "zrn", "zrn"), why=_ONE),
        "mut3": Form(_kernels("zrn", "zrn", "zrn"), why=_ONE),
    },
    "cudnn": {
        "simple_rnn": Form(
            {"kernel": "W h", "recurrent_kernel": "U h", "bias": "b,d h"},
            why="cuDNN's own RNN mode has two biases by default; Keras saved no such layer",
        )
    },
}
WITHOUT_BIAS = frozenset({"layer_norm_lstm"})  # unless it is asked for
SQUARE = frozenset({"mut1", "mut2"})  # a gate gets x without a matrix


def reset_of(form: str) -> bool | None:
    """Whether a form of gru resets after the matmul; None for another cell."""
    return form.endswith("after") if " " in form else None


def held(convention: str) -> dict[str, Form]:
    """The forms that a framework stores."""
    return {**FRAMEWORKS[convention].forms, **MORE.get(convention, {})}


def widths(cell: str, units: int, cells_per_block: int = 1, variant: str = "V", coupled: str = "") -> dict[str, int]:
    """The columns of each gate.

    >>> widths("lstm", 6, cells_per_block=3)
    {'i': 2, 'f': 2, 'g': 6, 'o': 2}

    Raises ValueError where the blocks do not divide the units.
    """
    shared, rest = divmod(units, cells_per_block)
    if rest:
        raise ValueError(f"cells_per_block must divide the {units} units, got {cells_per_block}")
    gates = FORMS[next(key for key in FORMS if key.split()[0] == cell)].gates
    absent = ABSENT.get(variant, "") if cell == "greff_lstm" else coupled
    each = dict.fromkeys(gates, units)
    if cells_per_block > 1:
        each = {gate: units if gate == "g" else shared for gate in gates}
    return {gate: 0 if gate == absent else width for gate, width in each.items()}
