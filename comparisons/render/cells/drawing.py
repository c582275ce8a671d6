"""A drawing of `comparisons.cell_pages.drawings` as SVG: a light card of its own, on a dark page too."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise

from comparisons.cell_pages.drawings.parts import Bus, Drawing, Node, Point, Wire
from comparisons.diagnosis.words import GATES
from comparisons.render.slides import BLUE, INK, SOFT, VERMILION

CARD, FRAME, BODY = "#fdfcf8", "#d8d4c8", "#f3f0e6"
STATE, INPUT, CELL = BLUE, "#b35c00", "#8a3b93"
COLOURS = {"h": STATE, "y": STATE, "x": INPUT, "c": CELL, "": INK}
# By kind: what fills a node, and what is around it.
SQUASHED, CANDIDATE, BOX = ("#ffe7b0", "#c58a00"), ("#cfeccf", "#2f8f57"), ("#e3e6fb", "#5560b0")
HALF = {"gate": (66, 43), "op": (21, 21), "in": (2, 2), "out": (2, 2)}  # widths and heights, from the middle
CANDIDATES, SPREAD, ROUND = "gnh", 34, 14


def svg(drawing: Drawing) -> str:
    """The whole file."""
    width, height = drawing.size
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" font-family="Verdana, \'DejaVu Sans\', Arial, sans-serif">',
        f"<title>{escape(drawing.title)}</title>",
        f'<rect x="1" y="1" width="{width - 2}" height="{height - 2}" rx="22" fill="{CARD}" stroke="{FRAME}" '
        'stroke-width="2"/>',
        f'<rect x="132" y="80" width="{width - 264}" height="{height - 102}" rx="26" fill="{BODY}"/>',
        f'<text x="34" y="48" font-size="27" font-weight="bold" fill="{INK}">{escape(drawing.title)}</text>',
        *_buses(drawing),
        *(part for wire in drawing.wires for part in _wire(drawing, wire)),
        *(part for name, node in drawing.nodes.items() for part in _node(name, node)),
        *(
            _text(n.x, n.y, n.text, 16, VERMILION if n.loud else SOFT, bold=n.loud, anchor="start")
            for n in drawing.notes
        ),
    ]
    return "\n".join([*parts, "</svg>", ""])


def _buses(drawing: Drawing) -> Iterator[str]:
    """The horizontal lines, each to the last gate that taps it, and the taps."""
    for letter, bus in drawing.buses.items():
        taps = [(_tap(node, letter), node) for node in drawing.nodes.values() if letter in node.sees]
        branches = [w.start[0] for w in drawing.wires if w.start and w.start[1] == bus.y]
        colour = COLOURS[letter]
        yield from _line(_start(drawing, bus, max([x for x, _ in taps] + branches)), colour, bus.dashed)
        if bus.start:
            yield _dot(bus.start, colour)
        for x, node in taps:
            yield from _line([(x, bus.y), (x, node.y + HALF["gate"][1])], colour, bus.dashed, arrow=True)
            yield _dot((x, bus.y), colour)


def _start(drawing: Drawing, bus: Bus, end: float) -> list[Point]:
    if bus.start:
        return [bus.start, (bus.start[0], bus.y), (end, bus.y)]
    source = drawing.nodes[bus.source]
    return [(source.x + half(source)[0], bus.y), (end, bus.y)]


def _tap(node: Node, letter: str) -> float:
    """Where a gate is tapped: its buses side by side."""
    apart = SPREAD if len(node.sees) > 2 else 1.4 * SPREAD
    return node.x + apart * (node.sees.index(letter) - (len(node.sees) - 1) / 2)


def _wire(drawing: Drawing, wire: Wire) -> Iterator[str]:
    yield from _line(path_of(drawing, wire), COLOURS[wire.of], wire.dashed, arrow=True)
    if wire.start:
        yield _dot(wire.start, COLOURS[wire.of])


def path_of(drawing: Drawing, wire: Wire) -> list[Point]:
    """A wire's corners, from the edge of its source to that of its target."""
    source, target = drawing.nodes[wire.source], drawing.nodes[wire.target]
    points = [wire.start or (source.x, source.y), *wire.via, (target.x, target.y)]
    if wire.start is None:
        points = _outside(points[::-1], source)[::-1]
    return _outside(points, target)


def half(node: Node) -> tuple[float, float]:
    """Half a node's width and height."""
    if node.kind == "box":
        return 14 + 5.2 * max(2, len(node.label.replace("_", ""))), 21
    return HALF[node.kind]


def _outside(points: Sequence[Point], node: Node) -> list[Point]:
    """A line of horizontal and vertical pieces, as far as a node's edge."""
    (half_width, half_height), kept = half(node), [points[0]]
    for (x0, y0), (x, y) in pairwise(points):
        if abs(x - node.x) <= half_width and abs(y - node.y) <= half_height:
            if y == y0:
                return [*kept, (node.x - half_width if x0 < x else node.x + half_width, y)]
            return [*kept, (x, node.y - half_height if y0 < y else node.y + half_height)]
        kept.append((x, y))
    return kept


def _line(points: Sequence[Point], colour: str, dashed: bool = False, arrow: bool = False) -> Iterator[str]:
    """Pieces with round corners, and a head at the end."""
    points = list(points)
    if arrow:
        head, points[-1] = points[-1], _back(points[-2], points[-1], 11)
        yield _head(points[-1], head, colour)
    path = [f"M{_at(points[0])}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        path.append(f"L{_at(_back(before, corner, ROUND))} Q{_at(corner)} {_at(_back(after, corner, ROUND))}")
    path.append(f"L{_at(points[-1])}")
    dashes = ' stroke-dasharray="9 6"' if dashed else ""
    yield f'<path d="{" ".join(path)}" fill="none" stroke="{colour}" stroke-width="4"{dashes}/>'


def _back(start: Point, end: Point, by: float) -> Point:
    """The point so far before the end of a piece."""
    (x0, y0), (x, y) = start, end
    length = max(abs(x - x0), abs(y - y0)) or 1
    by = min(by, length / 2)
    return x - by * (x - x0) / length, y - by * (y - y0) / length


def _head(base: Point, tip: Point, colour: str) -> str:
    (x0, y0), (x, y) = base, tip
    dx, dy = (y - y0) * 0.62, (x - x0) * 0.62
    corners = " ".join(map(_at, [(x, y), (x0 + dx, y0 + dy), (x0 - dx, y0 - dy)]))
    return f'<polygon points="{corners}" fill="{colour}"/>'


def _node(name: str, node: Node) -> Iterator[str]:
    width, height = half(node)
    if node.kind in ("in", "out"):
        anchor, x = ("end", node.x - 10) if node.kind == "in" else ("start", node.x + 12)
        yield _symbol(x, node.y + 9, name, 30, COLOURS[name[0]], anchor)
    elif node.kind == "op":
        yield f'<circle cx="{node.x}" cy="{node.y}" r="{width}" fill="white" stroke="{INK}" stroke-width="2.5"/>'
        size = 20 if len(node.label) > 1 else 28
        yield _text(node.x, node.y + 0.36 * size, node.label, size, INK, bold=True)
    else:
        fill, edge = BOX if node.kind == "box" else CANDIDATE if name in CANDIDATES else SQUASHED
        yield (
            f'<rect x="{node.x - width:g}" y="{node.y - height:g}" width="{2 * width:g}" height="{2 * height:g}" '
            f'rx="9" fill="{fill}" stroke="{edge}" stroke-width="2.5"/>'
        )
        if node.kind == "box":
            yield _text(node.x, node.y + 7, node.label, 20, INK)
            return
        function = node.means[0]
        kind = {"h": "hidden"}.get(name, GATES.get(name, name))
        yield _symbol(node.x, node.y + 2, f"{name}[t]", 34, INK, "middle")
        yield _text(node.x, node.y + 30, f"{kind} {function}" if not node.normed else f"{function} of norm", 16, INK)


def _dot(at: Point, colour: str) -> str:
    return f'<circle cx="{at[0]:g}" cy="{at[1]:g}" r="6" fill="{colour}"/>'


def _at(point: Point) -> str:
    return f"{point[0]:g},{point[1]:g}"


def _text(
    x: float, y: float, text: str, size: float, colour: str, *, bold: bool = False, anchor: str = "middle"
) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size:g}" text-anchor="{anchor}" fill="{colour}"{weight}>'
        f"{_lowered(text, size)}</text>"
    )


def _lowered(text: str, size: float) -> str:
    """`p_o` with its o lower and smaller."""
    down = 0.22 * size
    smaller = rf'<tspan font-size="{0.75 * size:g}" dy="{down:g}">\1</tspan><tspan dy="-{down:g}">&#8203;</tspan>'
    return re.sub(r"_(\w)", smaller, escape(text))


def _symbol(x: float, y: float, name: str, size: float, colour: str, anchor: str) -> str:
    """`h[t-1]`, set as mathematics."""
    letter, when = name[0], name[2:-1].replace("-", "−")
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size:g}" text-anchor="{anchor}" fill="{colour}" font-style="italic" '
        f"font-family=\"Georgia, 'DejaVu Serif', 'Times New Roman', serif\">{letter}"
        f'<tspan font-size="{0.62 * size:g}" dy="{0.2 * size:g}">{when}</tspan></text>'
    )
