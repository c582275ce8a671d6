"""Which bias vectors each framework stores beside the matrices of a recurrent cell, and why, as data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Form(NamedTuple):
    """A cell whose reset, if it has one, is settled."""

    cell: str
    reset_after: bool | None  # None: no reset gate
    gates: str  # one kernel (X, H) and one recurrent kernel (H, H) each
    products: tuple[str, ...]  # of H numbers each, elementwise, in one step


FORMS = {
    "simple_rnn": Form("simple_rnn", None, "h", ()),
    "lstm": Form("lstm", None, "ifgo", ("f * c", "i * g", "o * tanh(c)")),
    "gru reset before": Form("gru", False, "zrn", ("r * h", "z * h", "(1 - z) * n")),
    "gru reset after": Form("gru", True, "zrn", ("r * (h U_n + d_n)", "z * h", "(1 - z) * n")),
}
CELLS = tuple(dict.fromkeys(form.cell for form in FORMS.values()))


class Biases(NamedTuple):
    """The gates with a bias beside `x W` and beside `h U`, and why the framework has these."""

    input: str
    recurrent: str
    why: str


class Convention(NamedTuple):
    """What one framework stores. What it does not have, a form or "without bias", stands in `lacks` with the reason."""

    source: str
    reset_after: bool  # of a gru about which nothing is said
    biases: Mapping[str, Biases]
    lacks: Mapping[str, str]


_ONE = "one bias per gate; a second one would only be added to it"
_TWO = "two biases per gate, bias_ih and bias_hh, as cuDNN has them"
_B = "B holds two biases per gate, Wb and Rb"
_B_GRU = f"{_B}, whatever linear_before_reset says"
_CUDNN = "the bias holds cuDNN's two per gate: all for the input product, then all for the recurrent one"
_MERGE = "two biases per gate: r multiplies h U_n + d_n, so d_n cannot be merged into b_n; z and r follow cuDNN"

CONVENTIONS = {
    "keras": Convention(
        source="keras/src/layers/rnn/{simple_rnn,lstm,gru}.py, Keras 3",
        reset_after=True,
        biases={
            "simple_rnn": Biases("h", "", _ONE),
            "gru reset before": Biases("zrn", "", _ONE),
            "gru reset after": Biases("zrn", "zrn", _MERGE),
            "lstm": Biases("ifgo", "", _ONE),
        },
        lacks={},
    ),
    "tf1": Convention(
        source="tensorflow/python/ops/rnn_cell_impl.py, TensorFlow 1",
        reset_after=False,
        biases={
            "simple_rnn": Biases("h", "", "one bias beside one kernel (X + H, H)"),
            "gru reset before": Biases(
                "zrn", "", "one bias per gate: 2H beside the gates' kernel, H beside the candidate's"
            ),
            "lstm": Biases("ifgo", "", "one bias per gate; forget_bias is added at run time and stored nowhere"),
        },
        lacks={
            "gru reset after": "tf.nn.rnn_cell.GRUCell resets before the matmul",
            "without bias": "the cells of tf.nn.rnn_cell have no option to leave the biases out",
        },
    ),
    "pytorch": Convention(
        source="torch/nn/modules/rnn.py",
        reset_after=True,
        biases={
            "simple_rnn": Biases("h", "h", _TWO),
            "gru reset after": Biases("zrn", "zrn", _TWO),
            "lstm": Biases("ifgo", "ifgo", f"{_TWO}; only their sum matters"),
        },
        lacks={"gru reset before": "torch.nn.GRU resets after the matmul"},
    ),
    "onnx": Convention(
        source="onnx/defs/rnn/defs.cc",
        reset_after=False,  # linear_before_reset=0
        biases={
            "simple_rnn": Biases("h", "h", _B),
            "gru reset before": Biases("zrn", "zrn", _B_GRU),
            "gru reset after": Biases("zrn", "zrn", _B_GRU),
            "lstm": Biases("ifgo", "ifgo", f"{_B}; only their sum matters"),
        },
        lacks={},
    ),
    "cudnn": Convention(
        source="keras/layers/cudnn_recurrent.py, Keras 2",
        reset_after=True,
        biases={
            "simple_rnn": Biases("h", "h", "cuDNN's own RNN mode has two biases by default; Keras saved no such layer"),
            "gru reset after": Biases("zrn", "zrn", _CUDNN),
            "lstm": Biases("ifgo", "ifgo", f"{_CUDNN}; only their sum matters"),
        },
        lacks={
            "gru reset before": "CuDNNGRU resets after the matmul",
            "without bias": "CuDNNLSTM and CuDNNGRU have no use_bias",
        },
    ),
    "flax": Convention(
        source="flax/linen/recurrent.py",
        reset_after=True,
        biases={
            "simple_rnn": Biases("h", "", "one bias, beside x W"),
            "gru reset after": Biases(
                "zrn", "n", "one bias per gate, and a second one where it matters: for n, inside r"
            ),
            "lstm": Biases("", "ifgo", "one bias per gate, beside h U"),
        },
        lacks={
            "gru reset before": "flax.linen.GRUCell resets after the matmul",
            "without bias": "the cells of flax.linen have no option to leave the biases out",
        },
    ),
}
