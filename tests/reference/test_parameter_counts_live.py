"""Parameter counts against every framework that is installed, over random shapes."""

import re
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference.conventions.counted import VARIANTS
from reference.parameter_counts import count_parameters

sizes = st.integers(1, 40)
few = settings(max_examples=25, deadline=None)
cells = st.sampled_from(["simple_rnn", "lstm", "gru"])
depths = st.integers(1, 3)


def live(module):
    return pytest.importorskip(module, reason=f"NOT COMPARED with {module}: it is not installed")


def keras_parameters(layers, cls, X, H, depth, bidirectional, **options):
    """What a stack of Keras layers has, each built on the shape that the one below it gives."""
    total, shape = 0, (None, None, X)
    for _ in range(depth):
        layer = getattr(layers, cls)(H, return_sequences=True, **options)
        layer = layers.Bidirectional(layer) if bidirectional else layer
        layer.build(shape)
        total, shape = total + layer.count_params(), layer.compute_output_shape(shape)
    return total


@pytest.mark.parametrize("module", ["keras", "tf_keras"])
@few
@given(cells, sizes, sizes, depths, st.booleans(), st.booleans(), st.booleans())
def test_keras(module, cell, X, H, depth, bidirectional, use_bias, after):
    layers = live(module).layers
    reset = {"reset_after": after} if cell == "gru" else {}
    cls = {"simple_rnn": "SimpleRNN", "lstm": "LSTM", "gru": "GRU"}[cell]
    theirs = keras_parameters(layers, cls, X, H, depth, bidirectional, use_bias=use_bias, **reset)
    options = {"layers": depth, "bidirectional": bidirectional, "use_bias": use_bias, **reset}
    assert count_parameters(cell, input_dim=X, units=H, **options) == theirs


def test_defaults_are_those_of_keras():
    layers = live("keras").layers
    for cell, cls in (("simple_rnn", "SimpleRNN"), ("lstm", "LSTM"), ("gru", "GRU")):
        assert count_parameters(cell, input_dim=4, units=5) == keras_parameters(layers, cls, 4, 5, 1, False)


@few
@given(st.sampled_from(["lstm", "gru"]), sizes, sizes, depths, st.booleans())
def test_cudnn_layers_of_keras_2(cell, X, H, depth, bidirectional):
    layers = live("tf_keras.api._v1.keras.layers")
    theirs = keras_parameters(layers, f"CuDNN{cell.upper()}", X, H, depth, bidirectional)
    options = {"convention": "cudnn", "layers": depth, "bidirectional": bidirectional}
    assert count_parameters(cell, input_dim=X, units=H, **options) == theirs


@few
@given(st.sampled_from(["BasicRNNCell", "BasicLSTMCell", "LSTMCell", "GRUCell"]), sizes, sizes)
def test_tf1(cls, X, H):
    rnn_cell = live("tf_keras.api._v1.keras.__internal__.legacy.rnn_cell")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they are deprecated, and say so
        theirs = getattr(rnn_cell, cls)(H)
        theirs.build((None, X))
    cell = {"BasicRNNCell": "simple_rnn", "GRUCell": "gru"}.get(cls, "lstm")
    assert count_parameters(cell, input_dim=X, units=H, convention="tf1") == theirs.count_params()


OWN = [
    ("JordanCell", "jordan", {"output_units": 3}, {"projection": 3}),
    ("LSTM1997Cell", "lstm_1997", {}, {}),
    ("LSTMCell", "lstm", {"cells_per_block": 2}, {"cells_per_block": 2}),
    ("PeepholeLSTMCell", "peephole_lstm", {}, {}),
    (
        "PeepholeLSTMCell",
        "peephole_lstm",
        {"use_peepholes": False, "num_proj": 3},
        {"peepholes": False, "projection": 3},
    ),
    ("CIFGCell", "cifg", {}, {}),
    ("CIFGCell", "cifg", {"coupled": "f", "use_peepholes": True}, {"peepholes": True}),
    ("LayerNormLSTMCell", "layer_norm_lstm", {}, {}),
    ("FusedLayerNormLSTMCell", "fused_layer_norm_lstm", {}, {}),
    *(("GreffLSTMCell", "greff_lstm", {"variant": name}, {"variant": name}) for name in VARIANTS),
    ("MGUCell", "mgu", {}, {}),
    ("UGRNNCell", "ugrnn", {}, {}),
    ("MUT1Cell", "mut1", {}, {}),
    ("MUT2Cell", "mut2", {}, {}),
    ("MUT3Cell", "mut3", {}, {}),
]


@pytest.mark.parametrize(("cls", "cell", "theirs", "ours"), OWN, ids=str)
def test_cells_of_this_project(cls, cell, theirs, ours):
    for X, H in ((6, 6), (4, 4) if cell in ("mut1", "mut2") else (3, 8)):
        live_cell = getattr(live("cells"), cls)(H, **theirs)
        live_cell.build((None, X))
        assert count_parameters(cell, input_dim=X, units=H, **ours) == live_cell.count_params()
        without = getattr(live("cells"), cls)(H, **theirs, use_bias=False)
        without.build((None, X))
        assert count_parameters(cell, input_dim=X, units=H, use_bias=False, **ours) == without.count_params()


@few
@given(sizes, sizes, st.integers(1, 9), st.booleans(), st.booleans())
def test_tf1_with_peepholes_and_projection(X, H, P, peepholes, projected):
    rnn_cell = live("tf_keras.api._v1.keras.__internal__.legacy.rnn_cell")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they are deprecated, and say so
        theirs = rnn_cell.LSTMCell(H, use_peepholes=peepholes, num_proj=P if projected else None)
        theirs.build((None, X))
    ours = {"peepholes": peepholes, "projection": P if projected else None}
    assert count_parameters("peephole_lstm", input_dim=X, units=H, convention="tf1", **ours) == theirs.count_params()


@few
@given(sizes, st.integers(2, 40), depths, st.booleans(), st.booleans())
def test_pytorch_with_projection(X, H, depth, bidirectional, use_bias):
    live_layer = live("torch").nn.LSTM(
        X, H, num_layers=depth, bias=use_bias, bidirectional=bidirectional, proj_size=H - 1
    )
    options = {"convention": "pytorch", "layers": depth, "use_bias": use_bias, "bidirectional": bidirectional}
    counted = count_parameters("peephole_lstm", input_dim=X, units=H, projection=H - 1, **options)
    assert counted == sum(p.numel() for p in live_layer.parameters())


@few
@given(cells, sizes, sizes, depths, st.booleans(), st.booleans())
def test_pytorch(cell, X, H, depth, bidirectional, use_bias):
    nn = live("torch").nn
    cls = {"simple_rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[cell]
    theirs = cls(X, H, num_layers=depth, bias=use_bias, bidirectional=bidirectional).parameters()
    options = {"convention": "pytorch", "layers": depth, "use_bias": use_bias, "bidirectional": bidirectional}
    assert count_parameters(cell, input_dim=X, units=H, **options) == sum(p.numel() for p in theirs)


def onnx_shapes(operator, X, H, directions):
    """The shapes of W, R and B as the operator's own documentation writes them."""
    sizes = {"num_directions": directions, "hidden_size": H, "input_size": X}
    documented = [re.search(r"`\[(num_directions.*?)\]`", i.description) for i in operator.inputs[1:4]]
    return [
        [int(np.prod([sizes.get(n) or int(n) for n in axis.split("*")])) for axis in d[1].split(", ")]
        for d in documented
    ]


def onnx_runs(operator, shapes, X, H, directions, **attributes):
    onnx, runtime = live("onnx"), live("onnxruntime")
    helper, FLOAT = onnx.helper, onnx.TensorProto.FLOAT
    arrays = dict(zip("WRB", (np.zeros(shape, "float32") for shape in shapes), strict=False))
    direction = "bidirectional" if directions == 2 else "forward"
    node = helper.make_node(operator, ["x", *arrays], ["y"], hidden_size=H, direction=direction, **attributes)
    graph = helper.make_graph(
        [node],
        "cell",
        [helper.make_tensor_value_info("x", FLOAT, [2, 1, X])],
        [helper.make_tensor_value_info("y", FLOAT, [2, directions, 1, H])],
        [onnx.numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    options = runtime.SessionOptions()
    options.log_severity_level = 4
    session = runtime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": np.zeros((2, 1, X), "float32")})[0].shape == (2, directions, 1, H)


@few
@given(cells, sizes, sizes, st.booleans(), st.booleans(), st.booleans())
def test_onnx(cell, X, H, bidirectional, use_bias, after):
    """ONNX Runtime takes arrays of the documented shapes, which are as many as we count, and no single bias."""
    operator = {"simple_rnn": "RNN", "lstm": "LSTM", "gru": "GRU"}[cell]
    directions, reset = 1 + bidirectional, {"linear_before_reset": int(after)} if cell == "gru" else {}
    shapes = onnx_shapes(live("onnx").defs.get_schema(operator), X, H, directions)[: 2 + use_bias]
    assert onnx_runs(operator, shapes, X, H, directions, **reset)
    ours = {"use_bias": use_bias, "bidirectional": bidirectional, **({"reset_after": after} if reset else {})}
    counted = count_parameters(cell, input_dim=X, units=H, convention="onnx", **ours)
    assert counted == sum(int(np.prod(shape)) for shape in shapes)
    if use_bias:
        halved = [*shapes[:2], [directions, shapes[2][1] // 2]]
        with pytest.raises(Exception, match="B must have shape"):
            onnx_runs(operator, halved, X, H, directions, **reset)


@few
@given(cells, sizes, sizes)
def test_flax(cell, X, H):
    live("flax")
    import jax
    from flax import linen

    theirs = {"simple_rnn": linen.SimpleCell, "lstm": linen.LSTMCell, "gru": linen.GRUCell}[cell](features=H)
    key, x = jax.random.key(0), jax.numpy.zeros((1, X))
    variables = jax.eval_shape(lambda: theirs.init(key, theirs.initialize_carry(key, x.shape), x))
    counted = count_parameters(cell, input_dim=X, units=H, convention="flax")
    assert counted == sum(array.size for array in jax.tree.leaves(variables))


@few
@given(cells, sizes, sizes)
def test_flax_nnx(cell, X, H):
    nnx = live("flax.nnx")
    cls = {"simple_rnn": nnx.SimpleCell, "lstm": nnx.LSTMCell, "gru": nnx.GRUCell}[cell]
    theirs = cls(X, H, rngs=nnx.Rngs(0))
    total = sum(int(np.prod(leaf.shape)) for _, leaf in nnx.to_flat_state(nnx.state(theirs, nnx.Param)))
    assert count_parameters(cell, input_dim=X, units=H, convention="flax_nnx") == total
