"""MXNet and Lasagne."""

from __future__ import annotations

from reference.conventions.storage import Form, Framework, Option, inert

_LSTM = ("lstm", "peephole_lstm", "cifg")


def _mxnet(gates: str) -> dict[str, str]:
    return {
        "i2h_weight": f"W {gates} T",
        "h2h_weight": f"U {gates} T",
        "i2h_bias": f"b {gates}",
        "h2h_bias": f"d {gates}",
    }


_MXNET = "two biases per gate, i2h_bias and h2h_bias, as cuDNN has them"
MXNET = Framework(
    title="MXNet",
    source="python/mxnet/gluon/rnn/rnn_cell.py, MXNet 1",
    live=False,
    forms={
        "simple_rnn": Form(_mxnet("h"), why=_MXNET),
        "lstm": Form(_mxnet("ifgo"), why=f"{_MXNET}; only their sum matters"),
        "gru reset after": Form(_mxnet("rzn"), why=_MXNET),
    },
    options={
        "hidden_size": Option("units"),
        "input_size": Option("input_dim"),
        "activation": Option("activation", "tanh", ("simple_rnn", "lstm")),
        "recurrent_activation": Option("recurrent_activation", "sigmoid", ("lstm",)),
        **inert(
            "i2h_weight_initializer h2h_weight_initializer i2h_bias_initializer h2h_bias_initializer prefix params"
        ),
    },
    activations={"relu": "relu", "sigmoid": "sigmoid", "tanh": "tanh", "softrelu": "softplus", "softsign": "softsign"},
    lacks={
        "gru reset before": "mxnet.gluon.rnn.GRUCell resets after the matmul",
        "without bias": "the cells of mxnet.gluon.rnn have no option to leave the biases out",
    },
)


def _lasagne(gates: dict[str, str]) -> dict[str, str]:
    """Lasagne: three arrays a gate, whose name there is the key."""
    names = {"W_in_to_{}": "W", "W_hid_to_{}": "U", "b_{}": "b"}
    return {name.format(gate): f"{kind} {letter}" for gate, letter in gates.items() for name, kind in names.items()}


_LASAGNE_LSTM = _lasagne({"ingate": "i", "forgetgate": "f", "cell": "g", "outgate": "o"})
_HID, _CELL = {"hid_init": "hid_init"}, {"cell_init": "cell_init", "hid_init": "hid_init"}
LASAGNE = Framework(
    title="Lasagne",
    source="lasagne/layers/recurrent.py, Lasagne 0.2.dev1",
    live=False,
    forms={
        "simple_rnn": Form(
            {
                "input_to_hidden.W": "W h",
                "input_to_hidden.b": "b h",
                "hidden_to_hidden.W": "U h",
            },
            zeros=_HID,
            why="one bias, beside x W",
        ),
        "lstm": Form(_LASAGNE_LSTM, zeros=_CELL, why="one bias per gate"),
        "peephole_lstm": Form(
            {
                **_LASAGNE_LSTM,
                "W_cell_to_ingate": "p i",
                "W_cell_to_forgetgate": "p f",
                "W_cell_to_outgate": "p o",
            },
            zeros=_CELL,
            why="one bias per gate",
        ),
        "gru reset after": Form(
            _lasagne({"resetgate": "r", "updategate": "z", "hidden_update": "n"}),
            takes_new=True,
            zeros=_HID,
            why="one bias per gate; the candidate's is outside r",
        ),
    },
    options={
        "num_units": Option("units"),
        "nonlinearity": (
            Option("activation", "rectify", ("simple_rnn",)),
            Option("output_activation", "tanh", ("lstm", "peephole_lstm")),
        ),
        "backwards": Option("reverse", False),
        "peepholes": Option("use_peepholes", None, ("lstm", "peephole_lstm")),
        **inert("learn_init gradient_steps grad_clipping unroll_scan precompute_input name"),
    },
    activations={
        "rectify": "relu",
        "identity": "linear",
        "linear": "linear",
        "tanh": "tanh",
        "sigmoid": "sigmoid",
        "softplus": "softplus",
        "elu": "elu",
        "selu": "selu",
    },
    no_activation="linear",
    lacks={
        "gru reset before": "lasagne.layers.GRULayer resets after the matmul",
        "without bias": "the LSTMLayer and GRULayer of lasagne add their biases whatever they are",
    },
)
