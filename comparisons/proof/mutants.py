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

from reference import Layer, Run, Weights
from reference.gates import fuse, split
from reference.steps import module

Array = NDArray[Any]


@dataclass(frozen=True)
class Mutant:
    """A named mistake."""

    name: str
    plant: Callable[[Layer], Layer | None]
    of_masks: bool = False


def planted(layer: Layer, masked: bool) -> Iterator[tuple[str, Layer]]:
    """Every mutant that applies to this layer, and to a run with or without a mask, by name."""
    for mutant in MUTANTS:
        wrong = mutant.plant(layer) if masked or not mutant.of_masks else None
        if wrong is not None:
            yield mutant.name, wrong


# Mistakes in the weights


def permuted(order: str) -> Callable[[Layer], Layer | None]:
    """The gates of every array in another order."""

    def plant(layer: Layer) -> Layer | None:
        gates = layer.gates
        if sorted(gates) != sorted(order):
            return None
        reorder = lambda _, a: fuse([split(a, gates)[gates.index(letter)] for letter in order])
        return layer.edited(reorder)

    return plant


def _transposed(letter: str) -> Callable[[Layer], Layer | None]:
    def plant(layer: Layer) -> Layer | None:
        if letter not in layer.gates:
            return None
        parts = list(split(layer.weights.recurrent_kernel, layer.gates))
        parts[layer.gates.index(letter)] = parts[layer.gates.index(letter)].T
        return replace(layer, weights=layer.weights._replace(recurrent_kernel=fuse(parts)))

    return plant


def _reversed_units(layer: Layer) -> Layer:
    return replace(layer, weights=layer.weights._replace(recurrent_kernel=layer.weights.recurrent_kernel[::-1]))


def _forget_bias(change: float, other: float = 0.0) -> Callable[[Layer], Layer | None]:
    """Add to the stored bias of f, and to that of i."""

    def plant(layer: Layer) -> Layer | None:
        if layer.cell != "lstm" or layer.weights.bias is None:
            return None
        i, f, g, o = split(layer.weights.bias, "ifgo")
        fb = layer.options["forget_bias"] or 1.0  # what unit_forget_bias stores
        return replace(layer, weights=layer.weights._replace(bias=fuse([i + other * fb, f + change * fb, g, o])))

    return plant


def _recurrent_bias(name: str) -> Callable[[Layer], Layer | None]:
    def plant(layer: Layer) -> Layer | None:
        w = layer.weights
        if layer.cell != "gru" or w.recurrent_bias is None or w.bias is None:
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


def _step(cell: str, change: Callable[..., Any]) -> Callable[[Layer], Layer | None]:
    """Change what the right step gives: `change(before, after, gates, layer) -> state`."""

    def plant(layer: Layer) -> Layer | None:
        if layer.cell != cell:
            return None
        right = module(cell).step

        def wrong(xw: Array, before: Any, w: Weights, **options: Any) -> Any:
            after, gates = right(xw, before, w, **options)
            return change(before, after, gates, layer), gates

        return replace(layer, step=wrong)

    return plant


def _old_c(before: Any, after: Any, gates: dict[str, Array], layer: Layer) -> Any:
    return after._replace(h=gates["o"] * layer.options["activation"](before.c))


def _no_output_tanh(before: Any, after: Any, gates: dict[str, Array], layer: Layer) -> Any:
    return after._replace(h=gates["o"] * after.c)


def _tanh_left_out(layer: Layer) -> Layer | None:
    nothing = layer.options["activation"].name == "linear"
    return None if nothing else _step("lstm", _no_output_tanh)(layer)


def _no_forget(before: Any, after: Any, gates: dict[str, Array], layer: Layer) -> Any:
    c = before.c + gates["i"] * gates["g"]
    return after._replace(c=c, h=gates["o"] * layer.options["activation"](c))


def _states_swapped(before: Any, after: Any, gates: dict[str, Array], layer: Layer) -> Any:
    return type(after)(h=after.c, c=after.h)


def _polarity(before: Any, after: Any, gates: dict[str, Array], layer: Layer) -> Any:
    return after._replace(h=(1 - gates["z"]) * before.h + gates["z"] * gates["n"])


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
    *(
        Mutant(f"gates in the order {''.join(order)}", permuted("".join(order)))
        for gates in ("ifgo", "zrn")
        for order in list(permutations(gates))[1:]
    ),
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
    Mutant("update gate's polarity", _step("gru", _polarity)),
    Mutant("h from the old c", _step("lstm", _old_c)),
    Mutant("tanh of c left out", _tanh_left_out),
    Mutant("no forget gate", _step("lstm", _no_forget)),
    Mutant("(c, h) for (h, c)", _step("lstm", _states_swapped)),
    Mutant("state dropped half way", lambda layer: _as(_StateDropped, layer)),
    Mutant("mask zeroes the state", lambda layer: _as(_ZeroedByMask, layer), of_masks=True),
    Mutant("masked outputs zeroed", lambda layer: replace(layer, zero_output_for_mask=True), of_masks=True),
    Mutant("direction ignored", _directed(lambda layer: replace(layer, go_backwards=False))),
    Mutant("outputs reversed back", _directed(lambda layer: _as(_OutputsFlipped, layer))),
)
