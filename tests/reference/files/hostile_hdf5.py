"""Hostile HDF5 files."""

from __future__ import annotations

import io
import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import seeds
from h5py import h5d, h5p, h5s, h5t
from hostile_rows import UNSAID, foreign, row
from seeds import LSTM, TWO, bytes_of, keras, legacy, lstm, sequential

KERNEL = "model_weights/lstm/lstm/kernel:0"


def changed(change: Callable[[h5py.File, Path], None], **options: Any) -> Callable[[Path], bytes]:
    """The good model with something else in it."""

    def make(folder: Path) -> bytes:
        def write(file: h5py.File) -> None:
            legacy(TWO)(file)
            change(file, folder)

        return bytes_of(write, **options)

    return make


def kernel_is(**new: Any) -> Callable[[Path], bytes]:
    def change(file: h5py.File, folder: Path) -> None:
        del file[KERNEL]
        options = {k: v(folder) if callable(v) else v for k, v in new.items()}
        file.create_dataset(KERNEL, **options)

    return changed(change)


def linked(link: Callable[[Path], Any], at: str = KERNEL) -> Callable[[Path], bytes]:
    def change(file: h5py.File, folder: Path) -> None:
        del file[at]
        file[at] = link(folder)

    return changed(change)


SHAPE = (seeds.INPUTS, 4 * seeds.UNITS)
BIG: dict[str, Any] = {"dtype": "f4", "chunks": (1024, 1024), "compression": "gzip"}

row("h01 external link", "link")(linked(lambda folder: h5py.ExternalLink(foreign(folder), "/x")))
row("h02 external link on the way", "link")(
    linked(lambda folder: h5py.ExternalLink(foreign(folder), "/"), "model_weights/lstm")
)
row("h03 soft link", "link")(linked(lambda _: h5py.SoftLink("/model_weights/dense/dense/kernel:0")))
row("h04 soft links in a ring", "link")(linked(lambda _: h5py.SoftLink("/" + KERNEL)))
row("h06 numbers in another file", "external-storage")(
    kernel_is(shape=SHAPE, dtype="f4", external=lambda folder: [(foreign(folder), 0, h5py.h5f.UNLIMITED)])
)


@row("h05 a group in itself", "cycle")
@changed
def _ring(file: h5py.File, _: Path) -> None:
    file["model_weights/lstm/again"] = file["model_weights"]


@row("h05b two groups, each twice in the next", "cycle")
@changed
def _doubled(file: h5py.File, _: Path) -> None:
    group = file.create_group("a")
    for k in range(60):
        above = file.create_group(f"b{k}")
        above["x"] = above["y"] = group
        group = above


def _view(folder: Path) -> Any:
    layout = h5py.VirtualLayout(SHAPE, "f4")
    layout[:] = h5py.VirtualSource(foreign(folder), "x", SHAPE)
    return layout


@row("h07 view of another file", "virtual-dataset")
@changed
def _virtual(file: h5py.File, folder: Path) -> None:
    del file[KERNEL]
    file.create_virtual_dataset(KERNEL, _view(folder))


@row("h07b view of another file, as long as that is", "virtual-dataset")
@changed
def _virtual_unlimited(file: h5py.File, folder: Path) -> None:
    del file[KERNEL]
    layout = h5py.VirtualLayout(SHAPE, "f4", maxshape=(None, SHAPE[1]))
    source = h5py.VirtualSource(foreign(folder), "x", SHAPE, maxshape=(None, SHAPE[1]))
    layout[: h5s.UNLIMITED, :] = source[: h5s.UNLIMITED, :]
    file.create_virtual_dataset(KERNEL, layout)


row("h08 10⁶ × 10⁶", "too-large")(kernel_is(shape=(10**6, 10**6), **BIG))
row("h09 3.87 GiB in 8 KB", "too-large")(kernel_is(shape=(32, 32_500_000), dtype="f4"))


@row("h10 gzip bomb", "too-large")
@changed
def _gzip(file: h5py.File, _: Path) -> None:
    data = file.create_dataset("bomb", (128, 2**20), "f4", chunks=(1, 2**20), compression="gzip", compression_opts=9)
    packed = zlib.compress(bytes(2**22), 9)
    for k in range(128):
        data.id.write_direct_chunk((k, 0), packed)


@row("h11 203 bombs that are small each", "too-large")
@changed
def _many(file: h5py.File, _: Path) -> None:
    for k in range(203):
        file.create_dataset(f"bombs/{k}", (241, 2**20), **{**BIG, "chunks": (1, 2**20)})


row("h12 text of any length", "dtype")(kernel_is(data=np.array(["a", "b"], object), dtype=h5py.string_dtype()))
row("h13 compound", "dtype")(kernel_is(data=np.zeros(3, [("a", "f4"), ("b", "i4")])))
row("h14 references", "dtype")(kernel_is(shape=(3,), dtype=h5py.ref_dtype))
row("h15 complex", "dtype")(kernel_is(data=np.zeros(SHAPE, "c8")))
row("h15b arrays in arrays", "dtype")(kernel_is(shape=(3,), dtype=np.dtype(("f4", (2, 2)))))
row("h15c 16-byte floats", "dtype")(kernel_is(data=np.zeros(SHAPE, np.longdouble)))
row("h15d an enumeration", "dtype")(kernel_is(shape=(3,), dtype=h5py.enum_dtype({"A": 1, "B": 2})))
row("h15e lists of any length", "dtype")(kernel_is(shape=(3,), dtype=h5py.vlen_dtype("f4")))
row("h16 NaN", "non-finite")(kernel_is(data=np.full(SHAPE, np.nan, "f4")))
row("h16b infinity", "non-finite")(kernel_is(data=np.full(SHAPE, -np.inf, ">f8")))
row("h17 transposed kernel", "shape")(kernel_is(data=seeds.drawn(*SHAPE[::-1])))
row("h18 null", "empty")(kernel_is(data=h5py.Empty("f4")))
row("h18b declared, never written", "empty")(kernel_is(shape=SHAPE, dtype="f4"))
row("h18c chunks that are not there", "empty")(kernel_is(shape=SHAPE, dtype="f4", chunks=(1, 1)))


@row("h19 empty groups", "no-weights", ".weights.h5")
def _empty(_: Path) -> bytes:
    return bytes_of(lambda file: file.create_group("layers/lstm/cell/vars") and None)


@row("h20 vars 0 and 2 without 1", "missing-weight", ".weights.h5", **UNSAID)
def _gap(_: Path) -> bytes:
    def write(file: h5py.File) -> None:
        seeds.v3_weights(file)
        del file["layers/lstm/cell/vars/1"]

    return bytes_of(write)


row("h22 truncated", "truncated")(lambda _: bytes_of(legacy(TWO))[:-500])


@row("h22c numbers beyond the end", "truncated")
def _beyond(_: Path) -> bytes:
    data = bytes_of(legacy(TWO))
    with h5py.File(io.BytesIO(data)) as file:
        start = struct.pack("<Q", file[KERNEL].id.get_offset())
    assert data.count(start) == 1
    return data.replace(start, struct.pack("<Q", len(data) - 8))


row("h22b truncated .keras", "truncated", ".keras")(lambda _: keras()[:-100])
row("h23 zero bytes", "not-hdf5")(lambda _: b"")
row("h23b zeros", "not-hdf5")(lambda _: bytes(4096))
row("h23c text", "not-hdf5")(lambda _: b"no model at all\n" * 9)
row("h24 5,000 groups", "too-deep")(changed(lambda file, _: file.create_group("/".join("a" * 5000)) and None))


@row("h25 JSON 5,000 deep", "too-deep")
@changed
def _deep(file: h5py.File, _: Path) -> None:
    file.attrs["model_config"] = '{"a":' * 5000 + "1" + "}" * 5000


for _k, _name in enumerate(("/x", "../x", "", "a//b", ".")):

    @row(f"h26 weight_names {_name!r}", "name")
    @changed
    def _named(file: h5py.File, _: Path, name: str = _name) -> None:
        file["model_weights/lstm"].attrs["weight_names"] = [name, *(f"lstm/{n}:0" for n in lstm())][:3]


def _plan(**said: Any) -> h5p.PropDCID:
    plan = h5p.create(h5p.DATASET_CREATE)
    plan.set_chunk(SHAPE)
    return plan


@row("h27 unknown filter", "filter")
@changed
def _filter(file: h5py.File, _: Path) -> None:
    del file[KERNEL]
    plan = _plan()
    plan.set_filter(32013, h5py.h5z.FLAG_OPTIONAL, ())
    made = h5d.create(file.id, KERNEL.encode(), h5t.IEEE_F32LE, h5s.create_simple(SHAPE), plan)
    made.write_direct_chunk((0, 0), bytes(4 * SHAPE[0] * SHAPE[1]))


row("h27b lzf", "filter")(kernel_is(data=seeds.drawn(*SHAPE), chunks=SHAPE, compression="lzf"))


def spoiled(make: Callable[[], bytes], find: Callable[[bytes], int], new: bytes) -> Callable[[Path], bytes]:
    """A good file with a few other bytes at a place."""

    def write(_: Path) -> bytes:
        data = bytearray(make())
        place = find(bytes(data))
        assert 0 <= place <= len(data) - len(new)
        assert data[place : place + len(new)] != new
        data[place : place + len(new)] = new
        return bytes(data)

    return write


def _summed() -> bytes:
    return bytes_of(legacy(TWO, chunks=True, fletcher32=True))


row("h28 fletcher32", "corrupt")(spoiled(_summed, lambda data: data.find(lstm()["kernel"].tobytes()) + 5, b"\x11\x22"))
row("h28b deflated bytes", "corrupt")(
    spoiled(
        lambda: bytes_of(legacy(TWO, chunks=True, compression="gzip")),
        lambda data: data.find(zlib.compress(lstm()["kernel"].tobytes(), 4)) + 2,
        b"\xff\xff\xff",
    )
)


@row("h28c a chunk that inflates to more than it declares", "corrupt")
@changed
def _liar(file: h5py.File, _: Path) -> None:
    del file[KERNEL]
    data = file.create_dataset(KERNEL, SHAPE, "f4", chunks=SHAPE, compression="gzip")
    data.id.write_direct_chunk((0, 0), zlib.compress(bytes(2**24), 9))


@row("h29 group for array", "type")
@changed
def _group(file: h5py.File, _: Path) -> None:
    del file[KERNEL]
    file.create_group(KERNEL)


@row("h29b array for group", "type")
@changed
def _array(file: h5py.File, _: Path) -> None:
    del file["model_weights/lstm"]
    file["model_weights/lstm"] = np.zeros(3, "f4")


row("h29c a datatype for an array", "type")(linked(lambda _: np.dtype("f4")))


@row("h31 a chunk larger than the file", "too-large")
@changed
def _chunk(file: h5py.File, _: Path) -> None:
    del file[KERNEL]
    file.create_dataset(KERNEL, SHAPE, "f4", chunks=(2**12, 2**12), maxshape=(None, None))


row("h32 100 million chunks", "too-large")(kernel_is(shape=(10**4, 10**4), dtype="f4", chunks=(1, 1)))


@row("h33 more arrays than allowed", "too-large")
def _crowd(_: Path) -> bytes:
    def write(file: h5py.File) -> None:
        legacy(TWO)(file)
        file["one"] = np.float32(1)
        for k in range(10_001):
            file[f"many/{k}"] = file["one"]

    return bytes_of(write)


@row("h34 attributes without end", "too-large")
@changed
def _attributes(file: h5py.File, _: Path) -> None:
    for k in range(1001):
        file["model_weights/lstm"].attrs[f"a{k}"] = 1


@row("h35 a text of 40 MB", "too-large")
@changed
def _text(file: h5py.File, _: Path) -> None:
    file.attrs["model_config"] = json.dumps({"class_name": " " * 40_000_000})


@row("h36 one long text, named 4,000 times", "too-large")
def _copies(_: Path) -> bytes:
    def write(file: h5py.File) -> None:
        legacy(TWO)(file)
        file.attrs["long"] = "ab" * 500_000
        file.attrs["names"] = ["z" * 8] * 4000

    data = bytearray(bytes_of(write))
    heap = data.find(b"ab" * 100) - 32
    while data[heap : heap + 4] != b"GCOL":
        heap -= 8
    length = int.from_bytes(data[heap + 24 : heap + 32], "little")
    long = struct.pack("<IQI", length, heap, 1)
    first = next(at for at in range(len(data)) if data[at : at + 4] == data[at + 16 : at + 20] == struct.pack("<I", 8)
                 and data[(to := int.from_bytes(data[at + 4 : at + 12], "little")) : to + 4] == b"GCOL")  # fmt: skip
    for at in range(first, first + 16 * 4000, 16):
        data[at : at + 16] = long
    return bytes(data)


@row("h37 a compound attribute", "dtype")
@changed
def _attribute(file: h5py.File, _: Path) -> None:
    file["model_weights"].attrs["x"] = np.zeros(2, [("a", "f4"), ("b", "i4")])


@row("h38 types in types, 2,000 deep", "dtype")
@changed
def _types(file: h5py.File, _: Path) -> None:
    del file[KERNEL]
    kind: Any = h5t.NATIVE_FLOAT
    for _k in range(2000):
        kind = h5t.array_create(kind, (1,))
    h5d.create(file.id, KERNEL.encode(), kind, h5s.create_simple((1,)))


def _shape_is(**arrays: np.ndarray) -> Callable[[Path], bytes]:
    return lambda _: bytes_of(legacy([("lstm", lstm() | arrays), TWO[1]]))


row("h39 4 · units not a multiple of 4", "shape")(_shape_is(kernel=seeds.drawn(2, 13)))
row("h39b bias of another length", "shape")(_shape_is(bias=seeds.drawn(11)))


@row("h39c no units", "shape")
def _zero(_: Path) -> bytes:
    none = {"kernel": seeds.drawn(2, 0), "recurrent_kernel": seeds.drawn(0, 0), "bias": seeds.drawn(0)}
    return bytes_of(legacy([("lstm", none)], sequential(("LSTM", {**LSTM, "units": 0}))))


@row("h39d GRU bias of one row", "shape")
def _bias(_: Path) -> bytes:
    return bytes_of(legacy([("gru", lstm(3))], sequential(("GRU", seeds.GRU))))


@row("h40 layer_names: one that is not there", "name")
@changed
def _missing(file: h5py.File, _: Path) -> None:
    file["model_weights"].attrs["layer_names"] = ["lstm", "dense", "more"]


@row("h40b layer_names: one twice", "name")
@changed
def _again(file: h5py.File, _: Path) -> None:
    file["model_weights"].attrs["layer_names"] = ["lstm", "lstm", "dense"]


@row("h40c a weight that is not there", "missing-weight")
@changed
def _gone(file: h5py.File, _: Path) -> None:
    del file[KERNEL]


row("h41 user block", "not-hdf5")(lambda _: bytes(512) + bytes_of(legacy(TWO)))
row("h42 HDF5, then a zip archive", "polyglot")(lambda _: bytes_of(legacy(TWO)) + keras())
