"""No option is ignored: two of a kind that differ in one option alone differ in what they do.

The tests walk the constructors, so that an option without a pair here fails. What a cell does is all that can be seen:
the outputs in training, the losses of its regularisers, and the weights after their constraints.
"""

from __future__ import annotations

import inspect
from dataclasses import fields, replace
from typing import Any

import keras
import numpy as np
import pytest

import cells
import cells.pytorch
import cells.tf1
import cells.wrappers
from comparisons.proof import draws
from comparisons.proof.cases import Case
from reference import Bidirectional, Layer, Stack, activations, steps

X = H = 4  # MUT1 and MUT2 need as many inputs as units


def pick(value: Any, *others: Any, **context: Any) -> tuple[Any, Any, dict[str, Any]]:
    """Two values of an option, and the other options that it needs to show."""
    return value, others[0], context


INITIALISERS = {
    f"{role}_initializer": pick("zeros", "ones") for role in ("kernel", "recurrent", "norm_gamma", "norm_beta")
} | {
    "bias_initializer": pick("zeros", "ones", use_bias=True),
    "peephole_initializer": pick("zeros", "ones", use_peepholes=True),
    "projection_initializer": pick("zeros", "ones", num_proj=2),
}
PAIRS = INITIALISERS | {
    "units": pick(4, 2, cells_per_block=1),
    "activation": pick("tanh", "relu"),
    "recurrent_activation": pick("sigmoid", "hard_sigmoid"),
    "output_activation": pick("relu", "softsign"),
    "use_bias": pick(True, False, bias_initializer="ones"),
    "use_recurrent_bias": pick(True, False, use_bias=True, bias_initializer="ones"),
    "unit_forget_bias": pick(True, False),
    "kernel_regularizer": pick("l2", None),
    "recurrent_regularizer": pick("l2", None),
    "bias_regularizer": pick("l2", None, use_bias=True, bias_initializer="ones"),
    "kernel_constraint": pick("non_neg", None),
    "recurrent_constraint": pick("non_neg", None),
    "bias_constraint": pick("unit_norm", None, use_bias=True, bias_initializer="ones"),
    "dropout": pick(0.5, 0.0),
    "recurrent_dropout": pick(0.5, 0.0),
    "reset_after": pick(True, False, bias_initializer="ones"),
    "seed": pick(1, 2, dropout=0.5),
    "forget_bias": pick(0.0, 1.0),
    "cells_per_block": pick(1, 2),
    "coupled": pick("i", "f"),
    "use_peepholes": pick(True, False, peephole_initializer="ones"),
    "cell_clip": pick(0.01, None),
    "num_proj": pick(2, None),
    "proj_clip": pick(0.001, None, num_proj=2),
    "output_units": pick(2, 3),
    "norm_epsilon": pick(1e-3, 1.0),
    "variant": pick("V", "NFG"),
    # TF1's and PyTorch's
    "num_units": pick(4, 2),
    "initializer": pick("zeros", "ones"),
    "state_is_tuple": pick(True, False),
    "input_size": pick(4, 3),
    "hidden_size": pick(4, 2),
    "num_layers": pick(1, 2),
    "bias": pick(True, False),
    "batch_first": pick(True, False),
    "bidirectional": pick(True, False),
    "nonlinearity": pick("tanh", "relu"),
    "proj_size": pick(0, 2),
}
GATED = [name for name in cells.__all__ if hasattr(getattr(cells, name), "arguments")]


def takes(kind: Any) -> set[str]:
    """The names of a constructor's arguments, those of Keras' Layer and `self` apart; of its parents too where they are
    passed on."""
    names: set[str] = set()
    for home in kind.__mro__:
        if home is keras.layers.Layer or not home.__module__.startswith("cells"):
            break
        parameters = inspect.signature(home).parameters.values()
        names |= {p.name for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}
    return names


def behaviour(make: Any, arguments: dict[str, Any], inputs: int = X) -> list[np.ndarray]:
    """All that can be seen of a cell or layer."""
    keras.utils.set_random_seed(0)
    made = make(**arguments)
    x = np.random.default_rng(0).normal(size=(3, 5, inputs)).astype("float32")
    if hasattr(made, "state_size"):  # a cell, for three steps
        seen, state = [], made.get_initial_state(batch_size=3)
        for t in range(3):
            y, state = made(x[:, t], state, training=True)
            seen += [y, *keras.tree.flatten(state)]
    else:
        seen = keras.tree.flatten(made(x, training=True))
    held = [w.constraint(w) if w.constraint else w for w in made.weights]
    return [np.asarray(keras.ops.convert_to_numpy(value)) for value in [*seen, *made.losses, *held]]


def differ(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    return [a.shape for a in one] != [b.shape for b in other] or any(
        not np.array_equal(a, b) for a, b in zip(one, other, strict=True)
    )


def pairs(kinds: dict[str, Any]) -> list[Any]:
    return [
        pytest.param(kind, name, id=f"{label}, {name}") for label, kind in kinds.items() for name in sorted(takes(kind))
    ]


def compared(kind: Any, option: str, sizes: dict[str, Any]) -> None:
    assert option in PAIRS, f"{kind.__name__} has a new option, {option!r}: give it a pair in PAIRS"
    one, other, context = PAIRS[option]
    given = sizes | {name: value for name, value in context.items() if name in takes(kind)}
    inputs = {name: value for name, value in sizes.items() if name == "input_size"}.get("input_size", X)
    if option == "input_size":
        with pytest.raises(ValueError, match="input must have shape"):
            behaviour(kind, given | {option: other})
        return
    first, again, changed = (behaviour(kind, given | {option: value}, inputs) for value in (one, one, other))
    assert not differ(first, again)
    assert differ(first, changed), (
        f"{kind.__name__} does the same with {option}={one!r} and {option}={other!r}: it is ignored"
    )


@pytest.mark.parametrize(("kind", "option"), pairs({name: getattr(cells, name) for name in GATED}))
def test_no_option_of_a_cell_is_ignored(kind, option):
    if kind in (cells.MUT1Cell, cells.MUT2Cell) and option == "units":  # as many as inputs
        with pytest.raises(ValueError, match="units"):
            behaviour(kind, {"units": X - 1})
    else:
        compared(kind, option, {"units": H})


@pytest.mark.parametrize(
    ("kind", "option"), pairs({name: getattr(cells.pytorch, name) for name in ("RNN", "LSTM", "GRU")})
)
def test_no_option_of_a_pytorch_layer_is_ignored(kind, option):
    if option == "dropout":
        compared(kind, option, {"input_size": X, "hidden_size": H, "num_layers": 2})
    else:
        compared(kind, option, {"input_size": X, "hidden_size": H})


TF1 = {name: getattr(cells.tf1, name) for name in ("BasicRNNCell", "BasicLSTMCell", "LSTMCell", "GRUCell")}


@pytest.mark.parametrize(("kind", "option"), pairs(TF1))
def test_no_option_of_a_tf1_cell_is_ignored(kind, option):
    if option == "state_is_tuple":
        sizes = [keras.tree.flatten(kind(H, state_is_tuple=together).state_size) for together in (True, False)]
        assert sizes == [[H, H], [2 * H]]
        return
    if option == "initializer" or option == "kernel_initializer":
        compared(kind, option, {"num_units": H})
        return
    compared(kind, option, {"num_units": H})


# The reference: options of the steps, and of the layers around them.

STEP_PAIRS = {
    "activation": ("tanh", "relu"),
    "recurrent_activation": ("sigmoid", "hard_sigmoid_keras3"),
    "output_activation": ("softsign", "relu"),
    "forget_bias": (0, 1),
    "cells_per_block": (1, 2),
    "reset_after": (True, False),
    "coupled": ("i", "f"),
    "cell_clip": (None, 0.01),
    "proj_clip": (None, 0.01),
    "norm_epsilon": (1e-3, 1.0),
    "variant": ("V", "NIAF"),
}
STEPS = [(cell, option) for cell in steps.CELLS for option in steps.options(cell)]


def drawn(cell: str, **given: Any) -> Layer:
    without = {"greff_lstm": ("gate_recurrent_kernel",)}.get(cell, ())
    width = 2 if cell in ("peephole_lstm", "jordan") else None
    made = draws.layer(Case(cell, cell, units=H, recurrent_dim=width, without=without, **given), X, 0)
    assert isinstance(made, Layer)
    return made


def outputs(layer: Any) -> np.ndarray:
    return layer.run(np.random.default_rng(0).normal(size=(3, 5, X))).result


@pytest.mark.parametrize(("cell", "option"), STEPS)
def test_no_option_of_a_step_is_ignored(cell, option):
    assert option in STEP_PAIRS, f"{cell} has a new option, {option!r}: give it a pair in STEP_PAIRS"
    one, other = (drawn(cell, options={option: value}) for value in STEP_PAIRS[option])
    if [a.shape for a in one.weights if a is not None] == [a.shape for a in other.weights if a is not None]:
        other = replace(other, weights=one.weights)  # the same numbers, so that the option alone differs
    assert not np.array_equal(outputs(one), outputs(other)), f"{cell} ignores {option}"


LAYER_PAIRS = {
    "cell": ("lstm", "lstm"),  # what it means is what all of these tests are about
    "weights": None,
    "options": None,
    "step": None,
    "go_backwards": (False, True),
    "direction": ("forward", "reverse"),
    "return_sequences": (True, False),
    "zero_output_for_mask": (False, True),
    "stateful": None,  # a run starts from what it is told, whatever the layer did from batch to batch
    "source": None,  # where the layer came from
    "layers": None,
    "forward": None,
    "backward": None,
    "merge_mode": ("concat", "sum"),
}


@pytest.mark.parametrize("kind", [Layer, Stack, Bidirectional])
def test_no_field_of_a_layer_is_ignored(kind):
    one, back = drawn("lstm"), replace(drawn("lstm", use_bias=False), go_backwards=True)
    made = {Layer: one, Stack: Stack((one,)), Bidirectional: Bidirectional(one, back)}[kind]
    mask = np.array([[1, 1, 0, 1, 0]] * 3, bool)
    x = np.random.default_rng(0).normal(size=(3, 5, X))
    for field in fields(kind):
        assert field.name in LAYER_PAIRS, f"{kind.__name__} has a new field, {field.name!r}"
        if LAYER_PAIRS[field.name] is None or field.name == "cell":
            continue
        results = [replace(made, **{field.name: value}).run(x, mask=mask).result for value in LAYER_PAIRS[field.name]]
        assert not np.array_equal(*results), f"{kind.__name__} ignores {field.name}"


def test_an_ignored_option_is_seen(monkeypatch):
    class Deaf(cells.LSTMCell):
        """Takes forget_bias, and does not add it."""

        def call(self, inputs, states, training=False):
            self.forget_bias = 0.0
            return super().call(inputs, states, training)

    with pytest.raises(AssertionError, match="is ignored"):
        compared(Deaf, "forget_bias", {"units": H})
    layer = drawn("lstm", options={"forget_bias": 1})
    deaf = replace(
        layer, step=lambda xw, state, w, *, forget_bias, **rest: steps.module("lstm").step(xw, state, w, **rest)
    )
    assert np.array_equal(outputs(deaf), outputs(replace(deaf, options={"forget_bias": 0})))
    assert not np.array_equal(outputs(layer), outputs(replace(layer, options={"forget_bias": 0})))


def test_activations_with_numbers_differ():
    x = np.linspace(-2, 2, 33)
    for name, (_, parameters) in activations.PARAMETRISED.items():
        base = dict.fromkeys(parameters, 0.5)
        for parameter in parameters:
            one, other = (activations.get(name, **base | {parameter: value}) for value in (0.5, 0.75))
            assert not np.array_equal(one(x), other(x)), f"{name} ignores {parameter}"
            ours = [cells.Parametric(name, **base | {parameter: value})(x) for value in (0.5, 0.75)]
            assert not np.array_equal(*map(np.asarray, ours)), f"cells.Parametric({name}) ignores {parameter}"
        clipped = activations.get(name, clip=0.6, **base)
        assert not np.array_equal(clipped(x), activations.get(name, **base)(x)), f"{name} ignores clip"


# The wrappers: every option of theirs around one cell.

DROPPED = {"input_keep_prob": 0.5, "seed": 1}
WRAPPER_PAIRS = {
    "input_keep_prob": (1.0, 0.5, {"seed": 1}),
    "output_keep_prob": (1.0, 0.5, {"seed": 1}),
    "state_keep_prob": (1.0, 0.5, {"seed": 1}),
    "variational_recurrent": (False, True, DROPPED),
    "seed": (1, 2, {"input_keep_prob": 0.5}),
    "dropout_state_filter_visitor": (None, lambda state: False, {"state_keep_prob": 0.5, "seed": 1}),
    "residual_fn": (None, lambda inputs, outputs: outputs, {}),
}
# What shows otherwise: in errors, in shapes, or on a machine with more devices than one.
SHOWN_ELSEWHERE = {"cell", "cells", "input_size", "device", "state_is_tuple"}


@pytest.mark.parametrize(
    ("kind", "option"),
    pairs(
        {k.__name__: k for k in (cells.DropoutWrapper, cells.ResidualWrapper, cells.DeviceWrapper, cells.MultiRNNCell)}
    ),
)
def test_no_option_of_a_wrapper_is_ignored(kind, option):
    assert option in WRAPPER_PAIRS or option in SHOWN_ELSEWHERE, f"{kind.__name__} has a new option, {option!r}"
    if option in SHOWN_ELSEWHERE:
        return
    one, other, context = WRAPPER_PAIRS[option]
    wrapped = lambda **arguments: kind(cells.LSTMCell(H), **context | arguments)
    assert differ(behaviour(wrapped, {option: one}), behaviour(wrapped, {option: other})), f"{option} is ignored"


def test_what_wrappers_show_elsewhere():
    joined, apart = (cells.MultiRNNCell([cells.tf1.GRUCell(H)], state_is_tuple=t).state_size for t in (False, True))
    assert keras.tree.flatten(joined) == keras.tree.flatten(apart) == [H]
    assert isinstance(joined, int)
    assert not isinstance(apart, int)
    x = np.zeros((3, X), "float32")
    cell = cells.DropoutWrapper(cells.LSTMCell(H), input_keep_prob=0.5, variational_recurrent=True, input_size=X + 1)
    with pytest.raises(ValueError, match="input_size"):
        cell(x, cell.get_initial_state(3), training=True)
