"""The pictures of `gateproof study next-character`: the two sentences, and a text."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from comparisons.render.slides import (
    BLACK,
    BLUE,
    FAINT,
    GREEN,
    INK,
    ORANGE,
    PURPLE,
    SOFT,
    VERMILION,
    curve,
    name_ends,
    page,
)
from comparisons.render.traces_axes import families, shown, undrawn, wide
from comparisons.studies.part import SPREAD, Part
from comparisons.studies.pipeline.sentences import pinyin

LINES = {"LSTM": BLUE, "GRU": GREEN, "Elman": BLACK, "no memory": VERMILION}
COLUMNS = 80  # of a page of text


def signs(characters: Iterable[str]) -> dict[str, str]:
    """How a picture has each character: as it is where an installed font has it, else by its sound or code point."""
    lost = set(undrawn(characters))
    return {c: (pinyin(c) or shown(c)) if c in lost else shown(c) for c in dict.fromkeys(characters)}


def noted(drawn: dict[str, str]) -> str:
    """A sentence for the caption where characters are drawn by their sounds."""
    sounds = any(pinyin(c) == sign for c, sign in drawn.items())
    points = any(sign.startswith("U+") for sign in drawn.values())
    how = " and ".join(name for name, is_there in (("sounds", sounds), ("code points", points)) if is_there)
    return f" Characters by their {how}: no font of this machine has them." if how else ""


def learned(part: Part) -> Any:
    tasks = part.values("task")
    figure, panels = page(
        1,
        len(tasks),
        title=part.title,
        caption="Left: each character has one that always follows it. Right: what follows the third depends on the "
        f"first two. Points: all right from there on (median). Lines: medians, bands: quartiles. {part.settings}.",
        height=7.5,
        sharey=True,
        sharex=True,
    )
    ends = {}
    for axis, task in zip(panels[0], tasks, strict=True):
        lines = {}
        for name, colour in LINES.items():
            where = {"task": task, "network": name}
            numbers = [part.column(one, **where) for one in SPREAD]
            lines[name] = curve(axis, part.column("step", **where), numbers, colour)
            if (since := part.found[f"{task}, {name}"]["median steps"]) is not None:
                axis.plot(since, numbers[1][min(int(since), len(numbers[1]) - 1)], "o", color=colour, markersize=11)
        axis.set_xlabel("step of training", fontsize=14)
        axis.set_title(task, fontsize=17)
        if task != tasks[0]:
            axis.axhline(0.25, color=FAINT, linestyle="--", linewidth=1.5)
            axis.text(0.98, 0.24, "no table gets below this", ha="right", va="top", fontsize=13,
                      color=SOFT, transform=axis.get_yaxis_transform())  # fmt: skip
        ends[axis] = lines
    panels[0, 0].set_ylim(0, None)
    for axis, lines in ends.items():
        name_ends(axis, lines)
    panels[0, 0].set_ylabel("bits per character", fontsize=15)
    return figure


def steps(part: Part) -> Any:
    """Two sentences beside each other: what is said, what is held; and what each seed says after the shared one."""
    seen = {"network": "LSTM", "seed": 0}
    every = part.values("which")
    characters = [c for c in every if len(c) == 1 and not c.isdigit()]
    drawn = signs(characters)
    fonts = families(drawn.values())
    figure, panels = page(
        2,
        3,
        title=part.title,
        caption="Left and middle: above, the probability of each next character, framed the right one; below, the cell "
        f"state of each unit. Right: a point for each seed and sentence. {part.settings}.{noted(drawn)}",
        height=10.5,
        width_ratios=[1, 1, 0.9],
    )
    _sentences(figure, panels, part, seen, characters, drawn, fonts)
    _points(panels, part, drawn, fonts)
    return figure


def _sentences(figure: Any, panels: Any, part: Part, seen: Any, characters: Any, drawn: Any, fonts: Any) -> None:
    count = len(set(part.column("step", **seen)))
    far = float(np.abs(part.column("value", **seen, of="c")).max())
    for k in (0, 1):
        where = {**seen, "sentence": k}
        likely = part.column("value", **where, of="probability").reshape(count, -1).T
        held = part.column("value", **where, of="c").reshape(count, -1).T
        read = [drawn[c] for c in part.column("read", **where, of="right")]
        following = [*part.column("read", **where, of="right")[1:], None]
        top, bottom = panels[:, k]
        image = top.imshow(likely, aspect="auto", cmap="Blues", vmin=0, vmax=1)
        for t, v in np.ndindex(count, len(characters)):
            if likely[v, t] >= 0.005:
                top.text(t, v, f"{likely[v, t]:.2f}", ha="center", va="center", fontsize=12,
                         color="white" if likely[v, t] > 0.6 else INK)  # fmt: skip
        for t, character in enumerate(following):
            v = characters.index(character) if character else int(likely[:, t].argmax())
            top.add_patch(_frame(t, v))
        top.set_yticks(range(len(characters)), [drawn[c] for c in characters], fontsize=14, family=fonts)
        states = bottom.imshow(held, aspect="auto", cmap="RdBu_r", vmin=-far, vmax=far)
        bottom.set_yticks(range(len(held)))
        for axis in (top, bottom):
            axis.grid(visible=False)
            axis.set_xticks(range(count), read, fontsize=16, family=fonts)
        last = characters[int(likely[:, -1].argmax())]  # which no step reads
        top.set_title(" ".join([*read, drawn[last]]), fontsize=16, family=fonts)
        bottom.set_xlabel("character that was read", fontsize=14)
        if k == 1:
            figure.colorbar(image, ax=top, pad=0.02, aspect=18)
            figure.colorbar(states, ax=bottom, pad=0.02, aspect=18)
    panels[0, 0].set_ylabel("next character", fontsize=15)
    panels[1, 0].set_ylabel("cell state, unit", fontsize=15)


def _frame(t: int, v: int) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((t - 0.48, v - 0.48), 0.96, 0.96, fill=False, edgecolor=ORANGE, linewidth=2.5)


def _points(panels: Any, part: Part, drawn: dict[str, str], fonts: list[str]) -> None:
    networks = [name for name in LINES if len(part.column("value", network=name, of="right"))]
    shared = drawn["很"]
    titles = (f"right after {shared}", f"after {shared}, with the state\nof the other sentence")
    for axis, of, title in zip(panels[:, 2], ("right", "exchanged"), titles, strict=True):
        rng = np.random.default_rng(0)  # only of where the points lie
        for row, name in enumerate(networks):
            values = part.column("value", network=name, of=of, step=2)
            heights = row + rng.uniform(-0.22, 0.22, len(values))
            axis.scatter(values, heights, color=LINES[name], s=45, alpha=0.6, linewidth=0, clip_on=False)
            if not len(values):
                axis.text(0.5, row, "has no state", ha="center", va="center", color=SOFT, fontsize=13)
        axis.set(xlim=(0, 1), ylim=(len(networks) - 0.5, -0.5))
        axis.set_yticks(range(len(networks)), networks, fontsize=14)
        axis.set_title(title, fontsize=15, family=fonts)
    panels[0, 2].set_xlabel("probability of the right character", fontsize=13)
    panels[1, 2].set_xlabel("probability of the other sentence's", fontsize=13)


def text(part: Part) -> Any:
    networks = [name for name in part.values("network") if not name.endswith("-gram")]
    figure, panels = page(
        1,
        1,
        title=part.title,
        caption=f"On the held-out part, over training; dashed: n-grams, counted, each mixed with the shorter ones. "
        f"Lines: medians, bands: quartiles. {part.settings}.",
        height=8.5,
    )
    axis, lines = panels[0, 0], {}
    for name in networks:
        numbers = [part.column(one, network=name) for one in SPREAD]
        lines[name] = curve(axis, part.column("step", network=name), numbers, LINES[name], marker="o", markersize=6)
    last = max(part.column("step"))
    for order in part.found["n-grams"]:
        (height,) = part.column("median", network=f"{order}-gram")
        dashes = {"linestyle": "--", "linewidth": 1.6, "color": PURPLE}
        (lines[f"{order}-gram" if order != "1" else "1-gram: how frequent"],) = axis.plot(
            [0, last], [height] * 2, **dashes
        )
    axis.set(xlim=(0, last), ylim=(None, 1.04 * part.found["n-grams"]["1"]))  # training begins above
    axis.set_xlabel("step of training", fontsize=15)
    axis.set_ylabel("bits per character", fontsize=15)
    name_ends(axis, lines, size=14, gap=0.045)
    return figure


def unit(part: Part) -> Any:
    """Each character on the colour of the unit's state after it: above what was read, below what was written."""
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    drawn, found = signs(part.values("character")), part.found
    titles = {"read": "what it read, held out", "written": f"what it wrote, at temperature {found['temperature']:g}"}
    texts = {kind: [drawn[c] for c in part.column("character", text=kind)] for kind in titles}
    places = {kind: _places(each) for kind, each in texts.items()}
    lines = [each[-1][1] + 2 for each in places.values()]
    figure, panels = page(
        2,
        1,
        title=part.title,
        caption=f"Unit {found['unit']} of the {found['network']}, which goes with {found['sign']} (correlation "
        f"{found['correlation']:.2f} on the held-out part, {found['before training']:.2f} before training). Red: its "
        f"cell state after a character is above 0; blue: below. {part.settings}.{noted(drawn)}",
        height=2.6 + 0.25 * sum(lines),
        height_ratios=lines,
    )
    far = float(np.abs(part.column("state")).max()) or 1.0
    scale = ScalarMappable(Normalize(-far, far), colormaps["RdBu_r"])
    for axis, (kind, title) in zip(panels[:, 0], titles.items(), strict=True):
        _flow(axis, texts[kind], places[kind], part.column("state", text=kind), scale)
        axis.set_title(title, fontsize=16, loc="left")
    figure.colorbar(scale, ax=list(panels[:, 0]), pad=0.01, aspect=40).ax.tick_params(labelsize=12)
    return figure


def _places(texts: list[str]) -> list[tuple[int, int]]:
    """Column and line of each character; a line ends after its sign for a new line, or where it is full."""
    found = []
    column = line = 0
    for sign in texts:
        if column + wide(sign) > COLUMNS:
            column, line = 0, line + 1
        found.append((column, line))
        column, line = (0, line + 1) if sign == "↵" else (column + wide(sign), line)
    return found


def _flow(axis: Any, texts: list[str], places: list[tuple[int, int]], states: Any, scale: Any) -> None:
    from matplotlib.patches import Rectangle

    fonts = [one.replace("DejaVu Sans", "DejaVu Sans Mono") for one in families(texts)[:1]] + families(texts)
    for sign, (column, line), state in zip(texts, places, states, strict=True):
        width = wide(sign)
        axis.add_patch(Rectangle((column, line - 0.5), width, 1, facecolor=scale.to_rgba(state), linewidth=0))
        axis.text(column + width / 2, line, sign, ha="center", va="center", fontsize=13, family=fonts, parse_math=False,
                  color="white" if abs(state) > 0.65 * scale.norm.vmax else INK, in_layout=False)  # fmt: skip
    axis.set(xlim=(0, COLUMNS), ylim=(places[-1][1] + 0.6, -0.6))
    axis.set_axis_off()


PICTURES: dict[str, Callable[[Part], Any]] = {"learned": learned, "steps": steps, "text": text, "unit": unit}
