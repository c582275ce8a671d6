"""What a file holds, as data: arrays whose numbers come when they are asked for, layers, and the model's graph.

Every format's reader gives a StoredModel; loading, counting and porting all start there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]


@dataclass(frozen=True)
class Stored:
    """An array in a file: what its header says. `read` gives its numbers, checked and in the machine's byte order."""

    where: str  # its path in the file
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    read: Callable[[], Array] = field(repr=False)


@dataclass(frozen=True)
class Group:
    """A folder of a file, with everything under it: HDF5's groups, or the arrays of a flat file by their names."""

    where: str
    groups: Mapping[str, Group] = field(default_factory=dict)  # in file order
    arrays: Mapping[str, Stored] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)  # texts as str, lists of texts as list[str], numbers


@dataclass(frozen=True)
class StoredLayer:
    """A layer of a file. Bidirectional, RNN and StackedRNNCells are one layer; of other wrappers and of nested models,
    the layers within are."""

    path: str  # the layers' names in one another, joined by "/"
    kind: str  # its class in the file; empty where the file has weights only
    config: Mapping[str, Any]  # as the file has it
    # By the era's own short names, as `reference.unpack` takes them: kernel; forward_layer/kernel; cells/0/kernel; W_i.
    arrays: Mapping[str, Stored]
    package: str = ""  # where the class was registered, or its module: "gateproof", "keras.layers"; empty: not said
    trainable: bool | None = None  # None: the file does not say
    where: str = ""  # its group in the file
    within: str = ""  # the class of the wrapper around it, where that is not TimeDistributed


class Ref(NamedTuple):
    """A tensor of the graph: an output of one call of a layer."""

    layer: str
    call: int
    output: int


@dataclass(frozen=True)
class Call:
    """One use of a layer: what it was called with. Tensors among the keywords are Refs."""

    inputs: tuple[Ref, ...]
    keywords: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Node:
    """A layer of a graph, and every use of it there; a shared layer has several."""

    layer: StoredLayer | Graph
    calls: tuple[Call, ...]
    inner: StoredLayer | Graph | None = None  # what a TimeDistributed holds


@dataclass(frozen=True)
class Graph:
    """A model, or a model in a model. A Sequential is written as the chain it is, its input made plain."""

    name: str
    kind: str  # "Sequential" or "Functional"
    nodes: Mapping[str, Node]
    inputs: tuple[Ref, ...]
    outputs: tuple[Ref, ...]


@dataclass(frozen=True)
class StoredModel:
    """A file, read as far as its headers."""

    file: str
    format: str  # "Keras 2 .h5", "Keras 3 .keras", "PyTorch state dict" …
    era: str  # the framework of `reference.unpack` whose names and defaults these are: keras1, keras2, keras, pytorch …
    layers: tuple[StoredLayer, ...]  # in file order
    version: str = ""  # of the Keras that wrote it; empty: not said
    backend: str = ""
    config: Mapping[str, Any] | None = None  # the whole model's; None in a file of weights
    graph: Graph | None = None
    era_said: bool = True  # False: the arrays' names are those of more than one era
    named: Mapping[str, Stored] = field(default_factory=dict)  # a flat file's arrays, by their full names

    def arrays(self) -> Iterator[Stored]:
        for layer in self.layers:
            yield from layer.arrays.values()
