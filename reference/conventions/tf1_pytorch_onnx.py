"""TensorFlow 1, PyTorch and ONNX."""

from __future__ import annotations

from reference.conventions.storage import PLAIN, Form, Framework, Option, inert

_LSTM = ("lstm", "peephole_lstm", "cifg")
_TWO = "two biases per gate, bias_ih and bias_hh, as cuDNN has them"
_B = "B holds two biases per gate, Wb and Rb"
_B_GRU = f"{_B}, whatever linear_before_reset says"


_TF1 = {"kernel": "WU igfo", "bias": "b igfo"}
_TF1_LSTM = "one bias per gate; forget_bias is added at run time and stored nowhere"
TF1 = Framework(
    title="TensorFlow 1",
    source="tensorflow/python/ops/rnn_cell_impl.py and contrib/rnn/python/ops/rnn_cell.py, TensorFlow 1.15; "
    "tf_keras/src/layers/rnn/legacy_cells.py, tf-keras 2.21",
    live=True,
    forms={
        "simple_rnn": Form({"kernel": "WU h", "bias": "b h"}, why="one bias beside one kernel (X + H, H)"),
        "lstm": Form(_TF1, why=_TF1_LSTM),
        "peephole_lstm": Form(
            {**_TF1, "w_f_diag": "p f", "w_i_diag": "p i", "w_o_diag": "p o", "projection/kernel": "V"}, why=_TF1_LSTM
        ),
        "cifg": Form(  # contrib's CoupledInputForgetGateLSTMCell
            {"W": "WU gfo", "B": "b gfo", "W_F_diag": "p f", "W_O_diag": "p o"}, {"coupled": "i"}, why=_TF1_LSTM
        ),
        "layer_norm_lstm": Form(  # contrib's LayerNormBasicLSTMCell
            {
                "kernel": "WU igfo",
                **{
                    f"{name}/{array}": f"{kind} {gate}"
                    for name, gate in (("input", "i"), ("transform", "g"), ("forget", "f"), ("output", "o"))
                    for array, kind in (("gamma", "γ"), ("beta", "β"))
                },
                "state/gamma": "state_gamma = H",
                "state/beta": "state_beta = H",
            },
            why="no bias: the shifts of the norms take its place",
        ),
        "ugrnn": Form({"kernel": "WU zn", "bias": "b zn"}, why="one bias per gate; forget_bias is stored nowhere"),
        "gru reset before": Form(
            {"gates/kernel": "WU rz", "gates/bias": "b rz", "candidate/kernel": "WU n", "candidate/bias": "b n"},
            why="one bias per gate: 2H beside the gates' kernel, H beside the candidate's",
        ),
    },
    options={
        "num_units": Option("units"),
        "activation": Option("activation", "tanh"),
        "forget_bias": Option("forget_bias", 1.0, (*_LSTM, "layer_norm_lstm", "ugrnn")),
        "use_peepholes": Option("use_peepholes", None, _LSTM),
        "cell_clip": Option("cell_clip", None, ("lstm", "peephole_lstm")),
        "num_proj": Option("recurrent_dim", None, ("lstm", "peephole_lstm")),
        "proj_clip": Option("proj_clip", None, ("lstm", "peephole_lstm")),
        "layer_norm": (
            Option("only default", False, ("cifg",)),
            Option("only default", True, ("layer_norm_lstm",)),
        ),
        **inert("state_is_tuple initializer kernel_initializer bias_initializer reuse name dtype trainable"),
        **inert("num_unit_shards num_proj_shards norm_gain norm_shift dropout_keep_prob dropout_prob_seed"),
    },
    activations={**PLAIN, "leaky_relu": "leaky_relu_keras"},
    no_activation="tanh",
    lacks={
        "gru reset after": "tf.nn.rnn_cell.GRUCell resets before the matmul",
        "without bias": "the cells of tf.nn.rnn_cell have no option to leave the biases out",
    },
    layers="cell_{}/",
    directions=("fw/", "bw/"),
)


def _torch(gates: str) -> dict[str, str]:
    return {
        "weight_ih": f"W {gates} T",
        "weight_hh": f"U {gates} T",
        "bias_ih": f"b {gates}",
        "bias_hh": f"d {gates}",
    }


PYTORCH = Framework(
    title="PyTorch",
    source="torch/nn/modules/rnn.py",
    live=True,
    forms={
        "simple_rnn": Form(_torch("h"), why=_TWO),
        "lstm": Form(_torch("ifgo"), why=f"{_TWO}; only their sum matters"),
        "peephole_lstm": Form({**_torch("ifgo"), "weight_hr": "V T"}, why=f"{_TWO}; only their sum matters"),
        "gru reset after": Form(_torch("rzn"), why=_TWO),
    },
    options={
        "input_size": Option("input_dim"),
        "hidden_size": Option("units"),
        "num_layers": Option("layers"),
        "bias": Option("use_bias", True),
        "bidirectional": Option("directions"),
        "proj_size": Option("recurrent_dim", 0, ("lstm", "peephole_lstm")),
        "nonlinearity": Option("activation", "tanh", ("simple_rnn",)),
        **inert("batch_first dropout device dtype"),
    },
    activations={"tanh": "tanh", "relu": "relu"},
    lacks={"gru reset before": "torch.nn.GRU resets after the matmul"},
    layers="_l{}",
    directions=("", "_reverse"),
)


def _onnx(gates: str) -> dict[str, str]:
    return {"W": f"W {gates} T", "R": f"U {gates} T", "B": f"b,d {gates}"}


ONNX = Framework(
    title="ONNX",
    source="onnx/defs/rnn/defs.cc, opset 14; ONNX Runtime 1.31 for clip and the defaults of activations",
    live=True,
    forms={
        "simple_rnn": Form(_onnx("h"), why=_B),
        "lstm": Form(_onnx("iofg"), why=f"{_B}; only their sum matters"),
        "peephole_lstm": Form({**_onnx("iofg"), "P": "p iof"}, why=f"{_B}; only their sum matters"),
        # input_forget: f = 1 − i, and what is stored for f is never read.
        "cifg": Form({**_onnx("io-g"), "P": "p io-"}, {"coupled": "f"}, why=f"{_B}; only their sum matters"),
        "gru reset before": Form(_onnx("zrn"), why=_B_GRU),
        "gru reset after": Form(_onnx("zrn"), why=_B_GRU),
    },
    options={
        "hidden_size": Option("units"),
        "direction": Option("direction", "forward"),
        "activations": Option("activations"),
        "activation_alpha": Option("activation_alpha"),
        "activation_beta": Option("activation_beta"),
        "clip": Option("clip"),
        "input_forget": Option("input_forget", None, _LSTM),
        "linear_before_reset": Option("reset_after", 0, ("gru",)),
        **inert("layout"),
    },
    run_inputs={
        "sequence_lens": "as mask",
        "initial_h": "in initial_state",
        "initial_c": "in initial_state",
    },
    zero_bias="B",
)
