"""The study of reviews: what it reads and refuses, how it divides, and that its distances and choices can differ."""

import hashlib
import io
import re
import tarfile
from pathlib import Path

import numpy as np
import pytest

from comparisons.proof.draws import UnreadableData
from comparisons.studies import snippets
from comparisons.studies.sentiment import accuracy, texts, training

ROOT = Path(__file__).parents[2]
GOOD, BAD = "a good film", "a bad film !"


def table(labels, delimiter=",", names=("text", "label"), last=""):
    """A file's content: 16 rows of each label or more, as many as are given."""
    rows = [f"{GOOD if k % 2 else BAD}{delimiter}{label}" for k, label in enumerate(labels)]
    return "\n".join([delimiter.join(names), *rows, last])


@pytest.mark.parametrize(
    ("name", "content", "positive"),
    [
        ("a.csv", table([0, 1] * 16), 16),
        ("a.csv", table(["negative", "Positive"] * 17, names=("review", "sentiment")), 17),  # as Kaggle's IMDB file
        ("a.tsv", table([-3.5, 0.2, 0] * 16, "\t", ("Text", "Rating")), 16),  # 0 is neither
        ("a.csv", table([1, 2, 3, 4, 5] * 16), 32),  # 3 is the middle
        ("a.csv", "\ufeff" + table([1, 10] * 16) + "\n\n", 16),
        ("a.csv", table([0, 1] * 16, last='"two\nlines, and ""quoted""",1'), 17),
        ("a.txt", table([0, 1] * 16, "\t", last='" is a good character\t1'), 17),
    ],
)
def test_what_is_read(tmp_path, name, content, positive):
    (tmp_path / name).write_text(content, encoding="utf-8")
    found = texts.read(str(tmp_path / name))
    assert int(found.positive.sum()) == positive
    assert len(found.words) == len(found.positive) >= 32
    assert found.words[1] == GOOD.split()
    assert not found.snippets


REFUSED = {
    "no such file": ("a.csv", None, "must be a file that can be read, got"),
    "another kind": ("a.xlsx", table([0, 1] * 16), "must be a .csv or .tsv file, or imdb, got"),
    "empty": ("a.csv", "", "a label column (label, rating, sentiment, score), got nothing"),
    "no names": ("a.csv", table([0, 1] * 16, names=("good", "1")), "a text column (text, review, sentence)"),
    "not UTF-8": ("a.csv", table([0, 1] * 16).encode() + b"\xff,1", "in UTF-8, got byte"),
    "one column": ("a.csv", table([0, 1] * 16, last="alone"), "got 1 columns in line 34"),
    "no label": ("a.csv", table([0, 1] * 16, last="a film,"), "positive or negative, got '' in line 34"),
    "a word": ("a.csv", table([0, 1] * 16, last="a film,great"), "got 'great' in line 34"),
    "not finite": ("a.csv", table([0, 1] * 16, last="a film,inf"), "got 'inf' in line 34"),
    "no words": ("a.csv", table([0, 1] * 16, last="...,1"), "must have a word at least, got '...' in line 34"),
    "one class": ("a.csv", table([1] * 40), "got 0 above it"),
    "few": ("a.csv", table([0, 1] * 15), "must have 16 labels at least on either side of the middle (0.5), got 15"),
    "long field": ("a.csv", table([0, 1] * 16, last="a" * 140_000 + ",1"), "must be a table, got field larger"),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_is_refused(refused, tmp_path, why):
    name, content, sentence = REFUSED[why]
    if content is not None:
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    out = tmp_path / "out"
    said = refused("study", "sentiment", "--quick", "--data", str(tmp_path / name), "--out", str(out), exit_code=3)
    assert sentence in said
    assert not out.exists()


def test_too_large_a_file_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(texts, "LARGEST", 10)
    (tmp_path / "a.csv").write_text(table([0, 1] * 16))
    with pytest.raises(UnreadableData, match="at most 10 bytes"):
        texts.read(str(tmp_path / "a.csv"))


def test_without_data_a_full_run_says_where_there_are_some(refused, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = refused("study", "sentiment", "--out", "out", exit_code=3)
    for way in ("make reviews", "--data FILE", "--data imdb", "--quick"):
        assert way in said
    assert len(texts.read(None, quick=True).words) >= 60
    Path("reviews.tsv").write_text(table([-1, 1] * 16, "\t"))
    assert texts.read(None).source == "reviews.tsv"


def test_data_are_of_this_study_alone(refused):
    assert "--data is of the study sentiment" in refused("study", "gradients", "--data", "a.csv")


def test_imdb(tmp_path, monkeypatch):
    """Keras' reviews from a planted archive; and without a network, one sentence."""
    from keras.src.datasets import imdb

    rows = np.empty(20, object)
    rows[:] = [[1, 2 + k % 2] for k in range(20)]
    labels = np.arange(20) % 2
    np.savez(tmp_path / "imdb.npz", x_train=rows, y_train=labels, x_test=rows, y_test=labels)
    monkeypatch.setattr(imdb, "get_file", lambda **_: str(tmp_path / "imdb.npz"))
    found = texts.read("imdb")
    assert {(*words, right) for words, right in zip(found.words, found.positive.tolist(), strict=True)} == {
        ("1", "2", False),
        ("1", "3", True),
    }
    assert len(found.words) == 40

    def nowhere(**_):
        raise Exception("URL fetch failure on\nthe network")

    monkeypatch.setattr(imdb, "get_file", nowhere)
    with pytest.raises(UnreadableData, match=r"make reviews.*--data FILE") as refusal:
        texts.read("imdb")
    assert "got 'URL fetch failure on the network'" in str(refusal.value)


def test_the_division():
    """Halves that share nothing; the vocabulary of the training part alone; the last words, padded behind."""
    every = [["first", *["word"] * (k % 3), f"only{k}"] for k in range(100)]
    given = texts.Texts(every, np.arange(100) % 4 == 0, "", "")
    sizes = training.Sizes(texts=80, vocabulary=1000, length=2)
    own = training.split(given, sizes, seed=0, n=0)
    assert (own.held_out, own.validation) == (slice(0, 40), slice(40, 44))
    assert own.train.tolist() == list(range(44, 80))
    assert own.indices.shape == (80, 2)
    order = np.random.default_rng([0, 0, 0]).permutation(100)[:80]
    assert own.positive[:, 0].tolist() == [float(k % 4 == 0) for k in order]
    assert own.bag.shape[1] == 2 + len({word for k in order[44:] for word in every[k]})
    last = own.indices[:, -1]
    assert (last[:44] == training.UNKNOWN).all(), "their last word is nowhere in the training part"
    assert (last[44:] > training.UNKNOWN).all()
    assert not own.bag[:, [training.PADDING, training.UNKNOWN]].any()
    assert (own.bag[:, 2:].sum(axis=1)[44:] == [2 + (k % 3 > 0) for k in order[44:]]).all(), "each word once"
    longer = training.split(given, training.Sizes(texts=80, length=9), seed=0, n=0)
    assert longer.indices.shape[1] == 4
    assert ((longer.indices == training.PADDING).sum(axis=1) == [2 - k % 3 for k in order]).all()
    assert not (longer.indices[:, :2] == training.PADDING).any()
    assert not np.array_equal(own.positive, training.split(given, sizes, seed=0, n=1).positive)


@pytest.fixture(scope="module")
def found():
    """One network in the small."""
    given = texts.read(None, quick=True)
    return training.measure("GRU", None, given.digest, quick=True, seed=0, n=0)


def test_stock_and_ours_begin_as_one_and_stay_near(found):
    assert found["drawn apart"] == 0
    u = 2.0**-24
    assert 0 < found["runs"][training.OURS]["apart"][0] < 64 * u
    assert 0 < found["runs"][training.NUDGED]["apart"][0] < 64 * u
    curves = [np.array(found["runs"][whose]["training loss"]) for whose in (training.STOCK, training.OURS)]
    assert np.abs(curves[0] - curves[1]).max() < 64 * u
    assert curves[0][-1] < curves[0][0]


def test_the_curves_are_of_whole_epochs(found):
    epochs, epoch = training.QUICK.epochs, found["epoch"]
    assert found["points"][-epochs:] == [epoch * k for k in range(1, epochs + 1)]
    for run in found["runs"].values():
        assert {len(run[of]) for of in ("training loss", "validation loss", "accuracy", "F1")} == {epochs}
    assert found["kept"] == int(np.argmin(found["runs"][training.STOCK]["validation loss"]))
    assert found["ratio"] > 0


def test_accuracy_and_f1():
    said, right = np.array([0.9, 0.8, 0.7, 0.2]), np.array([1.0, 0.0, 1.0, 0.0])
    assert training.accuracy(said, right) == 0.75
    assert training.f1(said, right) == pytest.approx((4 / 5 + 2 / 3) / 2)
    assert training.f1(said, np.zeros(4)) == pytest.approx((0 + 2 / 5) / 2)


@pytest.mark.parametrize(("better", "words"), [(0.2, "0.200 more than"), (-0.2, "0.200 less than"), (0.001, "no more")])
def test_the_paragraph_says_who_is_better(found, better, words):
    best = max(found["runs"][whose]["accuracy"][found["kept"]] for whose in (training.STOCK, training.OURS))
    runs = {whose: dict(run, accuracy=[best] * training.QUICK.epochs) for whose, run in found["runs"].items()}
    one = dict(found, runs=runs, sizes=dict(found["sizes"], **{"held out": 10_000}))
    bag = {"accuracy": best - better, "F1": 0.5, "majority": 0.5}
    given = texts.read(None, quick=True)
    part = accuracy.accuracy_part(given, training.QUICK, {"GRU": [one]}, [bag])
    assert words in part.says
    assert part.source == ""
    assert "maximum entropy" not in part.says
    paper = accuracy.accuracy_part(given._replace(snippets=True), training.QUICK, {"GRU": [one]}, [bag])
    assert "ICWSM 2014" in paper.source
    assert "maximum entropy 0.75" in paper.says


# The archive that `make reviews` fetches.
CONTENT = b"1\t1.5\tFine.\r\n2\t-2\tDull.\r\n"


def archive(name, content, inside=None):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for each, of in ((f"{name}.not", b"no"), (name, content)):
            member = tarfile.TarInfo(each)
            member.size = len(of)
            tar.addfile(member, io.BytesIO(of))
    return stream.getvalue()


@pytest.fixture
def planted(tmp_path, monkeypatch):
    """An archive of the same shape, with the checksums that it has."""
    packed = archive(snippets.WITHIN[0], archive(snippets.NAMED, CONTENT))
    (tmp_path / "v.tar.gz").write_bytes(packed)
    monkeypatch.setattr(snippets, "ARCHIVE", hashlib.sha256(packed).hexdigest())
    monkeypatch.setattr(snippets, "FILE", hashlib.sha256(CONTENT).hexdigest())
    return tmp_path / "v.tar.gz"


def test_snippets_are_taken_out(planted, capsys):
    target = planted.with_name("reviews.tsv")
    assert snippets.main([str(planted), str(target)]) == 0
    assert "2 film-review snippets" in capsys.readouterr().out
    assert target.read_bytes() == snippets.NAMES + CONTENT
    assert snippets.are_these(target.read_bytes())
    assert not snippets.are_these(target.read_bytes() + b" ")
    assert {path.name for path in planted.parent.iterdir()} == {"v.tar.gz", "reviews.tsv"}


def test_another_archive_is_refused(planted, monkeypatch, capsys):
    target = planted.with_name("reviews.tsv")
    target.write_text("of before")

    def refused(sentence):
        assert snippets.main([str(planted), str(target)]) == 3
        error = capsys.readouterr().err
        assert sentence in error
        assert error.count("\n") == 1
        assert target.read_text() == "of before"

    monkeypatch.setattr(snippets, "LARGEST", len(CONTENT) - 1)
    refused("must be that of vaderSentiment 3.3.2")
    monkeypatch.undo()
    refused("must be that of vaderSentiment 3.3.2")
    monkeypatch.setattr(snippets, "ARCHIVE", hashlib.sha256(planted.read_bytes()).hexdigest())
    refused(f"must have SHA-256 {snippets.FILE}")
    monkeypatch.setattr(snippets, "NAMED", "another")
    refused("must hold the file 'another'")
    assert snippets.main([]) == 2
    assert snippets.main([str(planted.with_name("no")), str(target)]) == 3


def test_make_fetches_the_same_archive():
    makefile = (ROOT / "Makefile").read_text()
    assert re.findall(r"^VADER := (\w+)$", makefile, re.MULTILINE) == [snippets.ARCHIVE]
    assert snippets.TARGET in makefile
