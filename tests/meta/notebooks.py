"""The notebooks of docs/notebooks: executed in a kernel of their own, compared with what is stored, and stored again.

`python tests/meta/notebooks.py [NAME …]` executes them and stores what is new; one that fails is left as it is.
"""

from __future__ import annotations

import io
import os
import re
import sys
from base64 import b64decode, b64encode
from collections.abc import Iterator
from copy import deepcopy
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
from nbclient import NotebookClient
from PIL import Image
from traitlets.config import Config

FOLDER = Path(__file__).parents[2] / "docs/notebooks"
PATHS = sorted(FOLDER.glob("*.ipynb"))
SECONDS = 300  # for a cell; all of a notebook take about 20
MEASURED = "measured"  # the tag of a cell whose numbers are others on each machine: of its output the words count
COLOURS = 128  # of a stored picture
NOT_A_READER_S = ("TF_", "JAX_", "KERAS_", "MPL", "PYTEST")  # variables of the suite

# A SHA-256, a version, or a number that is no part of a name.
NUMBER = re.compile(
    r"\b[0-9a-f]{64}\b|(?<![\w.])(?:\d+(?:\.\d+){2,}|[-+−]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?)(?!\w|\.\d)"
)
ROUNDED = re.compile(r"[-+−]?\d[\d,]*(?:\.\d+(?:e[-+]?\d+)?|e[-+]?\d+)")
RULE = re.compile("─+")  # of a table, as long as its columns are wide
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def read(path: Path) -> Any:
    """The notebook as it is stored."""
    return nbformat.read(path, as_version=4)


def executed(notebook: Any) -> Any:
    """The notebook with the outputs that its cells give now, in a folder that is then removed, without the user's
    settings of IPython and Jupyter; all else as it is.

    Raises nbclient's CellExecutionError where a cell raises, ValueError where one writes to stderr.
    """
    notebook = deepcopy(notebook)
    for cell in _code(notebook):
        cell.outputs, cell.execution_count = [], None
    with TemporaryDirectory() as home:  # short, since a socket's path may have 107 characters
        here = Path(home, "here")
        here.mkdir()
        config = Config({"KernelManager": {"transport": "ipc", "connection_file": f"{home}/kernel.json"}})
        client = NotebookClient(
            notebook, config=config, timeout=SECONDS, kernel_name="python3", record_timing=False, coalesce_streams=True
        )
        client.execute(cwd=here, env=_environment(home))
    for cell in _code(notebook):
        for output in cell.outputs:
            if output.get("name") == "stderr":
                raise ValueError(f"cell {cell.id!r} must write nothing to stderr, got {output.text.strip()!r}")
    return _normal(notebook)


def _environment(home: str) -> dict[str, str]:
    """That of a reader who has the project's commands on the PATH and no graphics card."""
    own = dict.fromkeys(("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"), home)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    left = {name: value for name, value in os.environ.items() if not name.startswith(NOT_A_READER_S)}
    return {**left, **own, "PATH": path, "CUDA_VISIBLE_DEVICES": "-1"}


def _normal(notebook: Any) -> Any:
    """Without what differs from machine to machine: metadata, and pictures in more colours than they need."""
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({"tags": tags} if (tags := cell.metadata.get("tags")) else {})
    for cell in _code(notebook):
        for output in cell.outputs:
            if "metadata" in output:
                output.metadata = nbformat.from_dict({})
            if "image/png" in output.get("data", {}):
                output.data["image/png"] = _smaller(output.data["image/png"])
    return notebook


def _smaller(png: str) -> str:
    """The same picture in a palette, a third of the size."""
    written = io.BytesIO()
    picture(png).quantize(COLOURS, dither=Image.Dither.NONE).save(written, "png", optimize=True)
    return b64encode(written.getvalue()).decode()


def picture(png: str) -> Any:
    """A stored picture, on white."""
    drawn = Image.open(io.BytesIO(b64decode(png))).convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", drawn.size, "white"), drawn).convert("RGB")


def differences(stored: Any, found: Any) -> Iterator[str]:
    """Where what a notebook stores is not what its cells give: a sentence for each.

    Texts must be equal but for the width of spaces, and so must whole numbers; others may differ by two units of the
    last place that is printed (more digits would be noise of the machine, and have no place in a notebook). In a cell
    tagged `measured` numbers may be any. Of pictures there must be as many, and none of one colour.
    """
    for old, new in zip(_code(stored), _code(found), strict=True):
        yield from (f"cell {old.id!r}: {said}" for said in _apart(old, new))


def _apart(old: Any, new: Any) -> Iterator[str]:
    """The same of one cell."""
    if old.execution_count != new.execution_count:
        yield f"stored as run {old.execution_count}, found {new.execution_count}"
    free = MEASURED in old.metadata.get("tags", [])
    texts, pictures = (zip_longest(_shown(old, kind), _shown(new, kind)) for kind in ("text", "picture"))
    yield from filter(None, (_texts(a, b, free) for a, b in texts))
    yield from filter(None, (_pictures(a, b) for a, b in pictures))


def _shown(cell: Any, kind: str) -> list[str]:
    """The texts, or the pictures, that a cell shows, one after another."""
    found = []
    for output in cell.outputs:
        data = output.get("data", {})
        if kind == "picture":
            found += [data["image/png"]] if "image/png" in data else []
        elif "image/png" not in data:
            found += [output["text"]] if "text" in output else [data[key] for key in sorted(data)]
    return found


def _texts(old: str | None, new: str | None, free: bool) -> str:
    if old is None or new is None:
        return f"stored is {old!r}, found {new!r}"
    lines = ([_words(line) for line in text.splitlines()] for text in (old, new))
    for a, b in zip_longest(*lines):
        if a != b:
            return f"stored is {a!r}, found {b!r}"
    for a, b in zip(NUMBER.findall(old), NUMBER.findall(new), strict=True):
        if not free and not _same(a, b):
            return f"stored is {a}, found {b}"
    return ""


def _words(line: str) -> str:
    """A line with # for its numbers; columns, which are as wide as their numbers, one space apart."""
    return " ".join(RULE.sub("─", NUMBER.sub("#", line)).split())


def _same(a: str, b: str) -> bool:
    if a == b:
        return True
    if not (ROUNDED.fullmatch(a) or ROUNDED.fullmatch(b)):
        return False
    (x, place), (y, other) = map(_number, (a, b))
    return abs(x - y) <= 2.001 * min(place, other)


def _number(text: str) -> tuple[float, float]:
    """A printed number, and a unit of its last place."""
    digits, _, power = text.replace("−", "-").replace(",", "").partition("e")
    scale = 10.0 ** int(power or 0)
    return float(digits) * scale, 10.0 ** -len(digits.partition(".")[2]) * scale


def _pictures(old: str | None, new: str | None) -> str:
    if old is None or new is None:
        return f"stored are {'fewer' if old is None else 'more'} pictures than found"
    for name, png in (("stored", old), ("found", new)):
        colours = picture(png).getcolors(1 << 24)
        if colours is None or len(colours) < 2:
            return f"the picture that is {name} is empty"
    return ""


def _code(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def store(path: Path) -> None:
    """Execute a notebook and write it in one piece, with the outputs that are new; what still holds stays as it is, so
    that a second time changes nothing.

    Raises as `executed` does, and leaves the file as it is.
    """
    stored = read(path)
    found = executed(stored)
    for old, new in zip(_code(stored), _code(found), strict=True):
        if not _shown(new, "picture") and not list(_apart(old, new)):
            new.outputs = old.outputs
    new = path.with_name(f".{path.name}.new")
    new.write_text(nbformat.writes(found) + "\n", encoding="utf-8")
    new.replace(path)


def main(names: list[str]) -> None:
    """Execute and store those that are named, or all."""
    for path in [FOLDER / f"{Path(name).stem}.ipynb" for name in names] or PATHS:
        store(path)
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main(sys.argv[1:])
