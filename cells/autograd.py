"""Exact gradients on each backend, and its time loop: the one file here that imports a backend.

`exact` joins a function with its hand-derived gradient, `scan` is the loop of both, `compiled` has TensorFlow compile
them with XLA where that is what makes them fast, and `parts` cuts the batch so that each core has rows of its own.
Each backend's own is behind its name, and imported when it runs.
"""

from __future__ import annotations

import functools
import itertools
import os
import platform
from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops, tree

BACKENDS = ("tensorflow", "jax", "torch")
Step = Callable[[Any, Any], tuple[Any, Any]]
Forward = Callable[..., tuple[tuple[Any, ...], Any]]
Backward = Callable[..., tuple[Any, ...]]


def scan(step: Step, carries: Any, xs: Any, *, reverse: bool = False, over: int = 0) -> tuple[Any, Any]:
    """`step(carry, x) -> carry, y` over the first axis of `xs`, from its end where `reverse`; the last carry, and ys.

    As jax.lax.scan: nested tensors, and every y stands where its x stood. Carries, xs and ys are lists, an entry a part
    of the batch: they go side by side and know nothing of one another, so that XLA gives each a core.
    over: so many leading arrays of each y may take the memory of those of its x, which have their shapes.
    """

    def together(carries: Any, nows: Any) -> tuple[Any, Any]:
        done = [step(*both) for both in zip(carries, nows, strict=True)]
        return [carry for carry, _ in done], [y for _, y in done]

    if _backend() == "tensorflow":
        return _scan_tensorflow(together, carries, xs, reverse, over)
    return {"jax": _scan_jax, "torch": _scan_torch}[_backend()](together, carries, xs, reverse)


ROWS = 8  # in a part at least: a matmul of fewer is no faster
PARTS = 4  # at most: each is another copy of the loop's body to compile


def parts(batch: Any) -> list[Any]:
    """How many rows of a batch each core takes; all in one part but on TensorFlow's and JAX's CPU.

    batch: how many there are: a number, or a tensor where a graph does not know yet.
    """
    cores = _cores()
    if not isinstance(batch, int):
        import tensorflow as tf

        rows = tf.maximum(ROWS, (batch + cores - 1) // cores)
        return [tf.clip_by_value(batch - part * rows, 0, rows) for part in range(cores)]
    rows = max(ROWS, -(-batch // cores))
    return [min(rows, batch - start) for start in range(0, batch, rows)] or [batch]


def alone(batch: Any) -> bool:
    """Whether a batch is known to be one row, where XLA would wake other cores for matmuls that one does faster."""
    return isinstance(batch, int) and batch == 1 and _cores() > 1


def cut(arrays: Any, rows: list[Any], axis: int) -> list[Any]:
    """Nested arrays, in parts of so many rows of an axis each."""
    if len(rows) == 1:
        return [arrays]
    flat = tree.flatten(arrays)
    if _backend() == "tensorflow":
        import tensorflow as tf

        split = [tf.split(a, rows, axis, num=len(rows)) for a in flat]
    else:
        split = [ops.split(a, list(itertools.accumulate(rows))[:-1], axis) for a in flat]
    return [tree.pack_sequence_as(arrays, list(part)) for part in zip(*split, strict=True)] or [arrays] * len(rows)


def join(parts: Sequence[Any], axis: int) -> Any:
    """What was cut, whole again."""
    if len(parts) == 1:
        return parts[0]
    return tree.map_structure(lambda *arrays: ops.concatenate(arrays, axis), *parts)


@functools.cache
def _cores() -> int:
    """Into how many parts a batch may go: a core each, where XLA compiles for the processor."""
    if _backend() == "torch" or platform.system() == "Darwin":
        return 1
    if _backend() == "jax":
        import jax

        on_processor = jax.default_backend() == "cpu"
    else:
        import tensorflow as tf

        on_processor = not tf.config.list_physical_devices("GPU")
    mine = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(mine, PARTS) if on_processor else 1


def exact(plain: Forward, forward: Forward, backward: Backward, *inputs: Any) -> tuple[Any, ...]:
    """`forward(*inputs)`'s outputs, whose gradient is `backward`'s.

    plain: `(*inputs) -> outputs, anything`, which the backend differentiates by itself for second derivatives.
    forward: `(*inputs) -> outputs, saved`, the same outputs.
    backward: `(inputs, saved, d_outputs) -> d_inputs`, None for what has none.
    inputs: tensors, or None.
    """
    return {"tensorflow": _exact_tensorflow, "jax": _exact_jax, "torch": _exact_torch}[_backend()](
        plain, forward, backward, inputs
    )


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, compiled by XLA under TensorFlow: Keras leaves XLA off in a default `fit` on a CPU alone.

    As it is on other backends, under a distribution strategy (whose replicas XLA does not tell apart on one host) and
    where TensorFlow is built without XLA.
    """
    if _backend() != "tensorflow" or platform.system() == "Darwin":
        return function
    import tensorflow as tf

    fast = tf.function(function, jit_compile=True, autograph=False)

    def call(*args: Any) -> Any:
        return (function if tf.distribute.has_strategy() else fast)(*args)

    return call


def _backend() -> str:
    return keras.backend.backend()


def _scan_tensorflow(step: Step, carry: Any, xs: Any, reverse: bool, over: int) -> tuple[Any, Any]:
    import tensorflow as tf

    flat = tree.flatten(xs)
    length = flat[0].shape[0]
    T = tf.shape(flat[0])[0] if length is None else length
    arrays = [tf.TensorArray(x.dtype, T, element_shape=x.shape[1:]).unstack(x) for x in flat]
    # What a step gives is seen by tracing one; nothing of it is run.
    like = tf.function(lambda: step(carry, tree.pack_sequence_as(xs, [x[0] for x in flat]))[1], autograph=False)
    spec = like.get_concrete_function().structured_outputs
    ys, place = tree.flatten(spec), []
    for index, y in enumerate(ys):
        part, k = divmod(index, len(ys) // len(xs))
        place.append(part * (len(flat) // len(xs)) + k if k < over else len(arrays))
        if k >= over:
            arrays.append(tf.TensorArray(y.dtype, T, element_shape=y.shape))

    def body(t: Any, carry: Any, arrays: Any) -> Any:
        now = T - 1 - t if reverse else t
        carry, y = step(carry, tree.pack_sequence_as(xs, [array.read(now) for array in arrays[: len(flat)]]))
        arrays = list(arrays)
        for here, part in zip(place, tree.flatten(y), strict=True):
            arrays[here] = arrays[here].write(now, part)
        return t + 1, carry, arrays

    _, carry, arrays = tf.while_loop(lambda t, *_: t < T, body, (tf.constant(0), carry, arrays), maximum_iterations=T)
    return carry, tree.pack_sequence_as(spec, [arrays[here].stack() for here in place])


def _scan_jax(step: Step, carry: Any, xs: Any, reverse: bool) -> tuple[Any, Any]:
    import jax

    return jax.lax.scan(step, carry, xs, reverse=reverse)


def _scan_torch(step: Step, carry: Any, xs: Any, reverse: bool) -> tuple[Any, Any]:
    T = tree.flatten(xs)[0].shape[0]
    ys: list[Any] = [None] * T
    for t in reversed(range(T)) if reverse else range(T):
        carry, ys[t] = step(carry, tree.map_structure(lambda x, t=t: x[t], xs))
    return carry, tree.map_structure(lambda *parts: ops.stack(parts), *ys)


def _exact_tensorflow(plain: Forward, forward: Forward, backward: Backward, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    import tensorflow as tf

    present = tuple(x is not None for x in inputs)

    def full(given: Any) -> list[Any]:
        rest = iter(given)
        return [next(rest) if there else None for there in present]

    def still(tensors: Any) -> Any:
        return tree.map_structure(lambda x: None if x is None else tf.stop_gradient(x), tensors)

    @tf.custom_gradient
    def run(*xs: Any) -> Any:
        outputs, saved = forward(*full(still(xs)))  # of which no tape keeps a second record

        def gradient(*d_outputs: Any) -> Any:
            d = first(*xs, *d_outputs)
            rest = iter(d)
            return [next(rest) if x.dtype.is_floating else None for x in xs]

        @tf.custom_gradient
        def first(*given: Any) -> Any:
            d = backward(full(still(given[: len(xs)])), saved, still(given[len(xs) :]))
            d = [one for one, there in zip(d, present, strict=True) if there]
            d = tuple(one for one, x in zip(d, xs, strict=True) if x.dtype.is_floating)
            again = _again_tensorflow(plain, present)
            return d, lambda *dd: again(given[: len(xs)], given[len(xs) :], dd)

        return outputs, gradient

    return run(*[x for x in inputs if x is not None])


@functools.cache
def _again_tensorflow(plain: Forward, present: tuple[bool, ...]) -> Callable[..., Any]:
    """The gradient of a gradient, `(inputs, d_outputs, dd) -> d_inputs, d_d_outputs`: TensorFlow's own, of `plain`."""
    import tensorflow as tf

    @tf.function(autograph=False)
    def run(xs: Any, d_outputs: Any, dd: Any) -> Any:  # a graph: in forward mode no tape records
        xs, d_outputs = [tf.identity(x) for x in xs], [tf.identity(d) for d in d_outputs]
        rest = iter(xs)
        outputs = plain(*[next(rest) if there else None for there in present])[0]
        smooth = [x for x in xs if x.dtype.is_floating]
        first = tf.gradients(list(outputs), smooth, d_outputs, unconnected_gradients="zero")
        second = tf.gradients(first, smooth + d_outputs, list(dd), unconnected_gradients="zero")
        rest = iter(second)
        return [next(rest) if x.dtype.is_floating else None for x in [*xs, *d_outputs]]

    return run


def _exact_jax(_: Forward, forward: Forward, backward: Backward, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    import jax

    @jax.custom_vjp
    def run(*xs: Any) -> Any:
        return forward(*xs)[0]

    def keep(*xs: Any) -> Any:
        outputs, saved = forward(*xs)
        return outputs, (xs, saved)

    run.defvjp(keep, lambda kept, d: tuple(backward(*kept, d)))
    return run(*inputs)


def _exact_torch(plain: Forward, forward: Forward, backward: Backward, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    import torch

    # What PyTorch's own Function.apply asks. It differentiates the function itself there.
    if torch._C._are_functorch_transforms_active() or torch.autograd.forward_ad._current_level >= 0:
        return plain(*inputs)[0]

    class Run(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *xs: Any) -> Any:
            outputs, ctx.kept = forward(*xs)
            ctx.save_for_backward(*xs)
            return outputs

        @staticmethod
        def backward(ctx: Any, *d_outputs: Any) -> Any:
            xs = ctx.saved_tensors
            if not torch.is_grad_enabled():
                return tuple(backward(xs, ctx.kept, d_outputs))
            # A second derivative is wanted: PyTorch's own, of the function itself.
            # Aliases: where one input depends on another, no path between them counts.
            xs = [None if x is None else x.view_as(x) for x in xs]
            wanted: Any = [x for x, needed in zip(xs, ctx.needs_input_grad, strict=True) if needed]
            d = iter(torch.autograd.grad(plain(*xs)[0], wanted, d_outputs, create_graph=True, allow_unused=True))
            return tuple(next(d) if needed else None for needed in ctx.needs_input_grad)

    return Run.apply(*inputs)
