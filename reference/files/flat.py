"""Arrays by their full names (.npz, .safetensors, state dicts) -> layers: by prefix, and by whose names they are.

The names and forms of every framework are those of `reference.conventions`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache

from reference import steps
from reference.conventions.frameworks import FRAMEWORKS
from reference.conventions.storage import parse
from reference.conventions.unpacking import unpack
from reference.files import legacy_h5
from reference.files.guard import FileRefused, Guard, shown
from reference.files.recurrent import Reader
from reference.files.stored import Stored, StoredLayer, StoredModel
from reference.files.untold import Told
from reference.layer import AnyLayer, Bidirectional, Layer, Stack

KERAS = ("keras", "keras2", "keras1")
# What a layer's numbers depend on and arrays do not show.
_ASKED = ("activations", "activation", "recurrent_activation", "forget_bias", "reset_after", "output_activation")

Groups = dict[str, dict[str, Stored]]  # prefix: the arrays behind it by their own names


def model(file: str, form: str, arrays: Mapping[str, Stored]) -> StoredModel:
    """The file's layers; `era` is whose names they have, empty where that is not to be seen."""
    owner = _owner(arrays)
    layers = tuple(_layers(owner, arrays))
    return StoredModel(file, form, owner, layers, era_said=owner not in ("", "keras"), named=arrays)


def load(stored: StoredModel, guard: Guard, told: Told, only: Sequence[str] | None = None) -> dict[str, AnyLayer]:
    """The recurrent layers. Raises FileRefused with the code "not-said" where whose arrays they are must be said."""
    arrays = stored.named
    said = told.options.get("framework")
    if said is not None and said not in FRAMEWORKS:
        raise ValueError(f"framework must be one of {', '.join(FRAMEWORKS)}, got {said!r}")
    if said is None and not stored.era:
        told.needed(StoredLayer("", "", {}, {}), ["framework", "cell"])
    if stored.era_said and said not in (None, stored.era):
        raise ValueError(f"framework must be {stored.era!r}, as the file shows, or be left out, got {said!r}")
    owner = said or stored.era
    told.used |= {"framework"} & told.options.keys()
    if owner in KERAS:
        own = replace(
            stored, era=owner, layers=tuple(_layers(owner, arrays)), era_said=stored.era_said or said is not None
        )
        reader = Reader(own, guard, told)
        return {layer.path: reader.read(layer) for layer in chosen(own, only) if reader.is_recurrent(layer)}
    found: dict[str, AnyLayer] = {}
    for layer in chosen(replace(stored, layers=tuple(_layers(owner, arrays))), only):
        if _recurrent(owner, layer.arrays):
            found[layer.path] = _read(owner, layer, guard, told)
    return found


def chosen(model: StoredModel, only: Sequence[str] | None) -> tuple[StoredLayer, ...]:
    """The layers that are asked for. Raises ValueError for a name that no layer has."""
    paths = [layer.path for layer in model.layers]
    for name in only or ():
        if name not in paths:
            raise ValueError(f"only must name layers of the file ({', '.join(map(shown, paths))}), got {name!r}")
    return tuple(layer for layer in model.layers if only is None or layer.path in only)


def _layers(owner: str, arrays: Mapping[str, Stored]) -> list[StoredLayer]:
    if owner in KERAS:
        tops: dict[str, legacy_h5.Named] = {}
        for name, array in arrays.items():
            tops.setdefault(name.split("/")[0] if "/" in name else "", []).append((name, array))
        parts = [part for top, named in tops.items() for part in legacy_h5.untold(top, named, "")]
        return [replace(part, where=part.path) for part in parts]
    groups: Groups = {}
    pattern = _pattern(owner) if owner else None
    for name, array in arrays.items():
        match = pattern.fullmatch(name) if pattern else None
        prefix, short = (match[1] or "", match[2]) if match else _split(name)
        groups.setdefault(prefix, {})[short] = array
    return [StoredLayer(prefix, "", {}, own, where=prefix) for prefix, own in groups.items()]


def _split(name: str) -> tuple[str, str]:
    """
    >>> _split("encoder.fc.weight")
    ('encoder.fc', 'weight')
    """
    cut = max(name.rfind("/"), name.rfind("."))
    return (name[:cut], name[cut + 1 :]) if cut >= 0 else ("", name)


@cache
def _names(framework: str) -> frozenset[str]:
    return frozenset(name for form in FRAMEWORKS[framework].forms.values() for name in form.arrays)


@cache
def _pattern(framework: str) -> re.Pattern[str]:
    """A prefix, and behind it the longest name that the framework has, in any layer and direction."""
    home = FRAMEWORKS[framework]
    names = "|".join(re.escape(name) for name in sorted(_names(framework), key=len, reverse=True))
    ways = "|".join(re.escape(way) for way in home.directions if way)
    if home.layers.startswith("_"):
        own = rf"(?:{names})(?:_l\d+)?(?:{ways})?"
    else:
        number = re.escape(home.layers).replace(r"\{\}", r"\d+")
        own = (rf"(?:{ways})?" if ways else "") + (rf"(?:{number})?" if number else "") + rf"(?:{names})"
    return re.compile(rf"(?:(.*?)[/.])?({own})(?::\d+)?", re.DOTALL)


def _owner(arrays: Mapping[str, Stored]) -> str:
    """The one framework that has names like these, empty where there is none or there are several."""
    if any(re.search(r"(^|/)recurrent_kernel(:\d+)?$", name) for name in arrays):
        return "keras"
    found: set[str] = set()
    for framework in FRAMEWORKS:
        if framework in ("keras", "keras2", "cudnn"):
            continue
        others = frozenset().union(*(_names(other) for other in FRAMEWORKS if other != framework))
        pattern, own = _pattern(framework), _names(framework) - others
        for match in filter(None, map(pattern.fullmatch, arrays)):
            short = re.sub(r"(_l\d+)?(_reverse)?$", "", match[2])
            if short in own and "_" in short + "_" * ("/" in short):
                found.add(framework)
    return found.pop() if len(found) == 1 else ""


def _recurrent(framework: str, arrays: Mapping[str, Stored]) -> bool:
    """Whether arrays are those of a cell: all that hold its recurrent kernels are there."""
    bare = {
        re.sub(r"^(.*/)?(?=[^/]+(/[^/]+)?$)", "", re.sub(r"(_l\d+)?(_reverse)?$", "", name)) for name in arrays
    } | set(arrays)
    for form in FRAMEWORKS[framework].forms.values():
        needed = {name for name, text in form.arrays.items() if "U" in parse(text).kinds}
        if needed and needed <= bare:
            return True
    return False


def _read(framework: str, layer: StoredLayer, guard: Guard, told: Told) -> AnyLayer:
    cell = told.get(layer, "cell", None) or _cell(framework, layer)
    if cell is None:
        told.needed(layer, ["cell"])
    if cell not in steps.CELLS:
        raise ValueError(f"cell must be one of {', '.join(steps.CELLS)}, got {cell!r}")
    takes = FRAMEWORKS[framework].takes(cell)
    asked = [name for name, option in takes.items() if {option.means, name} & {*_ASKED} and not option.own]
    options = told.needed(layer, asked)
    options |= {name: told.get(layer, name) for name in takes if name in told.options and told.has(layer, name)}
    place = f"{shown(layer.path)} of {guard.file}" if layer.path else guard.file
    try:
        made = unpack(framework, cell, {name: array.read() for name, array in layer.arrays.items()}, **options)
    except FileRefused:
        raise
    except ValueError as error:
        code = "missing-weight" if "must have an array" in str(error) else "shape"
        raise FileRefused(code, f"{place}: {shown(error)}") from None
    return sourced(made, f"{guard.file}: {layer.path or '/'} ({FRAMEWORKS[framework].title})")


def _cell(framework: str, layer: StoredLayer) -> str | None:
    """The one cell whose names these are, or, where several have them, whose gates are as many."""
    fitting: set[str] = set()
    for key, form in FRAMEWORKS[framework].forms.items():
        for name, text in form.arrays.items():
            spec = parse(text)
            found = next(
                (a for full, a in layer.arrays.items() if re.fullmatch(rf"(.*/)?{re.escape(name)}(_l\d+.*)?", full)),
                None,
            )
            if spec.kinds != "U" or found is None or len(found.shape) != 2:
                continue
            wide, units = found.shape if spec.transposed else found.shape[::-1]
            if units and wide == len(spec.gates) * units:
                fitting.add(key.split()[0])
    fitting = {"lstm" if cell == "peephole_lstm" else cell for cell in fitting}
    return fitting.pop() if len(fitting) == 1 else None


def sourced(layer: AnyLayer, source: str) -> AnyLayer:
    """The layer, and all that it is made of, with where they came from."""
    if isinstance(layer, Layer):
        return replace(layer, source=source)
    if isinstance(layer, Stack):
        return replace(layer, layers=tuple(sourced(own, source) for own in layer.layers), source=source)
    assert isinstance(layer, Bidirectional)
    forward, backward = (sourced(own, source) for own in (layer.forward, layer.backward))
    return replace(layer, forward=forward, backward=backward, source=source)  # type: ignore[arg-type]
