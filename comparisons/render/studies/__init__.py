"""A study's parts as tables for a terminal, as a page, as JSON and as files of numbers. It knows no study."""

from __future__ import annotations

import csv as _csv
import io
import math
import shlex
from collections.abc import Iterator, Sequence
from textwrap import fill
from typing import Any

from comparisons.studies import STUDIES
from comparisons.studies.part import Part
from comparisons.studies.work import Work

SCHEMA_VERSION = 1
WIDTH = 100
SPREAD_SAID = "A number with brackets is a median over seeds, between its quartiles."


def tables(parts: Sequence[Part]) -> Iterator[Any]:
    """Each part's table, and under it what one sees."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    for part in parts:
        table = Table(
            box=SIMPLE_HEAD,
            show_edge=False,
            pad_edge=False,
            title=f"{part.title} ({part.settings})",
            title_justify="left",
            title_style="bold",
        )
        for heading in part.table_columns:
            table.add_column(heading)
        for row in part.table:
            table.add_row(*row)
        yield table
        yield f"\n{fill(part.says, WIDTH)}\n"
        if part.source:
            yield fill(f"Source of the paper's numbers: {part.source}.", WIDTH) + "\n"
    yield SPREAD_SAID


def markdown(name: str, work: Work, parts: Sequence[Part]) -> str:
    """The page: of each part what one sees, its picture and its table."""
    lines = [f"# {STUDIES[name].title}", "", f"`{command(name, work)}`. {SPREAD_SAID}"]
    for part in parts:
        lines += ["", f"## {part.title}", "", part.says, "", f"![{part.title}]({part.name}.png)", ""]
        if part.source:
            lines += [f"Source of the paper's numbers: {part.source}.", ""]
        lines += [f"{part.settings}. Every number of the picture: [{part.name}.csv]({part.name}.csv).", ""]
        lines += [_row(part.table_columns), _row(["---"] * len(part.table_columns)), *map(_row, part.table)]
    return "\n".join(lines) + "\n"


def command(name: str, work: Work) -> str:
    """What gives the study again."""
    options = "".join(f" --{option} {shlex.quote(str(value))}" for option, value in sorted(work.options.items()))
    return f"gateproof study {name}{options}{' --quick' * work.quick}{f' --seed {work.seed}' * bool(work.seed)}"


def csv(part: Part) -> str:
    """Every row of the part."""
    stream = io.StringIO()
    writer = _csv.writer(stream, lineterminator="\n")
    writer.writerow(part.columns)
    writer.writerows(part.rows)
    return stream.getvalue()


def data(name: str, work: Work, parts: Sequence[Part]) -> dict[str, Any]:
    """The study for --json and `study.json`; the rows of the pictures are in the .csv files."""
    return {
        "schema_version": SCHEMA_VERSION,
        "command": "study",
        "study": name,
        "seed": work.seed,
        "quick": work.quick,
        "options": dict(work.options),
        "parts": [
            {
                "name": part.name,
                "title": part.title,
                "settings": part.settings,
                "says": part.says,
                "source": part.source or None,
                "found": _finite(part.found),
                "table": [dict(zip(part.table_columns, row, strict=True)) for row in part.table],
                "numbers": f"{part.name}.csv",
                "picture": f"{part.name}.png",
            }
            for part in parts
        ],
    }


def _finite(value: Any) -> Any:
    """JSON has no infinity and no NaN: null."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
