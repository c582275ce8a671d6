"""The shipped series, and what a user's data file may be."""

import zipfile

import numpy as np
import pytest

from comparisons.proof import draws
from comparisons.proof.cases import CASES, WINDOW, Case


def test_sunspots_are_the_series_of_3126_months():
    series = draws.sunspots()
    assert series.shape == (3126, 1)
    assert (series[0, 0], series[-1, 0]) == (58.0, 2.6)
    assert draws.windows(series).shape == (23, WINDOW + 1, 1)
    assert np.abs(draws.windows(series)).max() == 1


def test_sentence_is_one_hot():
    sentence = draws.sentence()
    assert sentence.shape == (1, 5, 10)
    assert (sentence.sum(-1) == 1).all()
    assert sentence[0].argmax(-1).tolist() == [0, 1, 2, 3, 4]


def test_case_names_are_unique():
    assert len({case.name for case in CASES}) == len(CASES)


def test_weights_are_asymmetric_and_repeatable():
    case = Case("a", "lstm")
    one, two = draws.weights(case, 3, 0), draws.weights(case, 3, 0)
    other = draws.weights(case, 3, 1)
    assert np.array_equal(one.weights.kernel, two.weights.kernel)
    assert not np.array_equal(one.weights.kernel, other.weights.kernel)
    for array in one.weights[:3]:
        assert len(np.unique(array)) == array.size


@pytest.mark.parametrize(("batch", "steps"), [(4, 132), (1, 2), (1, 5)])
def test_mask_masks_first_steps(batch, steps):
    mask = draws.mask(batch, steps, 0)
    assert mask.dtype == bool
    assert not mask[0, :2].any()
    assert batch == 1 or not mask[-1, -1]


SERIES = np.arange(12.0).reshape(6, 2)


def test_every_format_gives_the_same(tmp_path):
    np.save(tmp_path / "a.npy", SERIES)
    np.savez(tmp_path / "a.npz", SERIES)
    (tmp_path / "a.csv").write_text("x,y\n" + "\n".join(f"{a},{b}" for a, b in SERIES) + "\n")
    (tmp_path / "bare.csv").write_text("\n".join(f"{a},{b}" for a, b in SERIES))
    for name in ("a.npy", "a.npz", "a.csv", "bare.csv"):
        np.testing.assert_array_equal(draws.load(tmp_path / name), SERIES)
    np.save(tmp_path / "flat.npy", SERIES[:, 0].astype("int16"))
    assert draws.load(tmp_path / "flat.npy").shape == (6, 1)


def test_short_series_is_one_window():
    assert draws.windows(SERIES).shape == (1, 6, 2)
    assert draws.windows(np.zeros((5, 1))).max() == 0  # a series of zeros is scaled by nothing
    assert draws.windows(SERIES[None]).shape == (1, 6, 2)


def text(content):
    return lambda path: path.write_bytes(content)


def array(values):
    return lambda path: np.save(path, values, allow_pickle=True)


def two_arrays(path):
    np.savez(path, a=SERIES, b=SERIES)


def claims_too_much(path):
    """A header of 10¹² numbers before none."""
    np.save(path, SERIES)
    path.write_bytes(
        path.read_bytes().replace(b"(6, 2)", b"(10**12,)"[:6]).replace(b"'shape': (10**1", b"'shape': (1000")
    )


def bomb(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.npy", "w") as member:
        np.lib.format.write_array_header_1_0(member, {"descr": "<f8", "fortran_order": False, "shape": (40_000_000,)})
        for _ in range(40):
            member.write(bytes(8_000_000))


BAD = {
    "data.txt": (text(b"1\n2\n3\n"), "data must be a .npy, .npz or .csv file"),
    "short.npy": (array(np.zeros(2)), r"three steps or more, got \(2, 1\)"),
    "flat.npy": (array(np.float64(3)), r"got \(\)"),
    "deep.npy": (array(np.zeros((2, 3, 4, 5))), r"got \(2, 3, 4, 5\)"),
    "none.npy": (array(np.zeros((3, 0))), r"got \(3, 0\)"),
    "nan.npy": (array(np.array([1.0, np.nan, 2.0])), r"must be finite, got nan at \(1, 0\)"),
    "inf.npy": (array(np.array([1.0, 2.0, np.inf])), "must be finite, got inf"),
    "complex.npy": (array(np.zeros(4, complex)), "must be real numbers"),
    "words.npy": (array(np.array(["a", "b", "c"])), "must be real numbers"),
    "pickle.npy": (array(np.array([{}, [], 1], dtype=object)), "no array file that can be read"),
    "cut.npy": (lambda path: (np.save(path, SERIES), path.write_bytes(path.read_bytes()[:-8])), "no array file"),
    "huge.npy": (claims_too_much, "no array file"),
    "empty.npy": (text(b""), "no array file"),
    "two.npz": (two_arrays, r"an .npz must hold one array, 'two.npz' holds \['a', 'b'\]"),
    "torn.npz": (text(b"PK\x03\x04garbage"), "no array file"),
    "bomb.npz": (bomb, "unpacks to 320000128"),
    "word.csv": (text(b"a,b\n1,2\n3,x\n"), "line 3 of 'word.csv' must hold numbers, got 'x'"),
    "ragged.csv": (text(b"1,2\n3\n5,6\n"), "line 2 of 'ragged.csv' must have 2 columns, got 1"),
    "names.csv": (text(b"a,b\n"), "holds no numbers"),
    "empty.csv": (text(b""), "holds no numbers"),
    "latin.csv": (text(b"\xff\xfe\n"), "no table that can be read"),
    "nan.csv": (text(b"1\nnan\n3\n"), "must be finite"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_file_gets_one_sentence(name, tmp_path):
    make, sentence = BAD[name]
    make(tmp_path / name)
    with pytest.raises(draws.UnreadableData, match=sentence) as refused:
        draws.load(tmp_path / name)
    assert "\n" not in str(refused.value)


def test_missing_file_and_folder(tmp_path):
    (tmp_path / "folder.npy").mkdir()
    for name in ("none.npy", "folder.npy"):
        with pytest.raises(draws.UnreadableData, match="no data file"):
            draws.load(tmp_path / name)
