"""A function that a config names or describes -> Activation. Nothing is looked up by name but in a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

from reference import activations
from reference.activations import Activation
from reference.conventions.frameworks import FRAMEWORKS
from reference.files.outline import package, trusted

# This project's, as its cells register them.
OURS = ("hard_sigmoid_keras2", "hard_sigmoid_keras3", "sigmoid_in_1", "sigmoid_in_2")


def function(value: Any, era: str) -> Activation | None:
    """A config's function, by its name or as an object; None for one that is not known.

    >>> print(function("hard_sigmoid", "keras1"), function("os>system", "keras"))
    hard_sigmoid_keras2 None
    """
    if isinstance(value, Activation):
        return value
    if value is None:
        return activations.get("linear")
    if isinstance(value, str):
        return _named(value, era)
    if not isinstance(value, Mapping):
        return None
    kind, config, owner = value.get("class_name"), value.get("config"), package(value)
    if kind == "function" and isinstance(config, str):
        if _ours(owner):
            return activations.get(config) if config in OURS else None
        alone = value.get("registered_name") in (None, config, "function")
        return _named(config, era) if alone and (owner == "builtins" or trusted(owner)) else None
    if not isinstance(kind, str) or not isinstance(config, Mapping):
        return None
    kind = kind.rsplit(">", 1)[-1]
    if kind == "Parametric" and _ours(owner):
        return _parametric(config)
    if not trusted(owner):
        return None
    if kind == "LeakyReLU":
        slope = config.get("negative_slope", config.get("alpha", 0.3))
        slope = slope.get("value") if isinstance(slope, Mapping) else slope  # as Keras 2 wrote a NumPy number
        return activations.get("leaky_relu", negative_slope=float(slope)) if _number(slope) else None
    return function(config.get("activation"), era) if kind == "Activation" else None


def _named(name: str, era: str) -> Activation | None:
    owner, _, bare = name.rpartition(">")
    if owner:
        return activations.get(bare) if owner == "gateproof" and bare in OURS else None
    names = {**FRAMEWORKS["keras" if era == "keras" else "keras2"].activations, **{own: own for own in OURS}}
    return activations.get(names[name]) if name in names else None


def _parametric(config: Mapping[str, Any]) -> Activation | None:
    own = {key: value for key, value in config.items() if key not in ("function", "clip")}
    clip, name = config.get("clip"), config.get("function")
    if not isinstance(name, str) or not all(map(_number, own.values())) or not (clip is None or _number(clip)):
        return None
    try:
        return activations.get(name, clip=clip, **own)
    except ValueError:
        return None


def _ours(owner: str) -> bool:
    return owner == "gateproof" or owner.split(".")[0] == "cells"


def _number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
