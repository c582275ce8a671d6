"""Keras 1, 2 and 3, and the arrays of Keras' cuDNN layers."""

from __future__ import annotations

from reference.conventions.storage import PLAIN, REQUIRED, Form, Framework, Option, inert

_ONE = "one bias per gate; a second one would only be added to it"
_MERGE = "two biases per gate: r multiplies h U_n + d_n, so d_n cannot be merged into b_n; z and r follow cuDNN"
_CUDNN = "the bias holds cuDNN's two per gate: all for the input product, then all for the recurrent one"


def _kernels(gates: str, bias: str = "b") -> dict[str, str]:
    return {"kernel": f"W {gates}", "recurrent_kernel": f"U {gates}", "bias": f"{bias} {gates}"}


# What decides how weights begin or are trained, or what a layer is called: no number that a Layer gives.
_INERT = {
    f"{array}_{what}": Option()
    for array in ("kernel", "recurrent", "bias", "activity", "peephole", "projection", "output", "gain")
    for what in ("initializer", "regularizer", "constraint")
} | inert(
    "name trainable dtype unit_forget_bias dropout recurrent_dropout seed implementation "
    "return_state unroll use_cudnn time_major batch_input_shape"
)
_LAYER = {
    "units": Option("units"),
    "use_bias": Option("use_bias", True),
    "go_backwards": Option("go_backwards", False),
    "return_sequences": Option("return_sequences", False),
    "zero_output_for_mask": Option("zero_output_for_mask", False),
    "stateful": Option("stateful", False),
    "merge_mode": Option("merge_mode", "concat"),
}
_LSTMS = ("lstm", "lstm_1997", "peephole_lstm", "cifg", "layer_norm_lstm", "fused_layer_norm_lstm", "greff_lstm")
_GATED = (*_LSTMS, "gru", "mgu", "ugrnn", "mut1", "mut2", "mut3")
_NAMES = {**PLAIN, "gelu": "gelu", "swish": "silu", "leaky_relu": "leaky_relu_keras"}
_KERAS1 = ["elu", "linear", "relu", "sigmoid", "softmax", "softplus", "softsign", "tanh"]

KERAS = Framework(
    title="Keras 3",
    source="keras/src/layers/rnn/{simple_rnn,lstm,gru}.py, Keras 3.15; cells/",
    live=True,
    forms={
        "simple_rnn": Form(_kernels("h"), why=_ONE),
        "lstm": Form(_kernels("ifgo"), why=_ONE),
        "gru reset before": Form(_kernels("zrn"), why=_ONE),
        "gru reset after": Form(_kernels("zrn", "b/d"), why=_MERGE),
        "peephole_lstm": Form({**_kernels("ifgo"), "peephole": "p ifo", "projection": "V"}, own=True, why=_ONE),
        "cifg": Form({**_kernels("ifgo"), "peephole": "p ifo"}, own=True, why=_ONE),
        "jordan": Form(
            {**_kernels("h"), "output_kernel": "output_kernel = H R", "output_bias": "output_bias = R"},
            own=True,
            why=_ONE,
        ),
        "lstm_1997": Form(_kernels("igo"), own=True, why=_ONE),
    },
    options={
        **_LAYER,
        **_INERT,
        "activation": Option("activation", "tanh"),
        "recurrent_activation": Option("recurrent_activation", "sigmoid", _GATED),
        "reset_after": Option("reset_after", True, ("gru",)),
        "use_recurrent_bias": Option("two_biases", False, own=True),
        "output_activation": Option("output_activation", None, _LSTMS, own=True),
        "forget_bias": Option("forget_bias", 0, _LSTMS, own=True),
        "cells_per_block": Option("cells_per_block", 1, ("lstm",), own=True),
        "coupled": Option("coupled", "i", ("cifg",), own=True),
        "use_peepholes": Option("use_peepholes", None, ("peephole_lstm", "cifg"), own=True),
        "cell_clip": Option("cell_clip", None, ("peephole_lstm",), own=True),
        "num_proj": Option("recurrent_dim", None, ("peephole_lstm",), own=True),
        "proj_clip": Option("proj_clip", None, ("peephole_lstm",), own=True),
        "output_units": Option("recurrent_dim", None, ("jordan",), own=True),
    },
    activations={
        **_NAMES,
        "hard_tanh": "hard_tanh",
        "hard_sigmoid": "hard_sigmoid_keras3",
        "hard_sigmoid_keras2": "hard_sigmoid_keras2",  # registered by cells
        "hard_sigmoid_keras3": "hard_sigmoid_keras3",
    },
    no_activation="linear",
    apart="layer_{}/",
    layers="cells/{}/",
    directions=("forward_layer/", "backward_layer/"),
)

_STOCK = ("simple_rnn", "lstm", "gru reset before", "gru reset after")

KERAS2 = Framework(
    title="Keras 2",
    source="keras/layers/recurrent.py, Keras 2; tf_keras/src/layers/rnn, tf-keras 2.21",
    live=True,
    forms={name: KERAS.forms[name] for name in _STOCK},
    options={
        **_LAYER,
        **_INERT,
        "activation": Option("activation", "tanh"),
        "recurrent_activation": Option("recurrent_activation", REQUIRED, ("lstm", "gru")),
        "reset_after": Option("reset_after", REQUIRED, ("gru",)),
    },
    activations={**_NAMES, "hard_sigmoid": "hard_sigmoid_keras2"},
    no_activation="linear",
    apart="layer_{}/",
    layers="cells/{}/",
    directions=("forward_layer/", "backward_layer/"),
)


def _each(gates: dict[str, str]) -> dict[str, str]:
    """Keras 1: three arrays a gate, whose letter there is the key."""
    kinds = {"W": "W", "U": "U", "b": "b"}
    return {f"{kind}_{theirs}": f"{kinds[kind]} {ours}" for theirs, ours in gates.items() for kind in kinds}


KERAS1 = Framework(
    title="Keras 1",
    source="keras/layers/recurrent.py, Keras 1.2.2",
    live=False,
    forms={
        "simple_rnn": Form({"W": "W h", "U": "U h", "b": "b h"}, why=_ONE),
        "lstm": Form(_each({"i": "i", "c": "g", "f": "f", "o": "o"}), why=_ONE),
        "gru reset before": Form(_each({"z": "z", "r": "r", "h": "n"}), why=_ONE),
        # consume_less="gpu"
        "lstm fused": Form({"W": "W ifgo", "U": "U ifgo", "b": "b ifgo"}, why=_ONE),
        "gru reset before fused": Form({"W": "W zrn", "U": "U zrn", "b": "b zrn"}, why=_ONE),
    },
    options={
        "output_dim": Option("units"),
        "input_dim": Option("input_dim"),
        "activation": Option("activation", "tanh"),
        "inner_activation": Option("recurrent_activation", "hard_sigmoid", ("lstm", "gru")),
        "go_backwards": Option("go_backwards", False),
        "return_sequences": Option("return_sequences", False),
        "stateful": Option("stateful", False),
        "merge_mode": Option("merge_mode", "concat"),
        "consume_less": Option("consume_less", "cpu", ("lstm", "gru")),
        **inert(
            "name trainable init inner_init forget_bias_init W_regularizer U_regularizer b_regularizer dropout_W "
            "dropout_U unroll input_length batch_input_shape input_dtype"
        ),
    },
    activations={**{name: name for name in _KERAS1}, "hard_sigmoid": "hard_sigmoid_keras2"},
    no_activation="linear",
    lacks={
        "gru reset after": "GRU of Keras 1 resets before the matmul",
        "without bias": "the layers of Keras 1 have no use_bias",
    },
    directions=("forward_layer/", "backward_layer/"),
)


def _cudnn(gates: str) -> dict[str, str]:
    return {"kernel": f"W {gates} cudnn", "recurrent_kernel": f"U {gates} cudnn", "bias": f"b,d {gates}"}


CUDNN = Framework(
    title="cuDNN in Keras 2",
    source="tf_keras/src/layers/rnn/cudnn_{lstm,gru}.py and saving/legacy/hdf5_format.py, tf-keras 2.21",
    live=True,
    forms={
        "lstm": Form(_cudnn("ifgo"), why=f"{_CUDNN}; only their sum matters"),
        "gru reset after": Form(_cudnn("zrn"), why=_CUDNN),
    },
    options={**{name: option for name, option in _LAYER.items() if option.means != "use_bias"}, **_INERT},
    lacks={
        "simple_rnn": "Keras saved no layer of cuDNN's own RNN mode",
        "gru reset before": "CuDNNGRU resets after the matmul",
        "without bias": "CuDNNLSTM and CuDNNGRU have no use_bias",
    },
    directions=("forward_layer/", "backward_layer/"),
)
