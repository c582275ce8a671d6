"""The study of the pipeline: its words, its networks against Keras and differences, its masks to the last bit."""

import numpy as np
import pytest

import reference
from comparisons.render.studies import pipeline as pictures
from comparisons.studies.pipeline import layers, masks, networks, padding, sentences, steps
from comparisons.studies.pipeline.networks import CELLS, MASKED, fresh, trained

UNITS, STEP = 3, 1e-6


def keras_layers(network, cell):
    """The network's layers, live, in float64."""
    import keras

    live = (
        keras.layers.Embedding(*network.embedding.shape, dtype="float64"),
        getattr(keras.layers, CELLS[cell])(network.layer.units, dtype="float64"),
        keras.layers.Dense(len(network.bias), dtype="float64"),
    )
    arrays = reference.pack(network.layer, "keras").arrays.values()
    weights = ([network.embedding], list(arrays), [network.kernel, network.bias])
    for layer, shape, of in zip(live, ((None, None), (None, None, UNITS), (None, UNITS)), weights, strict=True):
        layer.build(shape)
        layer.set_weights(of)
    return live


def test_padding_is_keras_own():
    import keras

    rows = [[3, 4], [5, 6, 7, 8]]
    for where in ("post", "pre"):
        np.testing.assert_array_equal(sentences.pad(rows, 6, where), keras.utils.pad_sequences(rows, 6, padding=where))


def test_words_are_read_from_the_left_the_longest_first(monkeypatch):
    monkeypatch.setitem(sentences.WORDS, "高", sentences.Word("gāo", "high"))
    assert sentences.tokenise("王子很高大可是不聪明") == ["王子", "很", "高大", "可是", "不", "聪明"]
    assert sentences.tokenise("帅王子") == ["帅", "王子"]
    assert all(len(word) == len(of.syllables.split()) for word, of in sentences.WORDS.items())
    assert sentences.pinyin("聪") == "cōng"


def test_the_corpus_is_what_it_says():
    corpus = sentences.corpus()
    assert len({text for text, _ in corpus}) == len(corpus)
    good = {word for word, of in sentences.WORDS.items() if of.praises}
    for text, praised in corpus:
        words = sentences.tokenise(text)
        assert len(words) in (3, 6, 9)
        assert "?" not in words
        clauses = [(words[k + 1] in good) == (words[k] == "很") for k in range(1, len(words), 3)]
        assert praised == clauses[-1]
        joined = [(word == "也") for word in words[3::3]]
        assert joined == [a == b for a, b in zip(clauses[1:], clauses, strict=False)]
    assert [dict(corpus)[text] for text in sentences.TWO] == [1, 0]
    train, test = map(dict, sentences.split(3))
    assert not train.keys() & test.keys()
    assert set(sentences.TWO) < test.keys()
    assert len(train) + len(test) == len(corpus)


@pytest.mark.parametrize("cell", CELLS)
def test_a_network_is_keras_own(cell):
    """The same logits as Keras' layers give, with a mask and without, and Keras' gradients."""
    network = fresh(cell, UNITS, 1)
    tokens, classes = sentences.arrays(sentences.corpus()[::97], 11, "post")
    embedding, recurrent, dense = keras_layers(network, cell)
    for mask in (None, tokens > 0):
        wanted = np.asarray(dense(recurrent(embedding(tokens), mask=mask)))
        found = network.states(tokens, mask)[:, -1] @ network.kernel + network.bias
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-14)

        def loss(mask=mask):
            logits = network.states(tokens, mask)[:, -1] @ network.kernel + network.bias
            return -np.log(networks.softmax(logits)[np.arange(len(classes)), classes]).mean()

        for array, gradient in zip(network.weights(), network.gradients(tokens, classes, mask), strict=True):
            place = np.unravel_index(np.abs(gradient).argmax(), gradient.shape)
            here = array[place]
            array[place] = here + STEP
            above = loss()
            array[place] = here - STEP
            below = loss()
            array[place] = here
            np.testing.assert_allclose(gradient[place], (above - below) / (2 * STEP), rtol=1e-6, atol=1e-9)


def test_the_optimizer_is_keras_own():
    import keras

    draw = np.random.default_rng(0)
    ours, live = [draw.normal(size=(2, 3))], keras.Variable(np.zeros((2, 3)), dtype="float64")
    live.assign(ours[0])
    optimizer, moments = keras.optimizers.Adam(0.01), [(np.zeros((2, 3)), np.zeros((2, 3)))]
    for step in (1, 2, 3):
        gradient = draw.normal(size=(2, 3))
        networks._adam(ours, [gradient], moments, step, 0.01)
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [live])
    np.testing.assert_allclose(ours[0], np.asarray(live), rtol=1e-5)  # Keras' step is in float32


def test_training_learns_and_is_the_same_again():
    one, other = (trained("GRU", 4, MASKED, 9, 1, 5) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(one.weights(), other.weights(), strict=True))
    tokens, classes = sentences.arrays(sentences.split(5)[1], 9, "post")
    shares = [
        network.right(network.states(tokens, tokens > 0)[:, -1], classes)
        for network in (one, trained("GRU", 8, MASKED, 9, 8, 5))
    ]
    assert shares[0] < 0.75 < 0.95 < shares[1]


@pytest.mark.parametrize("cell", CELLS)
def test_masked_is_alone_bit_for_bit(cell):
    rows = masks.compared(cell, UNITS, [1, 3], 1, 0)
    assert {row[0] for row in rows} == {"keras.layers", "reference"}
    assert {row[1] for row in rows} == {"post", "pre"}
    assert {row[2] for row in rows} == {1, 3}
    assert {row[5] for row in rows if row[3]} == {0}
    assert min(row[5] for row in rows if not row[3]) > 0


def test_a_mask_that_changes_one_bit_is_seen(monkeypatch):
    runs = masks._runs

    def wrong(*given):
        embedding, of = runs(*given)
        right = of["reference"]
        return embedding, of | {"reference": lambda x, m: right(x, m) if m is None else np.nextafter(right(x, m), 1)}

    monkeypatch.setattr(masks, "_runs", wrong)
    rows = [row for row in masks.compared("GRU", UNITS, [1], 1, 0) if row[3]]
    assert [row[5] / row[4] for row in rows] == [float(row[0] == "reference") for row in rows]


@pytest.mark.parametrize("cell", ["Elman", "LSTM"])
def test_padded_steps_are_those_of_padded_sentences(cell):
    """`followed` against sentences of one length that are padded, run without a mask."""
    many, found = 4, padding.followed(cell, UNITS, 0, [0, 4], 2)
    assert [found[where]["moved"][0] for where in padding.WHERE] == [0, 0]
    assert [found[where]["left"][0] for where in padding.WHERE] == [1, 1]
    network = fresh(cell, UNITS, 2)
    test = sentences.split(2)[1]
    alone, padded = {}, {where: {} for where in padding.WHERE}
    for k, one in enumerate(test):
        length = len(sentences.tokenise(one[0]))
        for where in padding.WHERE:
            padded[where].setdefault(length, []).append((k, one))
    for where, groups in padded.items():
        states, alone = np.zeros((len(test), UNITS)), np.zeros((len(test), UNITS))
        for length, of in groups.items():
            rows, group = [k for k, _ in of], [one for _, one in of]
            states[rows] = network.states(sentences.arrays(group, length + many, where)[0])[:, -1]
            alone[rows] = network.states(sentences.arrays(group, length, where)[0])[:, -1]
        size = lambda a: np.linalg.norm(a, axis=-1)
        assert found[where]["moved"][1] == pytest.approx(np.median(size(states - alone) / size(alone)), rel=1e-9)
        spread = lambda a: a.var(axis=0).sum() ** 0.5
        assert found[where]["left"][1] == pytest.approx(spread(states) / spread(alone), rel=1e-9)
        classes = np.array([c for _, c in test])
        assert found[where]["right"][1] == network.right(states, classes)


def test_the_eight_steps():
    """Masked, the last output is that of the sentence alone, and the padding is what is said to be padding."""
    parts = steps.eight(fresh("LSTM", layers.UNITS, 0))
    assert [part.title[:2] for part in parts] == [f"{k} " for k in range(1, 9)]
    numbers = [row for row in parts[6].rows if row[1] == "last h"]
    for text in sentences.TWO:
        ways = {way: [row[6] for row in numbers if row[0] == text and row[5] == way] for way in layers.WAYS}
        assert ways["post, mask"] == ways["pre, mask"] == ways["alone"]
        assert ways["post, no mask"] != ways["alone"] != ways["pre, no mask"]
    post = [row[6] for row in parts[3].rows if row[:2] == (sentences.TWO[0], "post")]
    assert post == [*sentences.index(["公主", "很", "漂亮"]), 0, 0, 0, 0, 0]
    shapes = {(row[1], row[2]) for row in parts[5].rows}
    assert shapes == {(f"h: {way}", "(8, 4)") for way in layers.PADDED}


def test_words_without_a_font_are_in_pinyin(monkeypatch):
    monkeypatch.setattr(pictures, "undrawn", lambda texts: [c for text in texts for c in text if ord(c) > 0x2E80])
    pictures._word.cache_clear()
    assert [pictures._word(text) for text in ("公主", "公主很漂亮", "帅", "20844")] == [
        "gōngzhǔ",
        "gōngzhǔ hěn piàoliang",
        pictures.shown("帅"),
        "20844",
    ]
    monkeypatch.setattr(pictures, "undrawn", lambda texts: [])
    pictures._word.cache_clear()
    assert pictures._word("公主") == "公主"
    pictures._word.cache_clear()
