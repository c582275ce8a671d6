"""What the code says of a cell: its witnesses, options and mistakes, and what its arrays can become."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from comparisons.cell_pages import texts
from comparisons.cell_pages.counts import H
from comparisons.cell_pages.equations import EQUATIONS
from reference import steps

OURS = {"cells", "cells_tf1", "reference"}


class Witness(NamedTuple):
    name: str
    runs: str
    able: int
    of: int


class Option(NamedTuple):
    name: str
    default: Any
    does: str


class Mistakes(NamedTuple):
    """Those of the catalogue that the cases of `gateproof check` catch, and those that they do not."""

    caught: tuple[str, ...]
    missed: tuple[str, ...]


@cache
def _drawn() -> list[tuple[Any, Any]]:
    """Every case of the proof, with a layer such as it compares."""
    from comparisons.proof.cases import CASES
    from comparisons.proof.draws import layer

    return [(case, layer(case, case.features, seed=0).astype(case.dtype)) for case in CASES]


def witnesses(cell: str) -> Iterator[Witness]:
    """The live frameworks that can run a case of the cell, and how many of its cases."""
    from comparisons.frameworks import FRAMEWORKS as LIVE
    from comparisons.frameworks import load

    cases = [(case, layer) for case, layer in _drawn() if case.cell == cell]
    for name, framework in LIVE.items():
        able = 0 if name in OURS else sum(load(name).unable(case, layer) is None for case, layer in cases)
        if able:
            yield Witness(name, framework.runs, able, len(cases))


def class_of(cell: str) -> str:
    """The Keras cell of this project."""
    from reference.cell_classes import CELLS, OWN_CELLS

    return next(name for name, of in (CELLS | OWN_CELLS).items() if of == cell and name.endswith("Cell"))


def options(cell: str) -> list[Option]:
    """The arguments of the Keras cell that its equation knows, with their defaults."""
    import cells

    arguments = getattr(cells, class_of(cell)).arguments
    return [Option(name, arguments[name], does) for name, does in texts.OPTIONS.items() if name in arguments]


def activations(cell: str) -> dict[str, str]:
    """The default functions of the step, by letter."""
    letters = {"σ": "recurrent_activation", "φ": "activation", "ψ": "output_activation"}
    known = steps.options(cell)
    return {
        letter: "φ" if known[option] is None else known[option].name
        for letter, option in letters.items()
        if option in known
    }


@cache
def mistakes(cell: str) -> Mistakes:
    """Every planted mistake that applies to a form of the page or a standard set of vectors, run."""
    from comparisons.grading import catches
    from comparisons.grading.cases import cases
    from comparisons.grading.cases import cell as graded
    from comparisons.grading.vectors import SETS

    sets = [given for name, given in SETS if name == cell]
    sets += [form.options for form in EQUATIONS[cell] if form.options not in sets]
    found = [catches.planted(cases(graded(cell, **given))) for given in sets]
    missed = [name for _, left in found for name in left]
    named = dict.fromkeys(name for names, _ in found for name in names)
    return Mistakes(tuple(name for name in named if name not in missed), tuple(dict.fromkeys(missed)))


def of_the_loop(cell: str) -> list[str]:
    """The mistakes that only masks, directions and longer runs show: those of the proof's cases that are not among
    `mistakes`."""
    from comparisons.proof.mutants import planted
    from reference import Layer

    layers = [(case, layer) for case, layer in _drawn() if case.cell == cell and type(layer) is Layer]
    named = dict.fromkeys(name for case, layer in layers for name, _ in planted(layer, case.mask))
    return [name for name in named if name not in mistakes(cell).caught]


def grouped(names: tuple[str, ...]) -> dict[str, int]:
    """Mistakes of one kind under one name, with their number.

    >>> grouped(("gates in the order fi", "recurrent kernel of i transposed", "recurrent kernel of f transposed"))
    {'gates in another order': 1, 'recurrent kernel of a gate transposed': 2}
    """
    kinds: dict[str, int] = {}
    for name in names:
        kind = re.sub(r"^gates in the order .*", "gates in another order", name)
        kind = re.sub(r"^recurrent kernel of . transposed", "recurrent kernel of a gate transposed", kind)
        kinds[kind] = kinds.get(kind, 0) + 1
    return kinds


def in_arrays(cell: str) -> tuple[str, str] | None:
    """What `gateproof convert` can make of the cell's arrays: another cell and how, or "" and why not; None where the
    cell is asked for nothing, since it has forms of its own everywhere that it is known."""
    from comparisons.proof.cases import Case
    from comparisons.proof.draws import weights
    from reference.conventions.folds import NotRepresentable
    from reference.conventions.reductions import REDUCTIONS, reduced

    if cell not in REDUCTIONS:
        return None
    without = ("gate_recurrent_kernel",) if cell == "greff_lstm" else ()
    try:
        other, changes = reduced(weights(Case(cell, cell, units=H, without=without), H, seed=0))
    except NotRepresentable as reason:
        return "", str(reason)
    return other.cell, "; ".join(change.why for change in changes)
