"""The study of the next character: what it refuses, what it counts, its gradients, and the choice of a unit."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from comparisons.render.studies import next_character as pictures
from comparisons.studies.next_character import sentence, signs, text, training

REFUSED = {
    "no such file": (None, "must be a file that can be read, got"),
    "empty": (b"", "must have 1000 characters at least, got 0 in 'a.txt'"),
    "short": (b"ab" * 499, "must have 1000 characters at least, got 998"),
    "not UTF-8": (b"ab" * 999 + b"\xff", "must be a text in UTF-8, got byte 1998"),
    "one character": (b"a" * 2000, "must have two different characters at least, got 'a' alone"),
    "too many": ("".join(map(chr, range(0x4E00, 0x4E00 + 3000))).encode(), "must make up nine tenths of it, got 37%"),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_is_refused(refused, tmp_path, why):
    content, said = REFUSED[why]
    if content is not None:
        (tmp_path / "a.txt").write_bytes(content)
    out = tmp_path / "out"
    given = ("--quick", "--text", str(tmp_path / "a.txt"), "--out", str(out))
    assert said in refused("study", "next-character", *given, exit_code=3)
    assert not out.exists()


def test_too_large_a_file_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(text, "LARGEST", 10)
    (tmp_path / "a.txt").write_text("ab" * 999)
    with pytest.raises(text.UnreadableData, match="at most 10 bytes"):
        text.read(str(tmp_path / "a.txt"))


def test_a_text_in_numbers(tmp_path):
    """The last tenth is held out; what the training part has not is one character, the last."""
    (tmp_path / "a.txt").write_bytes(b"ba\r\n" * 450 + "Öab\n".encode() * 50)
    found = text.read(str(tmp_path / "a.txt"), most=1500)
    assert (len(found.train), len(found.held_out), found.of) == (1350, 150, 1550)
    assert found.characters == "\nab" + text.OTHER
    assert "".join(found.characters[k] for k in found.held_out[-6:-2]) == text.OTHER + "ab\n"
    assert text.read(None).source.startswith("Shakespeare")


def recursive(train, context, after, order, kinds):
    """Witten & Bell's mixture, written once more: of `after`, by the last characters of a context."""
    if order == 0:
        return 1 / kinds
    below = recursive(train, context, after, order - 1, kinds)
    key = context[len(context) - order + 1 :]
    seen = [train[k + order - 1] for k in range(len(train) - order + 1) if train[k : k + order - 1] == key]
    return (seen.count(after) + len(set(seen)) * below) / (len(seen) + len(set(seen))) if seen else below


def test_counting_is_that_of_its_formula(monkeypatch):
    draw = np.random.default_rng(0)
    train, held_out = draw.integers(0, 3, 60), draw.integers(0, 4, 30)
    given = text.Text("", "", "abc" + text.OTHER, train, held_out, 90)
    places = np.arange(5, 30)
    whole = [*train.tolist(), *held_out.tolist()]
    for order, bits in text.counted(given, places).items():
        likely = [recursive(train.tolist(), whole[: 60 + p], whole[60 + p], order, 4) for p in places]
        assert bits == pytest.approx(-np.log2(likely).mean())
        every = [recursive(train.tolist(), whole[:70], c, order, 4) for c in range(4)]
        assert sum(every) == pytest.approx(1)


def test_the_places_that_are_judged():
    """Of each window the second half, and the n-grams' places are those of the networks."""
    given = text.Text("", "", "ab", np.zeros(10), np.arange(100), 110)
    rows, places = training.measured(given, 8)
    assert rows.shape[1] == 9
    assert (given.held_out[places] == rows[:, 5:].ravel()).all()
    assert len(set(places.tolist())) == len(places), "none twice"

    def says(sure):
        """A model that knows the next number, which is this one plus 1, so surely."""
        return lambda x, training: sure * np.eye(101)[x + 1]

    assert training.bits(says(0.0), rows) == pytest.approx(np.log2(101))
    assert training.bits(says(50.0), rows) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("name", [*sentence.MODELS, sentence.MEMORYLESS])
def test_gradients_are_those_of_differences(name, monkeypatch):
    """Of the mean cross-entropy, with respect to every array."""
    model = sentence.Network(name, 4, np.random.default_rng(0))
    draw = np.random.default_rng(1)
    x, target = np.eye(4)[draw.integers(0, 4, (2, 5))], np.eye(4)[draw.integers(0, 4, (2, 5))]
    kept = {}
    monkeypatch.setattr(model, "_adam", lambda arrays, gradients: kept.update(a=arrays, g=gradients) or arrays)
    model.train(x, target)
    loss = lambda: -np.log((model.says(x)[0] * target).sum(axis=-1)).mean()
    for array, gradient in zip(kept["a"], kept["g"], strict=True):
        at = tuple(draw.integers(0, size) for size in array.shape)
        found = []
        for step in (1e-5, -1e-5):
            array[at] += step
            found.append(loss())
            array[at] -= step
        assert gradient[at] == pytest.approx((found[0] - found[1]) / 2e-5, rel=1e-5, abs=1e-9)


def test_adam_takes_its_first_step_by_the_sign():
    model = sentence.Network(sentence.MEMORYLESS, 3, np.random.default_rng(0))
    (moved,) = model._adam([np.zeros(3)], [np.array([2.0, -0.1, 0.0])])
    assert moved == pytest.approx(np.array([-1, 1, 0]) * sentence.RATE, rel=1e-5)


def test_only_a_memory_learns_both_sentences():
    (with_one,) = sentence.measure("two sentences", "Elman", 50, 0, 1)
    (without,) = sentence.measure("two sentences", sentence.MEMORYLESS, 50, 0, 1)
    (alone,) = sentence.measure("one sentence", sentence.MEMORYLESS, 50, 0, 1)
    assert with_one["generated"] == list(sentence.SENTENCES)
    assert with_one["learned"] > 0
    assert with_one["bits"][-1] < 0.25 < without["bits"][-1]
    assert without["learned"] is None
    assert without["generated"][0] == sentence.SENTENCES[0] or without["generated"][1] == sentence.SENTENCES[1]
    assert without["generated"] != list(sentence.SENTENCES)
    assert alone["generated"] == [sentence.SENTENCES[0]]
    assert min(with_one["exchanged"]) > 0.5


@pytest.mark.parametrize("name", sentence.MODELS)
def test_an_exchanged_state_is_that_of_the_other_sentence(name):
    model = sentence.Network(name, 6, np.random.default_rng(0))
    given = np.random.default_rng(1).integers(0, 6, (2, 5))
    given[:, sentence.SHARED] = 3
    x = np.eye(6)[given[:, :-1]]
    found = sentence._exchanged(model, x, given)
    likely, _ = model.says(x)
    after = [likely[1 - row, sentence.SHARED, given[1 - row, sentence.SHARED + 1]] for row in (0, 1)]
    assert found == pytest.approx(after)
    assert found[0] != pytest.approx(likely[0, sentence.SHARED, given[1, sentence.SHARED + 1]])


def test_signs():
    assert np.expm1(signs.since("ab c", lambda c: c == " ")) == pytest.approx([1, 2, 0, 1])
    assert signs.inside("a(b[c])d)e").tolist() == [0, 1, 1, 1, 1, 1, 0, 0, 0, 0]
    word = signs.SIGNS["how far into the word it is"]("it's a")
    assert np.expm1(word) == pytest.approx([1, 2, 3, 4, 0, 1])


def test_the_unit_that_tells_is_chosen_on_the_training_part():
    draw = np.random.default_rng(0)
    states = draw.normal(size=(2, 50, 4))
    sign = draw.normal(size=(2, 50))
    states[0, :, 2] = -3 * sign[0] + 5  # on the training part this one, on the held-out one another
    states[1, :, 1] = sign[1]
    states[:, :, 3] = 7.0
    runs = iter(states)
    layer: Any = SimpleNamespace(run=lambda x: SimpleNamespace(states=SimpleNamespace(h=next(runs)[None])))
    given = text.Text("", "", "ab", np.zeros(50, int), np.zeros(50, int), 100)
    best = signs._best(layer, given, given.train, given.held_out, *sign)
    assert best.unit == 2
    assert best.chosen == pytest.approx(-1)
    assert best.held_out == pytest.approx(np.corrcoef(states[1, :, 2], sign[1])[0, 1])
    assert signs._correlations(states[0], sign[0])[3] == 0


def test_what_is_generated():
    """Never the sign for all others, the same for the same seed, and nearly always what is likely by far."""
    from comparisons.studies.gradients.models import LSTM_1, layer

    one = layer(LSTM_1, "tanh", 4, 3, np.random.default_rng(0))
    given = text.Text("", "", "abc" + text.OTHER, np.zeros(100, int), np.zeros(10, int), 110)
    dense = [np.zeros((3, 4)), np.array([0.0, 0.0, 0.0, 9.0])]
    first, again = (training.generate(one, dense, given, 200, np.random.default_rng(3)) for _ in range(2))
    assert first == again
    assert set(first) == {0, 1, 2}
    likely = [np.zeros((3, 4)), np.array([0.0, 0.7, 0.0, 0.0])]  # e to the 1 at a temperature of 0.7
    share = np.mean(np.array(training.generate(one, likely, given, 1000, np.random.default_rng(3))) == 1)
    assert share == pytest.approx(np.e / (np.e + 2), abs=0.05)


def test_what_is_generated_goes_on_from_all_before():
    """Where one character is likelier by far, it is what a run over the whole text until there says."""
    from comparisons.studies.gradients.models import LSTM_1, layer

    draw = np.random.default_rng(0)
    one = layer(LSTM_1, "tanh", 5, 4, draw, 3.0)
    given = text.Text("", "", "abcd" + text.OTHER, draw.integers(0, 4, 64), np.zeros(10, int), 74)
    dense = [1e4 * draw.normal(size=(4, 5)), np.zeros(5)]
    said = training.generate(one, dense, given, 30, draw)
    whole = one.run(np.eye(5)[[*given.train, *said]][None]).outputs[0] @ dense[0]
    assert said == whole[63:-1, :4].argmax(axis=-1).tolist()
    assert len(set(said)) > 1


def test_characters_without_a_font_are_drawn_by_sounds_or_code_points(monkeypatch):
    monkeypatch.setattr(pictures, "undrawn", lambda characters: [c for c in characters if c > "ÿ"])
    drawn = pictures.signs("公a\n")
    assert drawn == {"公": "gōng", "a": "a", "\n": "↵"}
    assert "by their sounds:" in pictures.noted(drawn)
    assert "by their code points:" in pictures.noted({"龍": "U+9F8D"})
    monkeypatch.setattr(pictures, "undrawn", lambda characters: [])
    monkeypatch.setattr(pictures, "shown", lambda character: character)
    drawn = pictures.signs("公a")
    assert drawn == {"公": "公", "a": "a"}
    assert pictures.noted(drawn) == ""
