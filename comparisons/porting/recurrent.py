"""A recurrent layer of the oracle, with its old arguments -> the layer of Keras 3 that computes the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from comparisons.porting.folded import RATIO
from comparisons.porting.parts import Part, Refused
from comparisons.proof.measure import ROUNDINGS
from reference import activations, pack
from reference.conventions import folds
from reference.conventions.folds import NotRepresentable
from reference.files import era_values as values
from reference.layer import AnyLayer, Layer, Stack

OLD, NEW = activations.get("hard_sigmoid_keras2"), activations.get("hard_sigmoid_keras3")
STOCK = {"simple_rnn": "SimpleRNN", "lstm": "LSTM", "gru": "GRU"}
# The candidate's gate, where its activation sees nothing but a sum of products; the LSTM's squashes c as well.
CANDIDATE = {"simple_rnn": "h", "gru": "n"}
IN_WORDS = {
    "hard sigmoid rescaled": "the gates' hard_sigmoid is Keras 3's, whose slope is 1/6: their columns are times 1.2",
    "biases merged": "the two biases of cuDNN are summed into one",
    "zeros added": "a bias of zeros is added",
}


def leaf(layer: Layer, *, kept: str = "") -> Part:
    """Which class runs the layer, with the arguments and arrays that its function depends on.

    `kept` is the reason why no array may be folded; empty where folding is welcome. The class is "LSTM", "GRU" or
    "SimpleRNN", or this project's cell where no stock layer computes the same. Raises Refused where nothing does.
    """
    hard = {name for name in ("activation", "recurrent_activation") if layer.options.get(name) == OLD}
    squashed = "activation" in hard and layer.cell not in CANDIDATE
    if hard and (kept or squashed):
        why = kept or "an LSTM's activation squashes its state c as well, which no weight can scale"
        return _own(layer, hard, f"hard_sigmoid of Keras 2 is not Keras 3's, and is not folded: {why}")
    changes: list[str] = []
    if "activation" in hard:
        gate = CANDIDATE[layer.cell]
        scaled = folds.columns(layer, {gate: lambda a: a * a.dtype.type(RATIO)})
        layer = folds.with_options(scaled, activation=NEW)
        changes.append("the candidate's hard_sigmoid is Keras 3's, whose slope is 1/6: its columns are times 1.2")
    try:
        packed = pack(layer, "keras")
    except NotRepresentable as reason:
        raise Refused(f"{reason}; --layers-only ports the other layers") from None
    if packed.cell not in STOCK:
        raise Refused(f"Keras 3 has no {packed.cell}; --layers-only ports the other layers")
    changes += [IN_WORDS.get(change.name, f"{change.name}: {change.why}") for change in packed.changes]
    rounds = sum(ROUNDINGS.get(change.name, 0) for change in packed.changes) + 2 * ("activation" in hard)
    return Part(
        STOCK[packed.cell],
        dict(packed.options),
        packed.arrays,
        changes=tuple(changes),
        roundings=rounds,
        folded=bool(hard) or rounds > 0,
    )


def _own(layer: Layer, hard: set[str], why: str) -> Part:
    """This project's cell, with the arrays as they are."""
    plain = folds.with_options(layer, **dict.fromkeys(hard, activations.get("sigmoid")))
    packed = pack(plain, "keras")
    options = {**packed.options, **dict.fromkeys(hard, "hard_sigmoid_keras2")}
    cell = Part(f"cells.{STOCK[packed.cell]}Cell", {k: v for k, v in options.items() if k not in FLAGS}, packed.arrays)
    return Part("RNN", {name: options[name] for name in FLAGS if name in options}, inside=(cell,), own=why)


# Arguments that decide nothing of a run's numbers: of the cell, and of the layer around it.
OF_CELL = ("dropout", "recurrent_dropout", "seed", "unit_forget_bias")
OF_LAYER = ("name", "trainable", "dtype")
FLAGS = ("return_sequences", "return_state", "go_backwards", "stateful", "unroll", "zero_output_for_mask")
# Keras 1's names, by Keras 3's.
KERAS1 = {
    "dropout_W": "dropout",
    "dropout_U": "recurrent_dropout",
    **{
        f"{old}_{what}": f"{new}_{what}"
        for old, new in (("W", "kernel"), ("U", "recurrent"), ("b", "bias"))
        for what in ("regularizer", "constraint")
    },
}
TABLES = {"regularizer": values.REGULARIZERS, "constraint": values.CONSTRAINTS}


def modern(config: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """A layer's arguments by Keras 3's names, regularisers and constraints as Keras 3 writes them, and what is lost."""
    found: dict[str, Any] = {}
    lost: list[str] = []
    for name, value in config.items():
        name = KERAS1.get(name, name)
        table = TABLES.get(name.rpartition("_")[2])
        if table is None:
            found[name] = value
        elif value is not None:
            known = values.known(value, table)
            found |= {} if known is None else {name: known}
            lost += [f"{name} {value!r} is left out: Keras 3 has none like it"] if known is None else []
    return found, tuple(lost)


def told(part: Part, config: Mapping[str, Any], penalties: Mapping[str, Any]) -> Part:
    """The part with what its config says beyond its function: name, dropout, states, regularisers."""
    for_cell = {name: config[name] for name in OF_CELL if config.get(name) is not None} | dict(penalties)
    for_layer = {name: config[name] for name in (*OF_LAYER, *FLAGS) if config.get(name) is not None}
    if part.kind != "RNN":
        return replace(part, config={**part.config, **for_layer, **for_cell})
    cell = replace(part.inside[0], config={**part.inside[0].config, **for_cell})
    if config.get("dtype") is not None:
        cell = replace(cell, config={**cell.config, "dtype": config["dtype"]})
    return replace(part, config={**part.config, **for_layer}, inside=(cell,))


CELL_KINDS = {name: f"{name}Cell" for name in STOCK.values()}


def as_cell(part: Part) -> Part:
    """The cell of a stock layer, or of an RNN around one of this project's, for a place in another RNN."""
    if part.kind == "RNN":
        return replace(part.inside[0], changes=part.changes, own=part.own)
    config = {name: value for name, value in part.config.items() if name not in FLAGS}
    return replace(part, kind=CELL_KINDS[part.kind], config=config)


def width(layer: AnyLayer) -> int:
    """How many numbers a step gives."""
    while isinstance(layer, Stack):
        layer = layer.layers[-1]
    return layer.recurrent_dim if isinstance(layer, Layer) else width(layer.forward) + width(layer.backward)


def zeroed(layer: AnyLayer) -> bool:
    """Whether its outputs at masked steps are zeros."""
    if isinstance(layer, Stack):
        return zeroed(layer.layers[-1])
    return layer.zero_output_for_mask if isinstance(layer, Layer) else zeroed(layer.forward) and zeroed(layer.backward)


def zeroing(layer: AnyLayer) -> AnyLayer:
    """The same layer with zeros as its outputs at masked steps."""
    if isinstance(layer, Layer):
        return replace(layer, zero_output_for_mask=True)
    if isinstance(layer, Stack):
        return replace(layer, layers=(*layer.layers[:-1], zeroing(layer.layers[-1])))
    return replace(layer, forward=zeroing(layer.forward), backward=zeroing(layer.backward))
