"""`gateproof study NAME`: one of the studies, its pictures, numbers and paragraphs in a folder."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from typing import Any

from comparisons import quiet
from comparisons.cli import UNREADABLE, Answer, Stop
from comparisons.commands import reports
from comparisons.proof.draws import UnreadableData
from comparisons.studies import STUDIES
from comparisons.studies.work import Work, cores

OPTIONS = {option for study in STUDIES.values() for option in study.options}
INTERRUPTED = 130


def answer(args: Namespace) -> Answer:
    """Run the study, write it into `--out`. Raises Stop for a folder or data that do not do, or interrupted."""
    options = _options(args)
    out = reports.folder(args.out or f"study-{args.name}")
    module = args.name.replace("-", "_")
    with quiet.imports():
        study = import_module(f"comparisons.studies.{module}")
    from comparisons.render import studies

    pictures = import_module(f"comparisons.render.studies.{module}").PICTURES
    with reports.progress() as progress:
        work = Work(args.quick, args.seed, progress, out, at_once=1 if args.quick else cores(), options=options)
        try:
            parts = study.run(work)
        except KeyboardInterrupt:
            kept = f"; the same command goes on after {work.done} of {work.of} pieces" if work.done else ""
            raise Stop(f"interrupted{kept}", INTERRUPTED) from None
        except UnreadableData as error:
            with suppress(OSError):
                out.rmdir()  # unless something is in it
            raise Stop(str(error), UNREADABLE) from None
        data = studies.data(args.name, work, parts)
        writers: dict[str, reports.Writer] = {
            "study.json": reports.text(json.dumps(data, indent=1, allow_nan=False) + "\n"),
            "study.md": reports.text(studies.markdown(args.name, work, parts)),
        }
        for part in parts:
            progress(f"drawing: {part.name}", len(parts))
            writers[f"{part.name}.csv"] = reports.text(studies.csv(part))
            writers[f"{part.name}.png"] = pictures[part.name](part).savefig
        written = reports.write(out, writers)
    work.forget()
    if work.found_again:
        print(f"went on after {work.found_again} of {work.of} pieces of an interrupted run", file=sys.stderr)

    def text() -> Iterator[Any]:
        yield from studies.tables(parts)
        yield f"Written: {', '.join(written)}"

    return Answer(data | {"files": written}, text)


def _options(args: Namespace) -> dict[str, Any]:
    """What this study alone can be told. Raises Stop where another study's is given."""
    given = {name: getattr(args, name) for name in OPTIONS if getattr(args, name) is not None}
    for name in given.keys() - set(STUDIES[args.name].options):
        of = ", ".join(study for study, entry in STUDIES.items() if name in entry.options)
        raise Stop(f"--{name} is of the study {of}, got it for {args.name!r}")
    return given
