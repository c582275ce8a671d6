"""A framework's attributes -> settings by what they mean here, each of its own kind."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from reference import activations, steps
from reference.activations import Activation
from reference.conventions import onnx
from reference.conventions.assembling import FLAGS, known
from reference.conventions.storage import REQUIRED
from reference.layer import MERGES


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.floating) and not isinstance(value, bool) and math.isfinite(value)


def _is_size(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and int(value) > 0


Check = tuple[Callable[[Any], bool], str]
_NUMBER: Check = (_is_number, "a finite number")
_CLIP: Check = (lambda v: v is None or (_is_number(v) and bool(v > 0)), "positive, or None for none")
_SIZE: Check = (_is_size, "a positive integer")
_SIZE_OR_NONE: Check = (lambda v: v is None or _is_size(v), "a positive integer")
_FLAG: Check = (lambda v: v is None or (isinstance(v, int | np.integer | np.bool_) and v in (0, 1)), "True or False")
# What a value of each meaning must be, whatever the framework calls it.
CHECKS: dict[str, Check] = {
    "forget_bias": _NUMBER,
    "norm_epsilon": _NUMBER,
    "cell_clip": _CLIP,
    "proj_clip": _CLIP,
    "clip": _CLIP,
    "cells_per_block": _SIZE,
    **dict.fromkeys(("units", "input_dim", "layers"), _SIZE_OR_NONE),
    "recurrent_dim": (lambda v: v is None or _is_size(v) or (v == 0 and not isinstance(v, str)), "a positive integer"),
    **dict.fromkeys((*FLAGS, "use_bias", "use_peepholes", "two_biases", "reset_after", "reverse", "directions"), _FLAG),
    "input_forget": (_FLAG[0], "0 or 1"),
    "layout": (lambda v: isinstance(v, int | np.integer) and v in (0, 1), "0 or 1"),
    "merge_mode": (lambda v: isinstance(v, str | None) and v in MERGES, f"one of {', '.join(map(str, MERGES))}"),
}


def settings(framework: str, cell: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes by what they mean here, with the framework's defaults, and the cell's own where it has none.

    Raises ValueError for an attribute that the framework's layer does not have, or a value that it cannot have.
    """
    home = known(framework)
    takes = home.takes(cell)
    own = steps.options(cell) if framework == "keras" else {}
    for name in options:
        if name not in takes and name not in own:
            raise ValueError(
                f"option of {framework} {cell} must be one of {', '.join(sorted({*takes, *own}))}, got {name!r}"
            )
    found: dict[str, Any] = {}
    for name in {**takes, **own}:
        option = takes.get(name)
        if (option is None or option.own) and name not in options:
            continue
        if option is None:
            means, value = name, options[name]
        else:
            means, value = option.means, options.get(name, option.default)
            value = None if _is_number(value) and value in option.none else value
        if value is REQUIRED:
            raise ValueError(f"{name} of {framework} {cell} must be given, since its eras differ in it, got none")
        if option is not None and means == "only default" and value != option.default:
            raise ValueError(f"{name} of {framework} {cell} must be {option.default!r}, got {value!r}")
        right, rule = CHECKS.get(means or name, (None, ""))
        if right and name in options and not right(value):
            raise ValueError(f"{name} must be {rule}, got {value!r}")
        if means:
            found[means] = _activation(framework, name, value) if means.endswith("activation") else value
    return onnx.settings(found, cell) if framework == "onnx" else found


def _activation(framework: str, name: str, value: Any) -> Activation | None:
    """A function by the framework's name; ours are taken as they are."""
    home = known(framework)
    if isinstance(value, Activation) or (value is None and name == "output_activation"):
        return value
    if value is None and home.no_activation:
        return activations.get(home.no_activation)
    if not isinstance(value, str) or value not in home.activations:
        raise ValueError(f"{name} of {framework} must be one of {', '.join(sorted(home.activations))}, got {value!r}")
    return activations.get(home.activations[value])
