"""Every convention against its framework: its own arrays, unpacked, give its own numbers; and back, bit by bit."""

import warnings

import numpy as np
import pytest

import reference
from reference.conventions.counted import VARIANTS
from reference.conventions.frameworks import FRAMEWORKS

X, H, P = 3, 5, 2
RNG = np.random.default_rng(7)
INPUTS = RNG.normal(size=(2, 6, X)).astype("float32")
NEAR = 8 * 2.0**-24 * 4


def drawn(shape):
    return (RNG.normal(size=shape) / 2).astype("float32")


def same(layer, outputs):
    assert np.abs(layer.astype("float64").run(INPUTS.astype("float64")).outputs - outputs).max() < NEAR


def back(layer, framework, arrays):
    """What `pack` gives is what was unpacked, to the bit, and unpacks again."""
    packed = reference.pack(layer, framework)
    assert {name: a.shape for name, a in packed.arrays.items()} == {name: a.shape for name, a in arrays.items()}
    for name, array in packed.arrays.items():
        assert array.tobytes() == np.ascontiguousarray(arrays[name]).tobytes(), name
    again = reference.unpack(framework, packed.cell, packed.arrays, **packed.options)
    assert np.array_equal(again.run(INPUTS).outputs, layer.run(INPUTS).outputs)


KERAS = [
    ("SimpleRNN", "simple_rnn", {}),
    ("SimpleRNN", "simple_rnn", {"activation": "relu", "use_bias": False}),
    ("LSTM", "lstm", {}),
    ("LSTM", "lstm", {"recurrent_activation": "hard_sigmoid", "go_backwards": True}),
    ("LSTM", "lstm", {"use_bias": False, "activation": "softsign"}),
    ("GRU", "gru", {"reset_after": True}),
    ("GRU", "gru", {"reset_after": False, "recurrent_activation": "hard_sigmoid"}),
]


@pytest.mark.parametrize("module", ["keras", "tf_keras"])
@pytest.mark.parametrize(("cls", "cell", "options"), KERAS, ids=str)
def test_keras(module, cls, cell, options):
    layers = pytest.importorskip(module).layers
    live = getattr(layers, cls)(H, return_sequences=True, **options)
    live.build((None, None, X))
    live.set_weights([drawn(w.shape) for w in live.get_weights()])
    names = [v.name.split("/")[-1].split(":")[0] for v in live.weights]
    arrays = dict(zip(names, live.get_weights(), strict=True))
    framework = "keras" if module == "keras" else "keras2"
    config = {key: value for key, value in live.get_config().items() if key not in ("build_config",)}
    layer = reference.unpack(framework, cell, arrays, **config)
    assert layer.return_sequences
    same(layer, np.asarray(live(INPUTS)))
    back(layer, framework, arrays)


OWN = [
    ("PeepholeLSTMCell", "peephole_lstm", {"forget_bias": 1.0, "cell_clip": 0.3, "num_proj": P, "proj_clip": 0.2}),
    ("PeepholeLSTMCell", "peephole_lstm", {"use_peepholes": False, "num_proj": P}),
    ("CIFGCell", "cifg", {"coupled": "f", "use_peepholes": True}),
    ("CIFGCell", "cifg", {"recurrent_activation": "hard_sigmoid_keras2"}),
    ("JordanCell", "jordan", {"output_units": P}),
    ("LSTM1997Cell", "lstm_1997", {"output_activation": "sigmoid"}),
    ("LSTMCell", "lstm", {"cells_per_block": 5, "output_activation": "softsign"}),
    ("LayerNormLSTMCell", "layer_norm_lstm", {"forget_bias": 1.0}),
    ("LayerNormLSTMCell", "layer_norm_lstm", {"use_bias": True, "norm_epsilon": 0.01}),
    ("FusedLayerNormLSTMCell", "fused_layer_norm_lstm", {}),
    *(("GreffLSTMCell", "greff_lstm", {"variant": name}) for name in VARIANTS),
    ("MGUCell", "mgu", {}),
    ("MGUCell", "mgu", {"use_recurrent_bias": True}),
    ("UGRNNCell", "ugrnn", {"forget_bias": 1.0, "use_bias": False}),
    ("MUT1Cell", "mut1", {}),
    ("MUT2Cell", "mut2", {}),
    ("MUT3Cell", "mut3", {"recurrent_activation": "hard_sigmoid_keras2"}),
]


@pytest.mark.parametrize(("cls", "cell", "options"), OWN, ids=str)
def test_cells_of_this_project(cls, cell, options):
    keras, cells = pytest.importorskip("keras"), pytest.importorskip("cells")
    units = X if cell in ("mut1", "mut2") else H
    live = keras.layers.RNN(getattr(cells, cls)(units, **options), return_sequences=True)
    live.build((None, None, X))
    live.set_weights([drawn(w.shape) for w in live.get_weights()])
    arrays = {v.name: np.array(v.numpy()) for v in live.weights}
    layer = reference.unpack("keras", cell, arrays, **options)
    same(layer, keras.ops.convert_to_numpy(live(INPUTS)))
    if "cells_per_block" in options:  # shared gates are written out, so that a stock layer holds them
        packed = reference.pack(layer, "keras")
        same(reference.unpack("keras", cell, packed.arrays, **packed.options), keras.ops.convert_to_numpy(live(INPUTS)))
    else:
        back(layer, "keras", arrays)


TF1 = [
    ("BasicRNNCell", "simple_rnn", {}),
    ("BasicLSTMCell", "lstm", {}),
    ("BasicLSTMCell", "lstm", {"forget_bias": 0.0, "activation": "relu"}),
    ("LSTMCell", "lstm", {"use_peepholes": True, "cell_clip": 0.4}),
    ("LSTMCell", "lstm", {"use_peepholes": True, "num_proj": P, "proj_clip": 0.1, "forget_bias": 2.0}),
    ("LSTMCell", "peephole_lstm", {"num_proj": P}),
    ("GRUCell", "gru", {}),
]


@pytest.mark.parametrize(("cls", "cell", "options"), TF1, ids=str)
def test_tf1(cls, cell, options):
    rnn_cell = pytest.importorskip("tf_keras.api._v1.keras.__internal__.legacy.rnn_cell")
    import tensorflow as tf

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        live = getattr(rnn_cell, cls)(H, name="cell", **options)
        live.build((None, X))
        for variable in live.weights:
            variable.assign(drawn(variable.shape))
        outputs, state = [], live.zero_state(len(INPUTS), tf.float32)
        for t in range(INPUTS.shape[1]):
            output, state = live(INPUTS[:, t], state)
            outputs.append(output.numpy())
    names = [v.name.split("/", 1)[1].split(":")[0] for v in live.weights]
    arrays = dict(zip(names, live.get_weights(), strict=True))
    layer = reference.unpack("tf1", cell, arrays, **options)
    same(layer, np.stack(outputs, 1))
    back(layer, "tf1", arrays)


BLOCKS = [
    ("BlockLSTM", "tf_block", "lstm", {"forget_bias": 0.5}),
    ("BlockLSTM", "tf_block", "lstm", {"use_peephole": True, "cell_clip": 0.3}),
    ("BlockLSTMV2", "tf_block_v2", "lstm", {}),
    ("BlockLSTMV2", "tf_block_v2", "lstm", {"use_peephole": True, "cell_clip": 0.3}),
    ("GRUBlockCell", "tf_block", "gru", {}),
]


@pytest.mark.parametrize(("kernel", "framework", "cell", "options"), BLOCKS, ids=str)
def test_block_kernels(kernel, framework, cell, options):
    ops = pytest.importorskip("tensorflow").raw_ops
    zero = np.zeros((len(INPUTS), H), "float32")
    if cell == "gru":
        shapes = {"w_ru": (X + H, 2 * H), "w_c": (X + H, H), "b_ru": (2 * H,), "b_c": (H,)}
        arrays, outputs, h = {name: drawn(shape) for name, shape in shapes.items()}, [], zero
        for t in range(INPUTS.shape[1]):
            h = ops.GRUBlockCell(x=INPUTS[:, t], h_prev=h, **arrays).h
            outputs.append(h.numpy())
        outputs = np.stack(outputs, 1)
    else:
        arrays = {"w": drawn((X + H, 4 * H)), "b": drawn((4 * H,))}
        peepholes = {name: drawn((H,)) for name in ("wci", "wcf", "wco")}
        given = {"use_peephole": False, "cell_clip": -1.0, **options}
        x = INPUTS.swapaxes(0, 1)
        done = getattr(ops, kernel)(seq_len_max=len(x), x=x, cs_prev=zero, h_prev=zero, **arrays, **peepholes, **given)
        outputs = done.h.numpy().swapaxes(0, 1)
        arrays |= peepholes if "use_peephole" in options else {}
    layer = reference.unpack(framework, cell, arrays, **options)
    same(layer, outputs)
    back(layer, framework, arrays)


PYTORCH = [
    ("LSTM", "lstm", {}),
    ("LSTM", "lstm", {"num_layers": 2, "bidirectional": True, "bias": False}),
    ("LSTM", "lstm", {"num_layers": 2, "bidirectional": True, "proj_size": P}),
    ("GRU", "gru", {"num_layers": 3}),
    ("GRU", "gru", {"bidirectional": True}),
    ("RNN", "simple_rnn", {"nonlinearity": "relu", "bidirectional": True}),
]


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
@pytest.mark.parametrize(("cls", "cell", "options"), PYTORCH, ids=str)
def test_pytorch(cls, cell, options):
    torch = pytest.importorskip("torch")
    live = getattr(torch.nn, cls)(X, H, batch_first=True, **options)
    arrays = {name: drawn(tuple(a.shape)) for name, a in live.state_dict().items()}
    live.load_state_dict({name: torch.tensor(a) for name, a in arrays.items()})
    layer = reference.unpack("pytorch", cell, arrays, batch_first=True, **options)
    many, both = options.get("num_layers", 1) > 1, options.get("bidirectional", False)
    assert type(layer).__name__ == ("Stack" if many else "Bidirectional" if both else "Layer")
    same(layer, live(torch.tensor(INPUTS))[0].detach().numpy())
    back(layer, "pytorch", arrays)


ONNX = [
    ("RNN", "simple_rnn", {"clip": 0.3}),
    ("RNN", "simple_rnn", {"activations": ["LeakyRelu"], "activation_alpha": [0.3]}),
    ("LSTM", "lstm", {}),
    ("LSTM", "lstm", {"direction": "reverse"}),
    ("LSTM", "lstm", {"direction": "bidirectional", "activations": ["HardSigmoid", "Tanh", "Softsign"] * 2}),
    ("LSTM", "lstm", {"input_forget": 1}),
    ("LSTM", "lstm", {"input_forget": 1, "P": True}),
    ("LSTM", "lstm", {"P": True, "clip": 0.4}),
    # g up to 2.5 and no clip on the way to h: what ONNX Runtime does, since c grows past 0.5.
    (
        "LSTM",
        "lstm",
        {
            "activations": ["Sigmoid", "Affine", "Tanh"],
            "activation_alpha": [5.0],
            "activation_beta": [0.5],
            "clip": 0.5,
        },
    ),
    (
        "LSTM",
        "lstm",
        {
            "activations": ["HardSigmoid", "ScaledTanh", "ThresholdedRelu"],
            "activation_alpha": [0.3, 1.5, 0.1],
            "activation_beta": [0.4, 0.7],
        },
    ),
    ("LSTM", "lstm", {"activations": ["Sigmoid", "Elu", "LeakyRelu"], "activation_alpha": [0.7]}),
    ("GRU", "gru", {"clip": 0.3}),
    ("GRU", "gru", {"linear_before_reset": 1, "activations": ["Sigmoid", "Softplus"]}),
    ("GRU", "gru", {"linear_before_reset": 1, "direction": "bidirectional"}),
]


@pytest.mark.parametrize(("operator", "cell", "options"), ONNX, ids=str)
def test_onnx(operator, cell, options):
    onnx, runtime = pytest.importorskip("onnx"), pytest.importorskip("onnxruntime")
    helper, FLOAT = onnx.helper, onnx.TensorProto.FLOAT
    options = dict(options)
    peepholes = options.pop("P", False)
    D, G = 1 + (options.get("direction") == "bidirectional"), {"RNN": 1, "GRU": 3, "LSTM": 4}[operator]
    shapes = {"W": (D, G * H, X), "R": (D, G * H, H), "B": (D, 2 * G * H)} | ({"P": (D, 3 * H)} if peepholes else {})
    arrays = {name: drawn(shape) for name, shape in shapes.items()}
    names = ["x", "W", "R", "B", "", "", "", "P"] if peepholes else ["x", "W", "R", "B"]
    node = helper.make_node(operator, names, ["Y"], hidden_size=H, **options)
    graph = helper.make_graph(
        [node],
        "node",
        [helper.make_tensor_value_info("x", FLOAT, [None, None, X])],
        [helper.make_tensor_value_info("Y", FLOAT, None)],
        [onnx.numpy_helper.from_array(a, name) for name, a in arrays.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    session_options = runtime.SessionOptions()
    session_options.log_severity_level = 4
    session = runtime.InferenceSession(model.SerializeToString(), session_options, providers=["CPUExecutionProvider"])
    Y = session.run(None, {"x": INPUTS.swapaxes(0, 1)})[0]  # (T, D, B, H)
    layer = reference.unpack("onnx", cell, arrays, hidden_size=H, **options)
    same(layer, Y.transpose(2, 0, 1, 3).reshape(len(INPUTS), -1, D * H))
    if options.get("input_forget"):  # what is stored for f is never read, and comes back as zeros
        for name in arrays:
            columns = arrays[name].reshape(D, -1, H, *arrays[name].shape[2:])
            columns[:, 2::4] = 0
    back(layer, "onnx", arrays)


@pytest.mark.parametrize("cell", ["simple_rnn", "lstm", "gru"])
@pytest.mark.parametrize("module", ["linen", "nnx"])
def test_flax(cell, module):
    pytest.importorskip("flax")
    import jax
    from flax import linen, nnx, traverse_util

    cls = {"simple_rnn": "SimpleCell", "lstm": "LSTMCell", "gru": "GRUCell"}[cell]
    if module == "linen":
        live = getattr(linen, cls)(H)
        carry = live.initialize_carry(jax.random.key(0), INPUTS[:, 0].shape)
        tree = live.init(jax.random.key(1), carry, INPUTS[:, 0])["params"]
        arrays = {name: drawn(a.shape) for name, a in traverse_util.flatten_dict(tree, sep="/").items()}
        params = {"params": traverse_util.unflatten_dict(arrays, sep="/")}
        step = lambda carry, x: live.apply(params, carry, x)
    else:
        live = getattr(nnx, cls)(X, H, rngs=nnx.Rngs(0))
        flat = nnx.to_flat_state(nnx.state(live, nnx.Param))
        arrays = {"/".join(path): drawn(leaf.get_value().shape) for path, leaf in flat}
        for path, _ in flat:
            part = live
            for name in path[:-1]:
                part = getattr(part, name)
            getattr(part, path[-1]).set_value(jax.numpy.asarray(arrays["/".join(path)]))
        carry = live.initialize_carry(INPUTS[:, 0].shape, nnx.Rngs(0))
        step = live
    outputs = []
    with jax.default_matmul_precision("highest"):
        for t in range(INPUTS.shape[1]):
            carry, output = step(carry, INPUTS[:, t])
            outputs.append(np.asarray(output))
    framework = "flax" if module == "linen" else "flax_nnx"
    layer = reference.unpack(framework, cell, arrays)
    same(layer, np.stack(outputs, 1))
    back(layer, framework, arrays)


@pytest.mark.parametrize("cls", ["LSTM", "GRU"])
def test_cudnn_arrays_as_keras_2_itself_converts_them(cls):
    """tf-keras' loader of files makes the arrays of a plain layer from those of a cuDNN layer."""
    layers = pytest.importorskip("tf_keras").layers
    from tf_keras.src.saving.legacy import hdf5_format

    G = {"LSTM": 4, "GRU": 3}[cls]
    live = getattr(layers, cls)(H, return_sequences=True)
    live.build((None, None, X))
    stored = [drawn((X, G * H)), drawn((H, G * H)), drawn((2 * G * H,))]
    live.set_weights(
        hdf5_format.preprocess_weights_for_loading(live, [a.copy() for a in stored], "2.1.0", "tensorflow")
    )
    arrays = dict(zip(("kernel", "recurrent_kernel", "bias"), stored, strict=True))
    layer = reference.unpack("cudnn", cls.lower(), arrays, return_sequences=True)
    same(layer, live(INPUTS).numpy())
    back(layer, "cudnn", arrays)


def test_keras_1_arrays_as_keras_2_itself_converts_them():
    layers = pytest.importorskip("tf_keras").layers
    from tf_keras.src.saving.legacy import hdf5_format

    live = layers.LSTM(H, return_sequences=True, recurrent_activation="hard_sigmoid")
    live.build((None, None, X))
    arrays = {f"{k}_{g}": drawn({"W": (X, H), "U": (H, H), "b": (H,)}[k]) for g in "icfo" for k in "WUb"}
    live.set_weights(hdf5_format.preprocess_weights_for_loading(live, list(arrays.values()), "1", "tensorflow"))
    layer = reference.unpack("keras1", "lstm", arrays, return_sequences=True)
    same(layer, live(INPUTS).numpy())
    back(layer, "keras1", arrays)


def test_every_live_framework_is_in_this_file():
    seen = {"keras", "keras2", "tf1", "tf_block", "tf_block_v2", "pytorch", "onnx", "cudnn", "flax", "flax_nnx"}
    assert {name for name, framework in FRAMEWORKS.items() if framework.live} == seen
