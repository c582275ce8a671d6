"""`gateproof diagnose`: which conventions explain the outputs that somebody got of these arrays."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

from comparisons.cli import FAILED, UNREADABLE, Answer, Stop

SCHEMA_VERSION = 1


def answer(args: Namespace) -> Answer:
    """Search what explains the outputs, compare intermediate values, or both. Raises Stop."""
    import numpy as np

    from comparisons.commands.reports import progress
    from comparisons.diagnosis import first_divergence as gates
    from comparisons.diagnosis.data import Given
    from comparisons.diagnosis.diagnosing import diagnose
    from comparisons.diagnosis.readings import NoReading
    from comparisons.render import diagnosis as render

    values = _values(args)
    x, outputs = _sequence(args, values)
    frames, file = _frames(args, x, outputs, values)
    told = bool(args.framework) or not file
    initial = _fields("--initial-state", args.initial_state, frames[0].layer, 2)
    data: dict[str, Any] = {"schema_version": SCHEMA_VERSION, "command": "diagnose", "weights": args.weights}
    found = None
    try:
        if outputs is not None:
            states = _fields("--states", args.states, frames[0].layer, 3)
            given = Given.of(frames[0].layer, x, outputs, initial, states)
            with progress() as hears:
                found = diagnose(frames, given, told, hears)
            data |= render.record(found, file, (_weights_in_python(args), _inputs_in_python(args)), told)
        if values:
            layer = found.best.layer if found is not None and found.verdict != "none" else frames[0].layer
            parted = gates.first_divergence(layer, np.asarray(x), values, initial)
            data["gates"] = render.divergence(parted, layer, values)
    except (NoReading, ValueError) as error:
        raise Stop(str(error)) from None
    if args.write_inputs and found is not None and found.telling is not None:
        _write(Path(args.write_inputs), found.telling)
        data["written"] = args.write_inputs
    right = (found is None or found.verdict == "unique") and not (data.get("gates") or {}).get("first")
    return Answer(data, lambda: render.text(data), 0 if right else FAILED)


def _frames(args: Namespace, x: Any, outputs: Any, values: Any) -> tuple[list[Any], str]:
    """The ways to read the weights, and the file's name where its arrays can be loaded by it."""
    from comparisons.commands import files, sources
    from comparisons.diagnosis.axes import CELLS
    from comparisons.diagnosis.reading import Reading
    from comparisons.diagnosis.readings import Frame, NoReading, frames
    from reference import Layer

    options = sources.options(args.option)
    if args.cell and args.cell not in CELLS:
        raise Stop(f"--cell must be one of {', '.join(CELLS)}, got {args.cell!r}")
    path = Path(args.weights)
    arrays = path.suffix in (".npz", ".npy", ".safetensors") and not args.layer
    if not arrays:
        layers = files.load(args.weights, args, only=[args.layer] if args.layer else None, **options)
        single = {name: layer for name, layer in layers.items() if isinstance(layer, Layer)}
        if len(single) != 1:
            raise Stop(
                f"--layer must be one of {', '.join(single) or 'none that is one layer alone'}, got {args.layer!r}"
            )
        return [Frame(Reading(next(iter(single.values())).astype("float64")))], ""
    width = outputs.shape[-1] if outputs is not None else next(iter(values.values())).shape[-1]
    found = _arrays("--weights", args.weights)
    found = {name[len(args.prefix) :]: a for name, a in found.items() if name.startswith(args.prefix)}
    if not found:
        raise Stop(f"--weights must hold arrays whose names begin with {args.prefix!r}, got none")
    try:
        return frames(found, x.shape[-1], width, args.cell, args.framework, options), args.weights
    except (NoReading, ValueError) as error:
        hint = "; without --framework every one is tried" if args.framework else ""
        raise Stop(f"{error}{hint}") from None


def _sequence(args: Namespace, values: dict[str, Any]) -> tuple[Any, Any]:
    """Inputs `(B, T, X)` and outputs `(B, T, H)` or `(B, H)`; of one sequence the batch may be left out."""
    x = _array("--inputs", args.inputs) if args.inputs else values.pop("x", None)
    outputs = _array("--outputs", args.outputs) if args.outputs else values.pop("outputs", None)
    values.pop("x", None)
    values.pop("outputs", None)
    if x is None:
        raise Stop("--inputs must be given, or a --gates file that holds x, got none")
    if outputs is None and not values:
        raise Stop("--outputs or --gates must be given, got neither")
    if x.ndim == 2:
        x = x[None]
        if outputs is not None and outputs.ndim == 2 and len(outputs) == x.shape[1]:
            outputs = outputs[None]
    if outputs is not None and outputs.ndim == 1:
        outputs = outputs[None]
    if outputs is not None and outputs.ndim == 2 and len(x) == 1 and len(outputs) == x.shape[1] > 1:
        outputs = outputs[None]
    if x.ndim != 3:
        raise Stop(f"--inputs must have shape (batch, time, inputs) or (time, inputs), got {x.shape}")
    return x, outputs


def _values(args: Namespace) -> dict[str, Any]:
    """The intermediate values by letter; of several layers, those of --layer."""
    if not args.gates:
        return {}
    arrays = _arrays("--gates", args.gates)
    paths = sorted({name.rpartition("/")[0] for name in arrays if "/" in name})
    if not paths:
        return arrays
    path = args.layer or (paths[0] if len(paths) == 1 else None)
    if path not in paths:
        raise Stop(f"--layer must be one of {', '.join(paths)}, whose values --gates holds, got {args.layer!r}")
    return {name[len(path) + 1 :]: a for name, a in arrays.items() if name.startswith(f"{path}/")}


def _weights_in_python(args: Namespace) -> str:
    """Python that gives the arrays of `--weights` by name."""
    path = Path(args.weights)
    loaded = f"np.load({str(path)!r})"
    if path.suffix == ".safetensors":
        loaded = f"load_file({str(path)!r})"
    if not args.prefix:
        return loaded
    start = len(args.prefix)
    return f"{{name[{start}:]: a for name, a in {loaded}.items() if name.startswith({args.prefix!r})}}"


def _inputs_in_python(args: Namespace) -> str:
    """Python that gives the inputs `(B, T, X)`."""
    path = Path(args.inputs or args.gates)
    if not args.inputs:
        under = f"{args.layer}/" if args.layer else ""
        name = next(name for name in _arrays("--gates", args.gates) if name.endswith(f"{under}x"))
        return f"np.load({str(path)!r})[{name!r}]"
    found = _array("--inputs", args.inputs)
    loaded = f"np.load({str(path)!r})"
    if path.suffix == ".npz":
        loaded = f"next(iter({loaded}.values()))"
    elif path.suffix == ".csv":
        skipped = sum(1 for line in path.read_text("utf-8-sig").splitlines() if line) - len(found)
        loaded = f"np.loadtxt({str(path)!r}, delimiter=',', ndmin=2, skiprows={skipped}, encoding='utf-8-sig')"
    return f"{loaded}[None]" if found.ndim == 2 else loaded


def _array(flag: str, path: str) -> Any:
    """The one array of a .npy, .npz or .csv file."""
    if Path(path).suffix == ".csv":
        from comparisons.proof import draws

        try:
            return draws.table(Path(path))
        except (draws.UnreadableData, OSError) as error:
            raise Stop(f"{flag}: {error}", UNREADABLE) from None
    arrays = _arrays(flag, path)
    if len(arrays) != 1:
        raise Stop(f"{flag} must hold one array, got {', '.join(sorted(arrays)) or 'none'}", UNREADABLE)
    return next(iter(arrays.values()))


def _fields(flag: str, path: str | None, layer: Any, axes: int) -> tuple[Any, ...] | None:
    """A state's fields: by name in an .npz (h, c), or h alone."""
    from reference.steps import module

    if not path:
        return None
    fields, arrays = module(layer.cell).State._fields, _arrays(flag, path)
    if len(arrays) == 1 and not set(arrays) <= set(fields):
        arrays = {fields[0]: next(iter(arrays.values()))}
    if unknown := [name for name in arrays if name not in fields]:
        raise Stop(f"{flag} must hold {', '.join(fields)}, got {unknown[0]!r}")
    missing = [name for name in fields if name not in arrays]
    if missing and axes == 2:
        raise Stop(f"{flag} must hold {', '.join(fields)}, got no {missing[0]!r}")
    return tuple(arrays.get(name) for name in fields)


def _arrays(flag: str, path: str) -> dict[str, Any]:
    from comparisons import array_files
    from reference.files.guard import FileRefused

    try:
        return array_files.read(Path(path))
    except FileRefused as refused:
        raise Stop(f"{flag}: {refused}", UNREADABLE) from None


def _write(path: Path, x: Any) -> None:
    """An .npy, whole or not at all."""
    import os

    import numpy as np

    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with unfinished.open("xb") as stream:
            np.save(stream, x.astype("float32"))
        unfinished.replace(path)
    except OSError as error:
        raise Stop(f"--write-inputs must be writable, got {str(path)!r}: {error.strerror}") from None
    finally:
        unfinished.unlink(missing_ok=True)
