"""One layer and direction: a framework's arrays, cut into blocks and put in canonical order -> Layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from reference import steps
from reference.conventions.frameworks import FRAMEWORKS, UNDECIDED
from reference.conventions.storage import FAMILIES, FIELDS, Form, Framework, Sizes, Spec, parse, shape
from reference.layer import Layer
from reference.steps import Array

FLAGS = ("go_backwards", "return_sequences", "zero_output_for_mask", "stateful")


def known(framework: str) -> Framework:
    """The entry of a framework. Raises ValueError for an unknown name."""
    if isinstance(framework, str) and framework in UNDECIDED:
        raise ValueError(f"framework must be one whose sources agree, got {framework!r}: {UNDECIDED[framework]}")
    if not isinstance(framework, str) or framework not in FRAMEWORKS:
        raise ValueError(f"framework must be one of {', '.join(FRAMEWORKS)}, got {framework!r}")
    return FRAMEWORKS[framework]


def called(framework: str, cell: str) -> str:
    """The framework and what it calls a cell: peepholes, clips and projections are options of its lstm."""
    return f"{framework} {'lstm' if cell == 'peephole_lstm' and framework != 'keras' else cell}"


def forms(home: Framework, cell: str) -> dict[str, Form]:
    """A framework's forms; to Keras' belong those of this project's other cells, whose arrays are the step's own."""
    if home is FRAMEWORKS["keras"] and cell in steps.CELLS and cell not in ("gru", *home.forms):
        fields = {name: f"{name} = {spec}" for name, spec in steps.shapes(cell).items() if name != "recurrent_bias"}
        return {**home.forms, cell: Form(fields, own=True)}
    return dict(home.forms)


def assemble(
    framework: str,
    cell: str,
    arrays: Mapping[str, Array],
    settings: Mapping[str, Any],
    full: Mapping[str, str],
    suffix: str = "",
) -> Layer:
    """One layer and direction."""
    home, settings = known(framework), dict(settings)
    label = lambda name: full.get(name, name + suffix)
    arrays, held = dict(arrays), forms(home, cell)
    cell, key = _form(framework, cell, arrays, settings, held)
    if settings.get("consume_less") == "gpu" and f"{key} fused" in held:
        key += " fused"
    form = held[key]
    for name, initial in form.zeros.items():
        if np.any(arrays.pop(name, np.zeros(1)) != 0):
            raise ValueError(f"{label(name)} of {framework} must be zeros, or be given to run as {initial}, got others")
    specs = _present(framework, cell, arrays, settings, form, label)
    options = {name: settings[name] for name in steps.options(cell) if name in settings} | dict(form.fixed)
    if cell == "gru":
        options["reset_after"] = key.startswith("gru reset after")
    flags = {name: bool(settings[name]) for name in FLAGS if name in settings}
    if all(spec.field for spec in specs.values()):
        for name, axes in (("kernel", 2), ("recurrent_kernel", 2), ("bias", 1 + bool(settings.get("two_biases")))):
            if name in arrays and (arrays[name].ndim != axes or not arrays[name].size):
                must = f"{label(name)} of {called(framework, cell)} must have {axes} axes, none of them empty"
                raise ValueError(f"{must}, got {_seen(arrays, name)}")
        if settings.get("two_biases") and "bias" in arrays:
            if len(arrays["bias"]) != 2:
                raise ValueError(
                    f"{label('bias')} of {called(framework, cell)} must have 2 rows, got {_seen(arrays, 'bias')}"
                )
            arrays["bias"], arrays["recurrent_bias"] = arrays["bias"]
        layer = Layer(cell, steps.weights_type(cell)(**arrays), options, **flags)  # type: ignore[arg-type]
        _declared(framework, cell, settings, Sizes(layer.input_dim, layer.units, layer.recurrent_dim, layer.widths))
        return layer
    sizes = _sizes(framework, cell, specs, arrays, options, label)
    for name, spec in specs.items():
        if arrays[name].shape != shape(spec, sizes):
            raise ValueError(
                f"{label(name)} of a {called(framework, cell)} of {sizes.units} units and {sizes.input_dim} inputs "
                f"must have shape {shape(spec, sizes)}, got {arrays[name].shape}"
            )
    _declared(framework, cell, settings, sizes)
    if options.get("output_activation") is not None and options["output_activation"] == options.get("activation"):
        del options["output_activation"]
    weights = _weights(cell, form, specs, arrays, sizes)
    direction = "reverse" if settings.get("reverse") else "forward"
    return Layer(cell, weights, options, direction=direction, **flags)  # type: ignore[arg-type]


def _form(
    framework: str, cell: str, arrays: Mapping[str, Array], settings: dict[str, Any], held: Mapping[str, Form]
) -> tuple[str, str]:
    """The canonical cell and the form that arrays and attributes show."""
    if cell == "gru":
        resets = [name for name in held if name.startswith("gru")]
        after = settings.pop("reset_after", None)
        return "gru", resets[0] if after is None else f"gru reset {'after' if after else 'before'}"
    if cell in FAMILIES["lstm"]:
        if cell == "cifg" or settings.get("coupled"):
            cell = "cifg"
        elif "peephole_lstm" in held:
            more = held["peephole_lstm"].arrays.keys() - held["lstm"].arrays.keys()
            asked = ("cell_clip", "proj_clip", "recurrent_dim", "use_peepholes")
            if more & arrays.keys() or any(settings.get(name) for name in asked):
                cell = "peephole_lstm"
    if cell not in held:
        raise ValueError(f"{framework} has no {cell}: its cells are {', '.join(held)}")
    return cell, cell


def _present(
    framework: str, cell: str, arrays: Mapping[str, Array], settings: dict[str, Any], form: Form, label: Any
) -> dict[str, Spec]:
    """The arrays that must be there. Raises ValueError for one that is missing, or one too many."""
    home = known(framework)
    specs = {name: parse(text) for name, text in form.arrays.items()}
    kinds = lambda *letters: {name for name, spec in specs.items() if spec.kinds and set(spec.kinds) <= {*letters}}
    absent: set[str] = set()
    for names, wanted in ((kinds("p"), settings.get("use_peepholes")), (kinds("V"), settings.get("recurrent_dim"))):
        if not wanted and (wanted is False or not names & arrays.keys()):
            absent |= names
    own = {name for name, spec in specs.items() if spec.field and spec.field not in ("kernel", "recurrent_kernel")}
    absent |= own - arrays.keys()  # what a cell of this project has is seen in what is given
    if settings.get("use_bias") is False or (home.zero_bias and home.zero_bias not in arrays):
        absent |= kinds("b", "d")
    for name in [name for name in specs if name not in absent and name not in arrays]:
        way = next((key for key, option in home.takes(cell).items() if option.means == "use_bias"), "")
        way = f", or {way}=False" if way and name in kinds("b", "d") else ""
        raise ValueError(
            f"{called(framework, cell)} must have an array {label(name)}{way}, got {sorted(map(label, arrays))}"
        )
    for name in [name for name in arrays if name not in specs or name in absent]:
        names = ", ".join(map(label, [name for name in specs if name not in absent]))
        raise ValueError(f"array of this {called(framework, cell)} must be one of {names}, got {label(name)}")
    found = {name: spec for name, spec in specs.items() if name not in absent}
    if settings.get("two_biases"):
        found = {
            name: spec._replace(kinds="bd", stacked="/") if spec.kinds == "b" else spec for name, spec in found.items()
        }
    return found


def _sizes(
    framework: str,
    cell: str,
    specs: Mapping[str, Spec],
    arrays: Mapping[str, Array],
    options: Mapping[str, Any],
    label: Any,
) -> Sizes:
    """X, H and R, from the kernels; what else is there must fit them."""
    dims: dict[str, tuple[int, ...]] = {}
    for name, spec in specs.items():
        if set(spec.kinds) & set("WUV"):
            if arrays[name].ndim != 2:
                raise ValueError(
                    f"{label(name)} of {called(framework, cell)} must have 2 axes, got shape {arrays[name].shape}"
                )
            dims[name] = arrays[name].shape[::-1] if spec.transposed else arrays[name].shape
    first = next(name for name in dims if "U" in specs[name].kinds)
    gates, columns = specs[first].gates, dims[first][1]
    if "cells_per_block" in options and options["cells_per_block"] != 1:
        blocks = options["cells_per_block"]
        units, rest = divmod(columns * blocks, 3 + blocks)
    else:
        units_each = Sizes(1, 1, 1, steps.widths(cell, 1, {k: v for k, v in options.items() if k != "cells_per_block"}))
        units, rest = divmod(columns, units_each.columns(gates))
    if rest:
        raise ValueError(
            f"gate axis of {label(first)} must be a multiple of {len(gates)} (gates {gates!r}), got {columns}"
        )
    projected = [dims[name][1] for name, spec in specs.items() if spec.kinds == "V"]
    projected += [arrays[name].shape[-1] for name, spec in specs.items() if spec.shape == "H R"]
    recurrent_dim = projected[0] if projected else units
    if not units:
        raise ValueError(
            f"{label(first)} of {called(framework, cell)} must have at least one unit, got {_seen(arrays, first)}"
        )
    second = next(name for name in dims if "W" in specs[name].kinds)
    recurrent = recurrent_dim if "U" in specs[second].kinds else 0
    input_dim = dims[second][0] - recurrent
    if input_dim < 1:
        beside = f" beside its {recurrent} recurrent rows" if recurrent else ""
        must = f"{label(second)} of {called(framework, cell)} must have at least one input{beside}"
        raise ValueError(f"{must}, got {_seen(arrays, second)}")
    return Sizes(input_dim, units, recurrent_dim, steps.widths(cell, units, options))


def _seen(arrays: Mapping[str, Array], name: str) -> str:
    return f"shape {arrays[name].shape}"


def _declared(framework: str, cell: str, settings: Mapping[str, Any], sizes: Sizes) -> None:
    """Sizes that were said must be those of the arrays."""
    for name, there in (("units", sizes.units), ("input_dim", sizes.input_dim), ("recurrent_dim", sizes.recurrent_dim)):
        if settings.get(name) and settings[name] != there:
            says = next(key for key, option in known(framework).takes(cell).items() if option.means == name)
            raise ValueError(
                f"{says} of {called(framework, cell)} must be {there}, as its arrays have it, got {settings[name]}"
            )


def _weights(cell: str, form: Form, specs: Mapping[str, Spec], arrays: Mapping[str, Array], sizes: Sizes) -> Any:
    """The canonical arrays: every stored one cut into its blocks, and the blocks put in canonical order."""
    blocks: dict[tuple[str, str], Array] = {}
    fields: dict[str, Array] = {}
    for name, spec in specs.items():
        if spec.field:
            fields[spec.field] = arrays[name]
        else:
            blocks |= cut(spec, arrays[name], sizes)
    if form.takes_new:
        blocks = {(kind, gate): -block if gate == "z" else block for (kind, gate), block in blocks.items()}
    gates = [letter for letter in steps.module(cell).gates if sizes.widths[letter]]
    for kind, name in FIELDS.items():
        have = {gate: block for (own, gate), block in blocks.items() if own == kind}
        if not have:
            continue
        order = [g for g in gates if g != "g"] if kind == "p" else gates
        dtype = next(iter(have.values())).dtype
        zero = lambda gate, dtype=dtype: np.zeros(sizes.widths[gate], dtype)
        parts = [have[""]] if kind == "V" else [have[gate] if gate in have else zero(gate) for gate in order]
        fields[name] = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-1)
    return steps.weights_type(cell)(**fields)


def cut(spec: Spec, array: Array, sizes: Sizes) -> dict[tuple[str, str], Array]:
    """The blocks of a stored array, `{(kind, gate): block}`, without those that are never read."""
    array = array.T if spec.transposed else array
    if spec.stacked == ",":
        rows = np.split(array, len(spec.kinds))
    elif spec.stacked and spec.kinds[0] in "WU":
        rows = np.split(array, [sizes.input_dim])
    else:
        rows = list(array) if spec.stacked else [array]
    blocks: dict[tuple[str, str], Array] = {}
    for kind, row in zip(spec.kinds, rows, strict=True):
        if not spec.gates:
            blocks[kind, ""] = row
            continue
        ends = np.cumsum([sizes.width(gate) for gate in spec.gates])
        for gate, part in zip(spec.gates, np.split(row, ends[:-1], axis=-1), strict=True):
            if gate != "-":
                blocks[kind, gate] = (
                    relaid(part) if spec.cudnn and kind == "W" else part.T if spec.cudnn and kind == "U" else part
                )
    return blocks


def relaid(block: Array) -> Array:
    """cuDNN's layout of one gate's kernel, in Keras' shape `(X, H)` -> the kernel."""
    return block.reshape(block.shape[::-1]).T
