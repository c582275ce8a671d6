"""The equations, reductions and drawings of docs/cells, computed and held to the reference; and wrong ones are seen."""

import ast
import re
from contextlib import suppress
from itertools import pairwise

import numpy as np
import pytest

from comparisons.cell_pages import circuit, evaluating
from comparisons.cell_pages.__main__ import DOCS
from comparisons.cell_pages.drawings import DRAWINGS
from comparisons.cell_pages.equations import EQUATIONS
from comparisons.cell_pages.reductions import REDUCTIONS
from comparisons.grading.cases import cases, cell
from comparisons.grading.judging import judge
from comparisons.render.cells import drawing as drawn
from reference import steps

PAGES = {name: (DOCS / "cells" / f"{name}.md").read_text(encoding="utf-8") for name in EQUATIONS}
FORMS = [(name, k) for name, forms in EQUATIONS.items() for k in range(len(forms))]


def graded(name, form=0):
    return cases(cell(name, **EQUATIONS[name][form].options))


def from_a_state(name, form=0):
    return next(case for case in graded(name, form) if case.name == "a sequence from a state")


def off(case, lines):
    """How many times its bound the farthest number of an equation is from the reference; infinite where it fails."""
    with np.errstate(all="ignore"):  # an exponential of the largest sums overflows, and 1 over it is 0
        states = evaluating.states(lines, evaluating.Arrays(case.layer), case.x, case.state)
        return judge(case, states, "float64").ratio


# Equations


@pytest.mark.parametrize(("name", "form"), FORMS)
def test_an_equation_gives_what_the_reference_gives(name, form):
    """h, c and whatever else the state has, within the bound of one step's rounding, on every case of the grading."""
    lines = evaluating.lines_of(name, form)
    for case in graded(name, form):
        assert off(case, lines) <= 1, case.name


OTHER = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add}


def wrong(lines):
    """Every equation with one sign, product, function or state wrong."""
    swapped = {("h", -1): "c", ("c", -1): "h"} if any(evaluating.name(left) == "c" for left, _ in lines) else {}
    for left, right in lines:
        for node in ast.walk(right):
            attribute, other = None, None
            if isinstance(node, ast.BinOp) and type(node.op) in OTHER and ast.unparse(node) != "t - 1":
                attribute, other = "op", OTHER[type(node.op)]()
            elif isinstance(node, ast.Subscript) and (evaluating.name(node), evaluating.time(node)) in swapped:
                attribute, other = "value", ast.Name(swapped[evaluating.name(node), -1])
            elif isinstance(node, ast.Name) and node.id in ("σ", "φ", "ψ"):
                attribute, other = "id", "tanh" if node.id == "σ" else "exp"
            if attribute:
                right_one = getattr(node, attribute)
                setattr(node, attribute, other)
                try:
                    yield f"{ast.unparse(left)} = {ast.unparse(right)}", lines
                finally:
                    setattr(node, attribute, right_one)


@pytest.mark.parametrize("name", EQUATIONS)
def test_a_wrong_equation_is_seen(name):
    case = from_a_state(name)
    lines = evaluating.lines_of(name)
    count = 0
    for said, mistaken in wrong(lines):
        assert off(case, mistaken) > 1000, said
        count += 1
    assert count >= 3
    assert off(case, lines) <= 1  # they were put right again


# Mathematics

LETTERS = {r"\sigma": "σ", r"\varphi": "φ", r"\psi": "ψ", r"\gamma": "γ", r"\beta": "β", r"\varepsilon": "ε"}
READ = (
    (r"\\mathrm\{([\w\\]+)\}", lambda found: found[1].replace("\\_", "_")),
    (r"\\(?:left|right)(?=[\[\]()])", ""),
    (r"\\(tanh|exp)", r"\1"),
    (r"\\[a-z]+(?=_|\b)(?<!\\odot)(?<!\\frac)(?<!\\sqrt)", lambda found: LETTERS[found[0]]),
    (r"(\w)_\{(\w),t\}", r"\1[t].\2"),
    (r"(\w)_(?:t\b|\{(t-1)\})", lambda found: f"{found[1]}[{found[2] or 't'}]"),
    (r"(?<=\d)\\, ", " * "),
    (r"\\, ", " @ "),
    (r"\\odot", "*"),
)


def braces(text, at):
    """What stands within the braces that open at a place, and where it goes on."""
    depth = 0
    for k in range(at, len(text)):
        depth += {"{": 1, "}": -1}.get(text[k], 0)
        if not depth:
            return text[at + 1 : k], k + 1
    raise ValueError(f"{text!r} has no brace that closes")


def read(text):
    """Mathematics as a reader takes it, as an expression; on its own, without the code that sets it."""
    for pattern, other in READ:
        text = re.sub(pattern, other, text)
    while (at := max(text.rfind(r"\frac"), text.rfind(r"\sqrt"))) >= 0:  # the last one has none within
        first, end = braces(text, at + 5)
        second, end = braces(text, end) if text.startswith(r"\frac", at) else ("", end)
        whole = f"(({first}) / ({second}))" if second else f"sqrt({first})"
        text = text[:at] + whole + text[end:]
    return ast.dump(ast.parse(text.strip(), mode="eval").body)


@pytest.mark.parametrize("name", EQUATIONS)
def test_what_is_shown_is_what_is_run(name):
    """Every equation of the page, read back from its mathematics, is one that is computed here, and the reverse."""
    page = PAGES[name]
    rows = [
        row
        for block in re.findall(r"begin\{aligned\}\n(.*?)\n\\end", page, re.DOTALL)
        for row in block.split(" \\\\\n")
    ]
    rows = [row.replace(" &= ", " = ") for row in rows] + re.findall(r"\$`([^`]* = [^`]*)`\$", page)
    shown = {tuple(map(read, row.split(" = "))) for row in rows}
    texts = [form.lines for form in EQUATIONS[name]]
    texts += [reduction.lines for reduction in REDUCTIONS if name in (reduction.cell, reduction.other)]
    assert shown == {tuple(map(ast.dump, line)) for text in texts for line in evaluating.parsed(text)}


def test_the_mathematics_is_whole():
    """Brackets in pairs, and no macro that GitHub refuses."""
    for text in PAGES.values():
        maths = re.findall(r"^```math\n(.*?)^```$|\$`(.*?)`\$", text, re.MULTILINE | re.DOTALL)
        assert maths
        for block in ("".join(pair) for pair in maths):
            assert block.count(r"\left") == block.count(r"\right")
            assert len(re.findall(r"(?<!\\)\{", block)) == len(re.findall(r"(?<!\\)\}", block))
            assert r"\operatorname" not in block


# Reductions


class Drawn(dict):
    """Asymmetric arrays by name, for two cells at once; as many inputs as units."""

    SIZE = 4

    def __init__(self):
        draw = np.random.default_rng(0)
        self.draw = lambda *shape: draw.normal(size=shape) / 2
        super().__init__(σ=lambda a: 1 / (1 + np.exp(-a)), φ=np.tanh, ψ=np.tanh, ε=0.1)
        self["cut"] = lambda a: dict(zip("ifgo", np.split(a, 4, axis=-1), strict=True))

    def __missing__(self, name):
        kind, _, gate = name.partition("_")
        if not gate and self.get("wide"):
            self[name] = np.concatenate([self[f"{kind}_{each}"] for each in "ifgo"], axis=-1)
        else:
            n = self.SIZE
            self[name] = self.draw(*((n, n) if kind in "WUV" else (n,)))
        return self[name]


def difference(reduction, lines):
    """How far the two cells are from one another, in their outputs and in c."""
    arrays = Drawn()
    arrays["wide"] = reduction.cell == "fused_layer_norm_lstm"
    x, h, c = arrays.draw(2, 6, 4), arrays.draw(2, 4), arrays.draw(2, 4)
    runs = []
    for name, form, instead in (
        (reduction.cell, reduction.form, lines),
        (reduction.other, reduction.other_form, lines if reduction.both else ""),
    ):
        fields = steps.module(name).State._fields[:2]
        state = dict(zip(fields, (h, c), strict=False))
        run = evaluating.states(evaluating.lines_of(name, form, instead), arrays, x, state)
        runs.append([run[field] for field in fields])
    return max(np.abs(a - b).max() for a, b in zip(*runs, strict=False))


@pytest.mark.parametrize("reduction", REDUCTIONS, ids=lambda r: f"{r.cell}-{r.other}-{r.lines[:20]}")
def test_a_cell_is_another_where_the_page_says_so(reduction):
    assert difference(reduction, reduction.lines) < 1e-14
    if reduction.lines:
        every = reduction.lines.splitlines()
        for k in range(len(every)):  # and no line may be left out
            some = "\n".join(every[:k] + every[k + 1 :])
            with suppress(KeyError, ValueError):  # what is left is no equation
                assert difference(reduction, some) > 1e-3, every[k]


# Drawings


def followed(drawing, case):
    """How many times its bound the farthest number of a drawing, run as a circuit, is off."""
    with np.errstate(all="ignore"):
        states = circuit.states(drawing, evaluating.Arrays(case.layer), case.x, case.state)
        return judge(case, states, "float64").ratio


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_drawing_is_a_circuit_of_the_cell(name):
    drawing = DRAWINGS[name]
    for case in graded(drawing.cell, drawing.form):
        assert followed(drawing, case) <= 1, case.name


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_wrong_drawing_is_seen(name):
    """Each wire away, each tap away, each × for a + and a + for a ×, and each 1− for a wire."""
    right = DRAWINGS[name]
    mistaken = [right._replace(wires=right.wires[:k] + right.wires[k + 1 :]) for k in range(len(right.wires))]
    for key, node in right.nodes.items():
        others = [node._replace(sees=node.sees.replace(letter, "")) for letter in node.sees.strip()]
        if node.kind == "op":
            others.append(node._replace(label={"×": "+", "+": "×", "1−": ""}[node.label]))
        mistaken += [right._replace(nodes={**right.nodes, key: other}) for other in others]
    case = from_a_state(right.cell, right.form)
    for drawing in mistaken:
        with suppress(ValueError, IndexError):  # no circuit any more
            assert followed(drawing, case) > 1000


@pytest.mark.parametrize("name", DRAWINGS)
def test_no_wire_crosses_a_node(name):
    drawing = DRAWINGS[name]
    for wire in drawing.wires:
        ends = {wire.source, wire.target}
        points = drawn.path_of(drawing, wire)
        for key, node in drawing.nodes.items():
            half_width, half_height = drawn.half(node)
            for (x0, y0), (x, y) in pairwise(points):
                beside = max(x0, x) < node.x - half_width or min(x0, x) > node.x + half_width
                above = max(y0, y) < node.y - half_height or min(y0, y) > node.y + half_height
                assert key in ends or beside or above, f"{wire.source} to {wire.target} runs over {key}"
