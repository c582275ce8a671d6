"""A folder of vectors, in words: the command's table, and the folder's README."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from comparisons.render.grading import columns


def written(data: Mapping[str, Any], files: Mapping[str, Mapping[str, Any]]) -> Iterator[Any]:
    """A row for each file of vectors."""
    table = columns("file", "cell", "vectors", "mistakes caught")
    for name, held in files.items():
        caught = {mistake for vector in held["vectors"] for mistake in vector["catches"]}
        table.add_row(name, held["cell"], str(len(held["vectors"])), str(len(caught)))
    yield table
    yield f"Version {data['version']}, {data['numbers']} numbers. Written: {len(data['written'])} files."


README = """# Vectors for recurrent cells, version {version}

Written by gateproof {gateproof}. Each file is one cell with one set of options; `index.json` lists them. A file says
how it is to be read (`gates`: their order in the arrays; `shapes`; `step`: the equations), and has `vectors`:

- `x (batch, time, inputs)`, the first state, and the weights, under Keras' names, rows first: `x @ kernel`;
- `expected`: every field of the state after every step, `(batch, time, …)`, by an oracle in float64; `gates` likewise,
  activated, to see where a difference begins;
- `tolerance`: how far a run may lie from `expected` in the precision in which it computes;
- `catches`: the mistakes that the vector shows, each by more than that. Every one was made and run.

{numbers} Inputs and weights are multiples of 1/256, the same in float32 and float64. An implementation that is within
the tolerance on every vector of a file makes none of the mistakes that its vectors catch.

This runs one file with Python and NumPy alone; put your own step in place of this one:

```python
import json
from pathlib import Path

import numpy as np


def sigmoid(a):
    return (1 + np.tanh(a / 2)) / 2


def step(x, h, c, kernel, recurrent_kernel, bias):
    i, f, g, o = np.split(x @ kernel + h @ recurrent_kernel + bias, 4, axis=-1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


number = np.vectorize(lambda text: float.fromhex(text) if isinstance(text, str) else text)
for vector in json.loads(Path("lstm.json").read_text("utf-8"))["vectors"]:
    x, h, c, *weights = (number(vector[name]) for name in ("x", "h", "c", "kernel", "recurrent_kernel", "bias"))
    for t in range(x.shape[1]):
        h, c = step(x[:, t], h, c, *weights)
        for name, got in (("h", h), ("c", c)):
            far = np.abs(got - number(vector["expected"][name])[:, t]).max()
            assert far <= number(vector["tolerance"]["float64"]), (vector["name"], t, name, far)
```
"""
HOW = {
    "hex": "Numbers are hex floats in strings (C's `%a`, Python's `float.fromhex`): no bit depends on a reader.",
    "decimal": "Numbers are JSON's, with as many digits as give the float64 back to the bit.",
}


def readme(index: Mapping[str, Any]) -> str:
    """The README of a folder of vectors."""
    return README.format(version=index["version"], gateproof=index["gateproof"], numbers=HOW[index["numbers"]])
