"""Mistakes in a cell's step: what the right step gives, changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference import Layer
from reference.activations import LINEAR
from reference.gates import affine, clip, split
from reference.steps import module

Array = NDArray[Any]


def step(applies: Callable[[Layer], bool], change: Callable[..., Any]) -> Callable[[Layer], Layer | None]:
    """Change what the right step gives: `change(before, after, gates, layer) -> state`."""

    def plant(layer: Layer) -> Layer | None:
        if not applies(layer):
            return None
        right = module(layer.cell).step

        def wrong(xw: Array, before: Any, w: Any, **options: Any) -> Any:
            after, gates = right(xw, before, w, **options)
            return change(before, after, gates, layer), gates

        return replace(layer, step=wrong)

    return plant


def of(*cells: str, **has: Any) -> Callable[[Layer], bool]:
    """Whether a layer is of one of these cells, and has these arrays or options."""

    def check(layer: Layer) -> bool:
        found = {name: getattr(layer.weights, name, layer.options.get(name)) for name in has}
        return layer.cell in cells and all((found[name] is not None) == wanted for name, wanted in has.items())

    return check


# Cells whose h is o · ψ(c), and those whose new state is a mean of the old one and the candidate n.
CELLED = ("lstm", "lstm_1997", "peephole_lstm", "cifg")
MEANS = ("gru", "mgu", "ugrnn", "mut1", "mut2", "mut3")


def squash(layer: Layer) -> Any:
    return layer.options.get("output_activation") or layer.options["activation"]


def output(layer: Layer, o: Array, c: Array, squashing: Any = None) -> Array:
    """h of a cell, from its output gate and c."""
    h = o * (squashing or squash(layer))(c)
    projection = getattr(layer.weights, "projection", None)
    return h if projection is None else clip(affine(h, projection, None), layer.options["proj_clip"])


def old_c(before: Any, after: Any, gates: dict[str, Array], layer: Layer) -> Any:
    return after._replace(h=output(layer, gates["o"], before.c))


def no_output_tanh(before: Any, after: Any, gates: dict[str, Array], layer: Layer) -> Any:
    return after._replace(h=output(layer, gates["o"], after.c, LINEAR))


def no_forget(before: Any, after: Any, gates: dict[str, Array], layer: Layer) -> Any:
    c = clip(before.c + gates["i"] * gates["g"], layer.options.get("cell_clip"))
    return after._replace(c=c, h=output(layer, gates["o"], c))


def clip_too_late(before: Any, after: Any, gates: dict[str, Array], layer: Layer) -> Any:
    c = gates["f"] * before.c + gates["i"] * gates["g"]
    return after._replace(h=output(layer, gates["o"], c))


def clip_unseen(before: Any, after: Any, gates: dict[str, Array], layer: Layer) -> Any:
    return after._replace(c=gates["f"] * before.c + gates["i"] * gates["g"])


def projected_first(before: Any, after: Any, gates: dict[str, Array], layer: Layer) -> Any:
    projected = affine(squash(layer)(after.c), layer.weights.projection, None)
    return after._replace(h=clip(gates["o"][:, : layer.recurrent_dim] * projected, layer.options["proj_clip"]))


def blocks_interleaved(before: Any, after: Any, gates: dict[str, Array], layer: Layer) -> Any:
    S = layer.options["cells_per_block"]
    i, f, o = (np.tile(gates[letter][:, ::S], (1, S)) for letter in "ifo")
    c = f * before.c + i * gates["g"]
    return after._replace(c=c, h=output(layer, o, c))


def states_swapped(before: Any, after: Any, gates: dict[str, Array], layer: Layer) -> Any:
    return type(after)(h=after.c, c=after.h)


def polarity(before: Any, after: Any, gates: dict[str, Array], layer: Layer) -> Any:
    return after._replace(h=before.h + gates["n"] - after.h)


def peephole_at(gates_seen: str) -> Callable[[Layer], Layer | None]:
    """A peephole that looks at c of the other moment: o at the old one, i and f at the new one."""

    def plant(layer: Layer) -> Layer | None:
        if not of("peephole_lstm", peephole=True)(layer):
            return None
        right = module(layer.cell).step

        def wrong(xw: Array, before: Any, w: Any, **options: Any) -> Any:
            after, gates = right(xw, before, w, **options)
            a = dict(
                zip("ifgo", split(xw + affine(before.h, w.recurrent_kernel, w.recurrent_bias), "ifgo"), strict=True)
            )
            p = dict(zip("ifo", split(w.peephole, "ifo"), strict=True))
            seen = before.c if gates_seen == "o" else after.c
            σ, added = options["recurrent_activation"], {"f": options["forget_bias"]}
            gates = {**gates, **{g: σ(a[g] + p[g] * seen + added.get(g, 0)) for g in gates_seen}}
            c = clip(gates["f"] * before.c + gates["i"] * gates["g"], options["cell_clip"])
            return after._replace(c=c, h=output(layer, gates["o"], c)), gates

        return replace(layer, step=wrong)

    return plant


def squashes(layer: Layer) -> bool:
    return layer.cell in CELLED and squash(layer).name != "linear"


def interchangeable(layer: Layer) -> bool:
    return layer.cell in CELLED and layer.recurrent_dim == layer.units


def projects(layer: Layer) -> bool:
    return getattr(layer.weights, "projection", None) is not None
