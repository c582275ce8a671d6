"""Files of Keras 1 and 2.0–2.3: the port computes what the reference says of their arrays."""

import numpy as np
import pytest

import reference
from tests.comparisons.porting import keras1_files as files

keras = pytest.importorskip("keras")


def opened(path, x):
    model = keras.saving.load_model(path, compile=False)
    return model, keras.ops.convert_to_numpy(model(x, training=False))


def short_names(arrays):
    names: list[str] = ["kernel", "recurrent_kernel", "bias"]
    return dict(zip(names, arrays, strict=True))


def softmax(a):
    e = np.exp(a - a.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


@pytest.mark.parametrize("consume_less", ["cpu", "gpu"])
def test_twelve_arrays_of_keras_1_become_three(run, tmp_path, consume_less):
    kind, config, arrays = files.lstm1(consume_less=consume_less)
    short = {name.removeprefix("lstm_1_"): a for name, a in arrays.items()}
    if consume_less == "gpu":
        short = {k: np.concatenate([short[f"{k}_{g}"] for g in "ifco"], -1) for k in "WUb"}
        arrays = {f"lstm_1_{name}": a for name, a in short.items()}
    dense = files.dense1(3, 2)
    files.write(tmp_path / "old.h5", [(kind, config, arrays), dense], "1.2.2")
    out = run("port", str(tmp_path / "old.h5"), str(tmp_path / "new.keras"))
    assert "Proved: the whole model." in out
    x = files.drawn(3, 6, 4)
    layer = reference.unpack("keras1", "lstm", short, consume_less=consume_less)
    W, b = dense[2].values()
    expected = softmax(layer.astype("float64").run(x).result @ W + b)
    model, found = opened(tmp_path / "new.keras", x)
    assert np.abs(found - expected).max() < 16 * 2.0**-24
    assert model.layers[0].dropout == 0.2


def test_kernels_that_theano_wrote_are_flipped(run, tmp_path):
    conv, lstm = files.conv2(), files.recurrent2("LSTM", 5, 3, "lstm_1")
    files.write(tmp_path / "old.h5", [conv, lstm], "2.1.5", backend="theano")
    assert "Proved: the whole model." in run("port", str(tmp_path / "old.h5"), str(tmp_path / "new.keras"))
    x = files.drawn(2, 9, 4)
    kernel, bias = conv[2].values()
    # Theano's convolution: the kernel is turned round.
    steps = [sum(x[:, t + 2 - k].astype("float64") @ kernel[k] for k in range(3)) + bias for t in range(7)]
    h = np.maximum(np.stack(steps, 1), 0)
    arrays = short_names(lstm[2].values())
    layer = reference.unpack("keras2", "lstm", arrays, recurrent_activation="hard_sigmoid")
    _, found = opened(tmp_path / "new.keras", x)
    assert np.abs(found - layer.astype("float64").run(h).result).max() < 16 * 2.0**-24


def test_cudnn_layers_become_plain_ones(run, tmp_path):
    shape = {"batch_input_shape": [None, 5, 4], "dtype": "float32"}
    lstm = files.recurrent2("CuDNNLSTM", 4, 3, "a", return_sequences=True, bias=24, **shape)
    gru = files.recurrent2("CuDNNGRU", 3, 2, "b", gates=3, bias=12)
    files.write(tmp_path / "old.h5", [lstm, gru], "2.1.5")
    out = run("port", str(tmp_path / "old.h5"), str(tmp_path / "new.keras"))
    assert "a: the class CuDNNLSTM is LSTM" in out
    assert "a: the two biases of cuDNN are summed into one" in out
    x = files.drawn(2, 5, 4)
    h = x
    for cell, (_, _, arrays) in (("lstm", lstm), ("gru", gru)):
        short = short_names(arrays.values())
        layer = reference.unpack("cudnn", cell, short, return_sequences=cell == "lstm")
        h = layer.astype("float64").run(h).result
    _, found = opened(tmp_path / "new.keras", x)
    assert np.abs(found - h).max() < 16 * 2.0**-24


def test_masked_steps_of_an_old_bidirectional_repeat_the_output_before_them(run, tmp_path):
    """Keras up to 2.3 did; TensorFlow's Keras, and Keras 3, put zeros there."""
    masking = {"name": "masking_1", "trainable": True, "batch_input_shape": [None, 6, 4], "dtype": "float32"}
    inner = files.recurrent2("LSTM", 4, 3, "lstm_1", return_sequences=True)
    both = files.bidirectional2(inner)
    files.write(tmp_path / "old.h5", [("Masking", {**masking, "mask_value": 0.0}, {}), both], "2.2.4")
    out = run("port", str(tmp_path / "old.h5"), str(tmp_path / "new.keras"))
    assert "two layers and a Concatenate stand for it" in out
    assert "the Sequential model around it is a Functional one" in out
    assert "Proved: the whole model." in out
    x = files.drawn(2, 6, 4)
    x[0, 2:4] = 0
    mask = np.any(x != 0, -1)
    arrays = list(both[2].values())
    sides = []
    for k, backwards in ((0, False), (3, True)):
        short = short_names(arrays[k : k + 3])
        layer = reference.unpack("keras2", "lstm", short, recurrent_activation="hard_sigmoid", go_backwards=backwards)
        sides.append(layer.astype("float64").run(x, mask=mask).outputs)
    expected = np.concatenate([sides[0], sides[1][:, ::-1]], -1)
    _, found = opened(tmp_path / "new.keras", x)
    assert np.abs(expected[0, 2]).min() > 0
    assert np.abs(found - expected).max() < 16 * 2.0**-24


def test_weights_and_a_config_beside_them(run, refused, tmp_path):
    layers = [files.lstm1(), files.dense1(3, 2)]
    config = files.write(tmp_path / "weights.h5", layers, "1.2.2", whole=False)
    words = ("port", str(tmp_path / "weights.h5"), str(tmp_path / "new.keras"))
    assert "give the model's JSON as --config" in refused(*words, exit_code=3)
    (tmp_path / "model.json").write_text(config)
    assert "Proved: the whole model." in run(*words, "--config", str(tmp_path / "model.json"))
