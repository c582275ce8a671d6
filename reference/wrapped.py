"""Wrapped: a layer whose steps are wrapped as TensorFlow 1 wraps cells: dropout with given masks, a residual sum.

Read in tf_keras/src/layers/rnn/legacy_cell_wrappers.py, tf-keras 2.21.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Unpack

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from reference import gradients
from reference.gradients import Gradients, Options
from reference.layer import Layer, Run
from reference.steps import Array, Moment, backproject, module, project
from reference.unroll import summed


@dataclass(frozen=True, eq=False)
class Dropout:
    """Which elements are kept, and with which probability they were: `a · kept / keep_prob`.

    `kept (B or 1, T or 1, width)` is of 0 and 1; 1 row is one mask for the batch, 1 step one for the sequence. The
    probability is rounded to float32, as TensorFlow 1 rounds it.

    Raises ValueError when there is no such mask or probability.
    """

    kept: Array
    keep_prob: float

    def __post_init__(self) -> None:
        kept = np.asarray(self.kept)
        if kept.ndim != 3 or not np.isin(kept, (0, 1)).all():
            raise ValueError(
                f"kept must be 0 and 1 of shape (batch, time, width), got {kept.shape}: {kept.ravel()[:4]}"
            )
        if not 0 < self.keep_prob <= 1:
            raise ValueError(f"keep_prob must be above 0 and at most 1, got {self.keep_prob!r}")
        object.__setattr__(self, "kept", kept.astype(bool))
        object.__setattr__(self, "keep_prob", float(np.float32(self.keep_prob)))

    def at(self, t: int) -> Array:
        """The mask of a step, `(B or 1, width)`."""
        return self.kept[:, t if self.kept.shape[1] > 1 else 0]

    def of(self, a: Any, t: int) -> Any:
        """`a (B, width)` after dropout at step t."""
        return a * self.at(t) / self.keep_prob


@dataclass(frozen=True, eq=False)
class Wrapped:
    """A layer, or another Wrapped, with dropout of its inputs, new states and outputs, and its inputs added to those.

    ::

        y, s = layer(x · input, s)
        s = s · state                   but for the fields that are `left`
        y = y · output                  of the layer's own output, not of the s that dropout left
        y = y + x                       where `residual`

    Each · is `Dropout`, or nothing where it is None. It runs forwards and without a mask of steps.

    Raises ValueError when the layer has another direction, or a width does not fit.
    """

    layer: Layer | Wrapped
    input: Dropout | None = None
    state: Dropout | None = None
    output: Dropout | None = None
    residual: bool = False
    left: tuple[str, ...] = ("c",)

    def __post_init__(self) -> None:
        inner = self.innermost
        if inner.go_backwards or inner.direction == "reverse" or not inner.return_sequences:
            raise ValueError("a wrapped layer must run forwards and return sequences")
        widths = {"input": self.input_dim, "state": self.recurrent_dim, "output": self.recurrent_dim}
        for name, width in widths.items():
            dropout: Dropout | None = getattr(self, name)
            if dropout is not None and dropout.kept.shape[-1] != width:
                raise ValueError(f"kept of the {name} must have width {width}, got {dropout.kept.shape[-1]}")
        if self.residual and self.input_dim != self.recurrent_dim:
            raise ValueError(
                f"inputs must be as wide as outputs to be added, got {self.input_dim} and {self.recurrent_dim}"
            )

    @property
    def innermost(self) -> Layer:
        return self.layer if isinstance(self.layer, Layer) else self.layer.innermost

    @property
    def cell(self) -> str:
        return self.innermost.cell

    @property
    def units(self) -> int:
        return self.innermost.units

    @property
    def recurrent_dim(self) -> int:
        return self.innermost.recurrent_dim

    @property
    def input_dim(self) -> int:
        return self.innermost.input_dim

    def around(self, layer: Layer) -> Wrapped:
        """The same wrappers around another layer."""
        return replace(self, layer=layer if isinstance(self.layer, Layer) else self.layer.around(layer))

    def astype(self, dtype: DTypeLike) -> Wrapped:
        """The same with the layer's weights in another dtype."""
        return self.around(self.innermost.astype(dtype))

    def in_one_step(self, batch: int, steps: int) -> Wrapped:
        """The same for `batch · steps` sequences of one step, which are the steps of `batch` sequences."""

        def flat(dropout: Dropout | None) -> Dropout | None:
            if dropout is None:
                return None
            width = dropout.kept.shape[-1]
            return replace(dropout, kept=np.broadcast_to(dropout.kept, (batch, steps, width)).reshape(-1, 1, width))

        layer = self.layer if isinstance(self.layer, Layer) else self.layer.in_one_step(batch, steps)
        return replace(self, layer=layer, input=flat(self.input), state=flat(self.state), output=flat(self.output))

    def step(self, x: Any, state: Any, t: int) -> tuple[Any, Any, dict[str, Any]]:
        """Step t, from `x (B, X)` and fields `(B, H)`: the output, the new state, the layer's gates."""
        y, state, gates = _step(self.layer, x if self.input is None else self.input.of(x, t), state, t)
        if self.state is not None:
            state = state._replace(
                **{name: self.state.of(a, t) for name, a in state._asdict().items() if name not in self.left}
            )
        y = y if self.output is None else self.output.of(y, t)
        return y + x if self.residual else y, state, gates

    return_sequences = True  # what is wrapped must

    @property
    def stateful(self) -> bool:
        return self.innermost.stateful

    def run(self, x: ArrayLike, initial_state: Any = None, mask: ArrayLike | None = None) -> Run:
        """Run over `x (B, T, X)`; `initial_state` is a tuple of fields `(B, H)`, zeros unless given.

        Raises ValueError where a shape does not fit, or there is a mask.
        """
        x = np.asarray(x)
        if mask is not None:
            raise ValueError("mask must be None: a wrapped layer runs without one")
        if x.ndim != 3 or x.shape[-1] != self.input_dim:
            raise ValueError(f"inputs must have shape (batch, time, {self.input_dim}), got {x.shape}")
        self._check_masks(*x.shape[:2])
        weights = self.innermost.weights.kernel.dtype
        x = x.astype(weights if x.dtype.kind in "biu" else np.result_type(x, weights))
        state = self.innermost._state(initial_state, len(x), x.dtype)
        given = gradients.Given(x, state, None)
        outputs, states, gates = [], [], []
        for t in range(x.shape[1]):
            output, state, activated = self.step(x[:, t], state, t)
            outputs.append(output)
            states.append(state)
            gates.append(activated)
        over_time = lambda values: np.stack(list(values), axis=1)
        outputs = over_time(outputs)
        return Run(
            outputs,
            outputs,
            state,
            type(state)(*map(over_time, zip(*states, strict=True))),
            {letter: over_time(activated[letter] for activated in gates) for letter in gates[0]},
            given,
        )

    def backprop(self, run: Run, d_outputs: ArrayLike, d_state: Any = None, **options: Unpack[Options]) -> Gradients:
        """As `Layer.backprop`, with the masks of the run; `weights` are those of the innermost layer.

        Raises ValueError as that does, and for a `truncation`.
        """
        return gradients.of_result(self, run, d_outputs, d_state, options)

    def back(self, d_output: Array, d_state: Any, x: Array, state: Any, t: int, clip: float | None) -> StepBack:
        """`step`, backwards, from the gradients with respect to the output and the new state: dropout is its own
        derivative."""
        d_y = d_output if self.output is None else self.output.of(d_output, t)
        if self.state is not None:
            dropped = {n: self.state.of(d, t) for n, d in d_state._asdict().items() if n not in self.left}
            d_state = d_state._replace(**dropped)
        inner = _back(self.layer, d_y, d_state, x if self.input is None else self.input.of(x, t), state, t, clip)
        d_x = inner.x if self.input is None else self.input.of(inner.x, t)
        return inner._replace(x=d_x + d_output if self.residual else d_x)

    def _check_masks(self, batch: int, steps: int) -> None:
        for name in ("input", "state", "output"):
            dropout: Dropout | None = getattr(self, name)
            if dropout is not None and any(
                got not in (1, wanted) for got, wanted in zip(dropout.kept.shape, (batch, steps), strict=False)
            ):
                raise ValueError(
                    f"kept of the {name} must be for {batch} rows and {steps} steps, or 1, got {dropout.kept.shape}"
                )
        if isinstance(self.layer, Wrapped):
            self.layer._check_masks(batch, steps)


class StepBack(NamedTuple):
    """One step gone back through: the gradients with respect to what it got, and those of the weights."""

    x: Array  # (B, X)
    state: Any  # fields (B, H)
    weights: dict[str, Array]


def _back(
    layer: Layer | Wrapped, d_output: Array, d_state: Any, x: Array, state: Any, t: int, clip: float | None
) -> StepBack:
    if isinstance(layer, Wrapped):
        return layer.back(d_output, d_state, x, state, t, clip)
    home, w = module(layer.cell), layer.weights
    xw = project(layer.cell)(x, w)
    after, gates = home.step(xw, state, w, **layer.options)
    d_state = d_state._replace(**{d_state._fields[0]: d_state[0] + d_output})
    d_state, messages = home.backstep(
        d_state, Moment(xw, state, after, gates), w, w, **layer.options, message_clip=clip
    )
    d_x, of_inputs = backproject(layer.cell)(messages.pop("xw"), x, w)
    return StepBack(d_x, d_state, summed([messages], w) | of_inputs)


def _step(layer: Layer | Wrapped, x: Any, state: Any, t: int) -> tuple[Any, Any, dict[str, Any]]:
    if isinstance(layer, Wrapped):
        return layer.step(x, state, t)
    w = layer.weights
    state, gates = (layer.step or module(layer.cell).step)(project(layer.cell)(x, w), state, w, **layer.options)
    return state[0], state, gates
