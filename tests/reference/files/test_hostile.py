"""Each file that a reader must survive: its code, in no time, in little memory, and with nothing else touched."""

import json
import math
import os
import re
import socket
import stat
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import h5py
import hostile
import numpy as np
import pytest
import seeds

import reference
from reference.files import FileRefused, Limits, hdf5, load, npz, opened_model, safetensors
from reference.files.guard import Guard, magic, opened, shown
from reference.files.stored import Group
from reference.files.zips import Archive

ROOT = Path(__file__).parents[3]
SECONDS = 2.0  # of a refusal; under one of a machine that does nothing else
BYTES = 128 * 2**20  # of all of them together, one after another; JSON alone may have 16 MiB


@pytest.fixture
def written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(suffix, make):
        path = tmp_path / f"file{suffix}"
        path.write_bytes(make(tmp_path))
        return path

    return write


def refusal(path, **options):
    with pytest.raises(FileRefused) as caught:
        load(path, **options)
    return caught.value


# All of them in one process, for its memory counts the C libraries' too: path and options in; code, sentence, time out.
WORKER = """
import json, resource, sys, time
from reference.files import FileRefused, load
pages = int(open("/proc/self/statm").read().split()[0])
room = pages * resource.getpagesize() + 192 * 2**20
resource.setrlimit(resource.RLIMIT_AS, (room, room))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path, told in json.load(sys.stdin):
    began = time.process_time()
    try:
        found = ["loaded", str(load(path, **told))]
    except FileRefused as refused:
        found = [refused.code, str(refused)]
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(json.dumps([*found, time.process_time() - began, grown * 1024]), flush=True)
"""


@pytest.fixture(scope="module")
def outcomes(hostile_files, tmp_path_factory):
    jobs, folder = list(hostile_files.values()), tmp_path_factory.mktemp("empty")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-W", "error", "-c", WORKER]
    ran = subprocess.run(
        words,
        input=json.dumps(jobs),
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=environment,
        timeout=120,
    )
    assert os.listdir(folder) == []
    found = dict(zip(hostile.ROWS, map(json.loads, ran.stdout.splitlines()), strict=False))
    died = next((name for name in hostile.ROWS if name not in found), None)
    return found, f"{died} ended the process: {ran.returncode} {ran.stderr}"


@pytest.mark.parametrize("name", hostile.ROWS)
def test_a_hostile_file_is_refused_with_its_code(name, outcomes):
    found, otherwise = outcomes
    assert name in found, otherwise
    code, sentence, took, grown = found[name]
    assert code == hostile.ROWS[name][0], sentence
    assert sentence.isprintable()
    assert re.search(r" must .*, got .", sentence), sentence
    assert took < SECONDS
    assert grown < BYTES


def test_every_code_is_in_security_md_and_no_other():
    said = set(re.findall(r"^\| `([a-z0-9-]+)` \|", (ROOT / "SECURITY.md").read_text(), re.MULTILINE))
    assert {code for code, *_ in hostile.ROWS.values()} <= said
    raised = set()
    for path in (ROOT / "reference/files").glob("*.py"):
        raised |= set(re.findall(r'refuse\(\s*"([a-z0-9-]+)"', path.read_text()))
    assert raised <= said


@pytest.mark.parametrize("name", seeds.SEEDS)
def test_the_seeds_load(name, written):
    write, told = seeds.SEEDS[name]
    path = written(name, lambda _: write())
    (layer,) = load(path, **told).values()
    assert layer.units == seeds.UNITS


# What is no file
def test_a_path_that_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        for path, code in (
            (tmp_path, "not-a-file"),
            (tmp_path / "pipe", "not-a-file"),
            (tmp_path / "socket", "not-a-file"),
            ("/dev/zero", "not-a-file"),
            (tmp_path / "none", "no-file"),
            (tmp_path / "none" / "none", "no-file"),
            ("a\0b", "no-file"),
            (b"a\0b", "no-file"),
            ("a" * 5000, "no-file"),
        ):
            assert refusal(path).code == code, path


def test_a_file_replaced_after_it_was_opened(tmp_path):
    path = tmp_path / "model.h5"
    path.write_bytes(seeds.bytes_of(seeds.legacy(seeds.TWO)))
    other = tmp_path / "other.h5"
    other.write_bytes(seeds.bytes_of(seeds.legacy([("lstm", seeds.lstm(seed=9)), seeds.TWO[1]])))
    with opened_model(path) as model:
        other.replace(path)
        kernel = next(array for array in model.arrays() if array.where.endswith("kernel:0"))
        np.testing.assert_array_equal(kernel.read(), seeds.lstm()["kernel"])


def test_a_file_cut_short_while_it_is_open(tmp_path):
    path = tmp_path / "model.h5"
    path.write_bytes(seeds.bytes_of(seeds.legacy(seeds.TWO)))
    with opened_model(path) as model:
        os.truncate(path, 100)
        with pytest.raises(FileRefused) as caught:
            [array.read() for array in model.arrays()]
    assert caught.value.code == "truncated"


# What is accepted
def test_odd_names_are_read_and_printed_escaped(tmp_path):
    odd = b"ls\xfftm"
    path = tmp_path / "model.h5"

    def write(file):
        seeds.legacy(seeds.TWO)(file)
        h5py.h5g.create(file.id, odd)
        file["new\nline\x1b[2J"] = np.float32([1, math.nan])

    path.write_bytes(seeds.bytes_of(write))
    guard = Guard(str(path), Limits())
    with opened(path, guard) as stream:
        tree = hdf5.tree(stream, guard)
        assert odd.decode("utf-8", "surrogateescape") in tree.groups
        assert tree.groups[odd.decode("utf-8", "surrogateescape")].where == "/ls\\udcfftm"
        with pytest.raises(FileRefused) as caught:
            tree.arrays["new\nline\x1b[2J"].read()
    assert caught.value.code == "non-finite"
    assert "/new\\nline\\x1b[2J of " in str(caught.value)
    assert str(caught.value).isprintable()
    assert list(load(path)) == ["lstm"]


def test_a_name_is_shown_on_one_line_and_not_too_long():
    assert shown("a\u202eb\x00\x07") == "a\\u202eb\\x00\\x07"
    assert len(shown("x" * 10**6)) == 201


def test_big_endian_numbers_are_converted(tmp_path):
    path = tmp_path / "model.h5"
    arrays = {name: array.astype(">f8") for name, array in seeds.lstm().items()}
    path.write_bytes(seeds.bytes_of(seeds.legacy([("lstm", arrays), seeds.TWO[1]])))
    layer = load(path)["lstm"]
    assert layer.weights.kernel.dtype == np.dtype("=f8")
    np.testing.assert_array_equal(layer.weights.kernel, seeds.lstm()["kernel"])


def test_non_finite_numbers_are_let_in_by_name(written):
    _, suffix, make, _ = hostile.ROWS["h16 NaN"]
    path = written(suffix, make)
    assert np.isnan(load(path, non_finite=True)["lstm"].weights.kernel).all()


def test_limits_are_those_given(tmp_path):
    path = tmp_path / "model.h5"
    path.write_bytes(seeds.bytes_of(seeds.legacy(seeds.TWO)))
    for limits, code, name in (
        (Limits(bytes=100), "too-large", "Limits.bytes"),
        (Limits(tensors=4), "too-large", "Limits.tensors"),
        (Limits(depth=2), "too-deep", "Limits.depth"),
        (Limits(json_bytes=100), "too-large", "Limits.json_bytes"),
        (Limits(json_depth=3), "too-deep", "Limits.json_depth"),
    ):
        refused = refusal(path, limits=limits)
        assert (refused.code, name in str(refused)) == (code, True), refused
    load(path, limits=Limits(bytes=1000, tensors=5, depth=3))
    _, suffix, make, _ = hostile.ROWS["h10 gzip bomb"]
    bomb = tmp_path / f"bomb{suffix}"
    bomb.write_bytes(make(tmp_path))
    assert "Limits.ratio" in str(refusal(bomb))
    assert list(load(bomb, limits=Limits(ratio=1100))) == ["lstm"]


# Containers that are as they should be are read as their own libraries read them
def flat(group: Group, prefix=""):
    found = {f"{prefix}{name}": array.read() for name, array in group.arrays.items()}
    for name, inner in group.groups.items():
        found |= flat(inner, f"{prefix}{name}/")
    return found


def same(got, want):
    assert set(got) == set(want)
    for name, array in want.items():
        assert got[name].dtype == array.dtype.newbyteorder("="), name
        assert got[name].flags.c_contiguous, name
        np.testing.assert_array_equal(got[name], array, err_msg=name)
        assert got[name].shape == array.shape


KINDS = ("f2", ">f4", "f8", "i1", "u8", ">i2", "?")
LAYOUTS = [
    {"chunks": chunks, "compression": packed, "shuffle": shuffled, "fletcher32": summed, "maxshape": (None, None)}
    for chunks in ((7, 5), (23, 11), (30, 30))
    for packed in (None, "gzip")
    for shuffled in (False, True)
    for summed in (False, True)
]


@pytest.mark.parametrize("library", ["earliest", "latest"])
def test_every_layout_of_hdf5_is_read_as_h5py_reads_it(tmp_path, library):
    path = tmp_path / "x.h5"
    numbers = np.random.default_rng(1).normal(size=(23, 11)) * 50
    with h5py.File(path, "w", libver=library) as file:
        for k, layout in enumerate(LAYOUTS):
            for kind in KINDS:
                file.create_dataset(f"a/{k}/{kind}", data=numbers.astype(kind), **layout)
        for kind in KINDS:
            file[f"whole/{kind}"] = numbers.astype(kind)
            file[f"one/{kind}"] = numbers.astype(kind)[0, 0]
            file.create_dataset(f"odd/{kind}", data=numbers.astype(kind)[0], chunks=(11,), fletcher32=True)
            plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            plan.set_layout(h5py.h5d.COMPACT)
            kept = h5py.h5t.py_create(np.dtype(kind))
            made = h5py.h5d.create(file.id, f"compact {kind}".encode(), kept, h5py.h5s.create_simple((3,)), plan)
            made.write(h5py.h5s.ALL, h5py.h5s.ALL, numbers.astype(kind)[0, :3].copy())
        file["none"] = np.zeros((0, 4), "f4")
        want = {}
        file.visititems(lambda name, item: want.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
        want = {name: np.asarray(array) for name, array in want.items()}
    guard = Guard("x.h5", Limits())
    with opened(path, guard) as stream:
        same(flat(hdf5.tree(stream, guard)), want)


def test_attributes_and_order_of_hdf5(tmp_path):
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        group = file.create_group("g", track_order=True)
        for name in ("z", "a", "m"):
            group[name] = np.float32(1)
        file.attrs["text"], file.attrs["bytes"] = "grün", np.bytes_("abc")
        file.attrs["texts"], file.attrs["fixed"] = ["a", "bcd"], np.array([b"x", b"yz"])
        file.attrs["number"], file.attrs["numbers"], file.attrs["none"] = 2.5, np.arange(3, dtype=">i4"), []
        file.attrs["empty"], file.attrs["true"] = h5py.Empty("f4"), True
        file.attrs["long"] = "x" * 200_000
    guard = Guard("x.h5", Limits())
    with opened(path, guard) as stream:
        tree = hdf5.tree(stream, guard)
    found = dict(tree.attributes)
    assert list(tree.groups["g"].arrays) == ["z", "a", "m"]
    assert found.pop("numbers").tolist() == [0, 1, 2]
    assert found.pop("none").tolist() == []
    assert found.pop("long") == "x" * 200_000
    assert found == {
        "text": "grün",
        "bytes": "abc",
        "texts": ["a", "bcd"],
        "fixed": ["x", "yz"],
        "number": 2.5,
        "true": True,
    }


def test_bfloat16_becomes_float32_exactly(tmp_path):
    bits = np.arange(0, 0x7F80, 7, dtype="<u2")
    want = (bits.astype("u4") << 16).view("f4")
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:  # as Keras 3 writes it
        file.create_dataset("x", data=bits.view("V2"))
        file["x"].attrs["dtype"] = "bfloat16"
    guard = Guard("x.h5", Limits())
    with opened(path, guard) as stream:
        same(flat(hdf5.tree(stream, guard)), {"x": want})
    header = json.dumps({"x": {"dtype": "BF16", "shape": [len(bits)], "data_offsets": [0, 2 * len(bits)]}})
    path.write_bytes(seeds.tensors(header, bits.tobytes()))
    with opened(path, guard) as stream:
        assert magic(stream, guard) == "safetensors"
        same(flat(safetensors.tree(stream, guard)), {"x": want})


@pytest.mark.parametrize("packed", [False, True])
def test_npz_and_npy_are_read_as_numpy_reads_them(tmp_path, packed):
    numbers = np.random.default_rng(1).normal(size=(5, 3, 2)) * 50
    arrays = {f"{kind} {order}": np.array(numbers.astype(kind), order=order) for kind in KINDS for order in "CF"}
    arrays |= {"one": np.array(2.5), "none": np.zeros((0, 3)), "name/with.dots": np.arange(3)}
    path = tmp_path / "x"
    path.write_bytes(seeds.npz(arrays, packed))
    guard = Guard("x", Limits())
    with opened(path, guard) as stream:
        assert magic(stream, guard) == "zip"
        same(flat(npz.tree(stream, guard)), arrays)
    path.write_bytes(seeds.npy(arrays[">f4 F"]))
    with opened(path, guard) as stream:
        assert magic(stream, guard) == "npy"
        same(flat(npz.tree(stream, guard)), {"": arrays[">f4 F"]})


def test_safetensors_are_read_as_their_library_reads_them(tmp_path):
    library = pytest.importorskip("safetensors.numpy")
    arrays = {
        kind: (np.random.default_rng(1).normal(size=(4, 3)) * 50).astype(kind) for kind in KINDS if kind[0] != ">"
    }
    arrays |= {"one": np.array(2.5, "f4"), "none": np.zeros((0, 3), "i4")}
    path = tmp_path / "x"
    path.write_bytes(library.save(arrays, {"format": "np"}))
    guard = Guard("x", Limits())
    with opened(path, guard) as stream:
        tree = safetensors.tree(stream, guard)
        assert tree.attributes == {"format": "np"}
        same(flat(tree), arrays)


def test_a_stored_member_is_a_window_on_the_archive(tmp_path):
    path = tmp_path / "x.keras"
    path.write_bytes(seeds.keras())
    guard = Guard("x", Limits())
    with opened(path, guard) as stream:
        archive = Archive(stream, guard)
        assert archive.names == ("metadata.json", "config.json", "model.weights.h5")
        inner = archive.stream("model.weights.h5")
        assert inner.read() == archive.content("model.weights.h5", 10**6) == seeds.bytes_of(seeds.v3_weights)
        inner.seek(-4, os.SEEK_END)
        assert (inner.tell(), len(inner.read(99))) == (len(seeds.bytes_of(seeds.v3_weights)) - 4, 4)
        with pytest.raises(FileRefused) as caught:
            archive.content("config.json", 10)
    assert caught.value.code == "too-large"


def test_headers_of_a_large_file_cost_no_more_than_those_of_a_small_one(tmp_path):
    """A gigabyte, most of it a hole, so that writing it is quick."""
    path = tmp_path / "large.weights.h5"
    with h5py.File(path, "w") as file:
        for k in range(4):
            plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            plan.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
            plan.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
            space = h5py.h5s.create_simple((2**13, 2**13 - 1))
            h5py.h5d.create(file.id, str(k).encode(), h5py.h5t.IEEE_F32LE, space, plan)
    assert stat.S_ISREG(path.stat().st_mode)
    assert path.stat().st_size > 0.99 * 2**30
    guard = Guard("x", Limits())
    tracemalloc.start()
    with opened(path, guard) as stream:
        began = time.process_time()
        tree = hdf5.tree(stream, guard)
        took = time.process_time() - began
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert {array.shape for array in tree.arrays.values()} == {(2**13, 2**13 - 1)}
    assert took < 0.25
    assert peak < 2**20


def test_load_is_public():
    assert reference.load is load
