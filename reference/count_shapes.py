"""Which form of a cell stored arrays are, from their names and shapes, and what each gate has of them. No NumPy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from reference.conventions.counted import held, reset_of, widths
from reference.conventions.storage import Form, Sizes, Spec, parse, shape
from reference.parameter_counts import Layers, split

Shape = tuple[int, ...]


class Found(NamedTuple):
    """One layer and direction: the key of its form in `FORMS`, its units, and its gates."""

    form: str
    units: int
    layer: Layers


def recognise(
    convention: str, cells: Iterable[str], shapes: Mapping[str, Shape], *, reset_after: bool | None = None, **own: Any
) -> Found | None:
    """The form of one of `cells` whose stored arrays have just these names and shapes, the first of
    them that fits; None if none does.

    `reset_after` settles what shapes may leave open; `own` are the options that change the width of a gate:
    `cells_per_block`, `variant`, `coupled`.

    >>> recognise("cudnn", ["lstm", "gru"], {"kernel": (4, 20), "recurrent_kernel": (5, 20), "bias": (40,)}).form
    'lstm'
    """
    forms = held(convention)
    for cell, key in ((cell, key) for cell in cells for key in forms if key.split()[0] == cell):
        form = forms[key]
        other = reset_after is not None and reset_of(key) not in (None, reset_after)
        if other or not shapes.keys() <= form.arrays.keys():
            continue
        specs = {name: parse(form.arrays[name]) for name in shapes}
        sizes = _sizes(cell, form, specs, shapes, own)
        if sizes and all(shape(spec, sizes) == tuple(shapes[name]) for name, spec in specs.items()):
            name = key.removesuffix(" fused")
            gates, others = split({array: form.arrays[array] for array in shapes}, name, sizes)
            return Found(name, sizes.units, Layers(1, 1, 1, sizes.input_dim, sizes.recurrent_dim, gates, others))
    return None


def _sizes(
    cell: str, form: Form, specs: Mapping[str, Spec], shapes: Mapping[str, Shape], own: Mapping[str, Any]
) -> Sizes | None:
    """X, H and R as the kernels have them; None where a kernel is missing, or has no such columns."""
    dims: dict[str, Shape] = {}
    for name, spec in specs.items():
        if set(spec.kinds) & set("WUV"):
            if len(shapes[name]) != 2:
                return None
            dims[name] = tuple(shapes[name][::-1]) if spec.transposed else tuple(shapes[name])
    kernels = {kind for text in form.arrays.values() for kind in parse(text).kinds if kind in "WU"}
    if not kernels <= {kind for name in dims for kind in specs[name].kinds}:
        return None
    recurrent = next(name for name in dims if "U" in specs[name].kinds)
    own = dict(own)
    block = own.get("cells_per_block", 1)
    own["coupled"] = form.fixed.get("coupled", own.get("coupled", "i")) if cell == "cifg" else ""
    each = Sizes(1, block, block, widths(cell, block, **own)).columns(specs[recurrent].gates)
    blocks, rest = divmod(dims[recurrent][1], each)
    units = blocks * block
    narrowing = [name for name, spec in specs.items() if spec.kinds == "V" or spec.shape == "H R"]
    projected = dims.get(narrowing[0], shapes[narrowing[0]])[-1] if narrowing else units
    kernel = next(name for name in dims if "W" in specs[name].kinds)
    inputs = dims[kernel][0] - (projected if kernel == recurrent else 0)
    if rest or units < 1 or inputs < 1:
        return None
    return Sizes(inputs, units, projected, widths(cell, units, **own))
