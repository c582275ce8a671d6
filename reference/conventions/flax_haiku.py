"""Flax, linen and nnx, and Haiku."""

from __future__ import annotations

from reference.conventions.storage import Form, Framework, Option, inert

_FLAX_GATES = {"ii/kernel": "W i", "if/kernel": "W f", "ig/kernel": "W g", "io/kernel": "W o"} | {
    f"h{gate}/{array}": f"{kind} {gate}" for gate in "ifgo" for array, kind in (("kernel", "U"), ("bias", "b"))
}
_FLAX_GRU = {
    f"i{gate}/{array}": f"{kind} {gate}" for gate in "rzn" for array, kind in (("kernel", "W"), ("bias", "b"))
} | {"hr/kernel": "U r", "hz/kernel": "U z", "hn/kernel": "U n", "hn/bias": "d n"}
_FLAX_OPTIONS = {
    "gate_fn": Option("recurrent_activation", "sigmoid", ("lstm", "gru")),
    "activation_fn": Option("activation", "tanh"),
    "residual": Option("only default", False, ("simple_rnn",)),
    **inert("kernel_init recurrent_kernel_init bias_init carry_init dtype param_dtype name parent"),
}
_FLAX_ACTIVATIONS = {
    **{name: name for name in ["elu", "hard_tanh", "relu", "selu", "sigmoid", "silu", "softmax", "softplus", "tanh"]},
    "hard_sigmoid": "hard_sigmoid_keras3",
    "leaky_relu": "leaky_relu_onnx",
    "soft_sign": "softsign",
    "swish": "silu",
    "gelu": "gelu_tanh",
    "identity": "linear",
}
_LACKS = "the cells of flax.{} have no option to leave the biases out"
_FLAX_ONE = "one bias per gate, beside h U"

FLAX = Framework(
    title="Flax linen",
    source="flax/linen/recurrent.py, Flax 0.12",
    live=True,
    forms={
        "simple_rnn": Form({"i/kernel": "W h", "i/bias": "b h", "h/kernel": "U h"}, why="one bias, beside x W"),
        "lstm": Form(_FLAX_GATES, why=_FLAX_ONE),
        "gru reset after": Form(_FLAX_GRU, why="one bias per gate, and a second one where it matters: for n, inside r"),
    },
    options={"features": Option("units"), **_FLAX_OPTIONS},
    activations=_FLAX_ACTIVATIONS,
    lacks={"gru reset before": "flax.linen.GRUCell resets after the matmul", "without bias": _LACKS.format("linen")},
)

FLAX_NNX = Framework(
    title="Flax nnx",
    source="flax/nnx/nn/recurrent.py, Flax 0.12",
    live=True,
    forms={
        "simple_rnn": Form(
            {"dense_i/kernel": "W h", "dense_i/bias": "b h", "dense_h/kernel": "U h"}, why="one bias, beside x W"
        ),
        "lstm": Form({name.replace("if/", "if_/"): spec for name, spec in _FLAX_GATES.items()}, why=_FLAX_ONE),
        "gru reset after": Form(
            {"dense_i/kernel": "W rzn", "dense_i/bias": "b rzn", "dense_h/kernel": "U rzn"},
            why="one bias per gate, beside x W; the candidate's is outside r",
        ),
    },
    options={
        "in_features": Option("input_dim"),
        "hidden_features": Option("units"),
        **_FLAX_OPTIONS,
        **inert("promote_dtype keep_rngs rngs kernel_metadata recurrent_kernel_metadata bias_metadata"),
    },
    activations=_FLAX_ACTIVATIONS,
    lacks={"gru reset before": "flax.nnx.GRUCell resets after the matmul", "without bias": _LACKS.format("nnx")},
)

HAIKU = Framework(
    title="Haiku",
    source="haiku/_src/recurrent.py, dm-haiku",
    live=False,
    forms={
        "simple_rnn": Form(
            {"linear/w": "W h", "linear/b": "b h", "linear_1/w": "U h", "linear_1/b": "d h"},
            {"activation": "relu"},
            why="two Linear modules, and each has its bias",
        ),
        "lstm": Form(
            {"linear/w": "WU igfo", "linear/b": "b igfo"},
            {"forget_bias": 1.0},
            why="one bias per gate; 1 is added to f at run time and stored nowhere",
        ),
        "gru reset before": Form(
            {"w_i": "W zrn", "w_h": "U zrn", "b": "b zrn"}, takes_new=True, why="one bias per gate"
        ),
    },
    options={"hidden_size": Option("units"), **inert("w_i_init w_h_init b_init name")},
    lacks={
        "gru reset after": "haiku.GRU resets before the matmul",
        "without bias": "haiku.LSTM and haiku.GRU have no option to leave the biases out",
    },
)
