"""The values in an old config -> what Keras 3 takes: activations, initialisers, regularisers, constraints, dtypes.

Keras 1.2.2, 2.0–2.15 and tf-keras 2.21 were read for the old forms, Keras 3.15 for the new. Nothing named in a file is
imported: a name is in a table here, or it is refused or, where it bears on training only, left out with a remark.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# Keras 2's function in Keras 3's config: no name of Keras 3 means it, so the port has to fold or replace it.
HARD = "hard_sigmoid_keras2"

# The names of an activation in old files, by Keras 3's.
_KEPT = "elu exponential gelu leaky_relu linear log_softmax mish relu selu sigmoid silu softmax softplus softsign tanh"
ACTIVATIONS = {name: name for name in _KEPT.split()} | {"swish": "silu", "softmax_v2": "softmax", "hard_sigmoid": HARD}

_SPREAD = ("seed",)
# Keras 3's class: the arguments that it shares with the old one.
INITIALIZERS: dict[str, tuple[str, ...]] = {
    "Zeros": (),
    "Ones": (),
    "Constant": ("value",),
    "RandomNormal": ("mean", "stddev", "seed"),
    "RandomUniform": ("minval", "maxval", "seed"),
    "TruncatedNormal": ("mean", "stddev", "seed"),
    "VarianceScaling": ("scale", "mode", "distribution", "seed"),
    "Orthogonal": ("gain", "seed"),
    "Identity": ("gain",),
    **dict.fromkeys(("GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "LecunNormal", "LecunUniform"), _SPREAD),
}
REGULARIZERS = {"L1": ("l1",), "L2": ("l2",), "L1L2": ("l1", "l2"), "OrthogonalRegularizer": ("factor", "mode")}
CONSTRAINTS = {
    "MaxNorm": ("max_value", "axis"),
    "MinMaxNorm": ("min_value", "max_value", "rate", "axis"),
    "NonNeg": (),
    "UnitNorm": ("axis",),
}
# Old names, without case and underscores.
_ALIASES = {
    "zero": "Zeros",
    "one": "Ones",
    "uniform": "RandomUniform",
    "normal": "RandomNormal",
    "weightregularizer": "L1L2",
    "activityregularizer": "L1L2",
    "l1l2regularizer": "L1L2",
}
_RENAMED = {"m": "max_value", "low": "min_value", "high": "max_value"}  # Keras 1's constraints
FLOATS = ("float16", "bfloat16", "float32", "float64", "mixed_float16", "mixed_bfloat16")


class Unsupported(ValueError):
    """A layer that this project does not carry over: `kind` is its class, the message one sentence that says why."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(f"{kind} {reason}")
        self.kind = kind


def plain(value: Any) -> Any:
    """A number that was written as an array of NumPy's or TensorFlow's, and tuples as lists."""
    if isinstance(value, Mapping):
        if value.get("type") == "ndarray" and "value" in value:  # Keras 2
            return value["value"]
        if value.get("class_name") in ("__numpy__", "__tensor__") and isinstance(value.get("config"), Mapping):
            return value["config"].get("value")
        if value.get("class_name") == "__tuple__" and isinstance(value.get("items"), list):
            value = value["items"]
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def activation(kind: str, value: Any) -> str:
    """Keras 3's name of an activation, or `HARD`. Raises Unsupported for a function or layer of the file's own."""
    name = "linear" if value is None else value
    if not isinstance(name, str):
        name = _named(name)[0]
    if name not in ACTIVATIONS:
        raise Unsupported(kind, f"must have one of the activations {', '.join(sorted(ACTIVATIONS))}, got {name!r}")
    return ACTIVATIONS[name]


def known(value: Any, table: Mapping[str, tuple[str, ...]]) -> dict[str, Any] | None:
    """An initialiser, a regulariser or a constraint as Keras 3 writes it; None where Keras 3 has none like it."""
    name, config = _named(value)
    flat = re.sub("V[12]$", "", name).replace("_", "").lower()
    found = next((own for own in table if own.lower() == _ALIASES.get(flat, flat).lower()), None)
    if found is None:
        return None
    config = {_RENAMED.get(key, key): plain(item) for key, item in config.items()}
    kept = {key: config[key] for key in table[found] if config.get(key) is not None}
    if kept.get("distribution") == "normal":  # truncated in Keras 2 too, from 2.2.3; weights are loaded over it
        kept["distribution"] = "truncated_normal"
    if not all(isinstance(item, int | float | str | list) for item in kept.values()):
        return None
    return {"class_name": found, "config": kept}


def dtype(kind: str, value: Any) -> str | None:
    """A layer's dtype or the name of its policy; None where it says nothing that Keras 3 needs.

    Keras up to 2.2 wrote the dtype of its *inputs* there, so that an Embedding could be int32.
    """
    value = value if isinstance(value, str) or value is None else _named(value)[1].get("name")
    if kind == "InputLayer":
        return value
    if value in FLOATS:
        return value
    if value is None or value.startswith(("int", "uint", "bool", "_infer", "string")):
        return None
    raise Unsupported(kind, f"must have a dtype among {', '.join(FLOATS)}, got {value!r}")


def _named(value: Any) -> tuple[str, Mapping[str, Any]]:
    """The name and the arguments in any era's way to write an object."""
    if isinstance(value, str):
        return value, {}
    if not isinstance(value, Mapping):
        return str(value), {}
    config = value.get("config", {})
    if "class_name" in value:
        name = str(config) if value["class_name"] == "function" else str(value["class_name"])
        return name, config if isinstance(config, Mapping) else {}
    return str(value.get("name", "")), {key: item for key, item in value.items() if key != "name"}
