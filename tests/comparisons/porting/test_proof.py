"""A port with a planted mistake fails its proof: exit 1, and nothing is written."""

import json
from dataclasses import replace

import numpy as np
import pytest

from comparisons.porting import folded, masks, plan, recurrent
from tests.comparisons.porting import keras1_files as files

pytest.importorskip("keras")


@pytest.fixture
def old(tmp_path):
    """A model with a fold in its LSTM and in its Dense, and a convolution of Theano's."""
    dense = files.dense1(3, 2, activation="hard_sigmoid")
    config = {"name": "dense_1", "units": 2, "activation": "hard_sigmoid", "use_bias": True}
    arrays = {f"dense_1/{new}:0": a for new, a in zip(("kernel", "bias"), dense[2].values(), strict=True)}
    layers = [files.conv2(), files.recurrent2("LSTM", 5, 3, "lstm_1"), ("Dense", config, arrays)]
    files.write(tmp_path / "old.h5", layers, "2.1.5", backend="theano")
    return tmp_path / "old.h5"


def packed(edit):
    """`pack`, with a mistake in the arrays that it gives."""
    right = recurrent.pack

    def wrong(layer, framework):
        found = right(layer, framework)
        return replace(found, arrays={name: edit(name, a) for name, a in found.arrays.items()})

    return wrong


def weaker(name, a):
    """The gates i, f and o times 1.1 in place of 1.2."""
    i, f, g, o = np.split(a, 4, -1)
    return np.concatenate([i * (1.1 / 1.2), f * (1.1 / 1.2), g, o * (1.1 / 1.2)], -1).astype(a.dtype)


def swapped(name, a):
    i, f, g, o = np.split(a, 4, -1)
    return np.concatenate([f, i, g, o], -1)


def nudged(name, a):
    """One weight by a part in ten thousand."""
    a = a.copy()
    a.flat[1] *= 1.0001
    return a


MISTAKES = {
    "no mistake": lambda m: None,
    "a wrong fold of the gates": lambda m: m.setattr(recurrent, "pack", packed(weaker)),
    "two gates swapped": lambda m: m.setattr(recurrent, "pack", packed(swapped)),
    "a weight nudged": lambda m: m.setattr(recurrent, "pack", packed(nudged)),
    "a wrong fold of a Dense": lambda m: m.setattr(folded, "RATIO", 1.1),
    "a kernel not flipped": lambda m: m.setattr(
        plan, "stock_weights", lambda *given, right=plan.stock_weights: right(*given[:-1], "tensorflow")
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_seen_and_nothing_is_written(run, old, monkeypatch, mistake):
    MISTAKES[mistake](monkeypatch)
    planted = mistake != "no mistake"
    before = sorted(old.parent.iterdir())
    data = json.loads(run("port", str(old), str(old.parent / "new.keras"), "--json", exit_code=int(planted)))
    assert data["passed"] is not planted
    if planted:
        assert "nothing is written" in data["error"]
        assert sorted(old.parent.iterdir()) == before
    else:
        assert (old.parent / "new.keras").exists()


@pytest.mark.parametrize("rule", ["merged", "nested"])
def test_a_mask_of_keras_3_is_seen(run, ported, tmp_path, monkeypatch, rule):
    """Without the rules of `masks`, Keras 3 masks other steps than Keras 2 did."""
    [file] = (ported.folder / "old").glob("merged_masks.*")
    monkeypatch.setattr(masks, rule, lambda *given: "")
    out = run("port", str(file), str(tmp_path / "new.keras"), exit_code=1)
    assert "the whole model must be within" in out
    assert not (tmp_path / "new.keras").exists()


def test_a_file_that_opens_otherwise_is_not_written(run, old, monkeypatch):
    """The last check is of the file itself, by a process that knows nothing of the work."""
    from comparisons.porting import witness

    monkeypatch.setattr(witness.Witness, "run", lambda self, path, inputs: [np.zeros((3, 2), "float32")])
    out = run("port", str(old), str(old.parent / "new.keras"), exit_code=1)
    assert "a fresh process must compute the same" in out
    assert [path.name for path in old.parent.iterdir()] == ["old.h5"]
