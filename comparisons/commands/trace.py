"""`gateproof trace`: what a model's recurrent layers do with an input, as numbers and as pictures in a folder."""

from __future__ import annotations

import logging
import re
from argparse import Namespace
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comparisons.cli import UNREADABLE, Answer, Stop
from comparisons.commands import files, reports, sources, trace_inputs

if TYPE_CHECKING:
    from comparisons.tracing.whole import Trace, Whole

SCHEMA_VERSION = 1


def answer(args: Namespace) -> Answer:
    """Run the file's layers on the input and write what they did into `--out`. Raises Stop."""
    if (args.inputs is None) == (args.text is None):
        raise Stop(f"one of --inputs and --text must be given, got {'neither' if args.inputs is None else 'both'}")
    if (args.text is None) != (args.vocabulary is None):
        given, lacking = ("text", "vocabulary") if args.text is not None else ("vocabulary", "text")
        raise Stop(f"--{given} must go with --{lacking}, got --{given} alone")
    from comparisons.render import traces

    notes: list[str] = []
    traced = _traced(args, notes)
    out = reports.folder(args.out)
    data = {
        "schema_version": SCHEMA_VERSION,
        "command": "trace",
        "file": args.model,
        **({"text": args.text} if args.text is not None else {}),
        "layers": [traces.summary(part) for part in traced.parts],
    }
    notes += traces.about(traced.parts)
    written, left_out = _write(out, traced, data | {"notes": notes}, args.no_pictures)
    data |= {"notes": notes, "left_out": left_out, "files": written}

    def text() -> Iterator[Any]:
        yield traces.table(traced.parts)
        yield traces.MEANING
        yield from notes
        yield from left_out.values()
        yield f"Written: {', '.join(written)}"

    return Answer(data, text)


def _traced(args: Namespace, notes: list[str]) -> Trace:
    from comparisons.tracing.whole import Trace, View

    told = sources.options(args.option)
    with files.opened(args.model, args) as model:
        whole_model = model.graph is not None and not args.layer_inputs
        alone = args.layer in [layer.path for layer in model.layers] and not whole_model
        layers = files.load(args.model, args, only=[args.layer] if alone else None, **told)
        if args.layer is not None and args.layer not in layers:
            raise Stop(f"--layer must be one of the recurrent layers {_listed(layers)}, got {args.layer!r}")
        try:
            wholes = (_of_model if whole_model else _of_layer)(args, model, layers, notes)
            return Trace(wholes, View(args.row, args.unit, args.sort, args.steps))
        except ValueError as error:
            raise Stop(_sentence(error), _code(error)) from None


def _listed(paths: Any) -> str:
    from reference.files.guard import shown

    return ", ".join(map(shown, paths))


def _code(error: ValueError) -> int:
    from comparisons.proof.draws import UnreadableData
    from reference.files.guard import FileRefused

    return UNREADABLE if isinstance(error, FileRefused | UnreadableData) else 2


def _sentence(error: ValueError) -> str:
    """What went wrong, in the words of the command line."""
    said = str(error)
    for name in ("row", "unit", "steps"):
        said = re.sub(rf"^{name} must", f"--{name} must", said)
    if re.match(r"in .*(is not one of the stock layers|layer must be one of)", said):
        said = said.partition(": leave it out")[0]
        said += ": give the inputs of a recurrent layer, with --layer PATH --layer-inputs"
    return said


def _of_model(args: Namespace, model: Any, layers: Mapping[str, Any], notes: list[str]) -> list[Whole]:
    """Every recurrent layer, on what the layers before it give for the model's inputs."""
    import numpy as np

    from comparisons.tracing import inputs, stored

    takes = {ref.layer: inputs.of_graph(model.graph, ref) for ref in model.graph.inputs}
    values, tokens = trace_inputs.of_model(args, takes)
    for name, array in zip(takes, values, strict=True):
        said = takes[name].steps
        if said is not None and array.shape[1] != said:
            notes.append(f"The model declares {said} steps, these inputs have {array.shape[1]}: run as they are.")
    dtype = stored.dtype(layers.values()) if args.dtype is None else np.dtype(args.dtype)
    for one, array in zip(takes.values(), values, strict=True):
        if one.indices and (array.astype(dtype) != array).any():
            raise Stop(f"the inputs must be exact in {dtype}, got {array.max():g}: give --dtype float32")
    notes += stored.doubts(model)
    wanted = [args.layer] if args.layer else list(layers)
    return stored.wholes(model, layers, values, wanted=wanted, dtype=dtype, tokens=tokens)


def _of_layer(args: Namespace, model: Any, layers: Mapping[str, Any], notes: list[str]) -> list[Whole]:
    """One layer, on inputs of its own."""
    from comparisons.tracing import inputs, stored
    from comparisons.tracing.whole import whole

    why = "with --layer-inputs" if args.layer_inputs else "since the file does not say how its layers are connected"
    if len(layers) != 1:
        raise Stop(f"--layer must be one of {_listed(layers)}, {why}, got none")
    ((path, layer),) = layers.items()
    takes = inputs.Takes(3, stored.input_dim(layer))
    values, tokens, begun = trace_inputs.of_layer(args, takes, layer)
    values = values.astype(args.dtype or stored.dtype([layer]))
    if not args.layer_inputs:
        notes.append(f"The inputs are taken as those of {path or 'the layer'} itself, {why}.")
    return [whole(path, layer, values, dtype=args.dtype, tokens=tokens, **begun)]


def _write(out: Path, traced: Trace, data: Mapping[str, Any], no_pictures: bool) -> tuple[list[str], dict[str, str]]:
    """The files that were written, and why one was left out."""
    from comparisons.render import traces_files

    left_out = {}
    writers: dict[str, reports.Writer] = {"trace.npz": traces_files.npz(traced)}
    count, most = traces_files.rows(traced.parts), traces_files.CSV_ROWS
    if count <= most:
        writers["trace.csv"] = traces_files.table(traced.parts)
    else:
        told = f"trace.csv is left out: it would have {count:,} rows, and a spreadsheet takes {most:,}"
        left_out["trace.csv"] = f"{told}; trace.npz has every number."
    count, most = traces_files.numbers(traced), traces_files.JSON_NUMBERS
    values = traces_files.values(traced) if count <= most else None
    if values is None:
        told = f"trace.json has no values: they would be {count:,} numbers, and it takes {most:,}"
        left_out["trace.json"] = f"{told}; trace.npz has every number."
    document = traces_files.document({**data, "left_out": left_out, "values": values})
    writers["trace.json"] = lambda stream: stream.write(document)
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # a weight that a font has not is no news
    with reports.progress() as progress:
        for name in () if no_pictures else traced.figures:
            writers[f"{_file(name, writers)}.png"] = _drawing(traced.figures, name, progress, len(traced.figures))
        return reports.write(out, writers), left_out


def _drawing(figures: Any, name: str, progress: Any, of: int) -> reports.Writer:
    def write(stream: Any) -> None:
        progress(f"drawing {name}", of)
        figures.draw(name).savefig(stream, format="png")

    return write


def _file(name: str, taken: Mapping[str, Any]) -> str:
    """A picture's name as that of a file that is not taken."""
    path, _, picture = name.rpartition("/")
    plain = re.sub(r"[^\w-]+", "-", path).strip("-")[:60]
    found = base = f"{plain}-{picture}" if plain else picture
    k = 2
    while f"{found}.png" in taken:
        found, k = f"{base}-{k}", k + 1
    return found
