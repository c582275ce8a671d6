"""A stock layer's arrays by Keras 3's names: their order, Keras 1's shapes, and the kernels that Theano wrote."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

CONVOLUTIONS = ("Conv1D", "Conv2D", "Conv1DTranspose", "Conv2DTranspose")
SEPARABLE = ("SeparableConv1D", "SeparableConv2D")
DEPTHWISE = ("DepthwiseConv1D", "DepthwiseConv2D")
NON_TRAINABLE = frozenset({"moving_mean", "moving_variance"})
# Keras 1's names, by Keras 3's.
_KERAS1 = {
    "W": "kernel",
    "b": "bias",
    "running_mean": "moving_mean",
    "running_std": "moving_variance",  # a variance, whatever its name
    "alphas": "alpha",
}


def weights_of(kind: str, config: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of a layer's weights, in the order in which Keras 2 and 3 list them; `config` as `modern` gives it.

    >>> weights_of("BatchNormalization", {"scale": False})
    ('beta', 'moving_mean', 'moving_variance')
    """
    bias = ("bias",) if config.get("use_bias", True) else ()
    if kind == "Dense" or kind in CONVOLUTIONS:
        return "kernel", *bias
    if kind in SEPARABLE:
        return "depthwise_kernel", "pointwise_kernel", *bias
    if kind in DEPTHWISE:
        # Keras 3's own name: the layer is a convolution with one kernel.
        return "kernel", *bias
    if kind == "Embedding":
        return ("embeddings",)
    if kind in ("BatchNormalization", "LayerNormalization"):
        moving = ("moving_mean", "moving_variance") if kind == "BatchNormalization" else ()
        own = tuple(name for name, flag in (("gamma", "scale"), ("beta", "center")) if config.get(flag, True))
        return own + moving
    if kind == "PReLU":
        return ("alpha",)
    if kind == "Attention":
        concat = ("concat_score_weight",) if config.get("score_mode", "dot") == "concat" else ()
        return (("scale",) if config.get("use_scale", False) else ()) + concat
    if kind == "AdditiveAttention":
        return ("scale",) if config.get("use_scale", True) else ()
    return ()


def flip_theano(kind: str, kernel: Array) -> Array:
    """A convolution's kernel as TensorFlow has it, written by Theano, which turns its kernels round (and back).

    As Keras 2.3.1 did it (`convert_kernel`), all axes but the last two; other layers' kernels are as they were.
    """
    return np.flip(kernel, tuple(range(kernel.ndim - 2))) if kind in CONVOLUTIONS else kernel


def from_keras1(kind: str, config: Mapping[str, Any], kernel: Array) -> Array:
    """A kernel of Keras 1 in Keras 2's shape (`preprocess_weights_for_loading` of Keras 2.3.1).

    Conv1D: `(length, 1, inputs, filters)` or, up to 1.1, `(filters, inputs, length, 1)` -> `(length, inputs, filters)`.
    Conv2D with channels first: `(filters, inputs, rows, columns)` -> `(rows, columns, inputs, filters)`.

    Raises ValueError for another shape.
    """
    if kind == "Conv1D" and kernel.ndim == 4:
        length, filters = _first(config["kernel_size"]), config["filters"]
        if kernel.shape[:2] == (length, 1) and kernel.shape[3] == filters:
            return kernel[:, 0]
        if kernel.shape[0] == filters and kernel.shape[2:] == (length, 1):
            return kernel.transpose(2, 3, 1, 0)[:, 0]
        raise ValueError(
            f"kernel of a Convolution1D of Keras 1 must have shape ({length}, 1, inputs, {filters}) or "
            f"({filters}, inputs, {length}, 1), got {kernel.shape}"
        )
    if kind == "Conv2D" and config.get("data_format") == "channels_first":
        return kernel.transpose(2, 3, 1, 0)
    return kernel


def stock_weights(
    kind: str, config: Mapping[str, Any], arrays: Mapping[str, Any], era: str, backend: str = ""
) -> dict[str, Array]:
    """The arrays of a file by Keras 3's names and in its shapes; `kind` and `config` as `modern` gives them.

    `arrays` are NumPy's, or have a `read`. Names are the era's; where they say nothing (`param_0`), the order does.

    Raises ValueError where they are not this layer's.
    """
    names = weights_of(kind, config)
    old = {**(_KERAS1 if era == "keras1" else {}), "gamma": "gamma", "depthwise_kernel": "depthwise_kernel"}
    if kind == "Embedding":
        old["W"] = "embeddings"
    if kind in DEPTHWISE:
        old["depthwise_kernel"] = "kernel"
    given = {
        old.get(name, name): getattr(array, "read", lambda array=array: np.asarray(array))
        for name, array in arrays.items()
    }
    if set(given) != set(names):
        if len(given) != len(names) or set(given) & set(names):
            raise ValueError(
                f"arrays of a {kind} must be {', '.join(names) or 'none'}, got {', '.join(arrays) or 'none'}"
            )
        given = dict(zip(names, given.values(), strict=True))
    weights = {name: given[name]() for name in names}
    if "kernel" in weights:
        if era == "keras1":
            weights["kernel"] = from_keras1(kind, config, weights["kernel"])
        if backend == "theano":
            weights["kernel"] = flip_theano(kind, weights["kernel"])
    return weights


def doubt(kind: str, config: Mapping[str, Any], era: str, backend: str) -> str:
    """Why a layer's old numbers cannot be known from the file alone, or why Keras 3 gives others; empty: no doubt."""
    pads = config.get("padding") == "same"
    if kind in CONVOLUTIONS and era == "keras1" and not backend:
        return f"{kind}: a file of Keras 1 does not say whether Theano wrote it, whose kernels are turned round"
    if backend != "theano" or not pads:
        return ""
    if "Pooling" in kind:
        return f"{kind}: Theano's padding 'same' is not TensorFlow's in pooling"
    if kind in CONVOLUTIONS:
        strides, sizes = (_all(config.get(name) or 1) for name in ("strides", "kernel_size"))
        if any(stride > 1 for stride in strides) or any(size % 2 == 0 for size in sizes):
            return f"{kind}: Theano's padding 'same' is not TensorFlow's for even kernels and strides above 1"
    return ""


def _all(value: Any) -> list[int]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _first(value: Any) -> int:
    return _all(value)[0]
