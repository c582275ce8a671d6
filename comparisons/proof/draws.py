"""What the cases run on: the series in windows, the one-hot sentence, asymmetric draws of weights and masks."""

from __future__ import annotations

import csv
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
from numpy.typing import NDArray

from comparisons.proof.cases import WINDOW, Case
from reference import Bidirectional, Dropout, Layer, Stack, Wrapped, steps

Array = NDArray[Any]

SENTENCE = "公主很漂亮"
CHARACTERS = "公主很漂亮王子也高大"
LARGEST = 256 * 2**20  # bytes of a data file


class UnreadableData(ValueError):
    """A data file that is missing, malformed or holds no series."""


def sunspots() -> Array:
    """The monthly mean sunspot numbers, 1749–2009: `(3126, 1)`, public domain."""
    with resources.files("comparisons").joinpath("data/sunspots_monthly.csv").open(encoding="utf-8") as lines:
        return np.array([[float(row["mean_sunspot_number"])] for row in csv.DictReader(lines)])


def load(path: Path) -> Array:
    """A user's series from .npy, .npz or .csv: `(T,)`, `(T, X)` or `(B, T, X)`, finite numbers.

    A .csv has a row a time step and a column a feature, with or without a line of names; an .npz holds one array.
    Raises UnreadableData, with the place and the value, for anything else.
    """
    readers = {".npy": _npy, ".npz": _npz, ".csv": table}
    if path.suffix not in readers:
        raise UnreadableData(f"data must be a .npy, .npz or .csv file, got {str(path)!r}")
    if not path.is_file():
        raise UnreadableData(f"no data file {str(path)!r}")
    if path.stat().st_size > LARGEST:
        raise UnreadableData(f"data must be no more than {LARGEST} bytes, {path.name!r} has {path.stat().st_size}")
    values = readers[path.suffix](path)
    if values.dtype.kind not in "fiub" or values.dtype.itemsize > 8:
        raise UnreadableData(f"data must be real numbers, {path.name!r} holds {values.dtype}")
    values = values.astype("float64")
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim not in (2, 3) or 0 in values.shape or values.shape[-2] < 3:
        raise UnreadableData(
            f"data must have shape (time,), (time, features) or (batch, time, features), and three steps or more, "
            f"got {values.shape} in {path.name!r}"
        )
    if not np.isfinite(values).all():
        at = tuple(int(k) for k in np.argwhere(~np.isfinite(values))[0])
        raise UnreadableData(f"data must be finite, got {values[at]} at {at} in {path.name!r}")
    return values


def _npy(path: Path) -> Array:
    try:
        # Mapped, so that a header that promises more than the file holds is an error and not an allocation.
        return np.array(np.load(path, allow_pickle=False, mmap_mode="r"))
    except Exception as error:  # whatever a damaged file makes NumPy raise
        raise UnreadableData(f"{path.name!r} is no array file that can be read: {_first_line(error)}") from error


def _npz(path: Path) -> Array:
    try:
        with ZipFile(path) as archive:
            total = sum(member.file_size for member in archive.infolist())
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as loaded:
            names = loaded.files
            values = loaded[names[0]] if len(names) == 1 and total <= LARGEST else np.zeros(0)
    except Exception as error:  # whatever a damaged file makes NumPy or zipfile raise
        raise UnreadableData(f"{path.name!r} is no array file that can be read: {_first_line(error)}") from error
    if total > LARGEST:
        raise UnreadableData(f"data must be no more than {LARGEST} bytes, {path.name!r} unpacks to {total}")
    if len(names) != 1:
        raise UnreadableData(f"an .npz must hold one array, {path.name!r} holds {sorted(names)}")
    return values


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def table(path: Path) -> Array:
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            rows = [(reader.line_num, row) for reader in [csv.reader(lines)] for row in reader if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise UnreadableData(f"{path.name!r} is no table that can be read: {error}") from error
    if rows and not any(_number(cell) is not None for cell in rows[0][1]):
        rows = rows[1:]  # the line of names
    if not rows:
        raise UnreadableData(f"{path.name!r} holds no numbers")
    width = len(rows[0][1])
    for line, row in rows:
        if len(row) != width:
            raise UnreadableData(f"line {line} of {path.name!r} must have {width} columns, got {len(row)}")
        for cell in row:
            if _number(cell) is None:
                raise UnreadableData(f"line {line} of {path.name!r} must hold numbers, got {cell!r}")
    return np.array([[float(cell) for cell in row] for _, row in rows])


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def windows(series: Array) -> Array:
    """Cut a series `(T, X)` into windows `(B, T, X)` of at most WINDOW steps and one, each feature scaled into ±1.

    A window's last step is the one to predict. `(B, T, X)` is only scaled.
    """
    scale = np.abs(series).max(axis=tuple(range(series.ndim - 1)))
    series = series / np.where(scale == 0, 1, scale)
    if series.ndim == 3:
        return series
    steps = min(WINDOW + 1, len(series))
    return np.stack([series[k : k + steps] for k in range(0, len(series) - steps + 1, steps)])


def sentence() -> Array:
    """The sentence, one-hot: `(1, 5, 10)`."""
    return np.eye(len(CHARACTERS))[None, [CHARACTERS.index(character) for character in SENTENCE]]


def weights(case: Case, input_dim: int, seed: int) -> Layer:
    """A layer of normal draws over √(X + H): no two entries equal, so that every swap shows, and contractive enough
    that rounding stays rounding. Biases are as large as the kernels make pre-activations."""
    draw = np.random.default_rng([seed, *case.name.encode()])
    H, options = case.units, {**steps.options(case.cell), **case.options}
    R, C = case.recurrent_dim or H, sum(steps.widths(case.cell, H, options).values())
    two = case.two_biases or (case.cell == "gru" and options["reset_after"])
    has = {"bias": case.use_bias, "recurrent_bias": case.use_bias and two}
    arrays = {}
    for name, spec in steps.shapes(case.cell).items():
        shape = steps.shape(spec, X=input_dim, H=H, R=R, C=C)
        if name in case.without or not has.get(name, True):
            continue
        around = 1 if name.endswith("gamma") else 0
        arrays[name] = around + draw.normal(size=shape) / (2 if len(shape) == 1 else np.sqrt(input_dim + H))
    return Layer(case.cell, steps.weights_type(case.cell)(**arrays), dict(case.options))


def layer(case: Case, input_dim: int, seed: int, batch: int = 1) -> Layer | Stack | Bidirectional | Wrapped:
    """The case's layers in float64, each with weights of its own: one, or a stack, or two directions, or both; wrapped
    with masks for `batch` rows where the case says so."""
    if case.above:
        below = layer(replace(case, above=None), input_dim, seed, batch)
        assert isinstance(below, Layer | Wrapped)
        return Stack((below, layer(case.above, below.recurrent_dim, seed, batch)))  # type: ignore[arg-type]
    if case.wrapper:
        return wrapped(case, weights(case, input_dim, seed), seed, batch)
    directed = lambda one, backwards: replace(one, go_backwards=backwards)
    built: list[Any] = []
    for k in range(case.layers):
        ways = [weights(case, input_dim, seed + 1000 * (2 * k + way)) for way in range(1 + case.bidirectional)]
        input_dim = ways[0].recurrent_dim
        if case.bidirectional:
            forward, backward = map(directed, ways, (False, True))
            built.append(Bidirectional(forward, backward, case.merge_mode))
            input_dim *= 1 + (case.merge_mode == "concat")
        else:
            built.append(directed(ways[0], case.go_backwards))
    return Stack(tuple(built)) if case.layers > 1 else built[0]


def wrapped(case: Case, layer: Layer, seed: int, batch: int) -> Wrapped:
    """The layer in the case's wrappers, with drawn masks, each with something kept and something dropped."""
    draw = np.random.default_rng([seed, 2, *case.name.encode()])
    rows, steps = (1, 1) if case.wrapper.get("variational_recurrent") else (batch, case.steps)

    def dropout(part: str, width: int) -> Dropout | None:
        keep_prob = case.wrapper.get(f"{part}_keep_prob")
        if keep_prob is None:
            return None
        kept = draw.random((rows, steps, width)) < keep_prob
        kept[0, 0, :2] = True, False
        return Dropout(kept, keep_prob)

    residual = case.wrapper.get("residual")
    return Wrapped(
        Wrapped(layer, residual=True) if residual == "inside" else layer,
        dropout("input", layer.input_dim),
        dropout("state", layer.recurrent_dim),
        dropout("output", layer.recurrent_dim),
        residual == "outside",
    )


def inputs(case: Case, batch: int, seed: int) -> Array:
    """Normal draws `(B, T, X)`, others than those of the weights."""
    return np.random.default_rng([seed, 1, *case.name.encode()]).normal(size=(batch, case.steps, case.features))


def mask(batch: int, steps: int, seed: int) -> Array:
    """`(B, T)`: about a quarter of the steps masked at random, the first two of the first sequence, the last of the
    last sequence if there is another."""
    drawn = np.random.default_rng(seed).random((batch, steps)) > 0.25
    drawn[0, :2] = False
    drawn[1:][-1:, -1] = False
    return drawn
