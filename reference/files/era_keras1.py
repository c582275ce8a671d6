"""A layer of Keras 1 -> the same layer as Keras 2 writes it. Read in keras 1.2.2 and in keras/legacy of 2.3.1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reference.files.era_values import Unsupported


@dataclass(frozen=True)
class Old:
    """A class of Keras 1: Keras 2's name for it and for its arguments."""

    kind: str
    renames: Mapping[str, str] = field(default_factory=dict)
    # Arguments of which only one value has an equal in Keras 3.
    only: Mapping[str, Any] = field(default_factory=dict)


_LEAVES = {
    "init": "kernel_initializer",
    "W_regularizer": "kernel_regularizer",
    "b_regularizer": "bias_regularizer",
    "W_constraint": "kernel_constraint",
    "b_constraint": "bias_constraint",
    "bias": "use_bias",
}
_DENSE = {**_LEAVES, "output_dim": "units"}
_CONV = {
    **_LEAVES,
    "nb_filter": "filters",
    "filter_length": "kernel_size",
    "border_mode": "padding",
    "subsample": "strides",
    "subsample_length": "strides",
    "atrous_rate": "dilation_rate",
    "dim_ordering": "data_format",
}
_POOL = {"pool_length": "pool_size", "stride": "strides", "border_mode": "padding", "dim_ordering": "data_format"}
_FORMAT = {"dim_ordering": "data_format"}
_SEPARABLE = {**_CONV, "init": "depthwise_initializer"}

KERAS1: dict[str, Old] = {
    "AtrousConvolution1D": Old("Conv1D", _CONV),
    "AtrousConvolution2D": Old("Conv2D", _CONV),
    "AveragePooling1D": Old("AveragePooling1D", _POOL),
    "AveragePooling2D": Old("AveragePooling2D", _POOL),
    "BatchNormalization": Old(
        "BatchNormalization", {"beta_init": "beta_initializer", "gamma_init": "gamma_initializer"}, {"mode": 0}
    ),
    "Convolution1D": Old("Conv1D", _CONV),
    "Convolution2D": Old("Conv2D", _CONV),
    "Cropping2D": Old("Cropping2D", _FORMAT),
    "Dense": Old("Dense", _DENSE),
    "Dropout": Old("Dropout", {"p": "rate"}),
    "Embedding": Old(
        "Embedding",
        {
            "init": "embeddings_initializer",
            "W_regularizer": "embeddings_regularizer",
            "W_constraint": "embeddings_constraint",
        },
    ),
    "GaussianDropout": Old("GaussianDropout", {"p": "rate"}),
    "GaussianNoise": Old("GaussianNoise", {"sigma": "stddev"}),
    "GlobalAveragePooling2D": Old("GlobalAveragePooling2D", _FORMAT),
    "GlobalMaxPooling2D": Old("GlobalMaxPooling2D", _FORMAT),
    "InputLayer": Old("InputLayer", {"input_dtype": "dtype"}),
    "MaxPooling1D": Old("MaxPooling1D", _POOL),
    "MaxPooling2D": Old("MaxPooling2D", _POOL),
    "PReLU": Old("PReLU", {"init": "alpha_initializer"}),
    "SeparableConvolution2D": Old("SeparableConv2D", _SEPARABLE, {"dim_ordering": "tf"}),
    "SpatialDropout1D": Old("SpatialDropout1D", {"p": "rate"}),
    "SpatialDropout2D": Old("SpatialDropout2D", {"p": "rate", **_FORMAT}),
    "TimeDistributedDense": Old("Dense", _DENSE),  # over the last axis, as Dense does it since 1.2
    "UpSampling1D": Old("UpSampling1D", {"length": "size"}),
    "UpSampling2D": Old("UpSampling2D", _FORMAT),
    "ZeroPadding2D": Old("ZeroPadding2D", _FORMAT),
}
# Their configs do not say the order of the dimensions, which was a setting of the machine that wrote the file.
_UNSAID = ("Cropping2D", "UpSampling2D", "ZeroPadding2D")
_ORDERS = {"tf": "channels_last", "th": "channels_first", "default": None}
MERGES = {
    "sum": "Add",
    "mul": "Multiply",
    "ave": "Average",
    "max": "Maximum",
    "concat": "Concatenate",
    "dot": "Dot",
}


def as_keras2(kind: str, config: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Keras 2's class and config. What is not in the table is as it was; raises Unsupported for what has no equal."""
    if kind == "Merge":
        return _merge(config)
    old = KERAS1.get(kind, Old(kind))
    for name, only in old.only.items():
        if config.get(name, only) != only:
            raise Unsupported(kind, f"of Keras 1 must have {name} = {only!r}, got {config[name]!r}")
    if kind in _UNSAID and "dim_ordering" not in config:
        raise Unsupported(kind, "of Keras 1 must say its dim_ordering, tf or th, got none in its config: write it in")
    rest = {name: value for name, value in config.items() if name not in old.only or name == "dim_ordering"}
    if "nb_row" in rest or "nb_col" in rest:
        rest["kernel_size"] = [rest.pop("nb_row", None), rest.pop("nb_col", None)]
    new = {old.renames.get(name, name): value for name, value in rest.items()}
    if "data_format" in new:
        if new["data_format"] not in _ORDERS:
            raise Unsupported(kind, f"must have dim_ordering tf or th, got {new['data_format']!r}")
        new["data_format"] = _ORDERS[new["data_format"]]
    return old.kind, new


def _merge(config: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    mode = config.get("mode", "sum")
    if config.get("mode_type", "raw") != "raw" or mode not in MERGES:
        raise Unsupported("Merge", f"must have one of the modes {', '.join(MERGES)}, got {mode!r}")
    new = {name: config[name] for name in ("name", "trainable") if name in config}
    if mode == "concat":
        new["axis"] = config.get("concat_axis", -1)
    if mode == "dot":
        new["axes"] = config.get("dot_axes", -1)
    return MERGES[mode], new
