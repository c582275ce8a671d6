"""A trace as numbers: the summary that --json prints, the table, and what a notebook shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comparisons.tracing.parts import Part

Array = NDArray[Any]
HEADINGS = ("layer", "", "mean", "range", "shut", "open", "half-life", "measured")
MEANING = (
    "Shut: below 0.1; open: above 0.9; of all steps and units. Half-life in steps, of the median unit and the longest: "
    "from the geometric mean of what the gate keeps a step, and measured, from what is left so many steps later."
)


def summary(part: Part) -> dict[str, Any]:
    """What is said of a part without its arrays, as JSON takes it; infinite half-lives are "infinite"."""
    gates = {name: _moments(part, array) | _saturated(part, name) for name, array in part.gates.items()}
    others = {**part.candidates, **part.states}
    found: dict[str, Any] = {
        "path": part.path,
        "cell": part.cell,
        "batch": part.batch,
        "steps": part.steps,
        "masked_steps": int((~part.counted).sum()),
        "input_dim": part.x.shape[-1],
        "units": part.units,
        "order": "backwards" if part.backwards else "forwards",
        "stateful": part.stateful,
        "dtype": str(part.outputs.dtype),
        "gates": gates,
        "states": {name: _moments(part, array) for name, array in others.items()},
        "half_life": None,
    }
    for gate, lives in part.half_life.items():
        found["half_life"] = {"gate": gate, **_lives(lives), "measured": _lives(part.half_left[gate])}
    return found


def _lives(lives: Array) -> dict[str, Any]:
    unit = int(np.argmax(np.nan_to_num(lives, nan=-1, posinf=np.inf)))
    longest = {"unit": unit, "steps": number(lives[unit])}
    return {"median": number(np.median(lives)), "longest": longest, "units": [number(life) for life in lives]}


def number(value: Any) -> float | str | None:
    """A number as JSON takes it: None for one that is none, a word for an infinite one."""
    value = float(value)
    if np.isinf(value):
        return "infinite" if value > 0 else "-infinite"
    return None if np.isnan(value) else float(f"{value:.9g}")


def _moments(part: Part, array: Array) -> dict[str, Any]:
    seen = array[part.counted]
    found = {"mean": seen.mean(dtype="float64"), "min": seen.min(), "max": seen.max()} if seen.size else {}
    return {name: number(found.get(name, np.nan)) for name in ("mean", "min", "max")}


def _saturated(part: Part, gate: str) -> dict[str, Any]:
    shut, opened = part.saturation[gate]
    return {"shut": number(shut.mean()), "open": number(opened.mean())}


def rows(parts: Sequence[Part]) -> Iterator[tuple[str, ...]]:
    """The table's rows, a gate or state each; the layer's name in the first of its own."""
    for part in parts:
        found = summary(part)
        title, lives = name(part), found["half_life"]
        for what, row in (found["gates"] | found["states"]).items():
            saturated = (_share(row["shut"]), _share(row["open"])) if "shut" in row else ("", "")
            each = (_said(lives), _said(lives["measured"])) if lives and lives["gate"] == what else ("", "")
            span = f"{_short(row['min'])} … {_short(row['max'])}"
            yield title, what, _short(row["mean"]), span, *saturated, *each
            title = ""


def name(part: Part) -> str:
    """A part's path and its cell."""
    return f"{part.path} ({part.cell})" if part.path else part.cell


def table(parts: Sequence[Part]) -> Any:
    """For a terminal."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    found = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for k, heading in enumerate(HEADINGS):
        found.add_column(heading, justify="right" if 2 <= k < 6 else "left")
    for row in rows(parts):
        found.add_row(*map(Text, row))  # a path is a stranger's: no markup
    return found


def plain(parts: Sequence[Part]) -> str:
    """The table in plain text."""
    every = [HEADINGS, *rows(parts)]
    widths = [max(len(row[k]) for row in every) for k in range(len(HEADINGS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in every
    )


def html(parts: Sequence[Part]) -> str:
    """The table for a notebook."""
    line = lambda row, tag: "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in row)
    body = "".join(f"<tr>{line(row, 'td')}</tr>" for row in rows(parts))
    return f"<table><thead><tr>{line(HEADINGS, 'th')}</tr></thead><tbody>{body}</tbody></table><p>{escape(MEANING)}</p>"


def about(parts: Sequence[Part]) -> Iterator[str]:
    """What of the layers is to be known before their numbers are read."""
    backwards = [name(part) for part in parts if part.backwards]
    if backwards:
        yield f"Read from the last step to the first: {', '.join(backwards)}; the pictures are in the input's order."
    masked = [f"{name(part)}: {int((~part.counted).sum())}" for part in parts if not part.counted.all()]
    if masked:
        yield f"Masked steps, which count in no number here: {', '.join(masked)}."
    if stateful := [name(part) for part in parts if part.stateful]:
        yield f"Stateful, and begun with zeros here: {', '.join(stateful)}."


def _said(lives: dict[str, Any]) -> str:
    longest = lives["longest"]
    return f"{_steps(lives['median'])}; unit {longest['unit']}: {_steps(longest['steps'])}"


def _short(value: float | str | None) -> str:
    return "–" if value is None else value.replace("infinite", "∞") if isinstance(value, str) else f"{value:.3g}"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.0f} %"


def _steps(value: float | str | None) -> str:
    return "–" if value is None else "∞" if isinstance(value, str) else f"{value:.3g}"
