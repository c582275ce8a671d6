"""A layer's options -> a framework's own attributes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reference import steps
from reference.activations import Activation, get
from reference.conventions import folds, onnx
from reference.conventions.assembling import FLAGS, called, known
from reference.conventions.folds import Change, NotRepresentable
from reference.conventions.frameworks import FRAMEWORKS
from reference.conventions.storage import REQUIRED, Form, Framework
from reference.layer import Layer


def attributes(layer: Layer, framework: str, form: Form, biased: bool) -> tuple[dict[str, Any], tuple[Change, ...]]:
    """The framework's attributes, and what of the layer has none and must be as the framework always has it."""
    home, w = known(framework), layer.weights
    defaults = steps.options(layer.cell)
    values: dict[str, Any] = {
        **layer.options,
        **{name: getattr(layer, name) for name in FLAGS},
        "units": layer.units,
        "input_dim": layer.input_dim,
        "use_bias": biased,
        "reverse": layer.direction == "reverse",
    }
    if not layer.stateful:
        del values["stateful"]  # said only where it is asked for: cells take no such argument
    if getattr(w, "projection", None) is not None or getattr(w, "output_kernel", None) is not None:
        values["recurrent_dim"] = layer.recurrent_dim
    if layer.cell in ("peephole_lstm", "cifg"):
        values["use_peepholes"] = w.peephole is not None
    if "output_activation" in values:
        values["output_activation"] = values["output_activation"] or values["activation"]
    if framework == "onnx":
        roles = onnx.ROLES.get(layer.cell, onnx.ROLES["lstm"])
        functions = {role: values.pop(role) for role in roles}
        if layer.cell == "cifg":
            values["input_forget"] = 1
        values["reset_after"] = int(values.get("reset_after", 0))
        options, last = _named(home, layer, form, values, {"output_activation": None})
        return {**options, "functions": functions}, last
    always = dict(defaults)
    if "output_activation" in always:
        always["output_activation"] = values["activation"] if layer.cell != "jordan" else defaults["output_activation"]
    return _named(home, layer, form, values, always)


def _named(
    home: Framework, layer: Layer, form: Form, values: dict[str, Any], always: Mapping[str, Any]
) -> tuple[dict[str, Any], tuple[Change, ...]]:
    framework = next(name for name in FRAMEWORKS if known(name) is home)
    takes = home.takes(layer.cell)
    options: dict[str, Any] = {}
    for name, option in takes.items():
        if option.means in values and option.means not in form.fixed:
            value = values.pop(option.means)
            default = always.get(option.means, option.default) if option.own else REQUIRED
            if value != default and not (option.own and value is None):
                options[name] = (
                    _name_of(framework, home, layer, option.means, value)
                    if option.means.endswith("activation")
                    else option.none[0]
                    if value is None and option.none
                    else value
                )
    own = steps.options(layer.cell) if framework == "keras" else {}
    last: list[Change] = []
    for name in list(values):
        value = values[name]
        if name in own and name in steps.options(layer.cell) and name not in form.fixed:
            if value != always.get(name):
                options[name] = value
        elif name in layer.options and name not in ("reset_after", "coupled"):
            must = form.fixed.get(name, always.get(name, steps.options(layer.cell)[name]))
            must = get(must) if isinstance(must, str) else must
            if value != must:
                nearest = folds.with_options(layer, **{name: must})
                raise NotRepresentable(
                    f"{called(framework, layer.cell)} has {name} {must} always, got {value}", nearest
                )
        elif name in ("go_backwards", "reverse", "zero_output_for_mask") and value:
            raise NotRepresentable(f"{framework} has no {name}, whose outputs differ from those of its other options")
        elif name == "return_sequences" and not value:
            last.append(folds.LAST)
    return options, tuple(last)


def _name_of(framework: str, home: Framework, layer: Layer, means: str, value: Activation) -> str:
    """The framework's name of a function."""
    names = [theirs for theirs, ours in home.activations.items() if get(ours) == value]
    if not names:
        nearest = folds.with_options(layer, **{means: steps.options(layer.cell)[means]})
        has = ", ".join(sorted(home.activations))
        raise NotRepresentable(f"{framework} has no {means} {value}: it has {has}", nearest)
    return names[0]
