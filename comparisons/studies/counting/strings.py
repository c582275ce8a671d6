"""aⁿbⁿ as symbols, which symbol may come next, and up to which n a network knows it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np

from comparisons.studies.part import Array
from reference import Layer

ops: Any = keras.ops  # whose annotations allow None everywhere
INPUTS = "Sab"  # S begins a string
OUTPUTS = "abT"  # T ends it
IGNORED = -1.0  # a target after the string's end


def strings(lengths: Sequence[int] | Array, longest: int) -> tuple[Array, Array]:
    """`S aⁿ bⁿ` for each n, one-hot `(N, 2 longest + 1, 3)`, and at each step which of a, b, T may come next.

    After S an a; after an a, an a or a b; after a b, a b as long as there are fewer than n, and then T. Targets after
    the end are IGNORED.

    >>> x, y = strings([1], 2)
    >>> x[0].astype(int).tolist()
    [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0]]
    >>> y[0].astype(int).tolist()
    [[1, 0, 0], [1, 1, 0], [0, 0, 1], [-1, -1, -1], [-1, -1, -1]]
    """
    n = np.asarray(lengths)[:, None]
    t = np.arange(2 * longest + 1)
    s, a, b, last = t == 0, (t > 0) & (t <= n), (t > n) & (t < 2 * n), t == 2 * n
    x = np.stack(np.broadcast_arrays(s, a, b | last), axis=-1)
    y = np.stack(np.broadcast_arrays(s | a, a | b, last), axis=-1)
    return x.astype("float32"), np.where((t > 2 * n)[..., None], IGNORED, y).astype("float32")


def loss(targets: Any, probabilities: Any) -> Any:
    """The cross-entropy of every symbol at every step, the mean over what is not IGNORED."""
    live = ops.cast(targets >= 0, probabilities.dtype)
    may, said = targets * live, ops.clip(probabilities, 1e-7, 1 - 1e-7)
    entropy = -(may * ops.log(said) + (1 - may) * ops.log(1 - said))
    return ops.sum(entropy * live) / ops.sum(live)


class Counter(NamedTuple):
    """A network as the reference runs it: what it takes for legal, and its state."""

    layer: Layer
    kernel: Array  # (H, 3), of the dense layer
    bias: Array

    def legal(self, outputs: Array) -> Array:
        """Which of a, b, T the network says may come next: a probability above 1/2."""
        return outputs @ self.kernel + self.bias > 0

    def right(self, most: int) -> Array:
        """For n = 1 … most, whether every symbol of aⁿbⁿ is followed by what may follow it, `(most,)`.

        All share their a's, which are run once; from the state after each n of them, the b's.
        """
        x, y = strings([most], most)
        a = self.layer.run(x[:, : most + 1])
        right = (self.legal(a.outputs)[0] == y[0, : most + 1]).all(-1)
        after = type(a.states)(*(field[0, 1:] for field in a.states))
        bs = np.broadcast_to(x[:, -1:], (most, most, len(INPUTS)))
        b = self.legal(self.layer.run(bs, initial_state=after).outputs)
        n, t = np.arange(1, most + 1)[:, None], np.arange(1, most + 1)
        wanted = np.stack([np.zeros((most, most), bool), t < n, t == n], axis=-1)
        return np.logical_and.accumulate(right)[1:] & ((b == wanted).all(-1) | (t > n)).all(1)

    def reach(self, most: int) -> int:
        """The largest n ≤ most such that the network is right for every n up to it."""
        for limit in sorted({min(most, 100), most}):
            right = self.right(limit)
            if not right.all():
                return int(np.argmin(right))
        return most

    def states(self, n: int) -> tuple[Array, Array]:
        """Of aⁿbⁿ: what the state that reaches furthest holds after each symbol, `(2n + 1, H)`, and where it says T."""
        run = self.layer.run(strings([n], n)[0])
        return run.states[-1][0], self.legal(run.outputs)[0, :, OUTPUTS.index("T")]


def counting_unit(states: Array, n: int) -> int:
    """The unit that turns most at the first b, of `states (2n + 1, H)`: one way over the a's, back over the b's.

    >>> counting_unit(np.array([[0, 0], [2, 1], [4, 0]]), 1)
    1
    """
    up, down = states[n] - states[0], states[2 * n] - states[n]
    return int(np.argmax(np.abs(up - down)))
