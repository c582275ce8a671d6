"""Hostile .keras archives."""

from __future__ import annotations

import json
import stat
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import seeds
from hostile_rows import foreign, row
from seeds import TWO, bytes_of, keras, legacy, zipped
from zip_bytes import Member, archive, bomb

for _name in ("../../x", "/abs", "..\\w", "C:\\x", "C:x", "a//b", "./a", "a/../b", "x\\..\\y"):
    row(f"z01 member {_name}", "name", ".keras")(lambda _, name=_name: keras(**{name: b"x"}))
row("z02 a member twice", "duplicate", ".keras")(
    lambda _: zipped([("metadata.json", "{}"), ("config.json", "{}"), ("config.json", "[]"), ("model.weights.h5", "x")])
)


def members(**new: Member) -> list[Member]:
    good = {
        "metadata.json": json.dumps({"keras_version": "3.15.1"}).encode(),
        "config.json": json.dumps(seeds.v3_config()).encode(),
        "model.weights.h5": bytes_of(seeds.v3_weights),
    }
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
    _with_layer(
        class_name="Lambda",
        config={"name": "lstm", "function": {"class_name": "__lambda__", "config": {"code": "4wE="}}},
    )
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
