"""Models of our cells leave Keras (SavedModel, ONNX, LiteRT) and give the same numbers there."""

from __future__ import annotations

import keras
import pytest
from keras.layers import RNN

STEPS = 5


@pytest.fixture
def model(every_own, same_weights):
    """`model(unroll, **shape)`: every cell in one model, since exporting is what takes the time."""

    def build(unroll, **shape):
        inputs = keras.Input(**shape, name="x")
        layers = [RNN(case.ours(), return_sequences=True, unroll=unroll) for case in every_own]
        model = keras.Model(inputs, [layer(inputs) for layer in layers])
        for seed, layer in enumerate(layers):
            same_weights(layer, seed=seed)
        return model

    return build


def test_saved_model(model, tmp_path, inputs, assert_close):
    import tensorflow as tf

    model = model(unroll=False, shape=(None, 3))
    model.export(tmp_path, verbose=False)
    loaded = tf.saved_model.load(tmp_path)  # kept: it owns the variables
    assert_close(loaded.serve(inputs()), model(inputs()))


def test_onnx(model, tmp_path, inputs, assert_close):
    onnxruntime = pytest.importorskip("onnxruntime")
    model = model(unroll=False, shape=(STEPS, 3))
    expected = model(inputs())
    model.export(tmp_path / "model.onnx", format="onnx", verbose=False)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    results = session.run(None, {session.get_inputs()[0].name: inputs()})
    assert_close(results, expected)


def test_litert(model, tmp_path, inputs, assert_close):
    """Fixed shapes and an unrolled loop: LiteRT has no kernels for the loop's tensor lists."""
    import tensorflow as tf

    model = model(unroll=True, batch_shape=(4, STEPS, 3))
    model.export(tmp_path / "model.tflite", format="litert", verbose=False)
    runner = tf.lite.Interpreter(str(tmp_path / "model.tflite")).get_signature_runner()
    results = runner(x=inputs())
    assert_close([results[name] for name in sorted(results)], model(inputs()))
