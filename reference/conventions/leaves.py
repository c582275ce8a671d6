"""One layer and direction -> a framework's own arrays and attributes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from reference.activations import get
from reference.conventions import folds
from reference.conventions.assembling import forms, known
from reference.conventions.folds import Change, NotRepresentable
from reference.conventions.naming import attributes
from reference.conventions.reductions import OPENED, REDUCTIONS, Reduced, reduced
from reference.conventions.storage import FIELDS, Form, Framework, Sizes, Spec, parse
from reference.layer import Layer
from reference.steps import Array


@dataclass(frozen=True)
class Packed:
    """A layer in a framework's own terms: `unpack(framework, cell, arrays, **options)` gives it back.

    `form` is the key in the framework's `forms`; `changes` are what the arrays went through beyond being arranged.
    """

    framework: str
    cell: str
    arrays: dict[str, Array] = field(repr=False)
    options: dict[str, Any]
    form: str = ""
    changes: tuple[Change, ...] = ()


def leaf(layer: Layer, framework: str) -> Packed:
    home = known(framework)
    layer = layer.edited(lambda _, a: a.astype("float64") if a.dtype.kind in "iu" else a)  # no fold rounds to integers
    layer, key, changes = _fitted(layer, framework)
    form = forms(home, layer.cell)[key]
    specs = {name: parse(text) for name, text in form.arrays.items()}
    w = layer.weights
    if all(spec.field for spec in specs.values()):
        arrays = {name: getattr(w, name) for name in form.arrays if getattr(w, name) is not None}
        if w.recurrent_bias is not None:
            if w.bias is None or w.bias.shape != w.recurrent_bias.shape:
                raise NotRepresentable(f"{framework} {layer.cell} has a second bias as long as the first, or none")
            arrays["bias"] = np.stack([w.bias, w.recurrent_bias])
        options, last = attributes(layer, framework, form, w.bias is not None)
        more = {} if w.recurrent_bias is None else {"use_recurrent_bias": True}
        return Packed(framework, layer.cell, arrays, {**options, **more}, key, last)
    blocks, biased, more = _blocks(layer, framework, form)
    changes += more
    sizes = Sizes(layer.input_dim, layer.units, layer.recurrent_dim, layer.widths)
    arrays: dict[str, Array] = {}
    left_out = _may_leave_out_biases(home, layer.cell) and not biased
    for name, spec in specs.items():
        if spec.field:
            if getattr(w, spec.field) is not None:
                arrays[name] = getattr(w, spec.field)
        elif ({*spec.kinds} <= {"b", "d"} and left_out) or (
            {*spec.kinds} <= {"p", "V"} and getattr(w, FIELDS[spec.kinds], None) is None
        ):
            continue
        else:
            arrays[name] = _arranged(spec, blocks, sizes, w.kernel.dtype)
    arrays |= {name: np.zeros((1, layer.units), w.kernel.dtype) for name in form.zeros}
    options, last = attributes(layer, framework, form, biased or not left_out)
    return Packed(framework, layer.cell, arrays, options, key, tuple(dict.fromkeys((*changes, *last))))


def _may_leave_out_biases(home: Framework, cell: str) -> bool:
    return bool(home.zero_bias) or any(option.means == "use_bias" for option in home.takes(cell).values())


def _fitted(layer: Layer, framework: str) -> tuple[Layer, str, tuple[Change, ...]]:
    """The layer as the framework's nearest form has it, the key of the form, and what was done."""
    home = known(framework)
    held = forms(home, layer.cell)
    changes: list[Change] = []
    if layer.step is not None:
        raise NotRepresentable(f"{framework} has this project's cells as they are, got a step of its own")
    turned = f"{framework} has the gate the other way round"
    if layer.cell in REDUCTIONS and layer.cell not in held:
        other, done = _reduced(layer, framework, held)
        try:
            there, key, more = _fitted(other, framework)
        except NotRepresentable as impossible:
            raise NotRepresentable(
                f"{framework} has no {layer.cell}: as a {other.cell}, {impossible}", impossible.nearest
            ) from None
        return there, key, (*done, *more)
    if layer.cell == "cifg":
        if "cifg" not in held:
            folds.require_symmetric(layer, turned)
            changes += [folds.WRITTEN_OUT, *([folds.FORGET_BIAS] if layer.options["forget_bias"] else [])]
            layer = folds.write_out(layer)
        elif layer.options["coupled"] != held["cifg"].fixed.get("coupled", layer.options["coupled"]):
            folds.require_symmetric(layer, turned)
            layer = folds.exchange(layer)
            changes.append(folds.EXCHANGED)
    if layer.options.get("cells_per_block", 1) > 1:
        layer = folds.tie(layer)
        changes.append(folds.TIED)
    if layer.cell == "peephole_lstm":
        layer = _unpeeped(layer, framework, held)
    key = f"gru reset {'after' if layer.options['reset_after'] else 'before'}" if layer.cell == "gru" else layer.cell
    if key not in held:
        reason = home.lacks.get(key, f"its cells are {', '.join(held)}")
        other = folds.with_options(layer, reset_after=not layer.options["reset_after"]) if layer.cell == "gru" else None
        raise NotRepresentable(f"{framework} has no {key}: {reason}", other)
    form = held[key]
    takes = {option.means for option in home.takes(layer.cell).values() if form.own or not option.own}
    takes |= {*layer.options} if form.own else set()  # this project's cells have what their steps have
    if "forget_bias" in layer.options and "forget_bias" not in takes:
        there = form.fixed.get("forget_bias", 0)
        if layer.options["forget_bias"] != there:
            layer = folds.move_forget_bias(layer, there)
            changes.append(folds.FORGET_BIAS)
    theirs = get(home.activations["hard_sigmoid"]) if "hard_sigmoid" in home.activations else None
    ours = layer.options.get("recurrent_activation")
    if not form.own and "recurrent_activation" in takes and theirs and ours != theirs and folds.slope(ours):
        layer = folds.rescale(layer, theirs)
        changes.append(folds.RESCALED)
    if form.takes_new:
        folds.require_symmetric(layer, turned)
        changes.append(folds.NEGATED)
    return layer, key, tuple(changes)


def _reduced(layer: Layer, framework: str, held: Mapping[str, Form]) -> Reduced:
    """The layer as another cell. A gru whose reset is 1 is the same either way, so that it gets the one there is."""
    after = "gru reset before" not in held and "gru reset after" in held
    try:
        other, changes = reduced(layer)
    except NotRepresentable as impossible:
        near = impossible.nearest
        near = folds.with_options(near, reset_after=after) if near is not None and near.cell == "gru" else near
        raise NotRepresentable(f"{framework} has no {layer.cell}: {impossible}", near) from None
    return (
        folds.with_options(other, reset_after=after) if OPENED in changes and other.cell == "gru" else other
    ), changes


def _unpeeped(layer: Layer, framework: str, held: Mapping[str, Form]) -> Layer:
    """The layer without peepholes of zeros, as an lstm where nothing else makes it more than one."""
    w = layer.weights
    if w.peephole is not None and not np.any(w.peephole != 0):
        layer = replace(layer, weights=w._replace(peephole=None))
    more = [name for name in ("peephole", "projection") if getattr(layer.weights, name) is not None]
    clips = [name for name in ("cell_clip", "proj_clip") if layer.options[name] is not None]
    if "peephole_lstm" not in held and not more and not clips:
        return folds.without_peephole(layer)
    nearest = None if "projection" in more else folds.without_peephole(layer)
    if "peephole_lstm" not in held:
        raise NotRepresentable(f"{framework} has no lstm with {' and '.join(more + clips)}", nearest)
    takes = {option.means for option in known(framework).takes("peephole_lstm").values()}
    if lacking := [name for name in clips if name not in takes]:
        raise NotRepresentable(f"{framework} has no lstm with {' and '.join(lacking)}", nearest)
    for name, letter in (("peephole", "p"), ("projection", "V")):
        if name in more and not held["peephole_lstm"].stored(letter):
            raise NotRepresentable(f"{framework} has no lstm with a {name}", nearest if name == "peephole" else None)
    return layer


def _blocks(layer: Layer, framework: str, form: Form) -> tuple[dict[tuple[str, str], Array], bool, tuple[Change, ...]]:
    """The canonical arrays cut into blocks, biases where the form has them, and whether there are any biases."""
    w = layer.weights
    widths = {gate: width for gate, width in layer.widths.items() if width}
    blocks: dict[tuple[str, str], Array] = {}
    for kind, name in FIELDS.items():
        array = getattr(w, name, None)
        gates = [g for g in widths if g != "g"] if kind == "p" else list(widths)
        if array is not None and kind == "V":
            blocks["V", ""] = array
        elif array is not None:
            ends = np.cumsum([widths[gate] for gate in gates])[:-1]
            blocks |= {(kind, g): part for g, part in zip(gates, np.split(array, ends, axis=-1), strict=True)}
    biased = w.bias is not None or w.recurrent_bias is not None
    if biased and not form.stored("b") + form.stored("d"):
        raise NotRepresentable(f"{framework} has no bias in {layer.cell}, got one")
    for kind in "γβ":
        if form.stored(kind) and (kind, form.stored(kind)[0]) not in blocks:
            raise NotRepresentable(f"{framework} has gains and shifts in every {layer.cell}, got no {FIELDS[kind]}")
    changes: list[Change] = []
    stored = {kind: form.stored(kind) for kind in "bd"}
    for gate, width in widths.items():
        d = blocks.get(("d", gate))
        if d is not None and gate not in stored["d"]:
            if np.any(d != 0):
                merged = d + blocks.get(("b", gate), np.zeros(width, d.dtype))
                if layer.options.get("reset_after") and gate == "n":
                    raise NotRepresentable(
                        f"{framework} has one bias in the candidate, outside r: r · (h U_n + d_n) cannot lose its d_n",
                        folds.merge_candidate(layer),
                    )
                blocks["b", gate] = merged
                changes.append(folds.MERGED)
            del blocks["d", gate]
    for kind in "bd":
        for gate in stored[kind]:
            if gate in widths and (kind, gate) not in blocks:
                blocks[kind, gate] = np.zeros(widths[gate], w.kernel.dtype)
                changes.append(folds.ZEROS)
    if form.takes_new:
        blocks = {(kind, gate): -block if gate == "z" else block for (kind, gate), block in blocks.items()}
    left_out = not biased and _may_leave_out_biases(known(framework), layer.cell)
    return blocks, biased, tuple(c for c in changes if not (left_out and c == folds.ZEROS))


def _arranged(spec: Spec, blocks: Mapping[tuple[str, str], Array], sizes: Sizes, dtype: Any) -> Array:
    """A stored array from its blocks: the inverse of `assembling.cut`."""
    rows = []
    for kind in spec.kinds:
        if not spec.gates:
            rows.append(blocks[kind, ""])
            continue
        parts = []
        for gate in spec.gates:
            if not sizes.width(gate):
                continue
            room = {"W": (sizes.input_dim, sizes.units), "U": (sizes.recurrent_dim, sizes.units)}.get(
                kind, (sizes.units,)
            )
            block = np.zeros(room, dtype) if gate == "-" else blocks[kind, gate]
            if spec.cudnn and kind in "WU":
                block = block.T.reshape(block.shape) if kind == "W" else block.T
            parts.append(block)
        rows.append(np.concatenate(parts, axis=-1))
    if spec.stacked == "/" and spec.kinds[0] not in "WU":
        array = np.stack(rows)
    else:
        array = rows[0] if len(rows) == 1 else np.concatenate(rows)
    return np.ascontiguousarray(array.T) if spec.transposed else array
