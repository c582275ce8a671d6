"""The pictures of `gateproof study pipeline`: a slide a step, with both sentences side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import Any

import numpy as np

from comparisons.render.slides import BLUE, FAINT, INK, VERMILION, page
from comparisons.render.studies.pipeline_measured import forgetting, learned, mask
from comparisons.render.traces_axes import families, shown, undrawn, wide
from comparisons.studies.part import Part
from comparisons.studies.pipeline.sentences import CLASSES, ENGLISH, PADDING, TWO, pinyin
from comparisons.studies.pipeline.steps import STEPS, written

OF_CLASS: dict[str, str] = dict(zip(CLASSES, (VERMILION, BLUE), strict=True))
LINE = "#cccccc"  # between the numbers of an array
PANEL = 520  # points across


def step(number: int, part: Part) -> Any:
    """One of the eight steps."""
    sentences = part.values("sentence")
    blocks = {sentence: _blocks(part, sentence) for sentence in sentences}
    heights = [max(len(of[k]["labels"]) for of in blocks.values()) + 1.1 for k in range(len(blocks[sentences[0]]))]
    words = (
        "Words by their pinyin: no font of this machine has Chinese characters. " if undrawn("".join(sentences)) else ""
    )
    pad = f"{PADDING}: padding; a column is a step. " if any(row[5] == PADDING for row in part.rows) else ""
    height = 3.4 + 0.44 * sum(heights)
    figure, panels = page(
        len(heights),
        len(sentences),
        title=part.title,
        caption=f"{part.settings}. {pad}{words}",
        height=height,
        legend=True,
        gridspec_kw={"height_ratios": heights},
    )
    _where(figure, number)
    values = [row[6] for row in part.rows if isinstance(row[6], float)]
    largest = max(map(abs, values), default=1.0)
    for column, sentence in enumerate(sentences):
        for k, block in enumerate(blocks[sentence]):
            _draw(panels[k, column], block, largest)
        _name(panels[0, column], sentence)
    return figure


def _blocks(part: Part, sentence: str) -> list[dict[str, Any]]:
    """The arrays of a sentence: name, shape, heads, labels and values `{(label, column): value}`."""
    found: dict[str, dict[str, Any]] = {}
    for text, name, shape, label, column, head, value in part.rows:
        if text == sentence:
            block = found.setdefault(name, {"name": name, "shape": shape, "heads": {}, "labels": {}, "values": {}})
            block["heads"][column], block["labels"][label] = head, None
            block["values"][label, column] = value
    return list(found.values())


def _draw(axis: Any, block: dict[str, Any], largest: float) -> None:
    """A grid with the values in it, the heads above it and its name and shape below."""
    labels, heads = list(block["labels"]), list(block["heads"].values())
    grid = np.zeros((len(labels), len(heads)))
    texts = {place: written(v) if isinstance(v, float) else _word(str(v)) for place, v in block["values"].items()}
    size = _fitting(texts.values(), len(heads), 16)
    for (label, column), text in texts.items():
        value, row = block["values"][label, column], labels.index(label)
        colour = OF_CLASS.get(text, FAINT if heads[column] == PADDING else INK)
        if isinstance(value, float):
            grid[row, column] = value / largest
            colour = "white" if abs(grid[row, column]) > 0.6 else INK
        style = {"ha": "center", "va": "center", "fontsize": size, "color": colour, "family": _fonts(text)}
        axis.text(column, row, text, in_layout=False, **style)  # it is within its cell: nothing to lay out
    axis.imshow(grid, cmap="RdBu_r", vmin=-1.25, vmax=1.25, aspect="auto")
    names = [_word(head.replace(", ", ",\n")) for head in heads]
    fonts = _fonts("".join(names))
    axis.set_xticks(range(len(heads)), names, fontsize=_fitting(names, len(heads), 15), family=fonts)
    axis.set_yticks(range(len(labels)), labels, fontsize=13)
    axis.xaxis.tick_top()
    for tick, head in zip(axis.get_xticklabels(), heads, strict=True):
        tick.set_color(FAINT if head == PADDING else INK)
    axis.grid(False)
    axis.set_xticks(np.arange(1, len(heads)) - 0.5, minor=True)
    axis.set_yticks(np.arange(1, len(labels)) - 0.5, minor=True)
    axis.grid(which="minor", color=LINE, linewidth=0.8)
    axis.tick_params(which="both", length=0)
    for spine in axis.spines.values():
        spine.set(visible=True, color=LINE)
    axis.set_xlabel(f"{block['name']}   {block['shape']}", fontsize=15, color=BLUE, loc="left")


def _fitting(texts: Iterable[str], columns: int, most: float) -> float:
    """A size of letters at which all of them fit their columns."""
    widest = max((wide(line) for text in texts for line in text.splitlines()), default=1)
    return min(most, 0.92 * PANEL / columns / (0.58 * widest))


def _fonts(text: str) -> list[str]:
    """What draws a text."""
    return _families("".join(sorted(set(filter(_chinese, text)))))


@cache
def _families(characters: str) -> list[str]:
    return families([characters])


def _chinese(character: str) -> bool:
    """Or beyond: all before it is in matplotlib's own font."""
    return ord(character) > 0x2E80


@cache
def _word(text: str) -> str:
    """A text as a picture has it; where no font has its characters, in pinyin, or by code points if it is not known."""
    if not undrawn([*filter(_chinese, text)]):
        return text
    return pinyin(text) or "".join(pinyin(character) or shown(character) for character in text)


def _name(axis: Any, sentence: str) -> None:
    """The sentence above its column, in all its forms."""
    said = pinyin(sentence) or shown(sentence)
    above = said if undrawn([sentence]) else f"{sentence}   {said}"
    english = ENGLISH[TWO.index(sentence)]
    axis.set_title(f"{above}\n{english}", fontsize=17, color=INK, family=_fonts(above), loc="left", pad=14)


def _where(figure: Any, number: int) -> None:
    """The eight steps in a row under the title, this one marked."""
    y = 1 - 0.72 / figure.get_figheight()
    for k, name in enumerate(STEPS, start=1):
        here = k == number
        figure.text(
            0.012 + (k - 1) * 0.124,
            y,
            f"{k} {name}" + ("  →" if k < len(STEPS) else ""),
            fontsize=15,
            va="center",
            color=BLUE if here else FAINT,
            fontweight="bold" if here else "normal",
        )


PICTURES: dict[str, Callable[[Part], Any]] = {
    **{f"{number}-{name.replace(' ', '-')}": partial(step, number) for number, name in enumerate(STEPS, start=1)},
    "forgetting": forgetting,
    "mask": mask,
    "learned": learned,
}
