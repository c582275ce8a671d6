"""One file, ported: read, planned, built, proved, written, opened again by a fresh process."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from comparisons.loading import opened_model
from comparisons.porting import build, drawn, proof, report
from comparisons.porting.parts import WAYS_OUT, Part, Refused
from comparisons.porting.plan import Planner
from comparisons.porting.witness import Witness
from reference.files import FileRefused, eras
from reference.files.guard import Guard, Limits, shown
from reference.files.outline import plain
from reference.files.recurrent import Reader
from reference.files.stock_weights import doubt
from reference.files.stored import StoredLayer, StoredModel
from reference.files.untold import Told
from reference.layer import AnyLayer

AGAIN = 1e-5  # relative: how far a fresh process may be where the oracle set no allowance


class Unproved(Exception):
    """The two sides are farther apart than rounding explains; `data` is the report."""

    def __init__(self, sentence: str, data: Mapping[str, Any]) -> None:
        super().__init__(sentence)
        self.data = dict(data)


@dataclass(frozen=True)
class Order:
    """What is asked for: a file, a target, and how."""

    old: Path
    new: Path
    config: Path | None = None
    limits: Limits = field(default_factory=Limits)
    training: bool = False
    custom: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0


Progress = Callable[[str], None]
Witnesses = Callable[[bool], Witness]  # `witness(own)` is the process that opens what is written


def port(order: Order, witness: Witnesses, progress: Progress = lambda doing: None) -> dict[str, Any]:
    """The report, once the new file is in its place.

    Raises FileRefused for a file that is not read, Refused for a model that has no port, Unproved where a proof fails;
    then nothing is written.
    """
    progress("reading")
    with opened_model(order.old, config=order.config, limits=order.limits) as model:
        asked(order, model)
        layers = recurrent_layers(order, model)
        graph = model.graph
        assert graph is not None
        progress("building")
        planner = Planner(model, layers, order.training, frozenset(order.custom))
        parts = planner.parts(graph)
        built = build.model(graph, parts, order.custom, masked=planner.masked)
        progress("proving")
        inputs = drawn.inputs(graph, built.model, order.seed)
        outputs = outputs_of(built.model, inputs)
        proofs = proved(layers, built, parts, planner.masked, order.seed)
        whole, reason = _whole(model, layers, built, inputs, outputs, order)
        data = report.data(order, model, parts, proofs, whole, reason, built.notes)
    refuse_failed(proofs, whole, data)
    progress("writing")
    asked_to_open = None if order.custom else witness(data["own"])
    write(built.model, order.new, inputs, outputs, asked_to_open, data)
    data["new"]["sha256"] = report.sha256(order.new)
    return data


def asked(order: Order, model: StoredModel) -> None:
    """Raises Refused for a file that is no old model."""
    name = order.old.name
    if model.era == "keras":
        raise Refused(f"{name!r} must be of Keras 1 or 2, got one of Keras {model.version or 3}: it needs no port")
    if model.era not in ("keras1", "keras2"):
        raise Refused(f"{name!r} must be of Keras 1 or 2, got {model.format}")
    if model.config is None:
        raise Refused(
            f"{name!r} must hold its model's config beside its weights, got weights alone: "
            "give the model's JSON as --config model.json"
        )
    if not model.era_said:
        raise Refused(f"{name!r} must say which Keras wrote it: write its keras_version into the JSON of --config")
    if model.graph is None:
        raise Refused(
            f"{name!r} must be a Sequential or Functional model whose connections are known, got another: "
            "--layers-only ports its recurrent layers"
        )


def reader(order: Order, model: StoredModel) -> Reader:
    """What reads the recurrent layers of the file."""
    guard = Guard(os.fspath(order.old), order.limits)
    return Reader(model, guard, Told({}, guard))


def recurrent_layers(order: Order, model: StoredModel) -> dict[str, AnyLayer]:
    """The oracle's layers by their paths, but for classes that the user named."""
    read = reader(order, model)
    known = [layer for layer in model.layers if plain(layer.kind) not in order.custom]
    try:
        return {layer.path: read.read(layer) for layer in known if read.is_recurrent(layer)}
    except FileRefused as refused:
        if refused.code != "unsupported-class":
            raise
        said = re.sub(r" \((to )?leave it out.*?\)", "", str(refused))  # which is said of `reference.load`
        raise Refused(f"{said}; {WAYS_OUT}") from None


def outputs_of(model: Any, inputs: list[Any]) -> list[Any]:
    """What the live model gives; the states of stateful layers are zeros before and after. Raises Refused."""
    import keras

    given = [keras.ops.convert_to_tensor(a) for a in inputs]
    try:
        found = keras.tree.flatten(model(given if len(given) > 1 else given[0], training=False))
    except Exception as error:  # whatever a backend raises
        shapes = ", ".join(str(a.shape) for a in inputs)
        raise Refused(f"the model must run on inputs of {shapes}, got {shown(' '.join(str(error).split()))}") from None
    for layer in model._flatten_layers():
        if getattr(layer, "stateful", False) and hasattr(layer, "reset_state"):
            layer.reset_state()
    return [np.asarray(keras.ops.convert_to_numpy(a)) for a in found]


def proved(
    layers: Mapping[str, AnyLayer], built: build.Built, parts: Mapping[str, Part], masked: bool, seed: int
) -> dict[str, list[proof.Measured]]:
    """Each recurrent layer of the new model against the old one; `masked`: with masked steps too."""
    inside = {each.path: each for part in parts.values() for each in part.everything() if each.path}
    return {path: proof.recurrent(old, built.layers[path], inside[path], masked, seed) for path, old in layers.items()}


def refuse_failed(
    proofs: Mapping[str, list[proof.Measured]], whole: proof.Measured | None, data: Mapping[str, Any]
) -> None:
    """Raises Unproved, with the measurement that is farthest past its allowance."""
    found = [(path, m) for path, measured in proofs.items() for m in measured]
    found += [] if whole is None else [("the whole model", whole)]
    failed = [(path, m) for path, m in found if not m.passed]
    if failed:
        path, m = max(failed, key=lambda pair: pair[1].ratio)
        must = f"{path} must be within {m.allowed:.3g} u of the old numbers"
        raise Unproved(f"{must}, got {m.distance:.3g} u ({m.what}); nothing is written", data)


def _whole(
    model: StoredModel,
    layers: Mapping[str, AnyLayer],
    built: build.Built,
    inputs: list[Any],
    outputs: list[Any],
    order: Order,
) -> tuple[proof.Measured | None, str]:
    """The whole model against the oracle; None, and the reason, where the oracle cannot run it."""
    if order.custom:
        return None, f"The oracle has no {', '.join(order.custom)}."
    for layer in model.layers:
        if why := _doubt(layer, model):
            return None, f"{layer.path}: {why}."
    try:
        return proof.whole(model, layers, inputs, outputs, proof.precision(built.layers.values()), order.seed), ""
    except ValueError as error:
        return None, f"The oracle does not run it: {error}."


def _doubt(layer: StoredLayer, model: StoredModel) -> str:
    """Why the old numbers of a layer are not known from its file."""
    try:
        return doubt(*eras.modern(layer.kind, layer.config, model.era, model.version), model.era, model.backend)
    except eras.Unsupported:  # a recurrent one, or a wrapper
        return ""


def write(
    model: Any, new: Path, inputs: list[Any], outputs: list[Any], witness: Witness | None, data: Mapping[str, Any]
) -> None:
    """Save under another name, have a fresh process open it and compute, and only then give it its name."""
    unfinished = new.with_name(f".{new.stem}.{os.getpid()}.keras")
    try:
        model.save(unfinished)
        if witness is not None:
            _opened(witness, unfinished, inputs, outputs, data)
        os.replace(unfinished, new)
    finally:
        unfinished.unlink(missing_ok=True)


def _opened(witness: Witness, path: Path, inputs: list[Any], outputs: list[Any], data: Mapping[str, Any]) -> None:
    must = "a fresh process must compute the same from what is written"
    try:
        again = witness.run(path, inputs)
    except ValueError as error:
        raise Unproved(f"{must}, got {shown(error)}; nothing is written", data) from None
    largest = max((float(np.abs(a).max(initial=0)) for a in outputs), default=0.0)
    same = len(again) == len(outputs) and all(
        a.shape == b.shape and np.allclose(a, b, rtol=0, atol=AGAIN * largest)
        for a, b in zip(again, outputs, strict=True)
    )
    if not same:
        raise Unproved(f"{must}, got other numbers; nothing is written", data)
