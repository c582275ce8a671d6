"""What a conversion from one framework to another can promise, found by running it.

*Bit-exact*: arrays are permuted, transposed, negated, joined by zeros; the way back returns the same bits. *Exact in
real arithmetic*: something was folded, and the equations hold without rounding; that is proved on rationals, with no
tolerance. *One-way*: nothing is lost, but not every layer of the target's form comes from such a source. *Impossible*:
with the distance between the layer and the nearest that the target could hold, found by running both; where it has
nothing of the kind, an absence, and no counterexample.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from reference import activations
from reference.activations import Activation
from reference.conventions.assembling import forms, known
from reference.conventions.folds import EXCHANGED, NEGATED, ZEROS, Change, NotRepresentable
from reference.conventions.frameworks import FRAMEWORKS
from reference.conventions.leaves import Packed
from reference.conventions.packing import pack
from reference.conventions.reductions import restored
from reference.conventions.sampled import FORMS, drawn
from reference.conventions.unpacking import unpack
from reference.layer import AnyLayer, Layer
from reference.steps import Array

BIT_EXACT, REAL, ONE_WAY, IMPOSSIBLE = "bit-exact", "exact in real arithmetic", "one-way", "impossible"
KINDS = (BIT_EXACT, REAL, ONE_WAY, IMPOSSIBLE)
STEPS = 3


# What may stand in for a function where only rationals are computed; the same on both sides of a conversion, and as
# symmetric as the function: no rewriting here uses more of it.
def _hard(slope: int) -> Activation:
    return Activation("hard_sigmoid", activations.hard_sigmoid, {"slope": Fraction(1, slope), "offset": Fraction(1, 2)})  # type: ignore[dict-item]


RATIONAL = {
    "sigmoid": _hard(4),
    "hard_sigmoid_keras2": _hard(5),
    "hard_sigmoid_keras3": _hard(6),
    "tanh": activations.get("linear"),
}


@dataclass(frozen=True)
class Verdict:
    """What a conversion promises; `distance`, in float64, is between the layer and the nearest that there is for it."""

    source: str
    target: str
    form: str
    kind: str
    changes: tuple[Change, ...] = ()
    reason: str = ""
    distance: float | None = None
    proved: bool = False  # equal on rationals, with no tolerance

    @property
    def absent(self) -> bool:
        """Whether the target has nothing of the kind, so that no counterexample was run."""
        return self.kind == IMPOSSIBLE and self.distance is None

    @property
    def keeps_training(self) -> bool:
        """Equal outputs do not mean equal training: what was folded is another parametrisation."""
        return all(change in (NEGATED, EXCHANGED) for change in self.changes) and self.kind != IMPOSSIBLE

    def __str__(self) -> str:
        done = "; ".join(f"{change.name}: {change.why}" for change in self.changes) or self.reason
        training = "" if self.keeps_training or self.kind == IMPOSSIBLE else " (equal outputs, not equal training)"
        return f"{self.kind}{training}{f': {done}' if done else ''}"


def verdict(source: str, target: str, form: str) -> Verdict | None:
    """Judge a conversion of a key of `FORMS`; None where the source has no such form.

    Raises ValueError for an unknown framework or form.
    """
    if form not in FORMS:
        raise ValueError(f"form must be one of {', '.join(FORMS)}, got {form!r}")
    known(target)
    native = sample(source, form)
    return None if native is None else _judged(source, target, form, *native)


def _judged(source: str, target: str, form: str, packed: Packed, layer: Layer) -> Verdict:
    try:
        there = pack(layer, target)
    except NotRepresentable as impossible:
        near = nearest(impossible, target)
        distance = None if near is None else apart(layer, near)
        return Verdict(source, target, form, IMPOSSIBLE, reason=str(impossible), distance=distance)
    kind = kind_of(packed, layer, there)
    proved = equal_on_rationals(layer, target)
    return Verdict(source, target, form, kind, there.changes, "", apart(layer, back(there)), proved)


NEARER = 6  # as many steps as there are things to leave out; some lead back


def nearest(impossible: NotRepresentable, target: str) -> Layer | None:
    """The nearest that a framework holds: of what is near and has no form there either, the nearest again."""
    layer = impossible.nearest
    for _ in range(NEARER):
        if layer is None:
            return None
        try:
            pack(layer, target)
        except NotRepresentable as again:
            layer = again.nearest
        else:
            return layer
    return None


def kind_of(before: Packed, layer: AnyLayer, there: Packed) -> str:
    """What a conversion that was made promises: from the arrays `before`, of `layer`, to those that are `there`."""
    try:
        others = pack(_as_before(back(randomised(there, 3)), layer), before.framework)
        if others.form != before.form or others.arrays.keys() != before.arrays.keys():
            return ONE_WAY
    except NotRepresentable:
        return ONE_WAY
    exact = all(change.bits for change in there.changes)
    same = exact and same_bits(pack(_as_before(back(there), layer), before.framework), before)
    return BIT_EXACT if same else REAL


def matrix(names: tuple[str, ...] = tuple(FRAMEWORKS), keys: tuple[str, ...] = tuple(FORMS)) -> list[Verdict]:
    """Every conversion of every form that the source has."""
    sampled = ((a, form, sample(a, form)) for form in keys for a in names)
    return [_judged(a, b, form, *native) for a, form, native in sampled if native is not None for b in names]


def sample(framework: str, form: str) -> tuple[Packed, Layer] | None:
    """Arrays of a framework's own in a form, asymmetric, and their layer; None where it has no such form."""
    shape = FORMS[form]
    try:
        packed = pack(drawn(shape), framework)
    except NotRepresentable:
        return None
    own = forms(known(framework), packed.cell)[packed.form].own
    if {*packed.changes} - {NEGATED, *(() if shape.whole else (ZEROS,))} or (own and shape.cell == "lstm"):
        return None
    packed = randomised(packed, 1)
    layer = back(packed)
    return (packed, layer) if isinstance(layer, Layer) else None


def randomised(packed: Packed, seed: int) -> Packed:
    """The same arrays with other numbers, but that what is never read stays zero."""
    rng = np.random.default_rng(seed)
    read = {name: np.ones(a.shape, bool) for name, a in packed.arrays.items()}
    zeros = forms(known(packed.framework), packed.cell)[packed.form].zeros
    if packed.framework == "onnx" and packed.form == "cifg":
        for name, mask in read.items():
            blocks = mask.reshape(len(mask), {"P": 3, "B": 8}.get(name, 4), -1)
            blocks[:, 2::4] = False
    draw = lambda name, a: np.where(read[name] & (name not in zeros), rng.integers(-32, 33, a.shape) / 64, 0.0)
    return replace(packed, arrays={name: draw(name, a) for name, a in packed.arrays.items()})


def back(packed: Packed) -> AnyLayer:
    """The layer of what was packed."""
    return unpack(packed.framework, packed.cell, packed.arrays, **packed.options)


def same_bits(a: Packed, b: Packed) -> bool:
    """Whether the arrays are the same, bit for bit."""
    mine, other = a.arrays, b.arrays
    return mine.keys() == other.keys() and all(
        mine[k].tobytes() == np.ascontiguousarray(other[k]).tobytes() for k in mine
    )


def apart(a: Layer, b: AnyLayer) -> float:
    """The largest distance of outputs on a draw, in float64."""
    x = np.random.default_rng(2).normal(size=(2, 8, a.input_dim))
    return float(np.abs(a.run(x).outputs - b.run(x).outputs).max())


def _as_before(arrived: AnyLayer, layer: AnyLayer) -> AnyLayer:
    both = isinstance(arrived, Layer) and isinstance(layer, Layer)
    return restored(arrived, layer) if both else arrived  # type: ignore[arg-type]


def equal_on_rationals(layer: Layer, target: str) -> bool:
    """Whether the packed layer computes the same rational numbers, outputs and state: with no tolerance."""
    exact = layer.edited(lambda _, a: np.vectorize(Fraction, otypes=[object])(a))
    x = np.vectorize(Fraction, otypes=[object])(np.random.default_rng(4).integers(-8, 9, (1, STEPS, layer.input_dim)))
    arrived = back(pack(exact, target))
    assert isinstance(arrived, Layer)
    if _same(exact, arrived):
        return True
    runs = [_rational(one).run(x) for one in (exact, arrived)]
    numbers: Callable[[Any], list[Array]] = lambda run: [run.outputs, *run.state]
    shared = zip(*map(numbers, runs), strict=False)  # a variant's state has gates behind h and c
    return all(bool(np.all(a == b)) for a, b in shared)


def _same(a: Layer, b: Layer) -> bool:
    """Whether it is the same step with the same options on the same numbers, which needs no arithmetic to be equal."""
    equal = lambda x, y: x is y if x is None or y is None else np.array_equal(x, y)
    return a.cell == b.cell and a.options == b.options and all(map(equal, a.weights, b.weights))


def _rational(layer: Layer) -> Layer:
    def option(value: Any) -> Any:
        if isinstance(value, Activation):
            return RATIONAL.get(value.name, value)
        return Fraction(value) if isinstance(value, float) else value

    return replace(layer, options={name: option(value) for name, value in layer.options.items()})
