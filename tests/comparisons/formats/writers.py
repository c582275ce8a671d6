"""Writes what TensorFlow writes, and what its layers give, into the folder of the first argument: see conftest.py."""

import shutil
import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
import tf_keras
from tensorflow.core.protobuf import saved_model_pb2
from tf_keras.api._v1.keras.__internal__.legacy import rnn_cell
from tf_keras.protobuf import saved_metadata_pb2

L, v1 = tf_keras.layers, tf.compat.v1
OUT = Path(sys.argv[1])
rng = np.random.default_rng(11)
expected = {}


def draw(*shape):
    return (rng.normal(size=shape) * 0.6 + 0.1).astype("float32")


def saw(name, x, y):
    expected[f"{name} x"], expected[f"{name} y"] = x, np.asarray(y)


class Net(tf_keras.Model):
    """A model of no config."""

    def __init__(self):
        super().__init__(name="net")
        self.encoder = L.LSTM(3, return_sequences=True, name="enc", recurrent_activation="hard_sigmoid")
        self.block = tf_keras.Sequential([L.GRU(4, name="inner_gru")], name="block")

    def call(self, x):
        return self.block(self.encoder(x))


def older_metadata(source, target):
    """The same as TensorFlow 2.3 wrote it: what Keras says is in the graph's objects, and no keras_metadata.pb."""
    shutil.copytree(source, target)
    said, saved = saved_metadata_pb2.SavedMetadata(), saved_model_pb2.SavedModel()
    said.ParseFromString((target / "keras_metadata.pb").read_bytes())
    saved.ParseFromString((target / "saved_model.pb").read_bytes())
    saved.meta_graphs[0].meta_info_def.tensorflow_version = "2.3.1"
    for node in said.nodes:
        saved.meta_graphs[0].object_graph_def.nodes[node.node_id].user_object.metadata = node.metadata
    (target / "saved_model.pb").write_bytes(saved.SerializeToString())
    (target / "keras_metadata.pb").unlink()


def keras_models():
    inner_in = tf_keras.Input((None, 6))
    inner_gru = L.GRU(3, return_sequences=True, reset_after=False, name="inner_gru")
    inner = tf_keras.Model(
        inner_in, L.Dense(4, name="d")(inner_gru(L.BatchNormalization(name="bn")(inner_in))), name="inner"
    )
    bi = L.Bidirectional(L.LSTM(3, return_sequences=True, recurrent_activation="hard_sigmoid"), name="bi")
    stack = L.RNN(L.StackedRNNCells([L.LSTMCell(3), L.GRUCell(4)]), return_sequences=True, name="stack")
    back = L.SimpleRNN(4, activation="relu", go_backwards=True, return_sequences=True, name="back")
    both = L.Bidirectional(
        L.GRU(2, reset_after=False), merge_mode="ave", backward_layer=L.GRU(2, go_backwards=True), name="both"
    )
    words = tf_keras.Input((None,), name="words")
    h = L.Embedding(11, 5, name="emb")(words)
    h = L.TimeDistributed(L.Dense(4, name="td_dense"), name="td")(inner(bi(h)))
    h = back(stack(h))
    last = L.GRU(3, name="last")
    model = tf_keras.Model(words, L.Concatenate()([both(h), last(h)]), name="whole")
    model.compile("adam", "mse")
    model.set_weights([draw(*w.shape) for w in model.get_weights()])
    layers = {"bi": bi, "inner/inner_gru": inner_gru, "stack": stack, "back": back, "both": both, "last": last}
    for name, layer in layers.items():
        x = draw(2, 5, 6 if name != "bi" else 5)[..., : {"bi": 5, "inner/inner_gru": 6}.get(name, 4)]
        saw(name, x, layer(x))
    expected["parameters"] = model.count_params()
    model.save(OUT / "saved", save_format="tf", save_traces=False)
    model.save_weights(OUT / "weights" / "ckpt", save_format="tf")

    older_metadata(OUT / "saved", OUT / "saved_2_3")

    one = tf_keras.Sequential([L.LSTM(3, input_shape=(None, 2)), L.Dense(2)])
    one.set_weights([draw(*w.shape) for w in one.get_weights()])
    x = draw(2, 5, 2)
    saw("one", x, one.layers[0](x))
    one.save_weights(OUT / "one" / "ckpt", save_format="tf")
    tf.saved_model.save(tf.Module(), OUT / "plain")

    three = keras.Sequential([keras.Input((None, 2)), keras.layers.GRU(3)])
    three.set_weights([draw(*w.shape) for w in three.get_weights()])
    saw("three", x, three(x))
    tf.train.Checkpoint(model=three).save(OUT / "three" / "ckpt")

    net = Net()
    x = draw(2, 5, 2)
    net(x)
    net.set_weights([draw(*w.shape) for w in net.get_weights()])
    y = net.encoder(x)
    saw("enc", x, y)
    saw("block/inner_gru", y.numpy(), net.block.layers[0](y))
    net.save(OUT / "subclassed", save_format="tf", save_traces=False)


def tf1_checkpoints():
    cell = lambda units: rnn_cell.BasicLSTMCell(units)
    wide = lambda: rnn_cell.LSTMCell(5, use_peepholes=True, num_proj=3)
    with tf.Graph().as_default(), v1.Session() as session:
        fed = {}

        def run(name, dims, make):
            with v1.variable_scope(name):
                x = draw(2, 5, dims)
                fed[name] = (x, make(tf.constant(x)))

        dynamic = lambda made, x: v1.nn.dynamic_rnn(made, x, dtype="float32")[0]
        run("basic", 4, lambda x: dynamic(cell(3), x))
        run("peep", 4, lambda x: dynamic(wide(), x))
        run("gru", 4, lambda x: dynamic(rnn_cell.GRUCell(3), x))
        run("rnn", 4, lambda x: dynamic(rnn_cell.BasicRNNCell(3), x))
        run("multi", 4, lambda x: dynamic(rnn_cell.MultiRNNCell([cell(3), rnn_cell.GRUCell(2), wide()]), x))
        multi = lambda: rnn_cell.MultiRNNCell([cell(3), cell(2)])
        two = lambda x: v1.nn.bidirectional_dynamic_rnn(multi(), multi(), x, dtype="float32")[0]
        run("both", 4, lambda x: tf.concat(two(x), -1))
        weights = v1.trainable_variables()
        loss = tf.add_n([tf.reduce_sum(y) for _, y in fed.values()])
        v1.train.AdamOptimizer().minimize(loss, global_step=v1.train.get_or_create_global_step())
        session.run(v1.global_variables_initializer())
        for variable in weights:
            variable.load(draw(*variable.shape), session)
        for name, (x, y) in fed.items():
            saw(f"tf1 {name}", x, session.run(y))
        v1.train.Saver().save(session, str(OUT / "tf1" / "model.ckpt"), global_step=7)
        values = {variable.name.removesuffix(":0"): session.run(variable) for variable in weights}
    older = {"kernel": "weights", "bias": "biases"}
    gru = {"gates/kernel": "w_c", "gates/bias": "b_c", "candidate/kernel": "w_ru", "candidate/bias": "b_ru"}
    with tf.Graph().as_default(), v1.Session() as session:
        for name, value in values.items():
            scope, _, last = name.rpartition("/")
            if scope == "basic/rnn/basic_lstm_cell":
                v1.get_variable(f"{scope}/{older[last]}", initializer=value)
            elif "gru/rnn/gru_cell/" in name:
                short = name.removeprefix("gru/rnn/gru_cell/")
                v1.get_variable(f"gru/rnn/gru_cell/{gru[short]}", initializer=value)
                v1.get_variable(f"named/{short}", initializer=value)
        session.run(v1.global_variables_initializer())
        v1.train.Saver().save(session, str(OUT / "older" / "model.ckpt"))


keras_models()
tf1_checkpoints()
np.savez(OUT / "expected.npz", **expected)
