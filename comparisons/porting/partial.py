"""`--layers-only`: the recurrent layers, each with an input of its own, in one model; the rest as named arrays."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from comparisons.loading import opened_model
from comparisons.porting import build, job, proof, report
from comparisons.porting.parts import Refused
from comparisons.porting.plan import Planner
from reference.files import FileRefused
from reference.files.stored import StoredModel
from reference.layer import AnyLayer

SNIPPET = """\
import keras, numpy as np
{imports}ported = keras.saving.load_model({model!r})
rest = np.load({rest!r})  # the other layers' arrays, by "path of the layer/name of the array"
inputs = keras.Input(shape=...)  # write the model here, with those layers as you make them
x = ported.get_layer({first!r})(inputs)  # a ported layer is called as any other: {layers}
other = keras.layers.Dense(units=...)
x = other(x)
other.set_weights([rest[name] for name in {arrays}])
model = keras.Model(inputs, x)
"""


def port(order: job.Order, witness: job.Witnesses, progress: job.Progress) -> dict[str, Any]:
    """The report, once both files are in their places; raises as `job.port` does."""
    progress("reading")
    with opened_model(order.old, config=order.config, limits=order.limits) as model:
        layers = _layers(order, model)
        if not layers:
            raise Refused(f"{order.old.name!r} must hold recurrent layers for --layers-only, got none")
        planner = Planner(model, layers, order.training)
        stored = {layer.path: layer for layer in model.layers}
        progress("building")
        parts = {path: planner.part(stored[path]) for path in layers}
        rest = {
            f"{layer.path}/{name}": array.read()
            for layer in model.layers
            if layer.path not in layers
            for name, array in layer.arrays.items()
        }
    built = build.apart(parts, {path: proof.input_dim(layer) for path, layer in layers.items()})
    progress("proving")
    proofs = job.proved(layers, built, parts, planner.masked, order.seed)
    data = report.data(order, model, parts, proofs, None, "The other layers are arrays, for you to load.")
    job.refuse_failed(proofs, None, data)
    progress("writing")
    inputs = [
        np.random.default_rng(order.seed).normal(size=(2, 5, t.shape[-1])).astype("float32") for t in built.model.inputs
    ]
    own, rest_file = data["own"], order.new.with_suffix(".npz")
    unfinished = rest_file.with_name(f".{rest_file.name}.{os.getpid()}.part")
    try:
        with unfinished.open("xb") as stream:
            np.savez(stream, **rest)  # type: ignore[arg-type]
        job.write(built.model, order.new, inputs, job.outputs_of(built.model, inputs), witness(own), data)
        os.replace(unfinished, rest_file)
    finally:
        unfinished.unlink(missing_ok=True)
    data["new"] |= {"sha256": report.sha256(order.new), "rest": str(rest_file)}
    of = next(iter(rest), "").rpartition("/")[0]
    data["snippet"] = SNIPPET.format(
        imports="import cells\n" if own else "",
        model=order.new.name,
        rest=rest_file.name,
        first=built.layers[next(iter(layers))].name,
        layers=", ".join(built.layers[path].name for path in layers),
        arrays=[name for name in rest if name.rpartition("/")[0] == of],
    )
    return data


def _layers(order: job.Order, model: StoredModel) -> dict[str, AnyLayer]:
    """The recurrent layers that are read; others are among the rest."""
    reader = job.reader(order, model)
    found: dict[str, AnyLayer] = {}
    for layer in model.layers:
        try:
            if reader.is_recurrent(layer):
                found[layer.path] = reader.read(layer)
        except FileRefused as refused:
            if refused.code != "unsupported-class":
                raise
    return found
