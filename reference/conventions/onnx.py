"""ONNX' recurrent operators: the leading axis of directions, and the lists of activations, as settings.

`clip` bounds what the gates' and the candidate's activations get; ONNX Runtime does not clip c before the last one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from reference import activations
from reference.activations import Activation
from reference.layer import AnyLayer, Bidirectional, Layer
from reference.steps import Array

# Which activation each of an operator's functions is, in order.
ROLES = {
    "lstm": ("recurrent_activation", "activation", "output_activation"),
    "gru": ("recurrent_activation", "activation"),
    "simple_rnn": ("activation",),
}
DEFAULTS = {"recurrent_activation": "Sigmoid", "activation": "Tanh", "output_activation": "Tanh"}
# name: ours; the parameters that alpha and beta are, and their defaults. Affine, ScaledTanh and ThresholdedRelu have
# none: what runs in ONNX Runtime without alpha and beta (zeros) is not what the operators of these names have.
FUNCTIONS: dict[str, tuple[str, dict[str, tuple[str, float | None]]]] = {
    "Affine": ("affine", {"alpha": ("slope", None), "beta": ("offset", None)}),
    "Elu": ("elu", {"alpha": ("alpha", 1.0)}),
    "HardSigmoid": ("hard_sigmoid", {"alpha": ("slope", 0.2), "beta": ("offset", 0.5)}),
    "LeakyRelu": ("leaky_relu", {"alpha": ("negative_slope", 0.01)}),
    "Relu": ("relu", {}),
    "ScaledTanh": ("scaled_tanh", {"alpha": ("scale", None), "beta": ("slope", None)}),
    "Sigmoid": ("sigmoid", {}),
    "Softplus": ("softplus", {}),
    "Softsign": ("softsign", {}),
    "Tanh": ("tanh", {}),
    "ThresholdedRelu": ("thresholded_relu", {"alpha": ("threshold", None)}),
}
LINEAR = {"slope": 1.0, "offset": 0.0}  # what "linear" is as Affine


def settings(given: dict[str, Any], cell: str) -> dict[str, Any]:
    """The attributes as settings; "each direction" has the activations of one after the other."""
    chosen = {name: _text(value) for name, value in given.items()}
    names, alpha, beta, clip = (
        chosen.pop(key) for key in ("activations", "activation_alpha", "activation_beta", "clip")
    )
    if names is not None and not _listed(names, str):
        raise ValueError(f"activations must be names of functions, got {names!r}")
    for name, values in (("activation_alpha", alpha), ("activation_beta", beta)):
        if values is not None and not _listed(values, (int, float, np.number)):
            raise ValueError(f"{name} must be numbers, one a function, in a list, got {values!r}")
    if chosen["direction"] not in ("forward", "reverse", "bidirectional"):
        raise ValueError(f"direction of onnx must be forward, reverse or bidirectional, got {chosen['direction']!r}")
    roles = _roles(cell)
    directions = 2 if chosen["direction"] == "bidirectional" else 1
    names = [DEFAULTS[role] for role in roles] * directions if names is None else list(names)
    if len(names) != len(roles) * directions:
        raise ValueError(
            f"activations of an onnx {cell} must be {len(roles) * directions} ({', '.join(roles)}, a direction), "
            f"got {names}"
        )
    left: dict[str, list[float]] = {
        letter: [] if values is None else list(values) for letter, values in (("alpha", alpha), ("beta", beta))
    }
    found = [_function(name, left) for name in names]
    if left["alpha"] or left["beta"]:
        raise ValueError(
            f"activation_alpha and activation_beta of onnx must be as many as {names} take, got more: {left}"
        )
    clips = {role: clip if role != "output_activation" else None for role in roles}
    chosen["each direction"] = [
        {role: replace(found[k * len(roles) + n], clip=clips[role]) for n, role in enumerate(roles)}
        for k in range(directions)
    ]
    forget = chosen.pop("input_forget", None)
    if forget is not None and cell in ("cifg", "peephole_lstm") and bool(forget) != (cell == "cifg"):
        raise ValueError(f"input_forget of onnx must be {int(cell == 'cifg')} for a {cell}, got {forget!r}")
    if cell == "cifg" or forget:
        chosen["coupled"] = "f"
    if "reset_after" in chosen:
        chosen["reset_after"] = bool(chosen["reset_after"])
    return chosen


def _text(value: Any) -> Any:
    """Strings are bytes where a node's attributes are read by onnx.helper."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return [_text(one) for one in value] if isinstance(value, list | tuple) else value


def _listed(values: Any, kind: Any) -> bool:
    return isinstance(values, list | tuple | np.ndarray) and all(
        isinstance(one, kind) and not isinstance(one, bool) for one in values
    )


def _roles(cell: str) -> tuple[str, ...]:
    return ROLES.get(cell, ROLES["lstm"])


def _function(name: str, left: dict[str, list[float]]) -> Activation:
    """One function, which takes its alpha and beta from what is left of the lists. Names are of any case."""
    names = {known.lower(): known for known in FUNCTIONS}
    if str(name).lower() not in names:
        raise ValueError(f"activation of onnx must be one of {', '.join(FUNCTIONS)}, got {name!r}")
    ours, takes = FUNCTIONS[names[str(name).lower()]]
    values: dict[str, float] = {}
    for letter, (parameter, default) in takes.items():
        if not left[letter] and default is None:
            raise ValueError(f"{name} of onnx must have an activation_{letter}, since implementations differ, got none")
        values[parameter] = float(left[letter].pop(0)) if left[letter] else default  # type: ignore[assignment]
    return named(ours, values)


def named(ours: str, values: Mapping[str, float]) -> Activation:
    """The function of these parameters, under its own name where it has one; attributes are float32 in a file."""
    eras = activations.HARD_SIGMOIDS | {name: {"negative_slope": k} for name, k in activations.LEAKY_SLOPES.items()}
    same = lambda known: (
        known.keys() == values.keys() and all(np.float32(known[k]) == np.float32(values[k]) for k in known)
    )
    for name, known in eras.items():
        if ours in name and same(known):
            return activations.get(name)
    if (ours, dict(values)) == ("elu", {"alpha": 1.0}):
        return activations.get("elu")
    if ours == "affine" and same(LINEAR):
        return activations.get("linear")
    return activations.get(ours, **values) if values else activations.get(ours)


def directed(
    arrays: Mapping[str, Array], chosen: dict[str, Any], leaf: Callable[[dict[str, Array], dict[str, Any]], Layer]
) -> AnyLayer:
    """One layer for each entry of the leading axis."""
    each = chosen.pop("each direction")
    direction = chosen.pop("direction")
    for name, array in arrays.items():
        if array.ndim == 0 or len(array) != len(each):
            raise ValueError(
                f"{name} of onnx must have {len(each)} directions as its first axis (direction={direction!r}), "
                f"got shape {array.shape}"
            )
    layers = [
        leaf({name: a[k] for name, a in arrays.items()}, {**chosen, **functions}) for k, functions in enumerate(each)
    ]
    if direction != "bidirectional":
        return layers[0] if direction == "forward" else replace(layers[0], direction="reverse")
    return Bidirectional(layers[0], replace(layers[1], go_backwards=True))


def attributes(each: list[dict[str, Any]]) -> dict[str, Any]:
    """The activations of one direction after the other, and clip. Raises ValueError where they have no form."""
    functions = [function for direction in each for function in direction.values()]
    clips = {function.clip for direction in each for role, function in direction.items() if role != "output_activation"}
    if len(clips) > 1 or any(d["output_activation"].clip is not None for d in each if "output_activation" in d):
        raise ValueError("onnx clips what the gates and the candidate get, and nothing else")
    names, alpha, beta = [], [], []
    for function in functions:
        name, values = _onnx_name(function)
        names.append(name)
        alpha += [values["alpha"]] if "alpha" in values else []
        beta += [values["beta"]] if "beta" in values else []
    found: dict[str, Any] = {}
    if names != [DEFAULTS[role] for direction in each for role in direction]:
        found["activations"] = names
    found |= {key: values for key, values in (("activation_alpha", alpha), ("activation_beta", beta)) if values}
    return found | ({"clip": clip} if (clip := next(iter(clips))) is not None else {})


def _onnx_name(function: Activation) -> tuple[str, dict[str, float]]:
    for name, (ours, takes) in FUNCTIONS.items():
        parameters = dict(LINEAR) if ours == "affine" and function.name == "linear" else dict(function.parameters)
        if ours == "elu" and function.name == "elu" and not parameters:
            parameters = {"alpha": 1.0}
        same = function.function is activations.get(ours, **parameters).function if _takes(ours, parameters) else False
        if same or (ours == "affine" and function.name == "linear"):
            return name, {letter: parameters[parameter] for letter, (parameter, _) in takes.items()}
    raise ValueError(f"onnx has no activation {function}: it has {', '.join(FUNCTIONS)}")


def _takes(ours: str, parameters: Mapping[str, float]) -> bool:
    takes = activations.PARAMETRISED[ours][1] if ours in activations.PARAMETRISED else frozenset()
    return takes == parameters.keys()
