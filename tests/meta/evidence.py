"""Every planted mistake against every kind of evidence: what each one rejects, and what it is blind to.

`python tests/meta/evidence.py` prints the matrix that stands in EVIDENCE.md.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import keras_goldens
import numpy as np
import vectors

from comparisons.frameworks.numpy_reference import trace
from comparisons.proof import draws, measure, mutants
from comparisons.proof.cases import CASES, Case
from reference import Layer
from reference.steps import module

BATCH, STEPS, FEATURES, UNITS = 3, 12, 3, 4


def _case(cell: str, masked: bool = False, go_backwards: bool = False, **options: Any) -> tuple[Layer, bool]:
    layer = draws.weights(Case("evidence", cell, units=UNITS, options=options), FEATURES, seed=0)
    return replace(layer, options=options, go_backwards=go_backwards), masked


def _of(name: str) -> tuple[Layer, bool]:
    """A case of the proof run, with as few inputs and units as here."""
    case = replace(next(case for case in CASES if case.name == name), units=UNITS)
    if case.recurrent_dim:
        case = replace(case, recurrent_dim=2)
    if "cells_per_block" in case.options:
        case = replace(case, options={"cells_per_block": 2})
    return draws.weights(case, UNITS if case.cell.startswith("mut") else FEATURES, seed=0), False


# The layers in which the mistakes are planted, and whether their runs are masked.
LAYERS = [
    _case("simple_rnn"),
    _case("simple_rnn", activation="relu"),
    _case("lstm"),
    _case("lstm", recurrent_activation="hard_sigmoid_keras2"),
    _case("lstm", recurrent_activation="hard_sigmoid_keras3"),
    _case("lstm", forget_bias=1.0),
    _case("gru"),
    _case("gru", reset_after=False),
    _case("gru", recurrent_activation="hard_sigmoid_keras2"),
    *(_case(cell, masked=True) for cell in ("simple_rnn", "lstm", "gru")),
    *(_case(cell, masked=True, go_backwards=True) for cell in ("simple_rnn", "lstm", "gru")),
    *map(
        _of,
        (
            "lstm, relu outside",
            "lstm, blocks of 4 cells",
            "lstm, clipped HardSigmoid(0.3, 0.4) and Elu",
            "lstm_1997, its own squashings",
            "jordan",
            "peephole_lstm",
            "peephole_lstm, forget_bias 1.0",
            "peephole_lstm, cell_clip",
            "peephole_lstm, projection, clips",
            "cifg, i = 1 - f",
            "cifg, f = 1 - i",
            "layer_norm_lstm",
            "fused_layer_norm_lstm",
            "greff_lstm, FGR",
            "mgu",
            "ugrnn",
            "mut1",
            "mut2",
            "mut3",
        ),
    ),
]
OF_THE_LOOP = {
    "mask zeroes the state",
    "masked outputs zeroed",
    "direction ignored",
    "outputs reversed back",
}


def inputs(masked: bool, steps: int, features: int = FEATURES) -> tuple[Any, Any]:
    draw = np.random.default_rng(7)
    return draw.normal(size=(BATCH, steps, features)), draws.mask(BATCH, steps, 7) if masked else None


def ratio(rule: Any, dtype: str, right: Layer, wrong: Layer, masked: bool, steps: int = STEPS) -> float:
    """How many times its allowance a mistake measures; one step begins from a drawn state."""
    drawn = inputs(masked, steps, right.input_dim)
    x, mask = (a if a is None else a.astype(dtype if a.dtype.kind == "f" else bool) for a in drawn)
    given = {}
    if steps == 1:
        draw, fields = np.random.default_rng(8), module(right.cell).State._fields
        widths = [right.recurrent_dim] + [UNITS] * (len(fields) - 1)
        given = {"initial_state": tuple(draw.normal(size=(BATCH, width)).astype(dtype) for width in widths)}
    right, wrong = right.astype(dtype), wrong.astype(dtype)
    return rule(measure.Judge(right, x, mask, dtype, **given), trace(wrong.run(x, mask=mask, **given))).ratio


def _measured(rule: Any, dtype: str, steps: int = STEPS) -> Callable[[str, Layer, bool], bool | None]:
    def kills(name: str, right: Layer, masked: bool) -> bool | None:
        if steps == 1 and (masked or right.go_backwards):
            return None
        wrong = dict(mutants.planted(right, masked))[name]
        return ratio(rule, dtype, right, wrong, masked, steps) > 1

    return kills


def _plant(name: str) -> Callable[[Layer, bool], Layer | None]:
    return lambda layer, masked: dict(mutants.planted(layer, masked)).get(name)


@cache
def _by_vectors(name: str, cell: str) -> bool | None:
    """Whether a hand-worked vector of this cell fails on the mutant, exactly."""
    plant, results = _plant(name), []
    for vector in vectors.VECTORS:
        wrong = plant(vectors.layer(vector), "mask" in vector) if vector["cell"] == cell else None
        if wrong is not None:
            results.append(not vectors.gives(vector, wrong))
    return any(results) if results else None


@cache
def _by_goldens(name: str, cell: str) -> bool | None:
    passed = keras_goldens.passes(cell, _plant(name)) if cell in keras_goldens.FILES else None
    return None if passed is None else not passed


EVIDENCE: dict[str, Callable[[str, Layer, bool], bool | None]] = {
    "one step, bound": _measured(measure.Judge.shadowed, "float32", steps=1),
    "shadowed, bound": _measured(measure.Judge.shadowed, "float32"),
    "shadowed, float64": _measured(measure.Judge.shadowed, "float64"),
    "end to end, 8×": _measured(measure.Judge.end_to_end, "float32"),
    "hand-worked vectors": lambda name, layer, masked: _by_vectors(name, layer.cell),
    "Keras' goldens": lambda name, layer, masked: _by_goldens(name, layer.cell),
}
# What each kind of evidence cannot see and does not claim to, and why.
NO_CLAIM = {
    "one step, bound": OF_THE_LOOP,  # it has no loop
    "shadowed, bound": {"masked outputs zeroed"},  # it looks at the states
    "shadowed, float64": {"masked outputs zeroed"},
    "end to end, 8×": set(),
    "hand-worked vectors": set(),
    "Keras' goldens": {"gates in the order", *(mutant.name for mutant in mutants.MUTANTS)},  # not ours to claim for
}


@cache
def matrix() -> dict[str, dict[str, dict[str, list[bool]]]]:
    """{mutant: {cell: {evidence: killed, in each layer where it applies}}}."""
    found: dict[str, Any] = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    for layer, masked in LAYERS:
        for name, _ in mutants.planted(layer, masked):
            for evidence, kills in EVIDENCE.items():
                verdict = kills(name, layer, masked)
                if verdict is not None:
                    found[name][layer.cell][evidence].append(verdict)
    return found


def rows() -> list[tuple[str, str, list[str]]]:
    """The published rows: mistake, cell, a verdict for each kind of evidence; orders of gates counted together."""
    grouped: dict[tuple[str, str], list[dict[str, list[bool]]]] = defaultdict(list)
    for name, cells in matrix().items():
        for cell, verdicts in cells.items():
            grouped[re.sub("gates in the order .*", "gates in another order", name), cell].append(verdicts)
    return [
        (name, cell, [_verdict(evidence, group) for evidence in EVIDENCE]) for (name, cell), group in grouped.items()
    ]


def _verdict(evidence: str, group: list[dict[str, list[bool]]]) -> str:
    seen = [all(verdicts[evidence]) for verdicts in group if evidence in verdicts]
    if not seen:
        return "–"
    if len(group) > 1:
        return f"{sum(seen)} of {len(seen)}"
    return "rejected" if seen[0] else "**blind**"


def document() -> str:
    """EVIDENCE.md."""
    head = [
        "# What each kind of evidence can see",
        "",
        "Every mistake below was planted in the NumPy reference, and every kind of evidence was asked.",
        "*Rejected*: in every layer tried. *Blind*: it passed in one at least. –: no layer in which this is a mistake.",
        "",
        "The first four are this project's rules on asymmetric draws (`comparisons/proof/measure.py`), the fifth its",
        "hand-worked vectors (`tests/vectors/vectors.json`). The last is Keras 3.15's own golden tests, their code and",
        "numbers from its wheel, run on the same mistakes: their weights are constants, so that many look right.",
        "",
        "Made by `python tests/meta/evidence.py`; a test holds it to what is computed. In float32, the better of the",
        f"two rules of `gateproof compare` measures every mistake at {power():,.0f} times what is allowed, or more.",
        "",
        "| mistake | cell | " + " | ".join(EVIDENCE) + " |",
        "|---|---|" + "---|" * len(EVIDENCE),
    ]
    body = [f"| {name} | {cell} | {' | '.join(verdicts)} |" for name, cell, verdicts in rows()]
    return "\n".join(head + body) + "\n"


def power() -> float:
    """The smallest mistake over its allowance, in float32, rounded down to a digit: machines differ a little."""
    smallest = min(
        max(ratio(rule, "float32", layer, wrong, masked) for rule in (measure.Judge.shadowed, measure.Judge.end_to_end))
        for layer, masked in LAYERS
        for _, wrong in mutants.planted(layer, masked)
    )
    magnitude = 10 ** int(np.log10(smallest))
    return smallest // magnitude * magnitude


if __name__ == "__main__":
    print(document(), end="")
