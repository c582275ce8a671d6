"""Any old stock layer's class and config -> Keras 3's class and constructor arguments, as one data table.

Read in keras 1.2.2, keras 2.0–2.3.1 and tf-keras 2.21 (`get_config` and `__init__` of each layer); the new names in
keras 3.15. Recurrent layers are not here: their cells' options are `reference.unpack`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reference.files import era_values as values
from reference.files.era_checks import check
from reference.files.era_keras1 import as_keras2
from reference.files.era_values import HARD, Unsupported

__all__ = ["HARD", "STOCK", "Unsupported", "changes", "modern"]


@dataclass(frozen=True)
class Stock:
    """How a class of Keras 2 is written in Keras 3."""

    takes: str = ""  # Keras 3's arguments; a leading "!" marks those that a file must have
    kind: str = ""  # Keras 3's class, where that is another
    renames: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)  # of Keras 2, where Keras 3 has another or none
    # Left out of the new config: None where it never changes an output, else the only values that do not.
    dropped: Mapping[str, tuple[Any, ...] | None] = field(default_factory=dict)


def _leaves(*names: str) -> str:
    return " ".join(f"{name}_{what}" for name in names for what in ("initializer", "regularizer", "constraint"))


_CONV = "strides padding data_format dilation_rate activation use_bias"
_CONV_ONE = f"!filters !kernel_size {_CONV} {_leaves('kernel', 'bias')}"
_SEPARABLE = f"!filters !kernel_size {_CONV} depth_multiplier {_leaves('depthwise', 'pointwise', 'bias')}"
# What tf.keras writes of a plain convolution for one that is none.
_NOT_ONE = {**dict.fromkeys(_leaves("kernel").split()), "groups": (1,)}
_DEPTHWISE = Stock(
    f"!kernel_size {_CONV} depth_multiplier {_leaves('depthwise', 'bias')}", dropped={**_NOT_ONE, "filters": None}
)
_POOLING = Stock("pool_size strides padding data_format", defaults={"pool_size": 2})
_GLOBAL = Stock("data_format keepdims")
# Keras 3's constructor has none of these.
_SPATIAL = {"noise_shape": None, "trainable": None, "activity_regularizer": (None,)}
_RENORM = dict.fromkeys(("renorm_clipping", "renorm_momentum", "fused", "synchronized"))

STOCK: dict[str, Stock] = {
    "Activation": Stock("!activation"),
    "ActivityRegularization": Stock("l1 l2"),
    "Add": Stock(),
    "AdditiveAttention": Stock("use_scale dropout", dropped={"causal": (False,)}),
    "AlphaDropout": Stock("!rate noise_shape seed"),
    "Attention": Stock("use_scale score_mode dropout", dropped={"causal": (False,)}),
    "Average": Stock(),
    "AveragePooling1D": _POOLING,
    "AveragePooling2D": _POOLING,
    "BatchNormalization": Stock(
        f"axis momentum epsilon center scale {_leaves('beta', 'gamma')} moving_mean_initializer "
        "moving_variance_initializer",
        dropped={**_RENORM, "renorm": (False,), "virtual_batch_size": (None,), "adjustment": (None,)},
    ),
    "Bidirectional": Stock("!layer merge_mode backward_layer", dropped={"weights": None}),
    "Concatenate": Stock("axis"),
    "Conv1D": Stock(f"{_CONV_ONE} groups"),
    "Conv1DTranspose": Stock(f"{_CONV_ONE} output_padding", dropped={"groups": (1,)}),
    "Conv2D": Stock(f"{_CONV_ONE} groups"),
    "Conv2DTranspose": Stock(f"{_CONV_ONE} output_padding", dropped={"groups": (1,)}),
    "Cropping1D": Stock("cropping"),
    "Cropping2D": Stock("cropping data_format"),
    "Dense": Stock(f"!units activation use_bias {_leaves('kernel', 'bias')}"),
    "DepthwiseConv1D": _DEPTHWISE,
    "DepthwiseConv2D": _DEPTHWISE,
    "Dot": Stock("!axes normalize"),
    "Dropout": Stock("!rate noise_shape seed"),
    "ELU": Stock("alpha"),
    "Embedding": Stock(
        f"!input_dim !output_dim mask_zero {_leaves('embeddings')}", dropped={"sparse": None, "dropout": None}
    ),
    "Flatten": Stock("data_format"),
    "GaussianDropout": Stock("!rate seed"),
    "GaussianNoise": Stock("!stddev seed"),
    "GlobalAveragePooling1D": _GLOBAL,
    "GlobalAveragePooling2D": _GLOBAL,
    "GlobalMaxPooling1D": _GLOBAL,
    "GlobalMaxPooling2D": _GLOBAL,
    "InputLayer": Stock(
        "batch_shape sparse",
        renames={"batch_input_shape": "batch_shape"},
        dropped={"ragged": (False,), "optional": (False,)},
    ),
    "LayerNormalization": Stock(f"axis epsilon center scale {_leaves('beta', 'gamma')}"),
    "LeakyReLU": Stock("negative_slope", renames={"alpha": "negative_slope"}, defaults={"negative_slope": 0.3}),
    "Masking": Stock("mask_value"),
    "MaxPooling1D": _POOLING,
    "MaxPooling2D": _POOLING,
    "Maximum": Stock(),
    "Minimum": Stock(),
    "Multiply": Stock(),
    "PReLU": Stock(f"{_leaves('alpha')} shared_axes"),
    "Permute": Stock("!dims"),
    "ReLU": Stock("max_value negative_slope threshold"),
    "RepeatVector": Stock("!n"),
    "Rescaling": Stock("!scale offset"),
    "Reshape": Stock("!target_shape"),
    "SeparableConv1D": Stock(_SEPARABLE, dropped=_NOT_ONE),
    "SeparableConv2D": Stock(_SEPARABLE, dropped=_NOT_ONE),
    "Softmax": Stock("axis", dropped={"robust_masking": None}),
    "SpatialDropout1D": Stock("!rate seed", dropped=_SPATIAL),
    "SpatialDropout2D": Stock("!rate seed data_format", dropped=_SPATIAL),
    "Subtract": Stock(),
    "ThresholdedReLU": Stock("threshold", "ReLU", {"theta": "threshold"}, {"threshold": 1.0}),
    "TimeDistributed": Stock("!layer"),
    "UpSampling1D": Stock("size"),
    "UpSampling2D": Stock("size data_format interpolation"),
    "ZeroPadding1D": Stock("padding", dropped={"data_format": ("channels_last", None)}),
    "ZeroPadding2D": Stock("padding data_format"),
}

# What any layer may have, and what is left out of any.
_ANY = "name trainable dtype activity_regularizer"
_UNUSED = (
    "batch_input_shape batch_shape input_shape input_dim input_length input_dtype "  # the graph's inputs say them
    "build_config create_input_layer weights experimental_autocast autocast"
)
_ANY_DROPPED = dict.fromkeys(_UNUSED.split())
# Keras 3's own, of which no old file has one.
_NEW = dict.fromkeys(("lora_rank", "lora_alpha", "quantization_config"), (None,))
# Keras has no such layer any more, or it has code or a rule of its own.
_REFUSED = {
    "Deconvolution2D": "of Keras 1 has an output shape of its own, which Keras 3 does not take",
    "Highway": "of Keras 1 has no equal in Keras 3",
    "Lambda": "runs code that is kept in the file",
    "LocallyConnected1D": "has no equal in Keras 3",
    "LocallyConnected2D": "has no equal in Keras 3",
    "MaxoutDense": "of Keras 1 has no equal in Keras 3",
    "ParametricSoftplus": "of Keras 1 has no equal in Keras 3",
    "SReLU": "of Keras 1 has no equal in Keras 3",
}


def modern(kind: str, config: Mapping[str, Any], era: str, version: str = "") -> tuple[str, dict[str, Any]]:
    """Keras 3's class, and the keyword arguments of its constructor, for an old stock layer.

    `era` is "keras1", "keras2" (Keras 2, tf.keras, tf-keras) or "keras" (3: as it is, but checked); `version` is the
    file's, of no consequence so far. An activation that Keras 3 has under no name is `HARD`. The layer in a
    TimeDistributed is carried over too; one in a Bidirectional, or a model, stays as it was.

    Raises Unsupported for a class, an argument or a value that has no equal in Keras 3.

    >>> modern("LeakyReLU", {"name": "a", "alpha": 0.1}, "keras2")
    ('LeakyReLU', {'name': 'a', 'negative_slope': 0.1})
    """
    return _modern(kind, config, era, [])


def changes(kind: str, config: Mapping[str, Any], era: str, version: str = "") -> list[str]:
    """What `modern` leaves out although it bears on training, in plain words; raises as it does."""
    remarks: list[str] = []
    _modern(kind, config, era, remarks)
    return remarks


def _modern(kind: str, config: Mapping[str, Any], era: str, remarks: list[str]) -> tuple[str, dict[str, Any]]:

    if era not in ("keras1", "keras2", "keras"):
        raise ValueError(f"era must be keras1, keras2 or keras, got {era!r}")
    if not isinstance(config, Mapping):
        raise Unsupported(kind, f"must have a config of names and values, got {type(config).__name__}")
    if era == "keras1":
        kind, config = as_keras2(kind, config)
    if kind not in STOCK:
        reason = _REFUSED.get(kind, "is not one of the stock layers that are carried over")
        raise Unsupported(kind, f"{reason}: leave it out, or give its class yourself")
    stock, takes = STOCK[kind], STOCK[kind].takes.split()
    arguments = ({name.lstrip("!") for name in takes} | set(_ANY.split())) - set(stock.dropped)
    new: dict[str, Any] = {}
    for old, value in config.items():
        name = stock.renames.get(old, old)
        if name in arguments:
            _put(kind, new, name, value, era, remarks)
        elif name in (dropped := {**_NEW, **stock.dropped}):
            only, value = dropped[name], values.plain(value)
            if only is not None and value not in only:
                raise Unsupported(kind, f"must have {name} = {only[0]!r}, got {value!r}")
        elif name not in _ANY_DROPPED:
            raise Unsupported(kind, f"must have no argument {name!r}, got {value!r}")
    for name in takes:
        if name.startswith("!") and name[1:] not in new:
            raise Unsupported(kind, f"must have {name[1:]}, got none in its config")
    return stock.kind or kind, new | {name: value for name, value in stock.defaults.items() if name not in new}


def _put(kind: str, new: dict[str, Any], name: str, value: Any, era: str, remarks: list[str]) -> None:
    """Write one argument as Keras 3 takes it, or leave it out where the default says the same."""
    value = values.plain(value)
    what = name.rpartition("_")[2]
    tables = {"initializer": values.INITIALIZERS, "regularizer": values.REGULARIZERS, "constraint": values.CONSTRAINTS}
    if what in tables:
        if value is None:
            return
        translated = values.known(value, tables[what])
        if translated is not None:
            new[name] = translated
        elif what != "initializer":  # the weights are loaded over what was there in the beginning
            remarks.append(f"{name} {value!r} is left out: Keras 3 has none like it")
    elif name == "activation":
        found = values.activation(kind, value)
        new[name] = "hard_sigmoid" if found == HARD and era == "keras" else found
    elif name == "dtype":
        found = values.dtype(kind, value)
        if found is not None:
            new[name] = found
    elif name == "seed":
        new[name] = value if isinstance(value, int) else None
    elif name == "layer" and kind == "TimeDistributed":
        new[name] = _within(value, era, remarks)
    else:
        new[name] = check(kind, name, value)


def _within(value: Any, era: str, remarks: list[str]) -> Any:
    """The layer in a TimeDistributed, where it is a stock one."""
    if not isinstance(value, Mapping) or not isinstance(value.get("class_name"), str):
        raise Unsupported("TimeDistributed", f"must hold a layer's class and config, got {value!r}")
    if value["class_name"] in STOCK or value["class_name"] in _REFUSED or era == "keras1":
        try:
            kind, config = _modern(value["class_name"], value.get("config", {}), era, remarks)
        except Unsupported:
            if value["class_name"] in STOCK or value["class_name"] in _REFUSED:
                raise
            return value
        return {"class_name": kind, "config": config}
    return value
