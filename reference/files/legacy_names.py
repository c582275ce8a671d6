"""A group of a legacy .h5 without a config -> its layers, by what its arrays are called."""

from __future__ import annotations

import re

from reference.files.legacy_order import Named
from reference.files.stored import Stored, StoredLayer

_KERAS1 = re.compile(r"(.*?)_?([WUb](?:_[icfozrh])?)")  # lstm_1_W_i
_CELL = re.compile(r"[a-z0-9_]*cell(_\d+)?")
_STACK = "stacked_rnn_cells"


def untold(name: str, named: Named, home: str) -> list[StoredLayer]:
    """The layers of one group, where several of a nested model stand in it, by the folders of their arrays' names."""
    where = f"{home}/{name}"
    found: dict[str, dict[str, dict[str, dict[str, Stored]]]] = {}  # layer, direction, cell, array
    for full, array in named:
        layer, direction, cell, last = _parts(re.sub(r":\d+$", "", full))
        found.setdefault(layer, {}).setdefault(direction, {}).setdefault(cell, {})[last] = array
    layers: list[StoredLayer] = []
    for layer, directions in found.items():
        arrays: dict[str, Stored] = {}
        for direction, cells in directions.items():
            for k, (cell, own) in enumerate(cells.items()):
                under = f"{direction}cells/{k}/" if _STACK in cell or len(cells) > 1 else direction
                arrays |= {under + last: array for last, array in own.items()}
        inner = "" if layer == name else layer.removeprefix(f"{name}/")
        path = "/".join(part for part in (name, inner) if part) if len(found) > 1 else name
        layers.append(StoredLayer(path, "", {}, arrays, where=where))
    return layers or [StoredLayer(name, "", {}, {}, where=where)]


def _parts(name: str) -> tuple[str, str, str, str]:
    """The layer's folder, the direction, the cell's folder and the array's own name.

    >>> _parts("both/forward_lstm/lstm_cell/kernel")
    ('both', 'forward_layer/', 'lstm_cell', 'kernel')
    >>> _parts("lstm_1_W_i")
    ('lstm_1', '', '', 'W_i')
    """
    *folders, last = name.split("/")
    gate = _KERAS1.fullmatch(last)
    if gate and not folders:
        folders, last = [part for part in (gate[1],) if part], gate[2]
    direction, cell = "", ""
    for k, folder in enumerate(folders):
        way = next((way for way in ("forward", "backward") if folder.startswith(f"{way}_")), "")
        if way:
            direction, cell = f"{way}_layer/", "/".join(folders[k + 1 :])
        elif k and (folder == _STACK or (k == len(folders) - 1 and _CELL.fullmatch(folder))):
            cell = "/".join(folders[k:])
        if way or cell:
            return "/".join(folders[:k]), direction, cell, last
    return "/".join(folders), "", "", last
