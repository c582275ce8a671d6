"""The steps of LSTM, GRU and SimpleRNN over projected inputs, each with its derivative, for `cells.sequence`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import keras

from cells import activations

ops: Any = keras.ops  # whose annotations allow None everywhere

# Derivatives of activations, in terms of their values: what is saved need not be more.
SLOPES: dict[Callable[[Any], Any], Callable[[Any], Any]] = {
    keras.activations.sigmoid: lambda y: y * (1.0 - y),
    keras.activations.tanh: lambda y: 1.0 - y * y,
    keras.activations.linear: lambda y: ops.ones_like(y),
    keras.activations.relu: lambda y: ops.cast(y > 0, y.dtype),
    keras.activations.hard_sigmoid: lambda y: ops.cast((y > 0) & (y < 1), y.dtype) / 6.0,
    keras.activations.softsign: lambda y: (1.0 - ops.abs(y)) * (1.0 - ops.abs(y)),
    activations.hard_sigmoid_keras2: lambda y: ops.cast((y > 0) & (y < 1), y.dtype) * 0.2,
    activations.sigmoid_in_1: lambda y: 0.5 * (1.0 - y * y),
    activations.sigmoid_in_2: lambda y: 0.25 * (4.0 - y * y),
}


def slopes(*functions: Any) -> bool:
    """Whether each has its slope here."""
    return all(any(function is known for known in SLOPES) for function in functions)


class Steps(NamedTuple):
    """A cell's step and its derivative, with its activations σ and φ.

    gates: how many.
    forward: `(a, state, U, d) -> new state, saved`; a is x W + b, an array `(B, H)` a gate.
    backward: `(d_state, state, saved, Uᵀ) -> deltas, d of the state before`, of the new state's d.
    after: `(states before, saved, deltas) -> d_a (T, B, G·H), d_U, d_d`, of all steps at once.
    """

    gates: int
    forward: Callable[..., Any]
    backward: Callable[..., Any]
    after: Callable[..., Any]


def project(x: Any, W: Any, b: Any) -> Any:
    """`(T, B, X) -> (T, B, H)`, as one matmul of two matrices, not one a step"""
    a = ops.reshape(x, (-1, x.shape[-1])) @ W
    return ops.reshape(a if b is None else a + b, (*ops.shape(x)[:2], W.shape[-1]))


def transposed_matmul(a: Any, b: Any) -> Any:
    """Σ over T and B: `(T, B, M), (T, B, N) -> (M, N)`"""
    flat = [ops.reshape(x, (-1, x.shape[-1])) for x in (a, b)]
    return ops.transpose(flat[0]) @ flat[1]


def summed(a: Any, b: Any) -> list[Any]:
    """`a`, an array a gate, and `b (B, G·H)`, gate for gate"""
    return [p + q for p, q in zip(a, ops.split(b, len(a), axis=-1), strict=True)]


def over_time(delta: Any) -> Any:
    """`(T, B, N) -> (N,)`"""
    return ops.sum(delta, axis=(0, 1))


@functools.cache
def lstm_steps(σ: Any, φ: Any) -> Steps:
    dσ, dφ = SLOPES[σ], SLOPES[φ]

    def forward(a: Any, state: Any, U: Any, d: Any) -> Any:
        h, c = state
        a_i, a_f, a_g, a_o = summed(a, h @ U)
        i, f, g, o = σ(a_i), σ(a_f), φ(a_g), σ(a_o)
        c = f * c + i * g
        return (o * φ(c), c), (i, f, g, o)

    def backward(d_state: Any, state: Any, saved: Any, UT: Any) -> Any:
        (dh, dc), (_, c), (i, f, g, o) = d_state, state, saved
        ψ = φ(f * c + i * g)  # cheaper than to read it
        dc = dc + dh * o * dφ(ψ)
        delta = ops.concatenate([dc * g * dσ(i), dc * c * dσ(f), dc * i * dφ(g), dh * ψ * dσ(o)], axis=-1)
        return (delta,), (delta @ UT, dc * f)

    def after(before: Any, saved: Any, deltas: Any) -> Any:
        (delta,) = deltas
        return delta, transposed_matmul(before[0], delta), None

    return Steps(4, forward, backward, after)


@functools.cache
def gru_steps(σ: Any, φ: Any, reset_after: bool) -> Steps:
    dσ, dφ = SLOPES[σ], SLOPES[φ]

    def forward(a: Any, state: Any, U: Any, d: Any) -> Any:
        (h,) = state
        a_z, a_r, a_n = a
        if reset_after:
            hu = h @ U if d is None else h @ U + d
            h_z, h_r, h_n = ops.split(hu, 3, axis=-1)
            z, r = σ(a_z + h_z), σ(a_r + h_r)
            n = φ(a_n + r * h_n)
            saved = z, r, n, h_n
        else:
            U_zr, U_n = ops.split(U, [2 * h.shape[-1]], axis=-1)
            h_z, h_r = ops.split(h @ U_zr, 2, axis=-1)
            z, r = σ(a_z + h_z), σ(a_r + h_r)
            n = φ(a_n + (r * h) @ U_n)
            saved = z, r, n
        return (z * h + (1.0 - z) * n,), saved

    def backward(d_state: Any, state: Any, saved: Any, UT: Any) -> Any:
        (dh,), (h,), (z, r, n, *h_n) = d_state, state, saved
        δ_z = dh * (h - n) * dσ(z)
        δ_n = dh * (1.0 - z) * dφ(n)
        if reset_after:
            delta = ops.concatenate([δ_z, δ_n * h_n[0] * dσ(r), δ_n * r], axis=-1)
            return (delta, δ_n), (dh * z + delta @ UT,)
        UT_zr, UT_n = ops.split(UT, [2 * h.shape[-1]])
        d_rh = δ_n @ UT_n
        delta = ops.concatenate([δ_z, d_rh * h * dσ(r)], axis=-1)
        return (delta, δ_n), (dh * z + d_rh * r + delta @ UT_zr,)

    def after(before: Any, saved: Any, deltas: Any) -> Any:
        (h,), (_, r, *_), (delta, δ_n) = before, saved, deltas
        d_a = ops.concatenate([delta[..., : 2 * h.shape[-1]], δ_n], axis=-1)
        if reset_after:
            return d_a, transposed_matmul(h, delta), over_time(delta)
        return d_a, ops.concatenate([transposed_matmul(h, delta), transposed_matmul(r * h, δ_n)], axis=-1), None

    return Steps(3, forward, backward, after)


@functools.cache
def simple_rnn_steps(φ: Any) -> Steps:
    dφ = SLOPES[φ]

    def forward(a: Any, state: Any, U: Any, d: Any) -> Any:
        h = φ(a[0] + state[0] @ U)
        return (h,), (h,)

    def backward(d_state: Any, state: Any, saved: Any, UT: Any) -> Any:
        delta = d_state[0] * dφ(saved[0])
        return (delta,), (delta @ UT,)

    def after(before: Any, saved: Any, deltas: Any) -> Any:
        return deltas[0], transposed_matmul(before[0], deltas[0]), None

    return Steps(1, forward, backward, after)
