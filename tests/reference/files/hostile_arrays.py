"""Hostile .npz, .npy and .safetensors files."""

from __future__ import annotations

import io
import os
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import seeds
from hostile_rows import OPTIONS, row
from seeds import tensors, zipped


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
for _name, _code, _descr in (("complex", "dtype", "'<c8'"), ("text", "dtype", "'<U4'"),
                             ("a table", "dtype", "[('a', '<f4')]"),
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
    ("s02b a hole", "hole",
     "{" + ONE + ', "b": {"dtype": "F32", "shape": [2], "data_offsets": [12, 20]}}', bytes(20), None),
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
