"""The arguments of TensorFlow's fused kernels: LSTMBlockCell, BlockLSTM and GRUBlockCell, and BlockLSTMV2."""

from __future__ import annotations

from reference.conventions.storage import Form, Framework, Option

_LSTMS = ("lstm", "peephole_lstm")
_ONE = "one bias per gate"
_LACKS = {
    "gru reset after": "GRUBlockCell resets before the matmul",
    "without bias": "the kernels take a bias, whatever it is",
}
# As the Python wrappers have them; the kernels' own default of cell_clip is 3, but 0 in BlockLSTMV2.
_OPTIONS = {
    "use_peephole": Option("use_peepholes", False, _LSTMS),
    "cell_clip": Option("cell_clip", -1.0, _LSTMS, none=(-1.0, 0.0)),
}


def _lstms(gates: str) -> dict[str, Form]:
    arrays = {"w": f"WU {gates}", "b": f"b {gates}"}
    peepholes = {"wci": "p i", "wcf": "p f", "wco": "p o"}
    return {"lstm": Form(arrays, why=_ONE), "peephole_lstm": Form({**arrays, **peepholes}, why=_ONE)}


TF_BLOCK = Framework(
    title="TensorFlow's block kernels",
    source="tensorflow/core/ops/rnn_ops.cc and kernels/rnn/{lstm,gru}_ops.cc; checkpoints of GRUBlockCell's first "
    "version hold the gates as w_c and the candidate as w_ru",
    live=True,
    forms={
        **_lstms("igfo"),
        "gru reset before": Form({"w_ru": "WU rz", "w_c": "WU n", "b_ru": "b rz", "b_c": "b n"}, why=_ONE),
    },
    options={**_OPTIONS, "forget_bias": Option("forget_bias", 1.0, _LSTMS)},
    lacks={"simple_rnn": "no block kernel is a simple_rnn", **_LACKS},
)
TF_BLOCK_V2 = Framework(
    title="TensorFlow's BlockLSTMV2",
    source="tensorflow/core/ops/rnn_ops.cc and kernels/rnn/lstm_ops.cc, gate layout IFCO",
    live=True,
    forms=_lstms("ifgo"),
    options=_OPTIONS,
    lacks={
        "simple_rnn": "BlockLSTMV2 is an lstm",
        "gru reset before": "BlockLSTMV2 is an lstm",
        **_LACKS,
        "gru reset after": "BlockLSTMV2 is an lstm",
    },
)
