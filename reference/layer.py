"""Layer: a cell, its weights, its options and its direction. Stack and Bidirectional are made of layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, TypeAlias, Unpack

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from reference import activations, gradients
from reference.gradients import Gradients, Options
from reference.steps import Array, Step, edited, module, options, project, shape, shapes, weights_type, widths
from reference.unroll import unroll

DIRECTIONS = ("forward", "reverse")


class Directions(NamedTuple):
    """One value a direction."""

    forward: Any
    backward: Any


@dataclass(frozen=True, eq=False)
class Run:
    """What a run gave. Times run in processing order, except in the outputs of a Bidirectional.

    A Stack has a tuple, one entry a layer, and a Bidirectional a `(forward, backward)` in `state`, `states`, `gates`.
    """

    outputs: Any  # (B, T, H), as the source framework returns them; a pair if merge_mode is None
    result: Any  # what the layer itself would return: `outputs`, or the last of them (B, H)
    state: Any  # the last state: a NamedTuple of fields (B, H)
    states: Any  # the same fields over time, (B, T, H)
    gates: Any  # {letter: (B, T, H)}, activated
    given: Any = field(default=None, repr=False)  # of a Layer, what it ran on; of others, the runs of their layers


@dataclass(frozen=True, eq=False)
class Layer:
    """One recurrent layer.

    `options` are those of the cell's step (`reference.steps`); activations may be given by name. The precision of a run
    is that of the weights' dtype with the input's.

    Raises ValueError where the shapes do not fit one another or an option is not the cell's.
    """

    cell: str
    weights: Any = field(repr=False)  # the cell's own NamedTuple: Weights, and what the cell adds
    options: dict[str, Any] = field(default_factory=dict)
    go_backwards: bool = False  # outputs stay in processing order, as Keras returns them
    direction: str = "forward"  # "reverse": outputs in input order, as ONNX returns them
    return_sequences: bool = True
    zero_output_for_mask: bool = False
    stateful: bool = False  # the source framework carries the state from batch to batch; a run here starts as told
    source: str = ""  # the file and the place in it, where the layer came from one
    step: Step | None = field(default=None, repr=False)  # None: the cell's own

    def __post_init__(self) -> None:
        known = options(self.cell)
        for name in self.options:
            if name not in known:
                raise ValueError(f"option of {self.cell} must be one of {', '.join(known)}, got {name!r}")
        if self.direction not in DIRECTIONS:
            raise ValueError(f"direction must be {' or '.join(DIRECTIONS)}, got {self.direction!r}")
        resolved = {
            name: activations.get(value) if name.endswith("activation") and not value is known[name] is None else value
            for name, value in {**known, **self.options}.items()
        }
        object.__setattr__(self, "options", resolved)
        given = weights_type(self.cell)(*self.weights)
        object.__setattr__(self, "weights", edited(given, lambda _, a: np.asarray(a)))
        letters = {"X": self.input_dim, "H": self.units, "R": self.recurrent_dim, "C": sum(self.widths.values())}
        for name, spec in shapes(self.cell).items():
            array, expected = getattr(self.weights, name), shape(spec, **letters)
            if array is not None and array.shape != expected:
                raise ValueError(
                    f"{name} of a {self.cell} of {self.units} units must have shape {expected}, got {array.shape}"
                )

    @property
    def gates(self) -> str:
        """The gates' letters, in canonical order."""
        return module(self.cell).gates

    @property
    def widths(self) -> dict[str, int]:
        """The columns that each gate has in the kernels."""
        return widths(self.cell, self.units, self.options)

    @property
    def units(self) -> int:
        narrowing = [getattr(self.weights, name) for name, spec in shapes(self.cell).items() if spec == "H R"]
        return next((a.shape[0] for a in narrowing if a is not None), self.recurrent_dim)

    @property
    def recurrent_dim(self) -> int:
        """The width of what the recurrence carries, and of the outputs: `units`, or less where they are projected."""
        return self.weights.recurrent_kernel.shape[0]

    @property
    def input_dim(self) -> int:
        return self.weights.kernel.shape[0]

    def edited(self, edit: Callable[[str, Array], Array]) -> Layer:
        """The same layer with every array passed through `edit(name, array)`."""
        return replace(self, weights=edited(self.weights, edit))

    def astype(self, dtype: DTypeLike) -> Layer:
        """The same layer with its weights in another dtype; `astype("float64")` is the oracle."""
        return self.edited(lambda _, a: a.astype(dtype))

    def run(self, x: ArrayLike, initial_state: Any = None, mask: ArrayLike | None = None) -> Run:
        """Run over `x (B, T, X)`. Inference: dropout is ignored.

        `initial_state` is a tuple of the state's fields `(B, H)` (zeros unless given, for stateful layers too);
        `mask (B, T)` is True where a step counts.

        Raises ValueError where a shape does not fit.
        """
        w = self.weights
        x = np.asarray(x)
        if x.ndim != 3 or x.shape[-1] != self.input_dim:
            raise ValueError(f"inputs must have shape (batch, time, {self.input_dim}), got {x.shape}")
        dtype = w.kernel.dtype if x.dtype.kind in "biu" else np.result_type(x, w.kernel)
        x = x.astype(dtype)
        mask = _mask(mask, x.shape[:2])
        if self.go_backwards != (self.direction == "reverse"):
            x, mask = x[:, ::-1], None if mask is None else mask[:, ::-1]
        given = gradients.Given(x, self._state(initial_state, len(x), dtype), mask)
        done = unroll(
            self.step or module(self.cell).step,
            project(self.cell)(gradients.time_first(x), w),
            given.initial_state,
            w,
            None if mask is None else mask.T,
            dict.fromkeys(self.gates, self.units),
            self.options,
            zero_output_for_mask=self.zero_output_for_mask,
        )
        outputs = done.outputs.swapaxes(0, 1)
        result = _result(outputs, self.return_sequences)
        if self.direction == "reverse":
            outputs, result = outputs[:, ::-1], result[:, ::-1] if self.return_sequences else result
        states = done.states._make(a.swapaxes(0, 1) for a in done.states)
        gates = {letter: a.swapaxes(0, 1) for letter, a in done.gates.items()}
        return Run(outputs, result, done.state, states, gates, given)

    def backprop(self, run: Run, d_outputs: ArrayLike, d_state: Any = None, **options: Unpack[Options]) -> Gradients:
        """The gradients of a loss, from those with respect to `run.result` and, if given, `run.state`.

        `run` is what `self.run` gave. The inputs' gradient is in input order; that of the weights has their fields.
        `options`: `reference.gradients.Options`.

        Raises ValueError where a shape does not fit, an activation has no known derivative, or the step is not the
        cell's own.
        """
        return gradients.of_result(self, run, d_outputs, d_state, options)

    def _state(self, given: Any, batch: int, dtype: DTypeLike) -> Any:
        State = module(self.cell).State
        shapes = [(batch, self.recurrent_dim)] + [(batch, self.units)] * (len(State._fields) - 1)
        if given is None:
            return State(*(np.zeros(shape, dtype) for shape in shapes))
        fields = [given] if hasattr(given, "shape") and len(State._fields) == 1 else list(given)
        arrays = [np.asarray(value).astype(dtype) for value in fields]
        if [a.shape for a in arrays] != shapes:
            names, got = ", ".join(State._fields), [a.shape for a in arrays]
            raise ValueError(f"initial_state of a {self.cell} must be ({names}) of shapes {shapes}, got {got}")
        return State(*arrays)


@dataclass(frozen=True, eq=False)
class Stack:
    """Layers on top of one another: each one's outputs are the next one's inputs."""

    layers: tuple[AnyLayer, ...]
    go_backwards: bool = False
    return_sequences: bool = True
    source: str = ""

    @property
    def stateful(self) -> bool:
        return any(layer.stateful for layer in self.layers)

    def astype(self, dtype: DTypeLike) -> Stack:
        """The same stack with its weights in another dtype."""
        return replace(self, layers=tuple(layer.astype(dtype) for layer in self.layers))

    def run(self, x: ArrayLike, initial_state: Any = None, mask: ArrayLike | None = None) -> Run:
        """Run over `x (B, T, X)`; `initial_state` has one entry a layer.

        Raises ValueError where a shape does not fit.
        """
        states = [None] * len(self.layers) if initial_state is None else list(initial_state)
        if len(states) != len(self.layers):
            raise ValueError(f"initial_state must have one entry a layer ({len(self.layers)}), got {len(states)}")
        x = np.asarray(x)
        if x.ndim != 3:
            raise ValueError(f"inputs must have shape (batch, time, features), got {x.shape}")
        mask = _mask(mask, x.shape[:2])
        if self.go_backwards:
            x, mask = x[:, ::-1], None if mask is None else mask[:, ::-1]
        runs: list[Run] = []
        for layer, state in zip(self.layers, states, strict=True):
            runs.append(layer.run(runs[-1].outputs if runs else x, state, mask))
        outputs = runs[-1].outputs
        traced = (tuple(getattr(run, name) for run in runs) for name in ("state", "states", "gates"))
        return Run(outputs, _result(outputs, self.return_sequences), *traced, given=tuple(runs))

    def backprop(self, run: Run, d_outputs: ArrayLike, d_state: Any = None, **options: Unpack[Options]) -> Gradients:
        """As `Layer.backprop`; `d_state`, and the gradients of weights and initial state, have one entry a layer."""
        return gradients.of_result(self, run, d_outputs, d_state, options)


MERGES = {
    "concat": lambda a, b: np.concatenate([a, b], axis=-1),
    "sum": lambda a, b: a + b,
    "ave": lambda a, b: (a + b) / 2,
    "mul": lambda a, b: a * b,
    None: lambda a, b: Directions(a, b),
}


@dataclass(frozen=True, eq=False)
class Bidirectional:
    """Two layers over the same inputs, one of them backwards, merged as Keras' `merge_mode` says."""

    forward: Layer | Stack
    backward: Layer | Stack
    merge_mode: str | None = "concat"
    source: str = ""

    def __post_init__(self) -> None:
        if self.merge_mode not in MERGES:
            raise ValueError(f"merge_mode must be one of {', '.join(map(str, MERGES))}, got {self.merge_mode!r}")
        if self.forward.go_backwards == self.backward.go_backwards:
            raise ValueError("one of the two layers must go backwards, and the other must not")

    @property
    def return_sequences(self) -> bool:
        return self.forward.return_sequences

    @property
    def stateful(self) -> bool:
        return self.forward.stateful

    def astype(self, dtype: DTypeLike) -> Bidirectional:
        """The same pair with its weights in another dtype."""
        return replace(self, forward=self.forward.astype(dtype), backward=self.backward.astype(dtype))

    def run(self, x: ArrayLike, initial_state: Any = None, mask: ArrayLike | None = None) -> Run:
        """Run both over `x (B, T, X)`.

        `initial_state` is `(forward, backward)`, or Keras' flat list with the forward fields first. Outputs are in
        input order for both directions. Raises ValueError where a shape does not fit.
        """
        given = (None, None) if initial_state is None else _halves(initial_state)
        runs = [layer.run(x, state, mask) for layer, state in zip((self.forward, self.backward), given, strict=True)]
        merge = MERGES[self.merge_mode]
        outputs = merge(runs[0].outputs, runs[1].outputs[:, ::-1])
        result = outputs if self.return_sequences else merge(runs[0].result, runs[1].result)
        traced = (Directions(*(getattr(run, name) for run in runs)) for name in ("state", "states", "gates"))
        return Run(outputs, result, *traced, given=Directions(*runs))

    def backprop(self, run: Run, d_outputs: ArrayLike, d_state: Any = None, **options: Unpack[Options]) -> Gradients:
        """As `Layer.backprop`; `d_outputs` is a pair where `run.result` is one. `d_state`, and the gradients of weights
        and initial state, are `(forward, backward)`."""
        return gradients.of_result(self, run, d_outputs, d_state, options)


AnyLayer: TypeAlias = Layer | Stack | Bidirectional


def _halves(states: Sequence[Any]) -> tuple[Any, Any]:
    if len(states) == 2:
        return states[0], states[1]
    half = len(states) // 2
    return states[:half], states[half:]


def _mask(mask: ArrayLike | None, shape: tuple[int, ...]) -> Array | None:
    if mask is None:
        return None
    mask = np.asarray(mask)
    if mask.shape != shape:
        raise ValueError(f"mask must have shape (batch, time) = {shape}, got {mask.shape}")
    return mask.astype(bool)


def _result(outputs: Array, return_sequences: bool) -> Array:
    if return_sequences:
        return outputs
    if outputs.shape[1] == 0:
        raise ValueError("a sequence of no steps has no last output: give at least one step, or return_sequences=True")
    return outputs[:, -1]
