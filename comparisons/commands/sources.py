"""What `gateproof convert` starts from: the arrays of a framework that was named, or a layer of a model's file."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path
from typing import Any, NamedTuple

from comparisons.cli import UNREADABLE, Stop

GUESSED = ("lstm", "gru", "simple_rnn")  # cells that the arrays alone can show


class Source(NamedTuple):
    """A layer, the framework whose arrays and options it had, and where in a model's file it was."""

    framework: str
    layer: Any
    options: dict[str, Any]
    path: str = ""


def given(args: Namespace) -> Source:
    """The layer that the arguments name. Raises Stop."""
    told = options(args.option)
    if not args.origin:
        return _of_model(args, told)
    for flag in ("layer", "config"):
        if getattr(args, flag):
            raise Stop(f"--{flag} must go with a model's file and no --from, got --from {args.origin}")
    _, layer = _unpack(args.origin, args.cell, _read(Path(args.source), args.prefix), told)
    return Source(args.origin, layer, told)


def _of_model(args: Namespace, options: dict[str, Any]) -> Source:
    from comparisons.commands import files
    from reference import NotRepresentable, pack
    from reference.files.guard import shown

    if args.prefix:
        raise Stop("--prefix must go with --from; a layer of a model is --layer")
    told = {**options, **({"cell": args.cell} if args.cell else {})}
    with files.opened(args.source, args) as model:
        era, paths = model.era, [layer.path for layer in model.layers]
    if args.layer and args.layer not in paths:
        raise Stop(f"--layer must be one of {', '.join(map(shown, paths))}, got {args.layer!r}")
    layers = files.load(args.source, args, only=[args.layer] if args.layer else None, **told)
    path = next(iter(layers), "")
    if len(layers) != 1:
        if args.layer:
            raise Stop(f"--layer must be a recurrent layer, got {args.layer!r}")
        raise Stop(f"--layer must be one of {', '.join(map(shown, layers))}, got none")
    try:
        pack(layers[path], era)
    except (NotRepresentable, ValueError):
        era = "keras"
    return Source(era, layers[path], told, path)


def options(words: list[str]) -> dict[str, Any]:
    """`name=value`, the value as JSON, or as Python's True, False and None, or as it is."""
    plain = {"True": True, "False": False, "None": None}
    found: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not (name.isidentifier() and equals):
            raise Stop(f"--option must be name=value, got {word!r}")
        if name in found:
            raise Stop(f"--option must be given once for each name, got {name!r} twice")
        try:
            found[name] = plain[value] if value in plain else json.loads(value)
        except (ValueError, RecursionError):
            found[name] = value
    return found


def _read(path: Path, prefix: str) -> dict[str, Any]:
    from comparisons import array_files
    from reference.files.guard import FileRefused

    try:
        arrays = array_files.read(path)
    except FileRefused as error:
        raise Stop(str(error), UNREADABLE) from None
    arrays = {name[len(prefix) :]: array for name, array in arrays.items() if name.startswith(prefix)}
    if not arrays:
        raise Stop(f"{path.name!r} must hold arrays whose names begin with {prefix!r}, got none", UNREADABLE)
    return arrays


def _unpack(framework: str, cell: str | None, arrays: dict[str, Any], options: dict[str, Any]) -> tuple[str, Any]:
    """The layer, as the cell that was said, or as the one cell that fits the arrays."""
    from reference import unpack
    from reference.conventions.assembling import known

    fits, refused = {}, {}
    try:
        home = known(framework)
        guessed = [cell] if cell else [name for name in GUESSED if any(key.split()[0] == name for key in home.forms)]
        for name in guessed:
            try:
                fits[name] = unpack(framework, name, arrays, **options)
            except ValueError as error:
                refused[name] = str(error)
    except ValueError as error:
        raise Stop(str(error)) from None
    if len(fits) == 1:
        return next(iter(fits.items()))
    if fits:
        raise Stop(f"--cell must be given, since the arrays fit {' and '.join(fits)}, got none")
    if cell:
        raise Stop(refused[cell])
    why = "; ".join(f"as {name}, {reason}" for name, reason in refused.items())
    raise Stop(f"--cell must be one of {', '.join(guessed)} that fits the arrays: {why}")
