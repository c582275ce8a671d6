"""What the arguments of stock layers may be: a config is a stranger's, and what does not fit is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reference.files.era_values import Unsupported

MOST = 2**31 - 1


def _integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -MOST <= value <= MOST


def _natural(value: Any) -> bool:
    return _integer(value) and value > 0


def _many(one: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """One of them, or lists of them in one another (paddings are pairs of pairs)."""

    def each(value: Any) -> bool:
        if isinstance(value, list | tuple):
            return 0 < len(value) <= 64 and all(each(item) for item in value)
        return one(value)

    return each


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _maybe(one: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or one(value)


def _shape(value: Any) -> bool:
    return (
        isinstance(value, list | tuple) and len(value) <= 64 and all(item is None or _integer(item) for item in value)
    )


def _among(*choices: Any) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str | None) and value in choices


_FLAG = lambda value: isinstance(value, bool)
_POSITIVES = "a whole number above 0, or a list of them", _many(_natural)
_WHOLE = "a whole number above 0", _natural
_INTEGERS = "a whole number, or a list of them", _many(_integer)
_REAL = "a number", _number
_BOOLEAN = "true or false", _FLAG
_RATE = "a number from 0 to 1", lambda value: _number(value) and 0 <= value <= 1
_FORMAT = "channels_last or channels_first", _among("channels_last", "channels_first", None)

# argument: the rule in words, and the rule. One name means one thing in all layers.
RULES: dict[str, tuple[str, Callable[[Any], bool]]] = {
    **dict.fromkeys(("units", "filters", "input_dim", "output_dim", "n", "depth_multiplier", "groups"), _WHOLE),
    **dict.fromkeys(("kernel_size", "dilation_rate", "pool_size", "size", "dims"), _POSITIVES),
    **dict.fromkeys(("use_bias", "mask_zero", "center", "scale", "keepdims", "normalize", "use_scale"), _BOOLEAN),
    **dict.fromkeys(("momentum", "epsilon", "l1", "l2", "mask_value", "alpha", "threshold", "stddev", "offset"), _REAL),
    **dict.fromkeys(("rate", "dropout"), _RATE),
    **dict.fromkeys(("axis", "axes", "cropping", "target_shape"), _INTEGERS),
    "target_shape": ("a list of whole numbers", lambda value: isinstance(value, list | tuple) and (
        all(_integer(item) for item in value)
    )),
    "strides": ("a whole number above 0, a list of them, or none", _maybe(_many(_natural))),
    "output_padding": ("a whole number, or a list of them", _maybe(_many(_integer))),
    "negative_slope": _REAL,
    "max_value": ("a number, or none", _maybe(_number)),
    "shared_axes": ("a list of whole numbers, or none", _maybe(_many(_integer))),
    "noise_shape": ("a list of whole numbers, or none", _maybe(_shape)),
    "batch_shape": ("a list of whole numbers and none", _maybe(_shape)),
    "data_format": _FORMAT,
    "score_mode": ("dot or concat", _among("dot", "concat")),
    "interpolation": ("nearest or bilinear", _among("nearest", "bilinear", "bicubic", "area", "lanczos3", "lanczos5")),
    "padding": ("valid or same", _among("valid", "same")),
    "merge_mode": ("sum, mul, concat, ave or none", _among("sum", "mul", "concat", "ave", None)),
    "trainable": _BOOLEAN,
    "sparse": _BOOLEAN,
    "name": ("a text", lambda value: isinstance(value, str)),
}  # fmt: skip
_PADDED = "a whole number or pairs of them", _INTEGERS[1]
# Where a name means something else in one layer.
OWN = {
    ("Conv1D", "padding"): ("valid, same or causal", _among("valid", "same", "causal")),
    ("Rescaling", "scale"): _REAL,
    ("ZeroPadding1D", "padding"): _PADDED,
    ("ZeroPadding2D", "padding"): _PADDED,
}


def check(kind: str, name: str, value: Any) -> Any:
    """The value, where it is of its argument's kind; raises Unsupported where it is not."""
    rule = OWN.get((kind, name)) or RULES.get(name)
    if rule is not None and not rule[1](value):
        raise Unsupported(kind, f"must have {rule[0]} as its {name}, got {value!r}")
    if name == "axis" and kind == "BatchNormalization" and isinstance(value, list | tuple):
        if len(value) != 1:
            raise Unsupported(kind, f"must have one axis, got {value!r}")
        return value[0]
    return value
