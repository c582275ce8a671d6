"""The names of the arrays of Keras' stock layers, in the order in which every Keras saves them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

# The words of a line: an array; one that is there if the config says so (a default behind it); after | those that are
# not trained.
_KERNEL = "kernel bias?use_bias"
_RECURRENT = "kernel recurrent_kernel bias?use_bias"
_DEPTHWISE = "depthwise_kernel bias?use_bias"
_SEPARABLE = "depthwise_kernel pointwise_kernel bias?use_bias"
STOCK: dict[str, str] = {
    "Dense": _KERNEL,
    "EinsumDense": "kernel bias?bias_axes",
    "Embedding": "embeddings",
    **{f"Conv{n}D{how}": _KERNEL for n in (1, 2, 3) for how in ("", "Transpose")},
    **{f"Convolution{n}D": "kernel bias?bias" for n in (1, 2, 3)},
    **{f"Convolution{n}D{how}": _KERNEL for n in (2, 3) for how in ("Transpose",)},
    **dict.fromkeys(("LocallyConnected1D", "LocallyConnected2D"), _KERNEL),
    **dict.fromkeys(("SeparableConv1D", "SeparableConv2D", "SeparableConvolution2D"), _SEPARABLE),
    **dict.fromkeys(("DepthwiseConv1D", "DepthwiseConv2D"), _DEPTHWISE),
    "BatchNormalization": "gamma?scale beta?center | moving_mean moving_variance",
    "LayerNormalization": "gamma?scale beta?center",
    "GroupNormalization": "gamma?scale beta?center",
    "PReLU": "alpha",
    "Attention": "scale?use_scale=False",
    "AdditiveAttention": "scale?use_scale",
    "Normalization": "| mean variance count",
    **dict.fromkeys(("LSTM", "GRU", "SimpleRNN", "LSTMCell", "GRUCell", "SimpleRNNCell"), _RECURRENT),
    **dict.fromkeys(("CuDNNLSTM", "CuDNNGRU"), "kernel recurrent_kernel bias"),
    **dict.fromkeys(("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"), _RECURRENT),
}
# Keras 1: what differs.
_GATES1 = {"LSTM": "icfo", "GRU": "zrh"}
KERAS1: dict[str, str] = {
    "Dense": "W b?bias",
    "TimeDistributedDense": "W b?bias",
    "Embedding": "W",
    **{f"Convolution{n}D": "W b?bias" for n in (1, 2, 3)},
    **dict.fromkeys(("AtrousConvolution1D", "AtrousConvolution2D", "Deconvolution2D", "Conv1D", "Conv2D"), "W b?bias"),
    "BatchNormalization": "gamma beta | running_mean running_std",
    "Highway": "W W_carry b?bias b_carry?bias",
    "MaxoutDense": "W b?bias",
    "PReLU": "alphas",
    "SimpleRNN": "W U b",
}
# This project's cells: those of the stock ones, and then their own.
_NORMS = "gamma beta state_gamma state_beta"
_NORMED = ("kernel", "recurrent", "state")
OWN: dict[str, str] = {
    **dict.fromkeys(("CIFGCell", "PeepholeLSTMCell"), f"{_RECURRENT} peephole?use_peepholes projection?num_proj=False"),
    "JordanCell": f"{_RECURRENT} output_kernel output_bias?use_bias",
    "LayerNormLSTMCell": f"{_RECURRENT} {_NORMS}",
    "FusedLayerNormLSTMCell": f"{_RECURRENT} {' '.join(f'{a}_{n}' for a in _NORMED for n in ('gamma', 'beta'))}",
    **dict.fromkeys(("LSTM1997Cell", "MGUCell", "MUT1Cell", "MUT2Cell", "MUT3Cell", "UGRNNCell"), _RECURRENT),
}
# Of the stock layers without arrays, those whose names do not end in one of these words.
_EMPTY_ENDINGS = (
    *("InputLayer", "Dropout", "Flatten", "Reshape", "Permute", "RepeatVector", "Masking", "Activation", "Lambda"),
    *("Concatenate", "Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Dot", "Merge", "ReLU", "ELU"),
    *("Softmax", "GaussianNoise", "ActivityRegularization", "Rescaling", "Dropout1D", "Dropout2D", "Dropout3D"),
    *("Pooling1D", "Pooling2D", "Pooling3D", "Padding1D", "Padding2D", "Padding3D", "UpSampling1D", "UpSampling2D"),
    *("UpSampling3D", "Cropping1D", "Cropping2D", "Cropping3D", "TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer"),
)


Sides = tuple[list[str], list[str]]  # the names of a layer's trained arrays, and of the others


def certain(kind: str, names: Sequence[str]) -> bool:
    """Whether a layer without just these arrays is broken, and not of another version than this table."""
    return kind in ("Dense", "Embedding", "BatchNormalization") or any(
        name.split("/")[-1] in ("recurrent_kernel", "U", "U_i", "U_z") for name in names
    )


def arrays(kind: str, config: Mapping[str, Any], era: str) -> Sides | None:
    """The trained arrays of a layer and the others, by name; None for a class that is not known here.

    >>> arrays("BatchNormalization", {"scale": False}, "keras2")
    (['beta'], ['moving_mean', 'moving_variance'])
    """
    if kind == "Bidirectional":
        backward = config.get("backward_layer") or config.get("layer")
        return _under([("forward_layer/", config.get("layer")), ("backward_layer/", backward)], era)
    if kind == "StackedRNNCells":
        return _under([(f"cells/{k}/", cell) for k, cell in enumerate(_listed(config.get("cells")))], era)
    if kind == "RNN":
        return _under([("", config.get("cell"))], era)
    if era == "keras1" and kind in _GATES1:
        if config.get("consume_less") == "gpu":
            return ["W", "U", "b"], []
        return [f"{array}_{gate}" for gate in _GATES1[kind] for array in "WUb"], []
    if era == "keras1" and kind in KERAS1:
        return _line(KERAS1[kind], config)
    if kind in STOCK:
        return _line(STOCK[kind], config)
    if kind in OWN:
        return _line(OWN[kind], config)
    if kind == "GreffLSTMCell":
        more = {"NP": "", "FGR": " peephole gate_recurrent_kernel"}.get(str(config.get("variant")), " peephole")
        return _line(_RECURRENT + more, config)
    return ([], []) if kind.endswith(_EMPTY_ENDINGS) else None


def _line(line: str, config: Mapping[str, Any]) -> Sides:
    sides: list[list[str]] = []
    for side in ([*line.split("|"), ""])[:2]:
        words: list[str] = []
        for word in side.split():
            name, _, condition = word.partition("?")
            flag, _, default = condition.partition("=")
            if not flag or config.get(flag, default != "False"):
                words.append(name)
        sides.append(words)
    return sides[0], sides[1]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _under(parts: list[tuple[str, Any]], era: str) -> Sides | None:
    trained: list[str] = []
    others: list[str] = []
    for prefix, entry in parts:
        if not isinstance(entry, Mapping) or not isinstance(entry.get("config"), Mapping):
            return None
        own = arrays(str(entry.get("class_name")).rsplit(">", 1)[-1], entry["config"], era)
        if own is None:
            return None
        trained += [prefix + name for name in own[0]]
        others += [prefix + name for name in own[1]]
    return trained, others
