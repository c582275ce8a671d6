"""What `gateproof trace` is given: a model's inputs or a single layer's, from a file or from a text."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comparisons.cli import Stop

if TYPE_CHECKING:
    from comparisons.tracing.inputs import Takes


def of_model(args: Namespace, takes: Mapping[str, Takes]) -> tuple[list[Any], Any]:
    """The inputs of a model, by the names of its inputs where there are several; and the texts of the steps."""
    from comparisons.tracing import inputs

    if args.text is not None:
        if len(takes) != 1:
            raise Stop(f"--text must go with a model of one input, got one of {len(takes)}: {', '.join(takes)}")
        values, tokens = _text(args, next(iter(takes.values())))
        return [values], tokens
    arrays = inputs.read(Path(args.inputs))
    if len(takes) == 1:
        ((name, one),) = takes.items()
        found = _only(arrays, ("x", "inputs", name), args.inputs)
        return [inputs.shaped(found, one)], None
    if missing := [name for name in takes if name not in arrays]:
        must = f"--inputs must hold an array for each of the model's inputs, {', '.join(takes)}"
        raise Stop(f"{must}, got none for {missing[0]} in {Path(args.inputs).name!r}")
    return [inputs.shaped(arrays[name], one) for name, one in takes.items()], None


def of_layer(args: Namespace, takes: Takes, layer: Any) -> tuple[Any, Any, dict[str, Any]]:
    """The inputs of a layer, the texts of the steps, and the mask and the states to begin with that a file may hold."""
    from comparisons.tracing import inputs

    if args.text is not None:
        return *_text(args, takes), {}
    arrays = inputs.read(Path(args.inputs))
    values = inputs.shaped(_only(arrays, ("x", "inputs"), args.inputs), takes)
    begun = {"mask": arrays["mask"]} if "mask" in arrays else {}
    states = {name.removeprefix("initial_"): a for name, a in arrays.items() if name.startswith("initial_")}
    return values, None, begun | ({"initial_state": _state(layer, states)} if states else {})


def _state(layer: Any, given: Mapping[str, Any]) -> Any:
    """The state to begin with, zeros where the file has no field of that name."""
    import numpy as np

    from reference.layer import Layer
    from reference.steps import module

    fields = module(layer.cell).State._fields if isinstance(layer, Layer) else ()
    if unknown := [name for name in given if name not in fields]:
        got = f"initial_{unknown[0]}"
        if not fields:
            raise Stop(f"--inputs must hold no {got}: a state to begin with is taken for a single layer alone")
        raise Stop(f"--inputs must hold {' or '.join(f'initial_{name}' for name in fields)}, got {got}")
    some = next(iter(given.values()))
    widths = [layer.recurrent_dim] + [layer.units] * (len(fields) - 1)
    return tuple(given.get(name, np.zeros((len(some), width))) for name, width in zip(fields, widths, strict=True))


def _only(arrays: Mapping[str, Any], names: Sequence[str], path: str) -> Any:
    """The one array of a file, or that with one of the names."""
    if len(arrays) == 1:
        return next(iter(arrays.values()))
    for name in names:
        if name in arrays:
            return arrays[name]
    raise Stop(f"--inputs must hold one array, or one called {' or '.join(names)}, got {', '.join(arrays) or 'none'}")


def _text(args: Namespace, takes: Takes) -> tuple[Any, Any]:
    from comparisons.render import traces_axes
    from comparisons.tracing import inputs

    known = inputs.vocabulary(Path(args.vocabulary))
    tokens = inputs.tokens(args.text, known)
    if not args.no_pictures and (lost := traces_axes.undrawn(tokens)):
        named = " ".join(lost[:20]) + (" …" if len(lost) > 20 else "")
        said = f"no installed font draws {len(lost)} of the text's characters, which are shown by code point: {named}"
        print(f"gateproof trace: {said}", file=sys.stderr)
    return inputs.encoded(tokens, known, takes), (tuple(tokens),)
