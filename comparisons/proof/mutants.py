"""Planted mistakes: every layer here is wrong, and a check that passes one of them proves nothing.

A mutant turns a right layer into a wrong one, or into None where the mistake is none for that layer (Keras 2's hard
sigmoid in a cell that uses neither). They are the mistakes of the field: porting code, papers and exporters make them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comparisons.proof import wrapped_mutants
from reference import Bidirectional, Layer, Run, Stack, Wrapped
from reference.activations import LINEAR
from reference.gates import affine, clip, fuse, split
from reference.layer import AnyLayer
from reference.steps import module, shapes

Array = NDArray[Any]


@dataclass(frozen=True)
class Mutant:
    """A named mistake."""

    name: str
    plant: Callable[[Layer], Layer | None]
    of_masks: bool = False


def planted(layer: AnyLayer | Wrapped, masked: bool) -> Iterator[tuple[str, Any]]:
    """Every mutant that applies to this layer, and to a run with or without a mask, by name; of layers on one another
    or in two directions, in the first; of a wrapped layer, those of the wrappers and those of the layer's step."""
    if isinstance(layer, Wrapped):
        yield from wrapped_mutants.planted(layer)
        for name, wrong in planted(layer.innermost, masked):
            if type(wrong) is Layer:  # else the mistake is in the layer's own loop, which does not run
                yield name, layer.around(wrong)
    elif isinstance(layer, Stack):
        yield from wrapped_mutants.exchanged(layer)
        for name, wrong in planted(layer.layers[0], masked):
            yield name, replace(layer, layers=(wrong, *layer.layers[1:]))
        for name, wrong in planted(layer.layers[-1], masked):
            yield f"{name}, in the last layer", replace(layer, layers=(*layer.layers[:-1], wrong))
    elif isinstance(layer, Bidirectional):
        for name, wrong in planted(layer.forward, masked):
            yield name, replace(layer, forward=wrong)
        forward, backward = layer.forward, layer.backward
        yield (
            "directions exchanged",
            replace(layer, forward=replace(backward, go_backwards=False), backward=replace(forward, go_backwards=True)),
        )
        for mode in {"sum", "mul", "ave"} - {layer.merge_mode}:
            if layer.merge_mode != "concat":
                yield f"directions merged by {mode}", replace(layer, merge_mode=mode)
    else:
        for mutant in (*permutations_of(layer), *MUTANTS):
            wrong = mutant.plant(layer) if masked or not mutant.of_masks else None
            if wrong is not None:
                yield mutant.name, wrong


# Mistakes in the weights


def permutations_of(layer: Layer) -> list[Mutant]:
    """The gates in every other order that their widths allow."""
    gates, widths = layer.gates, layer.widths
    orders = ("".join(order) for order in permutations(gates))
    same = lambda order: [widths[a] for a in order] == [widths[a] for a in gates]
    moved = lambda order: any(a != b and widths[a] for a, b in zip(order, gates, strict=True))
    return [Mutant(f"gates in the order {order}", permuted(order)) for order in orders if same(order) and moved(order)]


def permuted(order: str) -> Callable[[Layer], Layer | None]:
    """The gates of every array in another order."""

    def plant(layer: Layer) -> Layer | None:
        gates, specs = layer.gates, shapes(layer.cell)
        if sorted(gates) != sorted(order) or not specs["kernel"].endswith("C"):
            return None

        def reorder(name: str, a: Array) -> Array:
            if not specs[name].endswith("C"):
                return a
            parts = dict(zip(gates, split(a, gates, layer.widths), strict=True))
            return fuse([parts[letter] for letter in order])

        return layer.edited(reorder)

    return plant


def _transposed(letter: str) -> Callable[[Layer], Layer | None]:
    def plant(layer: Layer) -> Layer | None:
        square = layer.widths.get(letter) == layer.recurrent_dim > 1
        if not square or shapes(layer.cell)["recurrent_kernel"] != "R C":
            return None
        parts = dict(zip(layer.gates, split(layer.weights.recurrent_kernel, layer.gates, layer.widths), strict=True))
        kernel = fuse([part.T if gate == letter else part for gate, part in parts.items()])
        return replace(layer, weights=layer.weights._replace(recurrent_kernel=kernel))

    return plant


def _reversed_units(layer: Layer) -> Layer:
    return replace(layer, weights=layer.weights._replace(recurrent_kernel=layer.weights.recurrent_kernel[::-1]))


def _array(name: str, change: Callable[[Array], Array]) -> Callable[[Layer], Layer | None]:
    """Change one of a cell's own arrays, where it has it."""

    def plant(layer: Layer) -> Layer | None:
        if getattr(layer.weights, name, None) is None:
            return None
        return layer.edited(lambda other, a: change(a) if other == name else a)

    return plant


def _forget_bias(change: float, other: float = 0.0) -> Callable[[Layer], Layer | None]:
    """Add to the stored bias of f, and to that of i."""

    def plant(layer: Layer) -> Layer | None:
        widths, bias = layer.widths, layer.weights.bias
        added = layer.options.get("forget_bias", 0)
        if bias is None or not (widths.get("f") == widths.get("i") == layer.units and (added or layer.cell == "lstm")):
            return None
        i, f, g, o = split(bias, "ifgo")
        fb = added or 1.0  # what unit_forget_bias stores
        return replace(layer, weights=layer.weights._replace(bias=fuse([i + other * fb, f + change * fb, g, o])))

    return plant


def _recurrent_bias(name: str) -> Callable[[Layer], Layer | None]:
    def plant(layer: Layer) -> Layer | None:
        w = layer.weights
        if layer.cell != "gru" or w.recurrent_bias is None or w.bias is None:
            return None
        if not layer.options["reset_after"] and name != "dropped":  # then d is only added to b
            return None
        (b_z, b_r, b_n), (d_z, d_r, d_n) = split(w.bias, "zrn"), split(w.recurrent_bias, "zrn")
        none = np.zeros_like(d_n)
        bias, recurrent = {
            "dropped": ([b_z, b_r, b_n], [d_z, d_r, none]),
            "outside r": ([b_z, b_r, b_n + d_n], [d_z, d_r, none]),
            "merged": ([b_z + d_z, b_r + d_r, b_n + d_n], [none, none, none]),
        }[name]
        return replace(layer, weights=w._replace(bias=fuse(bias), recurrent_bias=fuse(recurrent)))

    return plant


def _no_bias(layer: Layer) -> Layer | None:
    if layer.weights.bias is None:
        return None
    return replace(layer, weights=layer.weights._replace(bias=None, recurrent_bias=None))


# Mistakes in the options


def _swapped_activation(option: str, before: str, after: str) -> Callable[[Layer], Layer | None]:
    def plant(layer: Layer) -> Layer | None:
        activation = layer.options.get(option)
        if activation is None or activation.name != before:
            return None
        return replace(layer, options={**layer.options, option: after})

    return plant


def _other_reset(layer: Layer) -> Layer | None:
    if layer.cell != "gru":
        return None
    return replace(layer, options={**layer.options, "reset_after": not layer.options["reset_after"]})


# Mistakes in the step


def _step(of: Callable[[Layer], bool], change: Callable[..., Any]) -> Callable[[Layer], Layer | None]:
    """Change what the right step gives: `change(before, after, gates, layer) -> state`."""

    def plant(layer: Layer) -> Layer | None:
        if not of(layer):
            return None
        right = module(layer.cell).step

        def wrong(xw: Array, before: Any, w: Any, **options: Any) -> Any:
            after, gates = right(xw, before, w, **options)
            return change(before, after, gates, layer), gates

        return replace(layer, step=wrong)

    return plant


def _is(*cells: str, **has: Any) -> Callable[[Layer], bool]:
    """Whether a layer is of one of these cells, and has these arrays or options."""

    def check(layer: Layer) -> bool:
        found = {name: getattr(layer.weights, name, layer.options.get(name)) for name in has}
        return layer.cell in cells and all((found[name] is not None) == wanted for name, wanted in has.items())

    return check


# Cells whose h is o · ψ(c), and those whose new state is a mean of the old one and the candidate n.
CELLED = ("lstm", "lstm_1997", "peephole_lstm", "cifg")
MEANS = ("gru", "mgu", "ugrnn", "mut1", "mut2", "mut3")


def _squash(layer: Layer) -> Any:
    return layer.options.get("output_activation") or layer.options["activation"]


def _output(layer: Layer, o: Array, c: Array, squash: Any = None) -> Array:
    """h of a cell, from its output gate and c."""
    h = o * (squash or _squash(layer))(c)
    projection = getattr(layer.weights, "projection", None)
    return h if projection is None else clip(affine(h, projection, None), layer.options["proj_clip"])


def _old_c(before: Any, after: Any, gates: dict[str, Array], layer: Layer) -> Any:
    return after._replace(h=_output(layer, gates["o"], before.c))


def _no_output_tanh(before: Any, after: Any, gates: dict[str, Array], layer: Layer) -> Any:
    return after._replace(h=_output(layer, gates["o"], after.c, LINEAR))


def _no_forget(before: Any, after: Any, gates: dict[str, Array], layer: Layer) -> Any:
    c = clip(before.c + gates["i"] * gates["g"], layer.options.get("cell_clip"))
    return after._replace(c=c, h=_output(layer, gates["o"], c))


def _clip_too_late(before: Any, after: Any, gates: dict[str, Array], layer: Layer) -> Any:
    c = gates["f"] * before.c + gates["i"] * gates["g"]
    return after._replace(h=_output(layer, gates["o"], c))


def _clip_unseen(before: Any, after: Any, gates: dict[str, Array], layer: Layer) -> Any:
    return after._replace(c=gates["f"] * before.c + gates["i"] * gates["g"])


def _projected_first(before: Any, after: Any, gates: dict[str, Array], layer: Layer) -> Any:
    projected = affine(_squash(layer)(after.c), layer.weights.projection, None)
    return after._replace(h=clip(gates["o"][:, : layer.recurrent_dim] * projected, layer.options["proj_clip"]))


def _blocks_interleaved(before: Any, after: Any, gates: dict[str, Array], layer: Layer) -> Any:
    S = layer.options["cells_per_block"]
    i, f, o = (np.tile(gates[letter][:, ::S], (1, S)) for letter in "ifo")
    c = f * before.c + i * gates["g"]
    return after._replace(c=c, h=_output(layer, o, c))


def _states_swapped(before: Any, after: Any, gates: dict[str, Array], layer: Layer) -> Any:
    return type(after)(h=after.c, c=after.h)


def _polarity(before: Any, after: Any, gates: dict[str, Array], layer: Layer) -> Any:
    return after._replace(h=before.h + gates["n"] - after.h)


def _peephole_at(of: str) -> Callable[[Layer], Layer | None]:
    """A peephole that looks at c of the other moment: o at the old one, i and f at the new one."""

    def plant(layer: Layer) -> Layer | None:
        if not _is("peephole_lstm", peephole=True)(layer):
            return None
        right = module(layer.cell).step

        def wrong(xw: Array, before: Any, w: Any, **options: Any) -> Any:
            after, gates = right(xw, before, w, **options)
            a = dict(
                zip("ifgo", split(xw + affine(before.h, w.recurrent_kernel, w.recurrent_bias), "ifgo"), strict=True)
            )
            p = dict(zip("ifo", split(w.peephole, "ifo"), strict=True))
            seen = before.c if of == "o" else after.c
            σ, added = options["recurrent_activation"], {"f": options["forget_bias"]}
            gates = {**gates, **{g: σ(a[g] + p[g] * seen + added.get(g, 0)) for g in of}}
            c = clip(gates["f"] * before.c + gates["i"] * gates["g"], options["cell_clip"])
            return after._replace(c=c, h=_output(layer, gates["o"], c)), gates

        return replace(layer, step=wrong)

    return plant


def _option(name: str, change: Callable[[Any], Any]) -> Callable[[Layer], Layer | None]:
    """Another value of an option that has one; None from `change`: no mistake."""

    def plant(layer: Layer) -> Layer | None:
        if layer.options.get(name) is None or (other := change(layer.options[name])) is None:
            return None
        return replace(layer, options={**layer.options, name: other[0]})

    return plant


def _pieces(count: int, *order: int) -> Callable[[Array], Array]:
    """A vector's pieces in another order."""
    return lambda a: np.concatenate([np.split(a, count)[k] for k in order]) if len(a) % count == 0 else a[::-1]


# Mistakes in the loop


class _ZeroedByMask(Layer):
    """A masked step zeroes the state instead of holding it."""

    def run(self, x: Any, initial_state: Any = None, mask: Any = None) -> Run:
        forwards = replace(_as(Layer, self), go_backwards=False)
        x, mask = (x[:, ::-1], mask[:, ::-1]) if self.go_backwards else (x, mask)
        runs, state = [], initial_state
        for t in range(x.shape[1]):
            runs.append(forwards.run(x[:, t : t + 1], state))
            seen = mask[:, t, None]
            state = type(runs[-1].state)(*(np.where(seen, s, 0) for s in runs[-1].state))
            runs[-1] = replace(
                runs[-1], outputs=np.where(seen, runs[-1].outputs[:, 0], 0)[:, None], states=[s[:, None] for s in state]
            )
        joined = lambda parts: np.concatenate(list(parts), axis=1)
        outputs = joined(run.outputs for run in runs)
        states = type(state)(*(joined(run.states[k] for run in runs) for k in range(len(state))))
        return Run(outputs, outputs, state, states, {g: joined(run.gates[g] for run in runs) for g in self.gates})


class _OutputsFlipped(Layer):
    """A backward run gives its outputs in input order, as though it were reversed back."""

    def run(self, x: Any, initial_state: Any = None, mask: Any = None) -> Run:
        run = super().run(x, initial_state, mask)
        flip = lambda a: a[:, ::-1]
        gates = {letter: flip(a) for letter, a in run.gates.items()}
        return Run(flip(run.outputs), flip(run.result), run.state, type(run.states)(*map(flip, run.states)), gates)


class _StateDropped(Layer):
    """The state is not carried from the first half of the sequence to the second: a stateful layer that forgets."""

    def run(self, x: Any, initial_state: Any = None, mask: Any = None) -> Run:
        once, half = super().run, x.shape[1] // 2
        halves = ((slice(None, half), initial_state), (slice(half, None), None))
        runs = [once(x[:, cut], state, None if mask is None else mask[:, cut]) for cut, state in halves]
        joined = lambda parts: np.concatenate(list(parts), axis=1)
        outputs = joined(run.outputs for run in runs)
        states = type(runs[1].states)(*map(joined, zip(*(run.states for run in runs), strict=True)))
        return Run(
            outputs, outputs, runs[1].state, states, {g: joined(run.gates[g] for run in runs) for g in self.gates}
        )


def _as(kind: type[Layer], layer: Layer) -> Layer:
    return kind(**{name: getattr(layer, name) for name in layer.__dataclass_fields__})


def _directed(plant: Callable[[Layer], Layer]) -> Callable[[Layer], Layer | None]:
    return lambda layer: plant(layer) if layer.go_backwards else None


MUTANTS: tuple[Mutant, ...] = (
    *(Mutant(f"recurrent kernel of {letter} transposed", _transposed(letter)) for letter in "ifgozrnh"),
    Mutant("units reversed", _reversed_units),
    Mutant("biases dropped", _no_bias),
    Mutant("forget bias dropped", _forget_bias(-1.0)),
    Mutant("forget bias doubled", _forget_bias(+1.0)),
    Mutant("forget bias on the input gate", _forget_bias(-1.0, +1.0)),
    Mutant("candidate's recurrent bias dropped", _recurrent_bias("dropped")),
    Mutant("candidate's recurrent bias outside r", _recurrent_bias("outside r")),
    Mutant("two biases merged", _recurrent_bias("merged")),
    *(
        Mutant(f"{after} for {before}", _swapped_activation("recurrent_activation", before, after))
        for before, after in permutations(("sigmoid", "hard_sigmoid_keras2", "hard_sigmoid_keras3"), 2)
    ),
    Mutant("candidate's tanh left out", _swapped_activation("activation", "tanh", "linear")),
    Mutant("candidate's relu left out", _swapped_activation("activation", "relu", "linear")),
    Mutant("reset before for after, or after for before", _other_reset),
    Mutant("update gate's polarity", _step(_is(*MEANS), _polarity)),
    Mutant("h from the old c", _step(_is(*CELLED), _old_c)),
    Mutant(
        "tanh of c left out",
        _step(lambda layer: layer.cell in CELLED and _squash(layer).name != "linear", _no_output_tanh),
    ),
    Mutant("no forget gate", _step(_is("lstm", "peephole_lstm", "cifg"), _no_forget)),
    Mutant(
        "(c, h) for (h, c)",
        _step(lambda layer: layer.cell in CELLED and layer.recurrent_dim == layer.units, _states_swapped),
    ),
    Mutant("the other gate coupled", _option("coupled", lambda letter: ("f" if letter == "i" else "i",))),
    Mutant("candidate's squashing for the output's", _option("output_activation", lambda _: (None,))),
    Mutant(
        "gates of a block interleaved",
        _step(lambda layer: layer.options.get("cells_per_block", 1) > 1, _blocks_interleaved),
    ),
    Mutant("cell clip left out", _option("cell_clip", lambda _: (None,))),
    Mutant("cell clipped after the output", _step(_is("peephole_lstm", cell_clip=True), _clip_too_late)),
    Mutant("clipped cell not stored", _step(_is("peephole_lstm", cell_clip=True), _clip_unseen)),
    Mutant("projection's clip left out", _option("proj_clip", lambda _: (None,))),
    Mutant("projection before the output gate", _step(_is("peephole_lstm", projection=True), _projected_first)),
    Mutant("peepholes dropped", _array("peephole", np.zeros_like)),
    Mutant("peepholes of two gates exchanged", _array("peephole", _pieces(3, 1, 0, 2))),
    Mutant("peepholes' units reversed", _array("peephole", lambda a: a[::-1])),
    Mutant("output gate's peephole at the old c", _peephole_at("o")),
    Mutant("peepholes of i and f at the new c", _peephole_at("if")),
    Mutant("output's kernel reversed", _array("output_kernel", lambda a: a[::-1])),
    Mutant("output's bias dropped", _array("output_bias", np.zeros_like)),
    Mutant("gates' own recurrence dropped", _array("gate_recurrent_kernel", np.zeros_like)),
    Mutant("gates' own recurrence transposed", _array("gate_recurrent_kernel", np.transpose)),
    *(
        Mutant(f"{name} dropped", _array(name, np.ones_like if "gamma" in name else np.zeros_like))
        for name in (
            *("gamma", "beta", "state_gamma", "state_beta"),
            *("kernel_gamma", "kernel_beta", "recurrent_gamma", "recurrent_beta"),
        )
    ),
    Mutant("state dropped half way", lambda layer: _as(_StateDropped, layer)),
    Mutant("mask zeroes the state", lambda layer: _as(_ZeroedByMask, layer), of_masks=True),
    Mutant("masked outputs zeroed", lambda layer: replace(layer, zero_output_for_mask=True), of_masks=True),
    Mutant("direction ignored", _directed(lambda layer: replace(layer, go_backwards=False))),
    Mutant("outputs reversed back", _directed(lambda layer: _as(_OutputsFlipped, layer))),
)
