"""`gateproof convert`: a file of one framework's arrays -> another's, proved before it is written."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from comparisons.cli import FAILED, MISSING, Answer, Stop

SCHEMA_VERSION = 1
GUESSED = ("lstm", "gru", "simple_rnn")  # cells that the arrays alone can show
ABSENT = "impossible, for there is nothing of the kind"  # without a counterexample
STEPS, BATCH = 32, 4  # of the draw that both sides run on
MARKS = {"bit-exact": "=", "exact in real arithmetic": "~", "one-way": ">", "impossible": "x", ABSENT: "-"}


def answer(args: Namespace) -> Answer:
    """Convert, or judge every conversion. Raises Stop for arguments, files or layers that have no way."""
    if args.matrix:
        return _matrix(args)
    if not (args.source and args.target and args.to):
        raise Stop("IN, OUT and --to must be given, or --matrix alone, got fewer")
    import numpy as np

    with np.errstate(all="ignore"):  # what is not finite is a failure, which says so
        return _convert(args)


def _convert(args: Namespace) -> Answer:
    import numpy as np

    from comparisons import array_files
    from comparisons.commands import sources
    from comparisons.proof.measure import ROUNDINGS
    from reference import NotRepresentable, pack
    from reference.conventions import verdicts

    target = Path(args.target)
    if target.suffix not in array_files.SUFFIXES or not target.parent.is_dir():
        raise Stop(
            f"OUT must be a {' or '.join(array_files.SUFFIXES)} file in a folder that exists, got {args.target!r}"
        )
    if target.exists() and Path(args.source).exists() and target.samefile(args.source):
        raise Stop(f"OUT must be another file than IN, got {args.target!r} for both")
    source = sources.given(args)
    origin, layer = source.framework, source.layer
    try:
        packed = pack(layer, args.to)
    except NotRepresentable as impossible:
        near = verdicts.nearest(impossible, args.to)
        far = " (it has nothing of the kind)"
        if near is not None:
            far = f" (the nearest that it could hold is {verdicts.apart(layer, near):.2g} away)"  # type: ignore[arg-type]
        raise Stop(f"{impossible}{far}; nothing is written", FAILED) from None
    except ValueError as error:
        raise Stop(str(error)) from None
    if infinite := next((name for name, array in packed.arrays.items() if not np.isfinite(array).all()), None):
        what = f"{infinite} of {args.to} must be finite in {packed.arrays[infinite].dtype}"
        raise Stop(
            f"{what}, got inf ({', '.join(change.name for change in packed.changes)}); nothing is written", FAILED
        )
    before = pack(layer, origin)
    kind = verdicts.kind_of(before, layer, packed)
    done = verdicts.Verdict(origin, args.to, before.form, kind, packed.changes)
    proof = _proof(layer, verdicts.back(packed), sum(ROUNDINGS.get(change.name, 0) for change in packed.changes))
    data: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "command": "convert",
        "from": {
            "framework": origin,
            "cell": before.cell,
            "options": source.options,
            "layer": source.path,
            "file": args.source,
        },
        "to": {"framework": args.to, "cell": packed.cell, "options": packed.options, "file": args.target},
        "verdict": kind,
        "changes": [change._asdict() for change in packed.changes],
        "keeps_training": done.keeps_training,
        "rules": proof,
        "arrays": {name: list(array.shape) for name, array in packed.arrays.items()},
        "passed": all(rule["passed"] for rule in proof.values()),
    }
    if data["passed"]:
        _write(target, packed)
    return Answer(data, lambda: _text(data, str(done)), 0 if data["passed"] else FAILED)


def _proof(before: Any, after: Any, roundings: int) -> dict[str, dict[str, Any]]:
    """Both sides on a draw: the converted one, in its own precision, held to the bounds around the other."""
    import numpy as np

    from comparisons.proof.bounds import NoBound
    from comparisons.proof.measure import Judge, Trace
    from reference import Layer

    first = before
    while not isinstance(first, Layer):
        first = first.layers[0] if hasattr(first, "layers") else first.forward
    dtype = np.result_type(first.weights.kernel, np.float16).name
    x = np.random.default_rng(0).normal(size=(BATCH, STEPS, first.input_dim)).astype(dtype)
    run = after.run(x)
    flat = lambda state: [state] if hasattr(state, "dtype") else [leaf for part in state for leaf in flat(part)]
    judge = Judge(before, x, None, dtype, weights=float(roundings))
    states = tuple(run.states) if isinstance(after, Layer) and isinstance(before, Layer) else None
    trace = Trace(run.outputs, tuple(flat(run.state)), states)
    try:
        found = judge.distances(trace)
    except NoBound:
        found = judge.distances(Trace(run.outputs, tuple(flat(run.state))))
    return {
        name: {"distance_u": d.distance, "allowed_u": d.allowed, "ratio": d.ratio, "passed": d.passed, "dtype": dtype}
        for name, d in found.items()
    }


def _write(target: Path, packed: Any) -> None:
    from comparisons import array_files

    notes = {"framework": packed.framework, "cell": packed.cell, "options": json.dumps(packed.options)}
    try:
        array_files.write(target, packed.arrays, notes)
    except array_files.WithoutLibrary as error:
        raise Stop(str(error), MISSING) from None
    except OSError as error:
        raise Stop(f"OUT must be writable, got {str(target)!r}: {error.strerror}") from None


def _text(data: dict[str, Any], verdict: str) -> Iterator[Any]:
    source, target = data["from"], data["to"]
    layer = f" {source['layer']}" if source["layer"] else ""
    yield f"{source['framework']} {source['cell']}{layer} -> {target['framework']} {target['cell']}: {verdict}"
    for name, rule in data["rules"].items():
        yield f"{name}: {rule['distance_u']:.2f} u in {rule['dtype']}, allowed {rule['allowed_u']:.2f} u"
    options = ", ".join(f"{name}={value!r}" for name, value in target["options"].items())
    yield f"options: {options or 'none'}"
    if data["passed"]:
        yield f"Written: {target['file']} ({', '.join(data['arrays'])})"
    else:
        yield "Nothing is written: the two sides are farther apart than rounding explains."


def _matrix(args: Namespace) -> Answer:
    from reference.conventions.frameworks import FRAMEWORKS
    from reference.conventions.verdicts import FORMS, matrix

    if args.source or args.target or args.origin or args.to or args.layer:
        raise Stop("--matrix must be given alone, got a conversion as well")
    found = matrix()
    rows = [
        {
            "form": v.form,
            "from": v.source,
            "to": v.target,
            "verdict": v.kind,
            "changes": [change.name for change in v.changes],
            "reason": v.reason,
            "distance": v.distance,
            "absent": v.absent,
            "proved_on_rationals": v.proved,
            "keeps_training": v.keeps_training,
        }
        for v in found
    ]
    about = [{"name": name, "source": home.source, "live": home.live} for name, home in FRAMEWORKS.items()]
    data = {"schema_version": SCHEMA_VERSION, "command": "convert", "frameworks": about, "matrix": rows}
    return Answer(data, lambda: _tables(rows, list(FORMS), about))


def _tables(rows: list[dict[str, Any]], forms: list[str], about: list[dict[str, Any]]) -> Iterator[Any]:
    names = [framework["name"] for framework in about]
    mark = lambda row: MARKS[ABSENT if row["absent"] else row["verdict"]]
    rows_of = lambda form: {(row["from"], row["to"]): mark(row) for row in rows if row["form"] == form}
    alone: dict[str, list[tuple[str, dict[tuple[str, str], str]]]] = {}  # forms that one framework has
    for form in forms:
        cells = rows_of(form)
        sources = [name for name in names if (name, name) in cells]
        if len(sources) == 1:
            alone.setdefault(sources[0], []).append((form, cells))
        else:
            yield _table(form, names, [(name, *(cells[name, other] for other in names)) for name in sources])
            yield ""
    for source, found in alone.items():
        yield _table(
            f"from {source} alone", names, [(form, *(cells[source, b] for b in names)) for form, cells in found]
        )
        yield ""
    counts = {kind: sum(mark(row) == sign for row in rows) for kind, sign in MARKS.items()}
    yield "; ".join(f"{MARKS[kind]}  {kind} ({n})" for kind, n in counts.items())
    yield f"Proved on rationals, with no tolerance: {sum(row['proved_on_rationals'] for row in rows)}."
    yield f"Read only, with no live witness: {', '.join(f['name'] for f in about if not f['live'])}."
    yield "From the framework of the row to that of the column; a framework without such a form has no row."
    yield "What is exact in real arithmetic keeps outputs, not training."


def _table(heading: str, names: list[str], rows: list[tuple[str, ...]]) -> Any:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for column in (heading, *names):
        table.add_column(column, justify="left" if column == heading else "center")
    for row in rows:
        table.add_row(*row)
    return table
