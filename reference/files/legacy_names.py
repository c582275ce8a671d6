"""A group of a legacy .h5 without a config -> its layers, by what its arrays are called."""

from __future__ import annotations

import re

from reference.files.legacy_order import Named
from reference.files.stored import StoredLayer


def untold(name: str, named: Named, home: str) -> list[StoredLayer]:
    """A group of a file without a config: its layers, by the folders of its arrays' names."""
    where = f"{home}/{name}"
    folders: dict[str, Named] = {}
    for full, array in named:
        bare = re.sub(r":\d+$", "", full)
        folder, _, last = bare.rpartition("/")
        gate = re.fullmatch(r"(.*?)_?([WUb](?:_[icfozrh])?)", last)
        if gate and not folder:  # Keras 1: lstm_1_W_i
            folder, last = gate[1], gate[2]
        folders.setdefault(folder, []).append((last, array))
    directed: Named = []
    rest: dict[str, Named] = {}
    for folder, own in folders.items():
        way = next((w for w in ("forward", "backward") if any(p.startswith(f"{w}_") for p in folder.split("/"))), "")
        if way:
            re.search(r"cell_(\d+)$", folder)
            directed += [(f"{way}_layer/{last}", array) for last, array in own]
        else:
            rest[folder] = own
    if directed and not rest:
        return [StoredLayer(name, "", {}, dict(directed), where=where)]
    cells = [folder for folder, own in rest.items() if any(last in ("recurrent_kernel", "U") for last, _ in own)]
    if len(cells) > 1 and not directed and all("stacked_rnn_cells" in folder for folder in rest):
        arrays = {f"cells/{k}/{last}": array for k, folder in enumerate(rest) for last, array in rest[folder]}
        return [StoredLayer(name, "", {}, arrays, where=where)]
    if len(rest) == 1 and not directed:
        return [StoredLayer(name, "", {}, dict(next(iter(rest.values()))), where=where)]
    parts = [
        StoredLayer(f"{name}/{folder}" if folder else name, "", {}, dict(own), where=where)
        for folder, own in rest.items()
    ]
    if directed:
        parts.insert(0, StoredLayer(f"{name}/bidirectional", "", {}, dict(directed), where=where))
    return parts or [StoredLayer(name, "", {}, {}, where=where)]
