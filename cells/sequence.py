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

from cells.autograd import BACKENDS, alone, compiled, cut, exact, join, parts, scan
from cells.derivatives import (
    Steps,
    gru_steps,
    lstm_steps,
    over_time,
    project,
    simple_rnn_steps,
    slopes,
    transposed_matmul,
)

ops: Any = keras.ops  # whose annotations allow None everywhere


SMALL = 2**16  # numbers in a kernel that stays in a core's own cache from step to step


def swapped(a: Any) -> Any:
    """Batch first, time first, and back"""
    return ops.transpose(a, (1, 0, 2))


def time_first(a: Any, mask: Any, rows: list[Any]) -> tuple[list[Any], list[Any]]:
    """`a (B, T, N)` or (), and a mask `(B, T)` or None, in parts of `(T, rows, N)` or (), and `(T, rows, 1)` or ()"""
    live = () if mask is None else (mask[..., None],)
    xs, lives = ([tree.map_structure(swapped, part) for part in cut(one, rows, 0)] for one in (a, live))
    return xs, lives


@functools.cache
def recurrence(steps: Steps, sequences: bool, keep: bool) -> Callable[..., Any]:
    """`(x (B, T, X), W, U, b, d, mask (B, T) or None, *states) -> h (B, T, H) of all steps or None, final states`

    `keep`: what the derivative needs of each step; otherwise it runs the loop forwards again, should it be asked for.
    The batch goes through the loop in parts that know nothing of one another, so that each has a core.
    """

    def loop(save: bool, x: Any, W: Any, U: Any, b: Any, d: Any, mask: Any, *states: Any) -> Any:
        rows = parts(ops.shape(x)[0])
        xs, lives = time_first(x, mask, rows)
        # A matmul a gate, and the bias here: in the loop XLA is slow to read parts of an array, or to add a bias.
        kernels = ops.split(W, steps.gates, axis=-1)
        biases = [None] * steps.gates if b is None else ops.split(b, steps.gates)
        # Of a single row a small matmul is faster in the loop, where XLA wakes no other core for it.
        single = not save and alone(x.shape[0]) and W.shape[0] * W.shape[1] <= SMALL

        def step(state: Any, now: Any) -> Any:
            a, live = now
            if single:
                a = ops.split(a @ W if b is None else a @ W + b, steps.gates, axis=-1)
            new, saved = steps.forward(a, state, U, d)
            new = tuple(ops.cast(s, x.dtype) for s in new)
            if live:
                new = tuple(ops.where(live[0], s, old) for s, old in zip(new, state, strict=True))
            return new, (saved, state) if save else new[:1] if sequences else ()

        if not single:
            xs = [[project(one, *both) for both in zip(kernels, biases, strict=True)] for one in xs]
        now = list(zip(xs, lives, strict=True))
        final, ys = scan(step, cut(states, rows, 0), now, over=steps.gates if save else 0)
        state = join(final, 0)
        if not sequences:
            return state, ys if save else ()
        if save:
            h = [ops.concatenate([before[0][1:], last[0][None]]) for (_, before), last in zip(ys, final, strict=True)]
        else:
            h, ys = [y[0] for y in ys], ()
        return (join([swapped(one) for one in h], 0), *state), ys

    def forward(*inputs: Any) -> Any:
        return loop(True, *inputs)

    def rows_of(kept: Any) -> list[Any]:  # of the parts that the loop forwards made, wherever it was traced
        return [ops.shape(before[0])[1] for _, before in kept]

    def backward(inputs: Any, kept: Any, d_outputs: Any) -> Any:
        U, mask, rows = inputs[2], inputs[5], rows_of(kept)
        d_final = d_outputs[1:] if sequences else d_outputs
        UT = ops.transpose(U)  # here: in the loop XLA would make it part of the matmul, and that a slow one

        def step(d_state: Any, now: Any) -> Any:
            (saved, state), d_h, live = now
            if sequences:
                d_state = (d_state[0] + d_h, *d_state[1:])
            if not live:
                deltas, d_before = steps.backward(d_state, state, saved, UT)
                return d_before, deltas
            d_new = [ops.where(live[0], s, ops.zeros_like(s)) for s in d_state]
            deltas, d_before = steps.backward(d_new, state, saved, UT)
            return tuple(new + (old - on) for new, old, on in zip(d_before, d_state, d_new, strict=True)), deltas

        given = time_first(d_outputs[0] if sequences else (), mask, rows)
        now = [(one, *more) for one, *more in zip(kept, *given, strict=True)]
        d_states, deltas = scan(step, cut(tuple(d_final), rows, 0), now, reverse=True)
        return join(d_states, 0), deltas

    def gradient(inputs: Any, kept: Any, d_outputs: Any) -> Any:
        """Not compiled: what nobody asks for, such as the gradient of a first layer's inputs, is never computed."""
        x, W, _, b, d, *_ = inputs
        kept = kept or saved_of(*inputs)
        d_states, deltas = back(inputs, kept, d_outputs)
        d_a, d_U, d_d = zip(*[steps.after(b, s, δ) for (s, b), δ in zip(kept, deltas, strict=True)], strict=True)
        d_x = join([swapped(ops.matmul(one, ops.transpose(W))) for one in d_a], 0)
        xs = [swapped(part) for part in cut(x, rows_of(kept), 0)]
        d_W = sum(transposed_matmul(part, one) for part, one in zip(xs, d_a, strict=True))
        d_b = None if b is None else sum(map(over_time, d_a))
        return d_x, d_W, sum(d_U), d_b, None if d is None else sum(d_d), None, *d_states

    def run(*inputs: Any) -> Any:
        outputs = exact(forward, ahead, gradient, *inputs)
        return (outputs[0], outputs[1:]) if sequences else (None, outputs)

    ahead = compiled(functools.partial(loop, keep))
    saved_of = compiled(lambda *inputs: forward(*inputs)[1])
    back = compiled(backward)
    return run


class Exact:
    """What the three layers share: when there is a fast path, and that path, in place of `keras.layers`' own loop.

    The ordinary path, Keras' own, is taken with `unroll`, with recurrent dropout, with an input dropout that has a mask
    a gate or drops all, for an activation whose slope is not in `SLOPES`, where cuDNN's kernels apply or `use_cudnn`
    asks for them, and on backends of Keras that differentiate nothing.
    """

    cell: Any
    keras_cell: type  # whose equation the steps have
    state_size: Any
    unroll: bool
    return_sequences: bool
    go_backwards: bool
    stateful: bool
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
        if type(cell) is not self.keras_cell:  # a user's own, whose equation is not known here
            return None
        one_mask = not hasattr(cell, "dropout_mask_count") and cell.dropout < 1
        dropped = training and (cell.recurrent_dropout or (cell.dropout and not one_mask))
        if self.unroll or dropped or self._cudnn() or keras.backend.backend() not in BACKENDS:
            return None
        return self.steps() if mask is None or len(mask.shape) == 2 else None

    def _cudnn(self) -> bool:
        """Whether the ordinary path is cuDNN's, or must be, and says so where it cannot."""
        cell, use = self.cell, getattr(self, "use_cudnn", False)
        if not hasattr(cell, "recurrent_activation"):  # SimpleRNN, for which Bidirectional sets use_cudnn as well
            return False
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
            mask = ops.broadcast_to(ops.cast(mask, "bool"), ops.shape(sequences)[:2])  # or raises: XLA would not
        if self.go_backwards:
            sequences, mask = (None if a is None else ops.flip(a, axis=1) for a in (sequences, mask))
        tensor = lambda w: None if w is None else ops.cast(ops.convert_to_tensor(w), dtype)
        states = initial_state if tree.is_nested(initial_state) else [initial_state]
        if self.stateful and keras.backend.backend() == "torch":
            states = [ops.copy(state) for state in states]  # the variables are written before the gradient is asked for
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

    keras_cell = keras.layers.LSTMCell

    def steps(self) -> Steps | None:
        σ, φ = self.cell.recurrent_activation, self.cell.activation
        return lstm_steps(σ, φ) if slopes(σ, φ) else None


@keras.saving.register_keras_serializable(package="gateproof")
class GRU(Exact, keras.layers.GRU):
    """`keras.layers.GRU`, trained faster, reset before the matmul or after it: as `LSTM` is `keras.layers.LSTM`.

    The equation is that of `cells.GRUCell`. `x (B, T, X)` gives `h (B, H)`, or `(B, T, H)` with `return_sequences`,
    and after it `h (B, H)` with `return_state`.
    """

    keras_cell = keras.layers.GRUCell

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

    keras_cell = keras.layers.SimpleRNNCell

    def steps(self) -> Steps | None:
        return simple_rnn_steps(self.cell.activation) if slopes(self.cell.activation) else None
