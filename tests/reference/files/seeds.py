"""Small valid files of every kind that the reader takes, as Keras writes them, with h5py, zipfile and numpy alone."""

from __future__ import annotations

import io
import json
import struct
import warnings
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import h5py
import numpy as np

INPUTS, UNITS = 2, 3
Arrays = dict[str, np.ndarray]


def drawn(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng([seed, *shape]).normal(size=shape).astype("f4")


def lstm(gates: int = 4, seed: int = 0) -> Arrays:
    return {
        "kernel": drawn(INPUTS, gates * UNITS, seed=seed),
        "recurrent_kernel": drawn(UNITS, gates * UNITS, seed=seed + 1),
        "bias": drawn(gates * UNITS, seed=seed + 2),
    }


def dense() -> Arrays:
    return {"kernel": drawn(UNITS, 1), "bias": drawn(1)}


LSTM = {
    "name": "lstm", "trainable": True, "return_sequences": False, "return_state": False, "go_backwards": False,
    "stateful": False, "unroll": False, "units": UNITS, "activation": "tanh", "recurrent_activation": "sigmoid",
    "use_bias": True, "unit_forget_bias": True, "dropout": 0.0, "recurrent_dropout": 0.0,
}  # fmt: skip
GRU = {**{k: v for k, v in LSTM.items() if k != "unit_forget_bias"}, "name": "gru", "reset_after": True}
DENSE = {"name": "dense", "trainable": True, "units": 1, "activation": "linear", "use_bias": True}
INPUT = {"batch_input_shape": [None, 5, INPUTS], "dtype": "float32"}


def sequential(*layers: tuple[str, Mapping[str, Any]], wrap: bool = True) -> dict[str, Any]:
    """A Sequential model's config; Keras before 2.3 had its list of layers bare."""
    found = [{"class_name": kind, "config": dict(config)} for kind, config in layers]
    found[0]["config"].update(INPUT)
    return {"class_name": "Sequential", "config": {"name": "sequential", "layers": found} if wrap else found}


MODEL = sequential(("LSTM", LSTM), ("Dense", DENSE))


def bytes_of(write: Callable[[h5py.File], None], **options: Any) -> bytes:
    stream = io.BytesIO()
    with h5py.File(stream, "w", **options) as file:
        write(file)
    return stream.getvalue()


def legacy(
    layers: Sequence[tuple[str, Arrays]], config: Any = MODEL, version: str = "2.13.1", **options: Any
) -> Callable[[h5py.File], None]:
    """What `model.save("x.h5")` wrote before Keras 3. Names are texts of any length, or of one where h5py was older."""

    def write(file: h5py.File) -> None:
        names = np.array([name.encode() for name, _ in layers])
        if config is not None:
            file.attrs["model_config"] = json.dumps(config)
            file.attrs["keras_version"], file.attrs["backend"] = version, "tensorflow"
        home = file if config is None else file.create_group("model_weights")
        home.attrs["layer_names"], home.attrs["backend"], home.attrs["keras_version"] = names, "tensorflow", version
        for layer, arrays in layers:
            group = home.create_group(layer)
            group.attrs["weight_names"] = [f"{layer}/{name}:0" for name in arrays]
            for name, array in arrays.items():
                group.create_dataset(f"{layer}/{name}:0", data=array, **options)

    return write


TWO = [("lstm", lstm()), ("dense", dense())]


def v3_weights(file: h5py.File) -> None:
    """What `model.save_weights("x.weights.h5")` writes in Keras 3."""
    for path, name, arrays in (("lstm/cell", "lstm_cell", lstm()), ("dense", "dense", dense())):
        group = file.create_group(f"layers/{path}/vars")
        group.attrs["name"] = name
        for k, array in enumerate(arrays.values()):
            group[str(k)] = array
    file.create_group("layers/lstm/vars").attrs["name"] = "lstm"
    file.create_group("vars").attrs["name"] = "sequential"


def v3_config(version: str = "3.15.1") -> dict[str, Any]:
    def layer(kind: str, config: Mapping[str, Any]) -> dict[str, Any]:
        return {"module": "keras.layers", "class_name": kind, "config": dict(config), "registered_name": None}

    start = {"name": "input_layer", "batch_shape": [None, 5, INPUTS], "dtype": "float32", "sparse": False}
    layers = [layer("InputLayer", start), layer("LSTM", LSTM), layer("Dense", DENSE)]
    home = "keras" if version.startswith("3") else "tf_keras"
    return {
        "module": home, "class_name": "Sequential", "registered_name": "Sequential",
        "config": {"name": "sequential", "trainable": True, "layers": layers},
    }  # fmt: skip


def zipped(
    members: Mapping[str, bytes | str] | Sequence[tuple[Any, bytes | str]], method: int = zipfile.ZIP_STORED
) -> bytes:
    stream = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(stream, "w", method) as archive:
        warnings.simplefilter("ignore")  # zipfile's, of a name given twice, which is what is wanted
        for name, content in members.items() if isinstance(members, Mapping) else members:
            archive.writestr(name, content)
    return stream.getvalue()


def keras(
    weights: bytes | None = None, config: Any = None, version: str = "3.15.1", method: int = zipfile.ZIP_STORED,
    **more: bytes | str,
) -> bytes:  # fmt: skip
    members: dict[str, bytes | str] = {
        "metadata.json": json.dumps({"keras_version": version, "date_saved": "2024-01-01@00:00:00"}),
        "config.json": config if isinstance(config, (bytes, str)) else json.dumps(config or v3_config(version)),
        "model.weights.h5": weights if weights is not None else bytes_of(v3_weights),
    }
    return zipped(members | more, method)


def npy(array: np.ndarray, header: Mapping[str, Any] | None = None, **options: Any) -> bytes:
    stream = io.BytesIO()
    if header is None:
        np.save(stream, array, **options)
    else:
        np.lib.format.write_array_header_1_0(stream, dict(header))
        stream.write(array.tobytes())
    return stream.getvalue()


def npz(arrays: Mapping[str, np.ndarray], packed: bool = False) -> bytes:
    stream = io.BytesIO()
    (np.savez_compressed if packed else np.savez)(stream, **arrays)  # type: ignore[arg-type]
    return stream.getvalue()


KINDS = {"f4": "F32", "f8": "F64", "f2": "F16", "i4": "I32"}


def safetensors(arrays: Mapping[str, np.ndarray]) -> bytes:
    header: dict[str, Any] = {}
    data = b""
    for name, array in arrays.items():
        content = array.tobytes()
        offsets = [len(data), len(data) + len(content)]
        header[name] = {"dtype": KINDS[array.dtype.str[1:]], "shape": list(array.shape), "data_offsets": offsets}
        data += content
    return tensors(json.dumps(header), data)


def tensors(header: str, data: bytes, length: int | None = None) -> bytes:
    text = header.encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def keras1_lstm() -> Arrays:
    return {
        f"{part}_{gate}": drawn(*shape, seed=k)
        for k, gate in enumerate("icfo")
        for part, shape in (("W", (INPUTS, UNITS)), ("U", (UNITS, UNITS)), ("b", (UNITS,)))
    }


KERAS1 = sequential(
    ("LSTM", {
        "name": "lstm", "output_dim": UNITS, "activation": "tanh", "inner_activation": "hard_sigmoid",
        "trainable": True, "go_backwards": False, "return_sequences": False, "stateful": False, "unroll": False,
        "consume_less": "cpu", "init": "glorot_uniform", "inner_init": "orthogonal", "forget_bias_init": "one",
        "input_dim": INPUTS, "dropout_W": 0.0, "dropout_U": 0.0,
    }),
    wrap=False,
)  # fmt: skip
CUDNN = sequential(("CuDNNLSTM", {"name": "lstm", "trainable": True, "units": UNITS, "return_sequences": False,
                                  "return_state": False, "go_backwards": False, "stateful": False}))  # fmt: skip
NESTED = {
    "class_name": "Sequential",
    "config": {"name": "outer", "layers": [{**sequential(("GRU", GRU), wrap=True)}]},
}


def pytorch() -> Arrays:
    return {
        "weight_ih_l0": drawn(4 * UNITS, INPUTS), "weight_hh_l0": drawn(4 * UNITS, UNITS),
        "bias_ih_l0": drawn(4 * UNITS), "bias_hh_l0": drawn(4 * UNITS, seed=1),
    }  # fmt: skip


def gru() -> Arrays:
    return {**lstm(3), "bias": drawn(2, 3 * UNITS)}


def cudnn() -> Arrays:
    return {**lstm(), "bias": drawn(8 * UNITS)}


PACKED: dict[str, Any] = {"chunks": True, "compression": "gzip", "shuffle": True, "fletcher32": True}

SEEDS: dict[str, tuple[Callable[[], bytes], dict[str, Any]]] = {
    # name: what writes it, and what `load` must be told
    "keras2.h5": (lambda: bytes_of(legacy(TWO)), {}),
    "keras1.h5": (lambda: bytes_of(legacy([("lstm", keras1_lstm())], KERAS1, "1.2.2")), {}),
    "cudnn.h5": (lambda: bytes_of(legacy([("lstm", cudnn())], CUDNN, "2.1.5")), {}),
    "nested.h5": (lambda: bytes_of(legacy([("sequential", gru())], NESTED, "2.4.0")), {}),
    "packed.h5": (lambda: bytes_of(legacy(TWO, **PACKED)), {}),
    "latest.h5": (lambda: bytes_of(legacy(TWO), libver="latest"), {}),
    "keras3.keras": (lambda: keras(), {}),
    "tf_keras.keras": (lambda: keras(version="2.15.0", method=zipfile.ZIP_DEFLATED), {}),
    "keras3.weights.h5": (
        lambda: bytes_of(v3_weights),
        {"activation": "tanh", "recurrent_activation": "sigmoid", "go_backwards": False},
    ),
    "pytorch.npz": (lambda: npz(pytorch()), {"framework": "pytorch", "cell": "lstm"}),
    "packed.npz": (lambda: npz(pytorch(), packed=True), {"framework": "pytorch", "cell": "lstm"}),
    "pytorch.safetensors": (lambda: safetensors(pytorch()), {"framework": "pytorch", "cell": "lstm"}),
}
