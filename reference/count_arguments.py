"""The arguments of a parameter count, checked, and the form of the cell that they mean. No NumPy."""

from __future__ import annotations

from collections.abc import Collection
from operator import index
from typing import NamedTuple, SupportsIndex

from reference.conventions.counted import CELLS, FORMS, SQUARE, VARIANTS, WITHOUT_BIAS, held, reset_of
from reference.conventions.frameworks import FRAMEWORKS
from reference.conventions.storage import REQUIRED

# What belongs to some cells alone: the others are refused.
BELONGS = {
    "projection": ("peephole_lstm", "jordan"),
    "peepholes": ("peephole_lstm", "cifg"),
    "cells_per_block": ("lstm",),
    "variant": ("greff_lstm",),
}


class Asked(NamedTuple):
    """What is counted, but for its size; the errors are those of `count_parameters`."""

    cell: str
    convention: str = "keras"
    use_bias: bool | None = None
    reset_after: bool | None = None
    layers: int = 1
    bidirectional: bool = False
    projection: int | None = None
    peepholes: bool | None = None
    cells_per_block: int = 1
    variant: str = "V"


def checked(asked: Asked, X: int, H: int) -> Asked:
    """The question with its integers and flags checked, and use_bias settled."""
    known("cell", asked.cell, CELLS)
    for name, cells in BELONGS.items():
        if getattr(asked, name) != Asked._field_defaults[name] and asked.cell not in cells:
            raise ValueError(f"{name} must go with {' or '.join(cells)}, got {asked.cell}")
    use_bias = asked.use_bias
    if use_bias is None:
        use_bias = asked.cell not in WITHOUT_BIAS
    if asked.cell in SQUARE and X != H:
        raise ValueError(
            f"units of {asked.cell} must be its inputs, {X}, since a gate gets x without a matrix, got {H}"
        )
    if asked.cell in SQUARE and asked.layers != 1 and asked.bidirectional:
        raise ValueError(
            f"layers of a bidirectional {asked.cell} must be 1, since the next one gets 2 x units, got {asked.layers}"
        )
    if asked.peepholes is not None:
        _flag("peepholes", asked.peepholes)
    projection = asked.projection if asked.projection is None else positive("projection", asked.projection)
    convention = FRAMEWORKS[known("convention", asked.convention, FRAMEWORKS)]
    form = convention.forms.get(asked.cell)
    for what, wanted, kind in (("projection", projection, "V"), ("peepholes", asked.peepholes, "p")):
        if wanted and form is not None and asked.cell in ("peephole_lstm", "cifg") and not form.stored(kind):
            raise ValueError(
                f"{what} of {asked.cell} must be left out in {asked.convention}, which has none, got {wanted}"
            )
    if asked.cell == "peephole_lstm" and form and not form.stored("p") and asked.peepholes is None and not projection:
        raise ValueError(
            f"projection of a peephole_lstm must be given in {asked.convention}, without peepholes, got none"
        )
    return asked._replace(
        use_bias=_flag("use_bias", use_bias),
        layers=positive("layers", asked.layers),
        bidirectional=_flag("bidirectional", asked.bidirectional),
        projection=projection,
        cells_per_block=positive("cells_per_block", asked.cells_per_block),
        variant=known("variant", asked.variant, VARIANTS),
    )


def find_form(
    cell: str, convention: str = "keras", use_bias: bool | None = None, reset_after: bool | None = None
) -> str:
    """The key in `FORMS` of what is asked for. Raises ValueError, with a way out, if the framework lacks it."""
    known("cell", cell, CELLS)
    known("convention", convention, FRAMEWORKS)
    keys = {key: reset_of(key) for key in FORMS if key.split()[0] == cell}
    resets = list(keys.values())
    after = _default_reset(convention) if reset_after is None and cell == "gru" else reset_after
    if after not in resets:
        raise ValueError(f"reset_after of {cell} must be {' or '.join(map(str, resets))}, got {reset_after!r}")
    form, without = next(key for key, reset in keys.items() if reset == after), ""
    use_bias = use_bias if use_bias is None else _flag("use_bias", use_bias)
    without = " without bias" if use_bias is False and cell not in WITHOUT_BIAS else ""
    if reason := lacking(convention, form, not without):
        holders = " or ".join(name for name in FRAMEWORKS if not lacking(name, form, not without))
        raise ValueError(f"convention of {form}{without} must be {holders}, got {convention!r}: {reason}")
    return form


def _default_reset(convention: str) -> bool | None:
    """The reset of a framework's gru about which nothing is said: its option's default, or the only one that it has."""
    option = next((o for o in FRAMEWORKS[convention].takes("gru").values() if o.means == "reset_after"), None)
    if option is None:
        return "gru reset after" in FRAMEWORKS[convention].forms
    return None if option.default is REQUIRED else bool(option.default)


def lacking(convention: str, form: str, use_bias: bool = True) -> str:
    """Why the framework does not have this form, or not without bias; empty if it does.

    >>> lacking("pytorch", "gru reset before")
    'torch.nn.GRU resets after the matmul'
    """
    home = FRAMEWORKS[convention]
    reasons: list[str] = []
    if form not in held(convention):
        reasons.append(home.lacks.get(form, f"{home.title} has no {form}"))
    if not use_bias and "without bias" in home.lacks:
        reasons.append(home.lacks["without bias"])
    return "; ".join(reasons)


def known(kind: str, name: object, names: Collection[str]) -> str:
    """`name`, if it is one of `names`; else raises ValueError with the nearest of them.

    >>> known("cell", "lstn", CELLS)
    Traceback (most recent call last):
    ValueError: unknown cell 'lstn': did you mean lstm? The cells are simple_rnn, ...
    """
    if isinstance(name, str) and name in names:
        return name
    from difflib import get_close_matches  # only an error needs it

    near = get_close_matches(str(name).lower(), names, n=1)
    hint = f": did you mean {near[0]}? The" if near else "; the"
    raise ValueError(f"unknown {kind} {name!r}{hint} {kind}s are {', '.join(names)}")


def positive(name: str, value: SupportsIndex) -> int:
    """`value` as a Python int: a NumPy integer will do, a bool or a float will not."""
    if isinstance(value, bool) or not hasattr(value, "__index__") or index(value) < 1:
        raise ValueError(f"{name} must be a positive integer, got {value!r}")
    return index(value)


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be True or False, got {value!r}")
    return value
