"""A crafted file for each row of the table in SECURITY.md, written anew for each test; none lies in the repository."""

from __future__ import annotations

import io
import json
import os
import pickle
import stat
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import seeds
from h5py import h5d, h5p, h5s, h5t
from seeds import LSTM, TWO, bytes_of, keras, legacy, lstm, sequential, tensors, zipped
from zip_bytes import Member, archive, bomb

ROWS: dict[str, tuple[str, str, Callable[[Path], bytes], dict[str, Any]]] = {}  # name: code, suffix, bytes, told
OPTIONS = {"framework": "pytorch", "cell": "lstm"}
UNSAID = {"activation": "tanh", "recurrent_activation": "sigmoid", "go_backwards": False}
KERNEL = "model_weights/lstm/lstm/kernel:0"


def row(name: str, code: str, suffix: str = ".h5", **told: Any) -> Callable[[Any], Any]:
    def keep(make: Callable[[Path], bytes]) -> Callable[[Path], bytes]:
        ROWS[name] = (code, suffix, make, told)
        return make

    return keep


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


def foreign(folder: Path) -> str:
    """Another file, which must not be opened: a pipe, so that opening it would never return."""
    path = folder / "foreign.h5"
    if not path.exists():
        os.mkfifo(path)
    return str(path)


SHAPE = (seeds.INPUTS, 4 * seeds.UNITS)
BIG = dict(dtype="f4", chunks=(1024, 1024), compression="gzip")

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


row("h28 fletcher32", "corrupt")(
    spoiled(_summed, lambda data: data.find(lstm()["kernel"].tobytes()) + 5, b"\x11\x22")
)
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


# What the HDF5 library itself does not survive: a stack overflow, memory without end, a loop without end.
def _links() -> bytes:
    return bytes_of(lambda file: [file.__setitem__(f"x{k}", np.float32(k)) for k in range(40)] and None)


def _chunked() -> bytes:
    return bytes_of(lambda file: file.create_dataset("x", data=np.arange(200, dtype="f4"), chunks=(1,)) and None)


def _nodes(data: bytes, kind: int) -> list[int]:
    found, at = [], -1
    while (at := data.find(b"TREE", at + 1)) >= 0:
        if data[at + 4] == kind:
            found.append(at)
    return found


@row("c01 a B-tree's node under itself", "corrupt")
def _tree(_: Path) -> bytes:
    data = bytearray(_links())
    node = _nodes(bytes(data), 0)[0]
    data[node + 5] = 1
    struct.pack_into("<Q", data, node + 32, node)
    return bytes(data)


@row("c02 a chunk tree's node under itself", "corrupt")
def _chunk_tree(_: Path) -> bytes:
    data = bytearray(_chunked())
    root = next(node for node in _nodes(bytes(data), 1) if data[node + 5] == 1)
    struct.pack_into("<Q", data, root + 24 + 24, root)
    return bytes(data)


@row("c03 two nodes under one another", "corrupt")
def _two_nodes(_: Path) -> bytes:
    data = bytearray(_chunked())
    nodes = _nodes(bytes(data), 1)
    root = next(node for node in nodes if data[node + 5] == 1)
    leaf = next(node for node in nodes if data[node + 5] == 0)
    data[leaf + 5] = 1
    struct.pack_into("<Q", data, leaf + 24 + 24, root)
    return bytes(data)


@row("c04 a heap's free places in a ring", "corrupt")
def _heap(_: Path) -> bytes:
    data = bytearray(bytes_of(lambda file: [file.__setitem__(f"x{k}", 1.0) for k in range(3)] and None))
    _, free, start = struct.unpack_from("<QQQ", data, data.find(b"HEAP") + 8)
    struct.pack_into("<Q", data, start + free, free)
    return bytes(data)


for _size in (0, 2**64 - 1, 2**64 - 16):

    @row(f"c05 a text of {_size} bytes in a heap", "corrupt")
    def _global(_: Path, size: int = _size) -> bytes:
        data = bytearray(bytes_of(legacy(TWO)))
        struct.pack_into("<Q", data, data.find(b"GCOL") + 24, size)
        return bytes(data)


@row("c06 a header that goes on in itself", "corrupt")
def _header(_: Path) -> bytes:
    def write(file: h5py.File) -> None:
        group = file.create_group("g")
        for k in range(6):
            group.attrs[f"a{k}"] = "v" * 100

    data = bytearray(bytes_of(write))
    at = -1
    while (at := data.find(struct.pack("<HH", 0x10, 16), at + 1)) >= 0:
        place, size = struct.unpack_from("<QQ", data, at + 8)
        if 0 < size < place < len(data):
            struct.pack_into("<HHBBHQQ", data, place, 0x10, 16, 0, 0, 0, place, size)
    return bytes(data)


# Zip archives
for _name in ("../../x", "/abs", "..\\w", "C:\\x", "C:x", "a//b", "./a", "a/../b", "x\\..\\y"):
    row(f"z01 member {_name}", "name", ".keras")(lambda _, name=_name: keras(**{name: b"x"}))
row("z02 a member twice", "duplicate", ".keras")(
    lambda _: zipped([("metadata.json", "{}"), ("config.json", "{}"), ("config.json", "[]"), ("model.weights.h5", "x")])
)


def members(**new: Member) -> list[Member]:
    good = {"metadata.json": json.dumps({"keras_version": "3.15.1"}).encode(), "config.json": json.dumps(seeds.v3_config()).encode(),
            "model.weights.h5": bytes_of(seeds.v3_weights)}  # fmt: skip
    found = {name: Member(name.encode(), content) for name, content in good.items()}
    return [new.get(name.split(".")[0], member) for name, member in found.items()]


@row("z03 config.json of 300 MB", "too-large", ".keras")
def _bomb(_: Path) -> bytes:
    content, crc = bomb(300)
    return archive(members(config=Member(b"config.json", content, 300 * 2**20, crc, 8)))


@row("z03b 300 MB that declare to be 100 bytes", "corrupt", ".keras")
def _lying_bomb(_: Path) -> bytes:
    content, crc = bomb(300)
    return archive(members(config=Member(b"config.json", content, 100, crc, 8)))


row("z04 no config.json", "not-keras", ".keras")(
    lambda _: zipped({"metadata.json": "{}", "model.weights.h5": bytes_of(seeds.v3_weights)})
)


def _with_layer(**new: Any) -> Callable[[Path], bytes]:
    config = seeds.v3_config()
    config["config"]["layers"][1].update(new)
    return lambda _: keras(config=config)


row("z05 Lambda", "unsupported-class", ".keras")(
    _with_layer(class_name="Lambda", config={"name": "lstm", "function": {"class_name": "__lambda__", "config": {"code": "4wE="}}})
)
row("z06 system of os", "unsupported-class", ".keras")(
    _with_layer(module="os", class_name="system", config={"name": "lstm", "command": "id"})
)
row("z06b a class of another package", "unsupported-class", ".keras")(
    _with_layer(module="builtins", registered_name="evil>LSTM")
)
for _name, _text_of in {
    "z07 200,000 lists": "[" * 200_000 + "]" * 200_000,
    "z07b 200,000 lists without an end": "[" * 200_000,
    "z07c 200,000 objects": '{"a":' * 200_000 + "1" + "}" * 200_000,
    "z08 5,000 digits": '{"class_name": ' + "9" * 5000 + "}",
    "z08b NaN": '{"class_name": NaN}',
    "z08c infinity": '{"class_name": -Infinity}',
    "z08d 1e999": '{"class_name": 1e999}',
    "z08e a key twice": '{"class_name": "Sequential", "class_name": "Functional"}',
    "z09 not UTF-8": b'{"class_name": "\xff\xfe"}',
    "z09b UTF-16": '{"class_name": 1}'.encode("utf-16"),
    "z09c no JSON": "{'class_name': 1}",
    "z09d nothing": b"\n",
    "z09e a text that never ends": '"' + '\\"' * 100_000,
}.items():
    row(_name, "json", ".keras")(lambda _, text=_text_of: keras(config=text))
row("z10 encrypted", "encrypted", ".keras")(lambda _: archive(members(config=Member(b"config.json", b"{}", flags=1))))
row("z11 symlink", "symlink", ".keras")(
    lambda _: archive(members(config=Member(b"config.json", b"/etc/passwd", mode=stat.S_IFLNK | 0o777)))
)
row("z11b device", "type", ".keras")(lambda _: archive(members(config=Member(b"config.json", b"", mode=stat.S_IFCHR))))
row("z13 a prefix", "polyglot", ".keras")(lambda _: b"\x89HDF\r\n\x1a\n" + bytes(92) + keras())
row("z13b a prefix, and places that know of it", "polyglot", ".keras")(
    lambda _: archive(members(), before=b"PK\3\4" + bytes(60))
)
row("z13c HDF5 before it, and places that know of it", "polyglot", ".keras")(
    lambda _: archive(members(), before=bytes_of(legacy(TWO)))
)
row("z13d something before the directory", "polyglot", ".keras")(lambda _: archive(members(), gap=b"#!/bin/sh\n"))
row("z13e something behind", "polyglot", ".keras")(lambda _: keras() + b"#!/bin/sh\n" * 9)
row("z14 members over one another", "overlap", ".keras")(
    lambda _: archive([*members(), Member(b"assets/x", b"", at=0, local={"name": b"assets/x"})])
)
row("z15 its own header has another name", "corrupt", ".keras")(
    lambda _: archive(members(config=Member(b"config.json", b"{}", local={"name": b"config.txt"})))
)
row("z15b its own header has another size", "corrupt", ".keras")(
    lambda _: archive(members(config=Member(b"config.json", b"{}", local={"size": 20})))
)
row("z15c its own header has another method", "corrupt", ".keras")(
    lambda _: archive(members(config=Member(b"config.json", b"{}", local={"method": 8})))
)
row("z16 a checksum that is wrong", "corrupt", ".keras")(
    lambda _: archive(members(config=Member(b"config.json", b"{}", crc=1)))
)
row("z17 bzip2", "filter", ".keras")(lambda _: archive(members(config=Member(b"config.json", b"BZh9", 2, method=12))))
row("z18 60,000 members declared", "too-large", ".keras")(lambda _: archive(members(), count=60_000))
row("z18b 7 members declared of 3", "corrupt", ".keras")(lambda _: archive(members(), count=7))


@row("z19 zip64: 2⁴⁰ members", "too-large", ".keras")
def _zip64(_: Path) -> bytes:
    data = archive(members())
    end = data.rfind(b"PK\5\6")
    span, start = struct.unpack_from("<2I", data, end + 12)
    record = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, 2**40, 2**40, span, start)
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, end, 1)
    return data[:end] + record + locator + data[end:]


row("z20 weights that link elsewhere", "link", ".keras")(
    lambda folder: keras(bytes_of(lambda file: file.__setitem__("layers", h5py.ExternalLink(foreign(folder), "/"))))
)


# NumPy's files, and safetensors
class Payload:
    def __reduce__(self) -> Any:
        return os.mkdir, ("pickle-was-here",)


def _objects(name: str) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "|O", "fortran_order": False, "shape": (1,)})
    return stream.getvalue() + pickle.dumps([Payload()])


HUGE = seeds.npy(np.ones(2), {"descr": "<f8", "fortran_order": False, "shape": (10**12,)})
row("z12 npz with a pickle", "pickle", ".npz", **OPTIONS)(
    lambda _: zipped({"weight_ih_l0.npy": seeds.npy(np.ones(3)), "a.npy": _objects("a")})
)
row("n01 10¹² numbers", "too-large", ".npy", **OPTIONS)(lambda _: HUGE)
row("n01b 10¹² numbers in an npz", "too-large", ".npz", **OPTIONS)(lambda _: zipped({"weight_ih_l0.npy": HUGE}))
row("n02 a pickle", "pickle", ".npy", **OPTIONS)(lambda _: _objects("a"))
for _name, _code, _descr in (("complex", "dtype", "'<c8'"), ("text", "dtype", "'<U4'"), ("a table", "dtype", "[('a', '<f4')]"),
                             ("code", "corrupt", "__import__('os').mkdir('header-was-here')"),
                             ("16-byte floats", "dtype", "'<f16'")):  # fmt: skip

    @row(f"n03 {_name}", _code, ".npz", **OPTIONS)
    def _kind(_: Path, descr: str = _descr) -> bytes:
        header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': (1,), }}\n".encode()
        return zipped({"a.npy": b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(16)})


row("n04 a header of 60,000 bytes", "too-large", ".npz", **OPTIONS)(
    lambda _: zipped({"a.npy": b"\x93NUMPY\x01\x00" + struct.pack("<H", 60_000) + b"(" * 60_000})
)
row("n05 short", "truncated", ".npz", **OPTIONS)(lambda _: zipped({"a.npy": seeds.npy(np.ones(8))[:-8]}))
row("n06 long", "trailing", ".npz", **OPTIONS)(lambda _: zipped({"a.npy": seeds.npy(np.ones(8)) + b"x"}))
row("n07 NaN", "non-finite", ".npz", **OPTIONS)(
    lambda _: seeds.npz(seeds.pytorch() | {"bias_ih_l0": np.full(12, np.nan, "f4")})
)
row("n08 a name twice", "duplicate", ".npz", **OPTIONS)(
    lambda _: zipped({"a.npy": seeds.npy(np.ones(2)), "a": seeds.npy(np.ones(2))})
)

ONE = '"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}'
for _name, _code, _header_text, _data, _length in (
    ("s01 a header of 2⁶³ bytes", "too-large", "{" + ONE + "}", bytes(8), 2**63),
    ("s01b a header beyond the end", "truncated", "{" + ONE + "}", bytes(8), 2000),
    ("s02 arrays over one another", "overlap",
     "{" + ONE + ', "b": {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]}}', bytes(12), None),
    ("s02b a hole", "hole", "{" + ONE + ', "b": {"dtype": "F32", "shape": [2], "data_offsets": [12, 20]}}', bytes(20), None),
    ("s03 offsets too near", "offsets", "{" + ONE.replace("8]", "4]") + "}", bytes(4), None),
    ("s03b offsets backwards", "offsets", "{" + ONE.replace("[0, 8]", "[8, 0]") + "}", bytes(8), None),
    ("s04 a shape beyond 2⁶⁴", "too-large", "{" + ONE.replace("[2]", "[4294967296, 4294967297]") + "}", bytes(8), None),
    ("s04b a shape below nothing", "shape", "{" + ONE.replace("[2]", "[-1, -2]") + "}", bytes(8), None),
    ("s04c a shape with a fraction", "shape", "{" + ONE.replace("[2]", "[2.0]") + "}", bytes(8), None),
    ("s05 a key twice", "duplicate", "{" + ONE + ", " + ONE + "}", bytes(8), None),
    ("s06 more behind", "trailing", "{" + ONE + "}", bytes(16), None),
    ("s06b less", "truncated", "{" + ONE + "}", bytes(4), None),
    ("s07 another type", "dtype", "{" + ONE.replace("F32", "F8_E5M2") + "}", bytes(8), None),
    ("s08 no JSON", "json", "{" + ONE, bytes(8), None),
    ("s09 100,000 lists", "json", '{"a": ' + "[" * 100_000, bytes(8), None),
    ("s10 NaN", "non-finite", '{"weight_ih_l0": {"dtype": "F32", "shape": [12, 2], "data_offsets": [0, 96]}, '
     '"weight_hh_l0": {"dtype": "F32", "shape": [12, 3], "data_offsets": [96, 240]}}', b"\0\0\xc0\x7f" * 60, None),
):  # fmt: skip
    row(_name, _code, ".safetensors", **OPTIONS)(
        lambda _, text=_header_text, data=_data, length=_length: tensors(text, data, length)
    )
