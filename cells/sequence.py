"""LSTM, GRU and SimpleRNN over whole sequences, with exact gradients derived by hand.

A framework that differentiates its own loop adds up the weights' gradients step by step. Here the loop backwards finds
only what each step's arguments add to the loss; the weights' gradients are one matmul for all steps after it. One loop
forwards and one backwards serve the three layers: each brings its step, and that step's derivative.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import keras
from keras import tree
from keras.src import backend  # says where cuDNN's kernels apply

from cells.autograd import BACKENDS, compiled, exact, scan
from cells.derivatives import Steps, gru_steps, lstm_steps, simple_rnn_steps, slopes

ops: Any = keras.ops  # whose annotations allow None everywhere


@functools.cache
def recurrence(steps: Steps, sequences: bool, keep: bool) -> Callable[..., Any]:
    """`(x (B, T, X), W, U, b, d, mask (B, T) or None, *states) -> h (B, T, H) of all steps or None, final states`

    `keep`: what the derivative needs of each step; otherwise it runs the loop forwards again, should it be asked for.
    """

    def loop(save: bool, a: Any, U: Any, d: Any, mask: Any, *states: Any) -> Any:
        def step(state: Any, now: Any) -> Any:
            new, saved = steps.forward(now[0], state, U, d)
            new = tuple(ops.cast(s, a.dtype) for s in new)
            if mask is not None:
                new = tuple(ops.where(now[1], s, old) for s, old in zip(new, state, strict=True))
            return new, (state, saved) if save else new[:1] if sequences else ()

        final, ys = scan(step, states, (a,) if mask is None else (a, mask))
        if not sequences:
            return final, ys if save else ()
        h = ops.concatenate([ys[0][0][1:], final[0][None]]) if save else ys[0]
        return (h, *final), ys if save else ()

    def forward(*inputs: Any) -> Any:
        return loop(True, *inputs)

    def backward(inputs: Any, kept: Any, d_outputs: Any) -> Any:
        _, U, d, mask, *_ = inputs
        before, saved = kept or forward(*inputs)[1]
        d_final = d_outputs[1:] if sequences else d_outputs

        def step(d_state: Any, now: Any) -> Any:
            state, saved, d_h, m = now
            if d_h:
                d_state = (d_state[0] + d_h[0], *d_state[1:])
            if not m:
                deltas, d_before = steps.backward(d_state, state, saved, U)
                return d_before, deltas
            live = [ops.where(m[0], s, ops.zeros_like(s)) for s in d_state]
            deltas, d_before = steps.backward(live, state, saved, U)
            return tuple(new + (old - on) for new, old, on in zip(d_before, d_state, live, strict=True)), deltas

        now = (before, saved, d_outputs[:1] if sequences else (), () if mask is None else (mask,))
        d_states, deltas = scan(step, tuple(d_final), now, reverse=True)
        d_a, d_U, d_d = steps.after(before, saved, deltas, U)
        return d_a, d_U, None if d is None else d_d, None, *d_states

    def run(x: Any, W: Any, U: Any, b: Any, d: Any, mask: Any, *states: Any) -> Any:
        B, T, X = ops.shape(x)
        a = ops.reshape(ops.transpose(x, (1, 0, 2)), (-1, X)) @ W  # one matmul of two matrices, not one a step
        a = ops.reshape(a if b is None else a + b, (T, B, W.shape[-1]))
        if mask is not None:
            mask = ops.transpose(mask)[..., None]
        outputs = exact(forward, ahead, back, a, U, d, mask, *states)
        if not sequences:
            return None, outputs
        return ops.transpose(outputs[0], (1, 0, 2)), outputs[1:]

    ahead = compiled(functools.partial(loop, keep))
    back = compiled(backward)
    return run


class Exact:
    """What the three layers share: when there is a fast path, and that path, in place of `keras.layers`' own loop.

    The ordinary path, Keras' own, is taken with `unroll`, with recurrent dropout, with an input dropout that has a mask
    a gate or drops all, for an activation whose slope is not in `SLOPES`, where cuDNN's kernels apply or `use_cudnn`
    asks for them, and on backends of Keras that differentiate nothing.
    """

    cell: Any
    state_size: Any
    unroll: bool
    return_sequences: bool
    go_backwards: bool
    zero_output_for_mask: bool

    def steps(self) -> Steps | None:
        """The cell's step with its derivative; None where its activations have no slope here."""
        raise NotImplementedError

    def biases(self) -> tuple[Any, Any]:
        """What is added to the inputs' product, and to the state's."""
        return self.cell.bias, None

    def fast_steps(self, mask: Any, training: Any) -> Steps | None:
        """None: the ordinary path."""
        cell = self.cell
        one_mask = not hasattr(cell, "dropout_mask_count") and cell.dropout < 1
        dropped = training and (cell.recurrent_dropout or (cell.dropout and not one_mask))
        if self.unroll or dropped or self._cudnn() or keras.backend.backend() not in BACKENDS:
            return None
        return self.steps() if mask is None or len(mask.shape) == 2 else None

    def _cudnn(self) -> bool:
        """Whether the ordinary path is cuDNN's, or must be, and says so where it cannot."""
        cell, use = self.cell, getattr(self, "use_cudnn", False)
        applies = use == "auto" and getattr(cell, "reset_after", True)
        return use is True or (
            applies and backend.cudnn_ok(cell.activation, cell.recurrent_activation, self.unroll, cell.use_bias)
        )

    def inner_loop(self, sequences: Any, initial_state: Any, mask: Any, training: Any = False) -> Any:
        """Last output `(B, H)`, outputs `(B, T, H)`, or `(B, 1, H)` of the last alone, and final states."""
        mask = mask[0] if tree.is_nested(mask) else mask
        steps = self.fast_steps(mask, training)
        if steps is None:
            return super().inner_loop(sequences, initial_state, mask, training)  # type: ignore[misc]
        cell, dtype = self.cell, self.cell.compute_dtype
        if training and cell.dropout:
            sequences = sequences * ops.expand_dims(cell.get_dropout_mask(sequences[:, 0, :]), 1)
        if mask is not None:
            mask = ops.cast(mask, "bool")
        if self.go_backwards:
            sequences, mask = (None if a is None else ops.flip(a, axis=1) for a in (sequences, mask))
        tensor = lambda w: None if w is None else ops.cast(ops.convert_to_tensor(w), dtype)
        states = initial_state if tree.is_nested(initial_state) else [initial_state]
        weights = [tensor(w) for w in (cell.kernel, cell.recurrent_kernel, *self.biases())]
        run = recurrence(steps, self.return_sequences, bool(training))
        outputs, final = run(tensor(sequences), *weights, mask, *map(tensor, states))
        last = final[0]
        if mask is not None:
            seen = mask if self.zero_output_for_mask else self._seen(mask)
            if seen is not None:
                last = ops.where(seen[:, -1:], last, ops.zeros_like(last))
                outputs = outputs if outputs is None else ops.where(seen[..., None], outputs, ops.zeros_like(outputs))
        return last, ops.expand_dims(last, 1) if outputs is None else outputs, list(final)

    def _seen(self, mask: Any) -> Any:
        """Where some step was not masked yet: before, Keras gives zeros, whatever the initial state (not on JAX)."""
        if keras.backend.backend() == "jax":
            return None
        return ops.cumsum(ops.cast(mask, "int32"), axis=1) > 0


@keras.saving.register_keras_serializable(package="gateproof")
class LSTM(Exact, keras.layers.LSTM):
    """`keras.layers.LSTM`, trained faster: its arguments, weights, names and config, and the same numbers.

    The equation is that of `cells.LSTMCell`. `x (B, T, X)` gives `h (B, H)`, or `(B, T, H)` with `return_sequences`,
    and after it `h (B, H), c (B, H)` with `return_state`. The gradient is exact, and so are second derivatives;
    `Exact` says what takes Keras' own path.
    """

    def steps(self) -> Steps | None:
        σ, φ = self.cell.recurrent_activation, self.cell.activation
        return lstm_steps(σ, φ) if slopes(σ, φ) else None


@keras.saving.register_keras_serializable(package="gateproof")
class GRU(Exact, keras.layers.GRU):
    """`keras.layers.GRU`, trained faster, reset before the matmul or after it: as `LSTM` is `keras.layers.LSTM`.

    The equation is that of `cells.GRUCell`. `x (B, T, X)` gives `h (B, H)`, or `(B, T, H)` with `return_sequences`,
    and after it `h (B, H)` with `return_state`.
    """

    def steps(self) -> Steps | None:
        σ, φ = self.cell.recurrent_activation, self.cell.activation
        return gru_steps(σ, φ, self.cell.reset_after) if slopes(σ, φ) else None

    def biases(self) -> tuple[Any, Any]:
        b = self.cell.bias
        return (b, None) if b is None or not self.cell.reset_after else (b[0], b[1])


@keras.saving.register_keras_serializable(package="gateproof")
class SimpleRNN(Exact, keras.layers.SimpleRNN):
    """`keras.layers.SimpleRNN`, trained faster: as `LSTM` is `keras.layers.LSTM`.

    The equation is that of `cells.SimpleRNNCell`. `x (B, T, X)` gives `h (B, H)`, or `(B, T, H)` with
    `return_sequences`, and after it `h (B, H)` with `return_state`.
    """

    def steps(self) -> Steps | None:
        return simple_rnn_steps(self.cell.activation) if slopes(self.cell.activation) else None
