"""Gradients of what layers return, by the hand-derived steps back: exact, or truncated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypedDict

import numpy as np

from reference.steps import Array, Moment, backproject, edited, module, project
from reference.unroll import Returned, unroll_back


@dataclass(frozen=True, eq=False)
class Gradients:
    """Gradients of a loss. A Stack has a tuple, one entry a layer, and a Bidirectional a `(forward, backward)`, in
    `weights` and `initial_state`."""

    inputs: Array  # (B, T, X), in input order
    weights: Any  # the fields of the layer's weights, None where there is no array
    initial_state: Any  # fields (B, H)


class Given(NamedTuple):
    """What a layer ran on, in processing order."""

    x: Array  # (B, T, X)
    initial_state: Any
    mask: Array | None  # (B, T)


class Options(TypedDict, total=False):
    """How gradients go back.

    `truncation`: None, all the way; `(k1, k2)`: after every k1 steps, the losses of these k1 go back k2 steps, and
    those of the last, shorter stretch likewise; "1997": along the cell state c only, not through the recurrent inputs
    of gates and candidate, nor peepholes (Hochreiter & Schmidhuber, Neural Computation 9:1735–1780, 1997).

    `message_clip`: within ± this each gradient with respect to the net input of a gate or candidate is held, at every
    step, before it goes on (Graves, arXiv 1308.0850 v5).
    """

    truncation: tuple[int, int] | Literal["1997"] | None
    message_clip: float | None


def of_result(layer: Any, run: Any, d_result: Any, d_state: Any, options: Options) -> Gradients:
    """Through a Layer, Stack or Bidirectional, from the gradient with respect to `run.result`."""
    if run.given is None:
        raise ValueError("run must come from the layer's own run, got one that does not say what it ran on")
    for name in options:
        if name not in Options.__annotations__:
            raise TypeError(f"backprop takes {' and '.join(Options.__annotations__)}, got {name!r}")
    limit = options.get("message_clip")
    if limit is not None and not limit > 0:
        raise ValueError(f"message_clip must be above 0, got {limit!r}")
    return _through(layer, run, d_result, d_state, not layer.return_sequences, options)


def _through(layer: Any, run: Any, d: Any, d_state: Any, last: bool, options: Options) -> Gradients:
    """`d` is with respect to the outputs, or, where `last`, to the last of them in processing order."""
    if hasattr(layer, "merge_mode"):
        return _bidirectional(layer, run, d, d_state, last, options)
    if hasattr(layer, "layers"):
        return _stack(layer, run, d, d_state, last, options)
    if hasattr(layer, "innermost"):
        return _wrapped(layer, run, d, d_state, options)
    return _layer(layer, run, d, d_state, last, options)


def _layer(layer: Any, run: Any, d: Any, d_state: Any, last: bool, options: Options) -> Gradients:
    _check_own_step(layer)
    w, dtype = layer.weights, run.given.x.dtype
    x, moments, mask = _moments(layer, run)
    d = _in_processing_order(layer, run, d, last).astype(dtype, copy=False).swapaxes(0, 1)
    nothing, d_state = _of_state(run, d_state)
    back = {**layer.options, "message_clip": options.get("message_clip")}
    d_xw, d_initial = np.zeros_like(moments.xw), nothing
    sums = edited(w, lambda _, a: np.zeros(a.shape, dtype))._asdict()
    truncation = options.get("truncation")
    via = along_the_cell(layer) if truncation == "1997" else w
    for start, losses, end in _windows(len(d), truncation):
        part = slice(start, end)
        d_part = d[part]
        if losses > start:
            d_part = np.concatenate([np.zeros_like(d[start:losses]), d[losses:end]])
        returned: Returned = unroll_back(
            module(layer.cell).backstep,
            d_part,
            d_state if end == len(d) else nothing,
            d_xw[part],
            _cut(moments, part),
            w,
            via,
            None if mask is None else mask[part],
            back,
            zero_output_for_mask=layer.zero_output_for_mask,
        )
        sums |= {name: sums[name] + a for name, a in returned.weights.items()}
        if start == 0:
            d_initial = nothing._make(a + b for a, b in zip(d_initial, returned.state, strict=True))
    rows = lambda a: a.reshape(-1, a.shape[-1])
    d_x, of_inputs = backproject(layer.cell)(rows(d_xw), rows(x), w)
    sums |= {name: a for name, a in of_inputs.items() if sums[name] is not None}
    d_x = d_x.reshape(x.shape).swapaxes(0, 1)
    if layer.go_backwards != (layer.direction == "reverse"):
        d_x = d_x[:, ::-1]
    return Gradients(d_x, type(w)(**sums), d_initial)


def _check_own_step(layer: Any) -> None:
    if layer.step is not None:
        raise ValueError(f"the step must be the {layer.cell}'s own to be gone back through, got {layer.step!r}")


def _of_state(run: Any, d_state: Any) -> tuple[Any, Any]:
    """Zeros, and the gradient with respect to the last state: zeros where it is None."""
    initial, dtype = run.given.initial_state, run.given.x.dtype
    nothing = initial._make(map(np.zeros_like, initial))
    d_state = nothing if d_state is None else tuple(np.asarray(a, dtype) for a in d_state)
    if [a.shape for a in d_state] != [a.shape for a in nothing]:
        raise ValueError(f"d_state must have shapes {[a.shape for a in nothing]}, got {[a.shape for a in d_state]}")
    return nothing, nothing._make(d_state)


def _wrapped(wrapped: Any, run: Any, d: Any, d_state: Any, options: Options) -> Gradients:
    """Each step again, and back: what the layer within did is in no trace."""
    layer, (x, initial, _) = wrapped.innermost, run.given
    _check_own_step(layer)
    if options.get("truncation") is not None:
        raise ValueError(f"truncation of a wrapped layer must be None, got {options.get('truncation')!r}")
    d = _fitting(d, run.outputs, last=False).astype(x.dtype)
    _, d_state = _of_state(run, d_state)
    d_x = np.zeros_like(x)
    sums = edited(layer.weights, lambda _, a: np.zeros(a.shape, x.dtype))._asdict()
    for t in reversed(range(x.shape[1])):
        before = initial._make(a[:, t - 1] for a in run.states) if t else initial
        back = wrapped.back(d[:, t], d_state, x[:, t], before, t, options.get("message_clip"))
        d_x[:, t], d_state = back.x, back.state
        sums |= {name: sums[name] + a for name, a in back.weights.items() if sums[name] is not None}
    return Gradients(d_x, type(layer.weights)(**sums), d_state)


def _in_processing_order(layer: Any, run: Any, d: Any, last: bool) -> Array:
    d = _fitting(d, run.outputs, last)
    if last:
        return _at_the_end(d, run.outputs.shape)
    return d[:, ::-1] if layer.direction == "reverse" else d


def _windows(steps: int, truncation: Any) -> list[tuple[int, int, int]]:
    """`(start, first loss, end)` of each stretch to go back through, the last of them at the end of the sequence."""
    if truncation is None or truncation == "1997":
        return [(0, 0, steps)]
    every, over = truncation if isinstance(truncation, tuple) and len(truncation) == 2 else (0, 0)
    if not 1 <= every <= over:
        raise ValueError(f"truncation must be None, '1997' or (k1, k2) with 1 <= k1 <= k2, got {truncation!r}")
    ends = [*range(every, steps, every), steps]
    return [(max(0, end - over), (n * every), end) for n, end in enumerate(ends)]


def along_the_cell(layer: Any) -> Any:
    """No weights for gradients to go back along: what is left is the cell state, which has none."""
    if "c" not in module(layer.cell).State._fields:
        raise ValueError(f"truncation '1997' goes along a cell state c, which a {layer.cell} has not: give (k1, k2)")
    return edited(layer.weights, lambda _, a: np.zeros_like(a))


def _moments(layer: Any, run: Any) -> tuple[Array, Moment, Array | None]:
    """The inputs, every step as it was run, and the mask, time first. Where masked, numbers that are finite, so that
    times a gradient of zero they are zero."""
    x, initial, mask = run.given
    gates = run.gates
    if mask is not None:
        x = np.where(mask[..., None], x, 0)
        gates = {letter: np.where(mask[..., None], gate, 0) for letter, gate in gates.items()}
    x = time_first(x)
    after = type(initial)(*(a.swapaxes(0, 1) for a in run.states))
    before = type(initial)(*(np.concatenate([a[None], b[:-1]])[: len(b)] for a, b in zip(initial, after, strict=True)))
    moments = Moment(
        project(layer.cell)(x, layer.weights),
        before,
        after,
        {letter: gate.swapaxes(0, 1) for letter, gate in gates.items()},
    )
    return x, moments, None if mask is None else mask.T


def _cut(moments: Moment, part: slice) -> Moment:
    return Moment(
        moments.xw[part],
        type(moments.before)(*(a[part] for a in moments.before)),
        type(moments.after)(*(a[part] for a in moments.after)),
        {letter: gate[part] for letter, gate in moments.gates.items()},
    )


def time_first(a: Array) -> Array:
    return np.ascontiguousarray(a.swapaxes(0, 1))


def _fitting(d: Any, outputs: Array, last: bool) -> Array:
    d = np.asarray(d)
    wanted = (outputs.shape[0], *outputs.shape[2:]) if last else outputs.shape
    if d.shape != wanted:
        raise ValueError(f"d_outputs must have the shape {wanted} of the run's result, got {d.shape}")
    return d


def _at_the_end(d: Array, shape: tuple[int, ...]) -> Array:
    whole = np.zeros(shape, d.dtype)
    whole[:, -1] = d
    return whole


def _stack(stack: Any, run: Any, d: Any, d_state: Any, last: bool, options: Options) -> Gradients:
    states = [None] * len(stack.layers) if d_state is None else list(d_state)
    if len(states) != len(stack.layers):
        raise ValueError(f"d_state must have one entry a layer ({len(stack.layers)}), got {len(states)}")
    d = _at_the_end(_fitting(d, run.outputs, True), run.outputs.shape) if last else d
    found: list[Gradients] = []
    for layer, inner, state in reversed(list(zip(stack.layers, run.given, states, strict=True))):
        found.append(_through(layer, inner, d, state, False, options))
        d = found[-1].inputs
    found.reverse()
    d = d[:, ::-1] if stack.go_backwards else d
    return Gradients(d, tuple(g.weights for g in found), tuple(g.initial_state for g in found))


UNMERGE = {  # the gradients with respect to a and b, from that with respect to what `layer.MERGES` makes of them
    "concat": lambda d, a, b: (d[..., : a.shape[-1]], d[..., a.shape[-1] :]),
    "sum": lambda d, a, b: (d, d),
    "ave": lambda d, a, b: (d / 2, d / 2),
    "mul": lambda d, a, b: (d * b, d * a),
    None: lambda d, a, b: d,
}


def _bidirectional(pair: Any, run: Any, d: Any, d_state: Any, last: bool, options: Options) -> Gradients:
    forward, backward = run.given
    a, b = (forward.result, backward.result) if last else (forward.outputs, backward.outputs[:, ::-1])
    wanted = run.result if last else run.outputs
    parts = lambda values: [np.shape(a) for a in (values if pair.merge_mode is None else [values])]
    if parts(d) != parts(wanted):
        raise ValueError(f"d_outputs must have the shapes {parts(wanted)} of the run's result, got {parts(d)}")
    d = tuple(map(np.asarray, d)) if pair.merge_mode is None else np.asarray(d)
    d_a, d_b = UNMERGE[pair.merge_mode](d, a, b)
    states = [None] * 2 if d_state is None else list(d_state)
    if len(states) != 2:
        raise ValueError(f"d_state must be (forward, backward), got {len(states)} entries")
    found = [
        _through(layer, inner, part, state, last, options)
        for layer, inner, part, state in (
            (pair.forward, forward, d_a, states[0]),
            (pair.backward, backward, d_b if last else d_b[:, ::-1], states[1]),
        )
    ]
    both = lambda name: type(run.state)(*(getattr(g, name) for g in found))
    return Gradients(found[0].inputs + found[1].inputs, both("weights"), both("initial_state"))
