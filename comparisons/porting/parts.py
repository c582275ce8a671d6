"""A layer of the new model, as data: what `build` makes live."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from numpy.typing import NDArray

Array = NDArray[Any]


WAYS_OUT = "--custom MODULE:CLASS gives a class of yours, --layers-only ports the recurrent layers"


class Refused(ValueError):
    """A layer that has no port, in one sentence with its name and the way out."""


class Penalty(NamedTuple):
    """A regulariser or a constraint, by its class in `keras.regularizers` or `keras.constraints`."""

    home: str
    kind: str
    config: Mapping[str, Any]


@dataclass(frozen=True)
class Part:
    """One layer: its class, its constructor's arguments, its arrays by the names of its variables.

    `inside` has the cells of an RNN, the two sides of a Bidirectional, what a TimeDistributed holds, and, of a Chain,
    the layers that stand in for one, in order. `changes` says in plain words what was done to it.
    """

    kind: str  # a class of keras.layers; "cells.LSTMCell" and its like are this project's; "Chain"; "custom"
    config: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, Array] = field(default_factory=dict)
    inside: tuple[Part, ...] = ()
    changes: tuple[str, ...] = ()
    roundings: int = 0  # of each weight, in u, where a fold rounded them
    folded: bool = False  # outputs are the same, training is not
    own: str = ""  # why it needs this project's code; empty: it does not
    path: str = ""  # the layer's path in the old file

    def everything(self) -> Iterator[Part]:
        """This part and those inside it."""
        yield self
        for part in self.inside:
            yield from part.everything()


def safe(name: str) -> str:
    """A name as Keras 3 takes it, which has no slash in it."""
    return name.replace("/", "_")
