"""A live Keras object -> Layer, Stack or Bidirectional, by duck typing: Keras 3, Keras 2 (tf-keras) and `cells`.

What an object computes is known only from its class, so a class is trusted by its module and name, and a subclass that
overrides anything but its constructor or its config is refused. Nothing is imported: the object brings its classes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from reference import activations
from reference.activations import Activation
from reference.cell_classes import CELLS, OWN_CELLS
from reference.conventions.unpacking import unpack
from reference.layer import Bidirectional, Layer, Stack
from reference.steps import Array, weights_type
from reference.steps import options as cell_options


class NotReadable(ValueError):
    """A live object that cannot become a Layer, and why."""


AnyLayer: TypeAlias = Layer | Stack | Bidirectional

ROOTS = ("keras", "tf_keras", "cells")
TF1_CELLS = {"BasicRNNCell": "simple_rnn", "BasicLSTMCell": "lstm", "LSTMCell": "lstm", "GRUCell": "gru"}  # cells.tf1
LAYERS = {"RNN", "SimpleRNN", "LSTM", "GRU"}
# What a subclass may define without changing the function computed.
HARMLESS = {"__init__", "get_config", "from_config", "build_from_config", "get_build_config", "compute_output_shape"}

# Where a function of a framework is not the one of the same name in `activations`.
RENAMED: dict[str, dict[str, Activation]] = {
    "keras.src.activations": {
        "hard_sigmoid": activations.get("hard_sigmoid_keras3"),
        "leaky_relu": activations.get("leaky_relu_keras"),
    },
    "keras.src.ops": {
        "gelu": activations.get("gelu_tanh"),
        "hard_sigmoid": activations.get("hard_sigmoid_keras3"),
        "leaky_relu": activations.get("leaky_relu_keras"),
        "exp": activations.get("exponential"),
    },
    "tf_keras.src.activations": {"hard_sigmoid": activations.get("hard_sigmoid_keras2")},
    "tensorflow.python.ops": {
        "leaky_relu": activations.get("leaky_relu_keras"),
        "exp": activations.get("exponential"),
        "softmax_v2": activations.get("softmax"),
    },
    "cells.activations": {},
}


def read(keras_layer: Any, *, training: bool = False) -> AnyLayer:
    """Read a live layer or cell: its weights (copied, in the variables' dtype), options and direction.

    Takes LSTM, GRU, SimpleRNN, RNN(cell), RNN([cells]), StackedRNNCells, Bidirectional and bare built cells of Keras 3
    and Keras 2, and this project's cells in any of them, `cells.tf1`'s too (whose state is (h, c) here), and its layers
    of `cells.pytorch`. RNN([cells]) and PyTorch's layers give a Stack.

    Raises NotReadable for anything else: an unbuilt layer, a class or an activation that is not known, and, with
    `training=True`, dropout, whose masks are random.
    """
    if _is(keras_layer, {"Bidirectional"}):
        forward, backward = (
            read(part, training=training) for part in (keras_layer.forward_layer, keras_layer.backward_layer)
        )
        if isinstance(forward, Bidirectional) or isinstance(backward, Bidirectional):
            raise NotReadable(f"{_name(keras_layer)} must hold two recurrent layers, got one that is Bidirectional")
        return Bidirectional(forward, backward, keras_layer.merge_mode)
    if _is(keras_layer, LAYERS, ("cells.pytorch",)):
        return _pytorch(keras_layer)
    if _is(keras_layer, LAYERS):
        if getattr(keras_layer, "time_major", False):
            raise NotReadable(f"{_name(keras_layer)} has time_major=True: only (batch, time, features) is read")
        flags: dict[str, Any] = {
            "go_backwards": bool(keras_layer.go_backwards),
            "return_sequences": bool(keras_layer.return_sequences),
        }
        each = {
            "zero_output_for_mask": bool(keras_layer.zero_output_for_mask),
            "stateful": bool(keras_layer.stateful),
        }
        if hasattr(keras_layer.cell, "cells"):
            return Stack(_cells(keras_layer.cell, training, **each), **flags)
        return _cell(keras_layer.cell, training, **each, **flags)
    if _is(keras_layer, {"StackedRNNCells"}):
        return Stack(_cells(keras_layer, training))
    if _is_cell(keras_layer):
        return _cell(keras_layer, training)
    raise NotReadable(
        f"{_name(keras_layer)} is no recurrent layer that can be read: give a LSTM, GRU, SimpleRNN, RNN, "
        "StackedRNNCells or Bidirectional of Keras 3, tf-keras or cells, or a cell of theirs; or a model to read_model"
    )


def read_model(keras_model: Any, *, training: bool = False) -> dict[str, AnyLayer]:
    """Read every recurrent layer of a model, nested models and wrappers included: `{path: layer}`, outermost first.

    A path joins the names with "/". Raises NotReadable, with the path, when one of them cannot be read.
    """
    found: dict[str, AnyLayer] = {}
    for path, layer in recurrent_layers(keras_model, ""):
        if path in found:
            raise NotReadable(f"two layers of the model have the path {path!r}: give them names of their own")
        try:
            found[path] = read(layer, training=training)
        except NotReadable as error:
            raise NotReadable(f"at {path}: {error}") from error
    return found


def recurrent_layers(parent: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every recurrent layer under a layer, whether it can be read or not."""
    children = parent._flatten_layers(include_self=False, recursive=False)  # the one walk that both eras offer
    for layer in children:
        here = f"{path}/{layer.name}" if path else layer.name
        if hasattr(layer, "forward_layer") or hasattr(layer, "state_size") or hasattr(layer, "cell"):
            yield here, layer
        else:
            yield from recurrent_layers(layer, here)


def _cells(stacked: Any, training: bool, **flags: bool) -> tuple[Layer, ...]:
    if not _is(stacked, {"StackedRNNCells"}):
        raise NotReadable(f"{_name(stacked)} is not Keras' StackedRNNCells")
    if getattr(stacked, "reverse_state_order", False):
        raise NotReadable(f"{_name(stacked)} has reverse_state_order=True: states are read in the cells' order only")
    return tuple(_cell(cell, training, **flags) for cell in stacked.cells)


def _cell(cell: Any, training: bool, **flags: Any) -> Layer:
    if not _is_cell(cell):
        known = ", ".join([*CELLS, *OWN_CELLS])
        raise NotReadable(f"{_name(cell)} is no cell that can be read: it must be one of {known}")
    if _is(cell, TF1_CELLS, ("cells.tf1",)):
        return replace(_tf1(cell), **flags)
    names = CELLS | OWN_CELLS
    kind = next(names[c.__name__] for c in type(cell).__mro__ if c.__name__ in names)
    if getattr(cell, "recurrent_kernel", None) is None:
        raise NotReadable(f"{_name(cell)} has no weights yet: build it, or call it once")
    if training and (cell.dropout or cell.recurrent_dropout):
        raise NotReadable(
            f"{_name(cell)} has dropout={cell.dropout} and recurrent_dropout={cell.recurrent_dropout}, whose masks "
            "are random in training: read it with training=False for inference"
        )
    values = {
        name: activation(value) if name.endswith("activation") and not value is default is None else value
        for name, default in cell_options(kind).items()
        if hasattr(cell, name)
        for value in [getattr(cell, name)]
    }
    Weights = weights_type(kind)
    variables = {name: getattr(cell, name, None) for name in Weights._fields}
    arrays = {name: array(variable) for name, variable in variables.items() if variable is not None}
    if "bias" in arrays and arrays["bias"].ndim == 2:  # one row a matmul
        arrays["bias"], arrays["recurrent_bias"] = arrays["bias"]
    return Layer(kind, Weights(**arrays), values, **flags)


def array(variable: Any) -> Array:
    """A variable's value, copied. bfloat16, which NumPy does not know, becomes float32 (exactly)."""
    value = np.array(variable.numpy())
    return value.astype("float32") if value.dtype.name == "bfloat16" else value


def activation(function: Any) -> Activation:
    """A live activation (a function, or a LeakyReLU or Activation layer) -> ours.

    Raises NotReadable for a function that is not known by its module and name.
    """
    if function is None:
        return activations.get(None)
    if _is(function, {"LeakyReLU"}):
        slope = function.negative_slope if hasattr(function, "negative_slope") else function.alpha
        return activations.get("leaky_relu", negative_slope=float(slope))
    if _is(function, {"Activation"}):
        return activation(function.activation)
    module, name = getattr(function, "__module__", None) or "", getattr(function, "__name__", str(function))
    own = getattr(sys.modules.get(module), name, None) is function  # functools.wraps copies a module and a name
    for home, renamed in RENAMED.items():
        if own and f"{module}.".startswith(f"{home}."):
            if name in renamed:
                return renamed[name]
            if name in activations.names():
                return activations.get(name)
    raise NotReadable(
        f"activation {module}.{name} is not known: those of Keras that can be read are {', '.join(activations.names())}"
    )


def _tf1(cell: Any) -> Layer:
    """A cell of `cells.tf1`, from the arrays that TF1 names with a slash where Keras cannot."""
    if not cell.weights:
        raise NotReadable(f"{_name(cell)} has no weights yet: build it, or call it once")
    slashed = ("projection_", "gates_", "candidate_")
    named = {w.name.replace("_", "/", 1) if w.name.startswith(slashed) else w.name: array(w) for w in cell.weights}
    kind = next(TF1_CELLS[c.__name__] for c in type(cell).__mro__ if c.__name__ in TF1_CELLS)
    given = {name: getattr(cell, name) for name in ("forget_bias", "cell_clip", "proj_clip") if hasattr(cell, name)}
    layer = unpack("tf1", kind, named, activation=activation(cell.activation), **given)
    assert isinstance(layer, Layer)
    return layer


def _pytorch(layer: Any) -> Stack:
    """A layer of `cells.pytorch`: its layers, of one direction or two."""
    if not all(rnn.cell.weights for rnn in layer.rnns):
        raise NotReadable(f"{_name(layer)} has no weights yet: build it, or call it once")
    read = [_cell(rnn.cell, False, go_backwards=rnn.go_backwards) for rnn in layer.rnns]
    if layer.bidirectional:
        return Stack(tuple(Bidirectional(read[k], read[k + 1]) for k in range(0, len(read), 2)))
    return Stack(tuple(read))


def _is_cell(thing: Any) -> bool:
    return _is(thing, CELLS) or _is(thing, OWN_CELLS, ("cells",)) or _is(thing, TF1_CELLS, ("cells.tf1",))


def _family(kind: type) -> str | None:
    """Which of the trusted families a class is of."""
    home = kind.__module__
    own = next((name for name in ("cells.tf1", "cells.pytorch") if f"{home}.".startswith(f"{name}.")), None)
    return own or (None if "legacy" in home else home.split(".")[0])


def _is(thing: Any, names: Any, families: tuple[str, ...] = ROOTS) -> bool:
    """Whether its class, or the one that it extends harmlessly, is a trusted one of these names."""
    for kind in type(thing).__mro__:
        if kind.__name__ in names and _family(kind) in families:
            return True
        changed = {
            name for name, value in vars(kind).items() if callable(value) or isinstance(value, property)
        } - HARMLESS
        ours = {name for parent in kind.__mro__[1:] for name in vars(parent) if parent is not object}
        if changed & ours:
            return False
    return False


def _name(thing: Any) -> str:
    kind = type(thing)
    return f"{kind.__module__.split('.')[0]} {kind.__name__} {getattr(thing, 'name', '')!r}".replace(" ''", "")
