"""The hand-worked vectors, and how the reference runs them."""

import json
from pathlib import Path

import numpy as np

from reference import Layer, Weights

VECTORS = json.loads(Path(__file__).with_name("vectors.json").read_text(encoding="utf-8"))


def layer(vector, dtype="float64"):
    arrays = [None if vector.get(name) is None else np.array(vector[name], dtype) for name in Weights._fields]
    return Layer(vector["cell"], Weights(*arrays), vector["options"], go_backwards=vector.get("go_backwards", False))


def inputs(vector, dtype="float64"):
    states = tuple(np.array(s, dtype) for s in vector["initial_state"])
    return np.array(vector["inputs"], dtype), states, vector.get("mask") and np.array(vector["mask"])


def gives(vector, of):
    """Whether a layer of the reference gives the vector's numbers, exactly."""
    run = of.run(*inputs(vector))
    equal = all(np.array_equal(got, np.array(want)) for got, want in zip(run.state, vector["state"], strict=True))
    return equal and ("outputs" not in vector or np.array_equal(run.outputs, np.array(vector["outputs"])))
