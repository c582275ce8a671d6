"""What each way of clipping leaves of a gradient that explodes: its length, and its angle to the exact one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from comparisons.studies.gradients.models import ELMAN, LSTM_1, Model, Sizes, generator, settings
from comparisons.studies.gradients.problems import Problem, cosine, flat, problem
from comparisons.studies.part import Array, Part, Progress, short, with_spread
from reference.gradient_clipping import clip

LIMIT = 1.0
# A model, its activation, and the scales of its recurrent kernel from no explosion to a large one.
EXPLODING: tuple[tuple[Model, str, tuple[float, float]], ...] = (
    (ELMAN, "tanh", (1.0, 4.0)),
    (ELMAN, "relu", (0.7, 1.6)),
    (LSTM_1, "relu", (1.0, 4.0)),
)
GLOBAL, NORM, VALUE, MESSAGE = "global norm", "norm per variable", "value", "per-step message"
MODES: dict[str, Callable[[Problem, list[Array]], list[Array]]] = {
    GLOBAL: lambda p, g: clip(g, "global norm", LIMIT),
    NORM: lambda p, g: clip(g, "norm", LIMIT),
    VALUE: lambda p, g: clip(g, "value", LIMIT),
    MESSAGE: lambda p, g: p.gradient(message_clip=LIMIT),
}


def over_clipping(sizes: Sizes, seed: int, progress: Progress) -> Part:
    """Length and cosine of the clipped gradient, over the length of the exact one: a row a gradient and mode."""
    rows: list[tuple[Any, ...]] = []
    for model, activation, (low, high) in EXPLODING:
        progress(f"clipping: {model.name}, {activation}", 1)
        for n in range(sizes.seeds):
            for scale in np.geomspace(low, high, sizes.clip_scales):
                p = problem(model, activation, sizes.clip_shape, generator(seed, 4, n), float(scale))
                arrays = p.gradient()
                exact = flat(arrays)
                for mode, clipped in MODES.items():
                    got = flat(clipped(p, arrays))
                    lengths = float(np.linalg.norm(exact)), float(np.linalg.norm(got))
                    rows.append((model.name, activation, mode, n, float(scale), *lengths, cosine(got, exact)))
    batch, steps, units = sizes.clip_shape
    size = settings(units, steps, sizes.seeds, f"{batch} sequences, limit {LIMIT:g}, ")
    columns = ("model", "activation", "mode", "seed", "scale", "exact_length", "length", "cosine")
    return _read(Part("clipping", "What clipping leaves", size, columns, rows, (), [], {}, ""))


def _read(part: Part) -> Part:
    """The table and the paragraph, of the gradients at the largest scale."""
    table, found = [], {}
    for model, activation, (_, scale) in EXPLODING:
        for mode in MODES:
            where = {"model": model.name, "activation": activation, "mode": mode}
            of = lambda name, where=where, scale=scale: part.column(name, **where, scale=scale)
            name = f"{model.name}, {activation}"
            exact, length, angle = of("exact_length"), of("length"), of("cosine")
            table.append((f"{name}, × {scale:g}", mode, *map(with_spread, (exact, length, angle))))
            found[f"{name}, {mode}"] = {
                "exact length": float(np.median(exact)),
                "length": float(np.median(length)),
                "cosine": float(np.median(angle)),
                "lowest cosine at any scale": float(part.column("cosine", **where).min()),
                "uphill at any scale": int((part.column("cosine", **where) < 0).sum()),
                "gradients": len(part.column("cosine", **where)),
            }
    heads = ("network", "mode", "exact length", "length", "cosine")
    return replace(part, table_columns=heads, table=table, found=found, says=_says(found))


def _says(found: dict[str, Any]) -> str:
    of = lambda model, activation, mode: found[f"{model.name}, {activation}, {mode}"]
    tanh = {mode: of(ELMAN, "tanh", mode) for mode in MODES}
    relu = {mode: of(ELMAN, "relu", mode) for mode in MODES}
    values = [of(model, activation, VALUE) for model, activation, _ in EXPLODING]
    message = [of(model, activation, MESSAGE) for model, activation, _ in EXPLODING]
    each = lambda what, how: ", ".join(how(tanh[mode][what]) for mode in (GLOBAL, NORM, VALUE))
    two = lambda number: f"{number:.2f}"
    lowest = min(value["lowest cosine at any scale"] for value in values)
    uphill, every = (sum(one[name] for one in message) for name in ("uphill at any scale", "gradients"))
    return (
        f"One limit, {LIMIT:g}, means four lengths and four directions. Gradients of an Elman network with tanh that "
        f"are {short(tanh[GLOBAL]['exact length'])} long (median) become {each('length', short)} long by global norm, "
        f"norm per variable (√3: three arrays) and value, at cosines of {each('cosine', two)} with the exact one; "
        f"held inside, message by message, {short(tanh[MESSAGE]['length'])} long at a cosine of "
        f"{two(tanh[MESSAGE]['cosine'])}. Clipping by value never points uphill (lowest cosine of all: "
        f"{two(lowest)}); the clip of messages does in {uphill} of {every} gradients, for what it shortens is not the "
        f"gradient but each step's part of it. Nor does it bound the length where activations have no bound: with "
        f"relu it leaves {short(relu[MESSAGE]['length'])} of {short(relu[MESSAGE]['exact length'])}, since messages "
        f"are held and the outputs that they multiply are not. The cosines with relu: {two(relu[MESSAGE]['cosine'])} "
        f"for messages, {two(relu[NORM]['cosine'])} for norm per variable, {two(relu[VALUE]['cosine'])} for value."
    )
