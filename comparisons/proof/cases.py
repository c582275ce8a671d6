"""The cases of the proof run, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from reference.activations import get

# The months of the longest window in use: one solar cycle of eleven years.
WINDOW = 132


@dataclass(frozen=True)
class Case:
    """One comparison: a cell and its options, on which input, with which weights."""

    name: str
    cell: str
    inputs: str = "series"  # "series" (real months, or the user's data), "sentence" (one-hot) or "drawn"
    weights: str = "trained"  # "trained" by stock Keras on the series, or "drawn"
    units: int = 32
    steps: int = WINDOW  # of a drawn input
    features: int = 8  # of a drawn input
    options: Mapping[str, Any] = field(default_factory=dict)  # of the cell's step
    use_bias: bool = True
    two_biases: bool = False  # beside x W and beside h U; a GRU that resets after the matmul has them anyway
    without: tuple[str, ...] = ()  # of the cell's own arrays, those that it has not
    recurrent_dim: int | None = None  # what the recurrence carries, where it is not as wide as the units
    unit_forget_bias: bool = True
    mask: bool = False
    go_backwards: bool = False
    stateful: bool = False
    layers: int = 1
    bidirectional: bool = False
    merge_mode: str = "concat"
    # TensorFlow 1's wrappers around the cell: DropoutWrapper's probabilities, its variational_recurrent; "residual":
    # "outside" or "inside" of that; "device": a name.
    wrapper: Mapping[str, Any] = field(default_factory=dict)
    above: Case | None = None  # the layer on top, in one MultiRNNCell with this one
    dtype: str = "float32"
    more: bool = False  # only with --all

    @property
    def training(self) -> tuple[Any, ...]:
        """What decides the trained weights: cases that agree in it share them."""
        bias = (self.use_bias, self.unit_forget_bias)
        return self.cell, self.units, tuple(sorted(self.options.items())), *bias


def _gated(era: str) -> dict[str, str]:
    return {"recurrent_activation": f"hard_sigmoid_{era}"}


def _drawn(name: str, cell: str, **given: Any) -> Case:
    """Drawn weights and inputs, smaller than those of the three that everybody has."""
    sizes: dict[str, Any] = {"units": 16, "steps": 48}
    return Case(name, cell, "drawn", "drawn", **sizes | given)


_LSTM, _GRU = Case("lstm", "lstm"), Case("gru", "gru")
_PLAIN = {"without": ("projection",)}
_PROJECTED = {"recurrent_dim": 6}
_PROJECTED_ONLY = {**_PROJECTED, "without": ("peephole",)}
_DEEP = {"layers": 2, "units": 12, "steps": 24}
_KEPT = {"input_keep_prob": 0.8, "state_keep_prob": 0.7, "output_keep_prob": 0.9}
_BASIC, _BEFORE = {"options": {"forget_bias": 1.0}}, {"options": {"reset_after": False}}


def _wrapped(name: str, cell: str, wrapper: Mapping[str, Any], **given: Any) -> Case:
    """As wide as its inputs, so that these can be added to its outputs."""
    return _drawn(name, cell, wrapper=wrapper, **{"units": 6, "features": 6, "steps": 16, **_OF_TF1[cell]} | given)


# What the cells of TensorFlow 1 have.
_OF_TF1: dict[str, dict[str, Any]] = {"simple_rnn": {}, "lstm": _BASIC, "gru": _BEFORE, "peephole_lstm": _PLAIN}
_RESIDUAL, _WITHIN = {"residual": "outside"}, {"residual": "inside"}
_NARROW = {
    "units": 8,
    "recurrent_dim": 6,
    "without": (),
    "options": {"forget_bias": 1.0, "cell_clip": 0.4, "proj_clip": 0.1},
}
_GRU_ABOVE = _wrapped("gru, above", "gru", {"output_keep_prob": 0.8})

CASES: tuple[Case, ...] = (
    Case("simple_rnn", "simple_rnn"),
    Case("simple_rnn, sentence", "simple_rnn", "sentence", "drawn"),
    Case("simple_rnn, relu", "simple_rnn", "drawn", "drawn", options={"activation": "relu"}),
    Case("simple_rnn, mask", "simple_rnn", mask=True),
    Case("simple_rnn, float64", "simple_rnn", dtype="float64"),
    _LSTM,
    replace(_LSTM, name="lstm, sentence", inputs="sentence", weights="drawn"),
    replace(_LSTM, name="lstm, hard_sigmoid of Keras 3", options=_gated("keras3")),
    replace(_LSTM, name="lstm, hard_sigmoid of Keras 2", options=_gated("keras2")),
    replace(_LSTM, name="lstm, forget_bias 1.0", options={"forget_bias": 1.0}, unit_forget_bias=False),
    replace(_LSTM, name="lstm, no bias", inputs="drawn", weights="drawn", use_bias=False),
    replace(
        _LSTM, name="lstm, 64 inputs, 128 units", inputs="drawn", weights="drawn", features=64, units=128, steps=40
    ),
    replace(_LSTM, name="lstm, mask", mask=True),
    replace(_LSTM, name="lstm, mask, go_backwards", mask=True, go_backwards=True),
    replace(_LSTM, name="lstm, stateful", stateful=True),
    replace(_LSTM, name="lstm, float64", dtype="float64"),
    # float16 sees little: few inputs and units keep its bound small, a drawn input the mistakes large.
    Case("lstm, float16, 8 units", "lstm", "drawn", "drawn", features=4, units=8, dtype="float16"),
    _GRU,
    replace(_GRU, name="gru, sentence", inputs="sentence", weights="drawn"),
    replace(_GRU, name="gru, reset before", options={"reset_after": False}),
    replace(_GRU, name="gru, hard_sigmoid of Keras 2", options=_gated("keras2")),
    Case("gru, reset before, no bias", "gru", "drawn", "drawn", options={"reset_after": False}, use_bias=False),
    replace(_GRU, name="gru, mask, go_backwards", mask=True, go_backwards=True),
    replace(_GRU, name="gru, stateful", stateful=True),
    replace(_GRU, name="gru, float64", dtype="float64"),
    # The rest of the family.
    _drawn("simple_rnn, two biases", "simple_rnn", two_biases=True),
    _drawn("lstm, two biases", "lstm", two_biases=True),
    _drawn("lstm, two biases, float64", "lstm", two_biases=True, dtype="float64", more=True),
    _drawn("lstm, relu outside", "lstm", options={"output_activation": "relu"}),
    _drawn("lstm, blocks of 4 cells", "lstm", options={"cells_per_block": 4}),
    _drawn("lstm_1997", "lstm_1997"),
    _drawn(
        "lstm_1997, its own squashings",
        "lstm_1997",
        options={"activation": "sigmoid_in_2", "output_activation": "sigmoid_in_1"},
    ),
    _drawn("jordan", "jordan", recurrent_dim=6, options={"output_activation": "sigmoid"}),
    _drawn("peephole_lstm", "peephole_lstm", **_PLAIN),
    _drawn("peephole_lstm, forget_bias 1.0", "peephole_lstm", **_PLAIN, options={"forget_bias": 1.0}),
    _drawn("peephole_lstm, cell_clip", "peephole_lstm", **_PLAIN, options={"cell_clip": 0.3}),
    _drawn("peephole_lstm, projection", "peephole_lstm", **_PROJECTED),
    _drawn(
        "peephole_lstm, projection, clips",
        "peephole_lstm",
        **_PROJECTED,
        options={"forget_bias": 1.0, "cell_clip": 0.4, "proj_clip": 0.1},
        more=True,
    ),
    _drawn("peephole_lstm, projection alone", "peephole_lstm", **_PROJECTED_ONLY, two_biases=True),
    _drawn("peephole_lstm, float64", "peephole_lstm", **_PROJECTED, dtype="float64", more=True),
    _drawn("cifg, i = 1 - f", "cifg"),
    _drawn("cifg, f = 1 - i", "cifg", options={"coupled": "f"}),
    # Activations with numbers of their own, and of arguments that are clipped, as ONNX has them.
    _drawn(
        "simple_rnn, clipped ScaledTanh",
        "simple_rnn",
        options={"activation": get("scaled_tanh", clip=1.5, scale=1.2, slope=0.8)},
        more=True,
    ),
    _drawn(
        "lstm, clipped HardSigmoid(0.3, 0.4) and Elu",
        "lstm",
        options={
            "recurrent_activation": get("hard_sigmoid", clip=1.0, slope=0.3, offset=0.4),
            "activation": get("elu", clip=1.0, alpha=0.5),
            "output_activation": get("softsign"),
        },
    ),
    _drawn(
        "gru, clipped, LeakyRelu(0.1)",
        "gru",
        options={
            "recurrent_activation": get("sigmoid", clip=0.8),
            "activation": get("leaky_relu", clip=0.8, negative_slope=0.1),
        },
        more=True,
    ),
    _drawn("layer_norm_lstm", "layer_norm_lstm", use_bias=False),
    _drawn("fused_layer_norm_lstm", "fused_layer_norm_lstm"),
    *(
        _drawn(
            f"greff_lstm, {variant}",
            "greff_lstm",
            options={"variant": variant},
            without={"NP": ("peephole", "gate_recurrent_kernel"), "FGR": ()}.get(variant, ("gate_recurrent_kernel",)),
            more=variant not in ("V", "FGR"),
        )
        for variant in ("V", "NIG", "NFG", "NOG", "NIAF", "NOAF", "CIFG", "NP", "FGR")
    ),
    _drawn("gru, no bias", "gru", use_bias=False),
    _drawn("gru, reset before, two biases", "gru", two_biases=True, options={"reset_after": False}),
    _drawn("mgu", "mgu"),
    _drawn("ugrnn", "ugrnn"),
    *(_drawn(name, name, features=16) for name in ("mut1", "mut2", "mut3")),
    *(
        _drawn(f"{cell}, 2 layers", cell, **_DEEP, **more, more=cell != "lstm")
        for cell, more in {"simple_rnn": {"two_biases": True}, "lstm": {"two_biases": True}, "gru": {}}.items()
    ),
    _drawn("lstm, 2 layers, bidirectional", "lstm", **_DEEP, bidirectional=True, two_biases=True),
    _drawn(
        "lstm, 2 layers, bidirectional, float64",
        "lstm",
        **_DEEP,
        bidirectional=True,
        two_biases=True,
        dtype="float64",
        more=True,
    ),
    _drawn(
        "peephole_lstm, projection, bidirectional",
        "peephole_lstm",
        **_PROJECTED_ONLY,
        bidirectional=True,
        two_biases=True,
        more=True,
    ),
    *(
        _drawn(f"gru, bidirectional, {mode}", "gru", bidirectional=True, merge_mode=mode, more=True)
        for mode in ("sum", "mul", "ave")
    ),
    # The wrappers of TensorFlow 1.
    _wrapped("lstm, dropout", "lstm", _KEPT),
    _wrapped(
        "peephole_lstm, projection, clips, dropout inside residual", "peephole_lstm", _KEPT | _RESIDUAL, **_NARROW
    ),
    _wrapped("lstm under gru, dropout between", "lstm", {"output_keep_prob": 0.7}, above=_GRU_ABOVE),
    *(
        _wrapped(f"lstm, dropout of the {part}", "lstm", {f"{part}_keep_prob": 0.6}, more=True)
        for part in ("input", "state", "output")
    ),
    *(
        _wrapped(f"{cell}, variational dropout", cell, _KEPT | {"variational_recurrent": True}, more=True)
        for cell in ("lstm", "gru")
    ),
    *(_wrapped(f"{cell}, dropout", cell, _KEPT, more=True) for cell in ("simple_rnn", "peephole_lstm", "gru")),
    _wrapped("lstm, dropout, float64", "lstm", _KEPT, dtype="float64", more=True),
    _wrapped("lstm, residual", "lstm", _RESIDUAL, more=True),
    _wrapped("gru, residual inside dropout, float64", "gru", _KEPT | _WITHIN, dtype="float64", more=True),
    _wrapped("lstm, on a device", "lstm", {"device": "cpu:0"}, more=True),
    _wrapped(
        "peephole_lstm under gru, dropout, residual, on a device, float64",
        "peephole_lstm",
        _KEPT | _RESIDUAL | {"device": "cpu:0"},
        above=_GRU_ABOVE,
        dtype="float64",
        more=True,
    ),
)
