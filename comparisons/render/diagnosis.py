"""A diagnosis as data for --json, and as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from comparisons.diagnosis import conversion
from comparisons.diagnosis.found import NONE, UNIQUE, Diagnosis, Explanation
from comparisons.diagnosis.words import gate, words

MOST = 6  # explanations, or choices that cannot matter, that are written out


def record(found: Diagnosis, weights: str, loading: tuple[str, str], told: bool) -> dict[str, Any]:
    """Everything that was found; `told` is whether it was said as what the arrays were read.

    loading: Python that gives the arrays by name, and the inputs."""
    best = found.best
    return {
        "verdict": found.verdict,
        "cell": best.layer.cell,
        "blind": list(found.blind),
        "more": found.more,
        "tried": found.tried,
        "searched": found.searched,
        "precision": found.precision,
        "told": told,
        "before": found.before if told else None,
        "departure": None if found.departure is None else asdict(found.departure),
        "explanations": [_explanation(one, weights, loading) for one in found.explanations],
        "telling_inputs_differ_by": found.apart or None,
    }


def _explanation(one: Explanation, weights: str, loading: tuple[str, str]) -> dict[str, Any]:
    obstacles = conversion.obstacles(one)
    code = conversion.script(one, *loading) if one.frame is not None and weights and one.fits and not obstacles else []
    return {
        "differences": [
            {"axis": d.axis, "choice": d.choice, "said": d.said, "yours": d.yours, "found": d.found}
            for d in one.differences
        ],
        "from": one.nearest.title if one.nearest is not None else None,
        "exactly": [reading.title for reading in one.exactly],
        "conventions": one.conventions,
        "distance": one.distance,
        "tolerance": one.tolerance,
        "cannot_matter": _alike(one),
        "departure": None if one.departure is None else asdict(one.departure),
        "other_cell": obstacles,
        "python": code,
        "convert": conversion.command(one, weights) if code else "",
    }


def _alike(one: Explanation) -> list[str]:
    """What cannot be told, and cannot matter, with these weights."""
    found = []
    for axis, others in one.alike.items():
        if axis == "order":
            why = "the weights are constant" if _constant(one) else "gates have equal weights"
            found.append(
                f"the order of the gates, {len(others) + 1} orders are one: {why}, and other weights would tell"
            )
        else:
            found += [words(axis, other, one.chosen[axis]).found for other in others[:MOST]]
    found += [" and ".join(d.found for d in same) or "nothing else" for same in one.equivalent[:MOST]]
    return found


def _constant(one: Explanation) -> bool:
    w = one.layer.weights
    return all((a == a.flat[0]).all() for a in (w.kernel, w.recurrent_kernel))


def divergence(parted: Any, layer: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    """The first divergence of intermediate values."""
    return {"compared": sorted(values), "first": None if parted is None else asdict(parted)}


def text(data: Mapping[str, Any]) -> Iterator[str]:
    """Lines for people."""
    if "verdict" in data:
        yield from _verdict(data)
    if "gates" in data:
        yield from _gates(data["gates"])
    if "written" in data:
        yield f"Written: {data['written']}"


def _verdict(data: Mapping[str, Any]) -> Iterator[str]:
    first, *others = data["explanations"]
    yield f"{data['cell']}; outputs {data['precision']}; {data['tried']:,} combinations tried: {data['searched']}"
    yield from (f"Mind: {what}." for what in data["blind"])
    if data["verdict"] == UNIQUE:
        if first["differences"] or not data["told"]:
            yield f"One explanation fits: {_as(first)}"
        else:
            yield f"Nothing differs: {_as(first)}"
        if not data["told"]:
            yield from (f"  {convention}" for convention in first["conventions"])
        yield from _differences(first)
        yield _distances(data, first)
        yield from _conversion(first)
    elif data["verdict"] == NONE:
        yield "Nothing that was tried fits. The nearest: " + _as(first)
        yield from _differences(first)
        yield _distances(data, first)
        yield from _departs(first["departure"])
    else:
        yield f"Ambiguous: {len(data['explanations'])} explanations fit, and these data cannot tell them apart:"
        for number, one in enumerate(data["explanations"][:MOST], 1):
            yield f"{number}. {_as(one)}"
            yield from _differences(one)
        if len(others) >= MOST:
            more = f", and {data['more']} that were too many to run" if data["more"] else ""
            yield f"… and {len(others) + 1 - MOST} more (--json has them){more}"
        if data["telling_inputs_differ_by"]:
            yield (
                f"On drawn inputs they differ by {data['telling_inputs_differ_by']:.2g} or more: "
                "--write-inputs FILE writes them; run the real thing on them and diagnose again."
            )


def _as(one: Mapping[str, Any]) -> str:
    if one["exactly"]:
        return f"the arrays are as {' or '.join(dict.fromkeys(one['exactly']))} stores and computes them."
    if not one["differences"]:
        return "as the layer was given."
    return f"as {one['from']}, but" if one["from"] else "as the layer was given, but"


def _differences(one: Mapping[str, Any]) -> Iterator[str]:
    for difference in one["differences"]:
        yield f"  - {difference['found']}"
    for same in one["cannot_matter"]:
        yield f"  Cannot matter with these weights: {same}"


def _distances(data: Mapping[str, Any], one: Mapping[str, Any]) -> str:
    before = f"{data['before']:.2g} before, " if data["before"] is not None else ""
    return f"Distance: {before}{one['distance']:.2g} so; allowed {one['tolerance']:.2g}."


def _departs(at: Mapping[str, Any] | None) -> Iterator[str]:
    if at is not None:
        where = f"step {at['step']}, {at['field']}, unit {at['unit']}, row {at['batch']} of the batch (all from 0)"
        yield f"It first departs at {where}: expected {at['expected']:.6g}, got {at['got']:.6g}."


def _conversion(one: Mapping[str, Any]) -> Iterator[str]:
    for obstacle in one["other_cell"]:
        yield f"No arrays make up for this: {obstacle}."
    if one["python"]:
        yield "In Python:"
        yield from (f"    {line}" for line in one["python"])
    if one["convert"]:
        yield f"Or: {one['convert']}"


def _gates(found: Mapping[str, Any]) -> Iterator[str]:
    at = found["first"]
    if at is None:
        yield f"The intermediate values agree: {', '.join(found['compared'])}."
        return
    name = at["field"] if at["field"] in "hc" else f"{gate(at['field'])} ({at['field']})"
    yield (
        f"The intermediate values first part at step {at['step']}, {name}, unit {at['unit']}, row {at['batch']} "
        f"(all from 0): expected {at['expected']:.6g}, got {at['got']:.6g}, allowed {at['allowed']:.2g}."
    )
    if at["said"]:
        yield f"There, {at['said']}."
