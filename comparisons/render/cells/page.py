"""A cell's page as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from comparisons.cell_pages import circuit, counts, facts
from comparisons.cell_pages.counts import H, R, Stored, X
from comparisons.cell_pages.drawings import DRAWINGS
from comparisons.cell_pages.equations import EQUATIONS, Form
from comparisons.cell_pages.reductions import REDUCTIONS, Reduction
from comparisons.cell_pages.texts import TEXTS
from comparisons.diagnosis.axes import CELLS as SEARCHED
from comparisons.render.cells import latex
from reference import steps
from reference.conventions.counted import SQUARE

SHOWN = 7  # names of arrays in a row of the table
CAPTION = (
    "*Orange: the input. Blue: h{}.{} A gate multiplies each line that enters it with a matrix of its own, adds them "
    "up, with its bias where it has one, and squashes the sum.{}{}{}*"
)

FOOT = (
    "*Made from the code by `make pages`. `tests/test_docs_cells_equations.py` computes the equations and runs the "
    "pictures as the circuits that they are, `tests/test_docs_cells.py` runs the commands.*"
)


def page(cell: str) -> str:
    """The whole file."""
    text = TEXTS[cell]
    parts = [
        f"# {text.title}",
        f"`cells.{facts.class_of(cell)}`; `{cell}` in every command. All cells: [the family](../family.md).",
        text.changed,
        *_pictures(cell),
        "## Equation",
        *_equations(cell),
        "## Paper",
        "\n".join(f"- {line}" for line in text.paper.splitlines()),
        "## In each framework",
        *_frameworks(cell),
        "## What it can be told",
        *_options(cell),
        "## Beside the other cells",
        *_reductions(cell),
        "## What holds it",
        *_evidence(cell),
        "## Commands",
        *_commands(cell),
        FOOT,
    ]
    return "\n\n".join(parts) + "\n"


def index() -> str:
    """The pages, as a line of links from docs/."""
    links = ", ".join(f"[{TEXTS[cell].title}](cells/{cell}.md)" for cell in EQUATIONS)
    return f"A page for each cell, with its equation, a picture, conventions, counts and commands: {links}."


def _pictures(cell: str) -> Iterator[str]:
    named = {name: drawing for name, drawing in DRAWINGS.items() if drawing.cell == cell}
    for name, drawing in named.items():
        yield f"![{drawing.title}](pictures/{name}.svg)"
    wires = [wire for drawing in named.values() for wire in circuit.wires(drawing)]
    nodes = {key: node.kind for drawing in named.values() for key, node in drawing.nodes.items()}
    boxed = any((nodes[wire.source], nodes[wire.target]) == ("box", "gate") for wire in wires)
    seen = {wire.of for wire in wires}
    dashed = any(wire.dashed for wire in wires)
    ops = {node.label for drawing in named.values() for node in drawing.nodes.values() if node.kind == "op"}
    yield CAPTION.format(
        " and the output y" if "y" in seen else "",
        " Purple: c." if "c" in seen else "",
        " What comes out of a box it takes as it is." if boxed else "",
        f" {' '.join(sorted(ops))} are elementwise{'; 1− is one minus what comes in' * ('1−' in ops)}." if ops else "",
        " Dashed: peepholes, each c times a vector." if dashed else "",
    )


def _equations(cell: str) -> Iterator[str]:
    main, *others = EQUATIONS[cell]
    yield latex.block(main.lines)
    functions = facts.activations(cell)
    named = [f"{letter} is `{OPTION[letter]}`, {_default(name)}" for letter, name in functions.items()]
    yield (
        f"States: {', '.join(_fields(cell))}. x, the states and the gates are rows, (batch, numbers); ⊙ is "
        f"elementwise. {'; '.join(named)}."
    )
    short = [form for form in others if len(latex.parsed(form.lines)) == 1]
    if short:
        yield "\n".join(f"- {form.says}: {latex.inline(form.lines)}" for form in short)
    for form in others:
        if form not in short:
            yield f"{form.says}{_given(form)}:"
            yield latex.block(form.lines)


OPTION = {"σ": "recurrent_activation", "φ": "activation", "ψ": "output_activation"}


def _default(name: str) -> str:
    return "φ unless it is told otherwise" if name == "φ" else f"by default {name}"


def _given(form: Form) -> str:
    """The options, where the sentence does not say them."""
    missing = {name: value for name, value in form.options.items() if f"`{name}" not in form.says}
    said = ", ".join(f"`{name}={value!r}`" for name, value in missing.items() if f'"{value}"' not in form.says)
    return f" ({said})" if said else ""


def _fields(cell: str) -> list[str]:
    fields = steps.module(cell).State._fields
    return list(fields[:2]) if cell == "greff_lstm" else list(fields)


def _frameworks(cell: str) -> Iterator[str]:
    forms = list(counts.stored(cell))
    two = len({form.key for form in forms}) > 1
    inputs = H if cell in SQUARE else X
    rows = [_row(cell, form, two) for form in forms]
    yield _table(
        ("framework", "gates, as stored", "kernels", "arrays", "biases", "otherwise than above", "parameters"), rows
    )
    yield f"Parameters of {inputs} inputs and {H} units{_of_r(forms)}, as sums of X inputs and H units:"
    sums: dict[tuple[int, str], list[str]] = {}
    for form in forms:
        sums.setdefault((form.parameters, form.formula), []).append(_name(form, two))
    yield "\n".join(
        f"- {total} = $`{_sum(formula)}`$: {'; '.join(dict.fromkeys(names))}"
        for (total, formula), names in sums.items()
    )
    matmul, alone = counts.multiplications(cell)
    yield (
        f"One step multiplies {matmul} times in matrices and {alone} times elementwise. What `gateproof convert` can "
        "carry from one to another, it says itself: `gateproof convert --matrix`."
    )


def _row(cell: str, form: Stored, two: bool) -> tuple[str, ...]:
    names = [f"`{name}`" for name in form.arrays]
    arrays = ", ".join(names if len(names) <= SHOWN else [*names[: SHOWN - 1], f"… ({len(names)})"])
    gates = " ".join(form.gates)
    return (
        _name(form, two),
        gates,
        form.kernels,
        arrays,
        form.biases,
        "; ".join(form.differs),
        str(form.parameters),
    )


def _name(form: Stored, two: bool) -> str:
    return f"{form.title}, {form.key.partition(' ')[2]}" if two else form.title


def _of_r(forms: Sequence[Stored]) -> str:
    if not any(form.projected for form in forms):
        return ""
    return f" (R = {R}, where the recurrence carries so many)"


def _sum(formula: str) -> str:
    return formula.replace(" * (", r"\,(").replace(" * ", r"\,")


def _options(cell: str) -> Iterator[str]:
    rows = [
        (
            f"`{name}`",
            f"`{default!r}`",
            f"{does}; `None`: φ" if name == "output_activation" and default is None else does,
        )
        for name, default, does in facts.options(cell)
    ]
    yield _table(("argument", "default", "what it does"), rows)
    yield "Its other arguments decide how weights begin and are trained, as in Keras."


def _reductions(cell: str) -> Iterator[str]:
    lines = [_reduction(reduction) for reduction in REDUCTIONS if cell in (reduction.cell, reduction.other)]
    if found := facts.in_arrays(cell):
        other, why = found
        said = f"it has a form as a {_link(other)}: {why}" if other else f"it has none in another cell: {why}"
        lines.append(f"As arrays, for `gateproof convert`, {said}.")
    yield "\n".join(f"- {line}" for line in lines)


def _reduction(reduction: Reduction) -> str:
    cell, other = _link(reduction.cell), _link(reduction.other)
    of = [_variant(reduction.cell, reduction.form), _variant(reduction.other, reduction.other_form)]
    lines = f" with {latex.inline(reduction.lines)}" if reduction.lines else ""
    says = f", {reduction.says}" if reduction.says else ""
    return f"{cell}{of[0]}{lines} is {other}{of[1]}{says}."


def _variant(cell: str, form: int) -> str:
    options = EQUATIONS[cell][form].options if form else {}
    return "".join(f" (`{name}={value!r}`)" for name, value in options.items())


def _link(cell: str) -> str:
    return f"[`{cell}`]({cell}.md)"


def _evidence(cell: str) -> Iterator[str]:
    witnesses = list(facts.witnesses(cell))
    if witnesses:
        yield _table(
            ("live witness", "what runs", "cases of `gateproof compare`"),
            [(f"`{w.name}`", w.runs, f"{w.able} of {w.of}") for w in witnesses],
        )
    else:
        yield f"No live witness: {TEXTS[cell].unwitnessed}."
    found = facts.mistakes(cell)
    kinds = [name if n == 1 else f"{name} ({n})" for name, n in facts.grouped(found.caught).items()]
    every = "every one" if not found.missed else f"all but {', '.join(found.missed)}"
    besides = (
        f" `gateproof compare` plants in it besides: {'; '.join(more)}." if (more := facts.of_the_loop(cell)) else ""
    )
    yield (
        f"{len(found.caught)} mistakes of the catalogue can be made in this cell and its variants, and the cases of "
        f"`gateproof check` catch {every}: {'; '.join(kinds)}.{besides}"
    )


def _commands(cell: str) -> Iterator[str]:
    inputs = H if cell in SQUARE else X
    projection = f" --projection {R}" if cell == "jordan" else ""
    lines = [
        f"gateproof params {cell} --inputs {inputs} --units {H}{projection} --explain",
        f"gateproof check my.py:step --cell {cell}",
        f"gateproof trace {cell}.keras --inputs x.npy --out trace",
    ]
    if cell in SEARCHED:
        lines.append(f"gateproof diagnose --weights w.npz --inputs x.npy --outputs y.npy --cell {cell}")
    yield "\n".join(["```sh", *lines, f"gateproof compare --cells {cell}", "```"])
    searched = (
        "" if cell in SEARCHED else " `gateproof diagnose` does not search this cell: `check` names mistakes in it."
    )
    yield (
        f"[Grading](../grading.md) has what `check` takes, [trace](../trace.md) what `trace` shows"
        f"{', [diagnose](../diagnose.md) what `diagnose` needs' if cell in SEARCHED else ''}.{searched}"
    )


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    line = lambda cells: f"| {' | '.join(cells)} |"
    return "\n".join([line(headings), "|" + "---|" * len(headings), *map(line, rows)])
