"""Models as tf-keras made them, for every option and layer that a port meets."""

import numpy as np

X, T = 4, 5


def chain(*layers, shape=(T, X), **given):
    """A Sequential with an input of its own."""
    return lambda K: K.Sequential([K.Input(shape, **given), *(layer(K.layers) for layer in layers)])


def rnn(name, **given):
    return lambda L: getattr(L, name)(3, **given)


def _functional(K):
    L = K.layers
    words = K.Input((T,), name="words", dtype="int32")
    more = K.Input((T, X), name="more")
    e = L.Embedding(11, 5, mask_zero=True, name="emb")(words)
    joined = L.Concatenate(name="join")([e, more])
    b = L.Bidirectional(L.LSTM(3, return_sequences=True, recurrent_activation="hard_sigmoid"), name="bi")(joined)
    g = L.GRU(4, name="gru")(b)
    return K.Model([words, more], [L.Dense(2, name="out")(g), L.Dense(3, activation="softmax", name="steps")(b)])


def _merged_masks(K):
    """Masks that meet: Keras 2 counts a step where both do, Keras 3 where one does."""
    L = K.layers
    a, b = K.Input((T,), name="a"), K.Input((T,), name="b")
    e = L.Embedding(4, 3, mask_zero=True, name="e")(a)
    f = L.Embedding(3, 3, mask_zero=True, name="f")(b)
    add = L.SimpleRNN(3, name="l1")(L.Dropout(0.1, name="drop")(L.Add(name="add")([e, f])))
    join = L.Concatenate(name="join")([e, f])
    time = L.SimpleRNN(2, name="l3")(
        L.Concatenate(axis=1, name="time")([e, f, L.Dense(3, use_bias=False, name="d")(join)])
    )
    inside = K.Input((T, 6), name="inside")
    inner = K.Model(inside, L.SimpleRNN(2, name="l")(inside), name="inner")
    two = L.Bidirectional(
        L.SimpleRNN(3, return_sequences=True),
        backward_layer=L.SimpleRNN(2, return_sequences=True, go_backwards=True),
        name="two",
    )
    after = L.SimpleRNN(2, name="l4")(L.Bidirectional(L.SimpleRNN(2, return_sequences=True), name="bi")(e))
    deep = K.Input((T, 3), name="deep")
    steps = K.Model(deep, L.SimpleRNN(2, return_sequences=True, name="g")(deep), name="steps")
    _, h, c = L.LSTM(2, return_state=True, name="l6")(f)
    begun = L.LSTM(2, name="l7")(steps(e), initial_state=[h, c])
    ends = [add, L.SimpleRNN(3, name="l2")(join), time, inner(join), after, L.SimpleRNN(2, name="l5")(two(e)), begun]
    return K.Model([a, b], ends)


def _seq2seq(K, mask):
    L = K.layers
    ahead, back = K.Input((None,), name="ahead"), K.Input((None,), name="back")
    _, h, c = L.LSTM(4, return_state=True, name="encoder")(L.Embedding(9, 3, mask_zero=mask, name="e1")(ahead))
    d = L.LSTM(4, return_sequences=True, return_state=True, name="decoder")
    y, _, _ = d(L.Embedding(8, 3, mask_zero=mask, name="e2")(back), initial_state=[h, c])
    return K.Model([ahead, back], L.Dense(8, activation="softmax", name="words")(y))


def _nested(K):
    L = K.layers
    inside = K.Input((None, 4), name="inside")
    inner = K.Model(inside, L.Dense(3, name="d")(L.GRU(3, return_sequences=True, name="g")(inside)), name="inner")
    seq = K.Sequential([L.SimpleRNN(3, name="sr"), L.Dense(4, name="d")], name="seq")
    a, b = K.Input((T, 4), name="a"), K.Input((T, 4), name="b")
    y = L.Concatenate(name="cat")([inner(a), inner(b)])
    shared = L.Dense(4, activation="tanh", name="scope/shared")  # a name that Keras 3 does not take
    return K.Model([a, b], [seq(y), shared(shared(L.GlobalMaxPooling1D(name="pool")(a)))])


def _shared(K):
    L = K.layers
    lstm = L.LSTM(4, name="shared")
    a, b = K.Input((T, X), name="a"), K.Input((T, X), name="b")
    return K.Model([a, b], L.Dense(1, name="out")(L.Subtract(name="minus")([lstm(a), lstm(b)])))


def _states_between(K):
    L = K.layers
    a = K.Input((T, X), name="a")
    both = L.Bidirectional(L.GRU(3, return_state=True, return_sequences=True, name="g"), name="bi")
    y, h1, h2 = both(a)
    return K.Model(a, [L.GRU(3, name="after")(y, initial_state=h1), L.Dense(2, name="of")(h2)])


def _time_distributed_model(K):
    L = K.layers
    inner = K.Sequential([K.Input((4, 6)), L.Conv1D(3, 2, activation="relu", name="c"), L.GRU(2, name="g")], name="of")
    a = K.Input((5, 4, 6), name="a")
    return K.Model(a, L.LSTM(3, name="l")(L.TimeDistributed(inner, name="td")(a)))


HARD = {"recurrent_activation": "hard_sigmoid"}
BOTH = {"activation": "hard_sigmoid", **HARD}
OTHER = {
    "return_sequences": True,
    "go_backwards": True,
    "use_bias": False,
    "dropout": 0.2,
    "recurrent_dropout": 0.1,
    "activation": "relu",
}
# Every option of the three layers, by name; all in one model, each with an output of its own.
OPTIONS = {
    "lstm": ("LSTM", {}),
    "lstm_hard": ("LSTM", HARD),
    "lstm_other": ("LSTM", OTHER),
    "lstm_unrolled": ("LSTM", {"unroll": True, **HARD}),
    "lstm_forget": ("LSTM", {"unit_forget_bias": False, "implementation": 1}),
    "lstm_frozen": ("LSTM", {"trainable": False}),
    "lstm_relu_gates": ("LSTM", {"activation": "elu", "recurrent_activation": "relu"}),
    "gru": ("GRU", {}),
    "gru_hard": ("GRU", HARD),
    "gru_both": ("GRU", BOTH),
    "gru_other": ("GRU", OTHER),
    "gru_before": ("GRU", {"reset_after": False, **HARD}),
    "gru_before_both": ("GRU", {"reset_after": False, **BOTH}),
    "simple": ("SimpleRNN", {"return_sequences": True}),
    "simple_hard": ("SimpleRNN", {"activation": "hard_sigmoid"}),
}


def _options(K):
    x = K.Input((T, X), name="x")
    return K.Model(x, [getattr(K.layers, kind)(3, name=name, **given)(x) for name, (kind, given) in OPTIONS.items()])


MODELS = {
    "options": _options,
    "squashed": chain(rnn("LSTM", **BOTH)),
    "stateful": lambda K: K.Sequential(
        [
            K.Input(batch_shape=(4, T, X)),
            K.layers.LSTM(3, stateful=True, return_sequences=True),
            K.layers.GRU(2, stateful=True),
        ]
    ),
    "regularised": chain(
        rnn("LSTM", kernel_regularizer="l2", recurrent_constraint="max_norm", **HARD),
        lambda L: L.Dense(2, activation="hard_sigmoid", kernel_regularizer="l1"),
    ),
    "masked": chain(
        lambda L: L.Masking(-1.0),
        rnn("LSTM", return_sequences=True, **HARD),
        lambda L: L.Bidirectional(L.GRU(3, return_sequences=True, **HARD)),
        rnn("GRU"),
    ),
    "dense_hard": chain(
        lambda L: L.Conv1D(4, 3, activation="hard_sigmoid"),
        lambda L: L.Activation("hard_sigmoid"),
        lambda L: L.TimeDistributed(L.Dense(3, activation="hard_sigmoid")),
        lambda L: L.TimeDistributed(L.Activation("hard_sigmoid")),
        lambda L: L.Flatten(),
        lambda L: L.Dense(2, activation="hard_sigmoid"),
    ),
    "convolutional": chain(
        lambda L: L.Conv1D(6, 2, padding="causal", dilation_rate=2, activation="relu"),
        lambda L: L.BatchNormalization(),
        lambda L: L.SeparableConv1D(4, 3, padding="same", activation="hard_sigmoid"),
        lambda L: L.MaxPooling1D(2),
        lambda L: L.LeakyReLU(),
        lambda L: L.SpatialDropout1D(0.2),
        rnn("LSTM"),
        lambda L: L.LayerNormalization(),
        lambda L: L.PReLU(),
        shape=(None, X),
    ),
    "image": chain(
        lambda L: L.Conv2D(3, 3, strides=2, activation="hard_sigmoid"),
        lambda L: L.DepthwiseConv2D(2, activation="hard_sigmoid"),
        lambda L: L.AveragePooling2D(),
        lambda L: L.GlobalAveragePooling2D(),
        lambda L: L.Reshape((3, 1)),
        rnn("GRU"),
        shape=(12, 10, 2),
    ),
    "tokens": lambda K: K.Sequential(
        [
            K.layers.Embedding(13, 4, input_length=T, mask_zero=True),
            K.layers.Bidirectional(K.layers.LSTM(3, return_sequences=True, **HARD), merge_mode="sum"),
            K.layers.Bidirectional(K.layers.GRU(3), merge_mode="ave"),
            K.layers.Dropout(0.5),
            K.layers.Dense(4, activation="softmax"),
        ]
    ),
    "sides": chain(
        lambda L: L.Bidirectional(
            L.LSTM(3, return_sequences=True), backward_layer=L.GRU(3, return_sequences=True, go_backwards=True, **HARD)
        ),
        lambda L: L.Bidirectional(L.LSTM(3, return_sequences=True), merge_mode="mul"),
    ),
    "widths": chain(
        lambda L: L.Bidirectional(
            L.LSTM(3, return_sequences=True), backward_layer=L.LSTM(2, return_sequences=True, go_backwards=True)
        ),
        lambda L: L.Dense(2),
    ),
    "stacked": chain(
        lambda L: L.RNN([L.LSTMCell(3, **HARD), L.GRUCell(4), L.SimpleRNNCell(2)], return_sequences=True),
        lambda L: L.Bidirectional(L.RNN([L.LSTMCell(3), L.GRUCell(2, **HARD)], return_sequences=True)),
        lambda L: L.RNN(L.GRUCell(3, reset_after=False), go_backwards=True),
    ),
    "distributed": chain(
        lambda L: L.TimeDistributed(L.Dense(4, activation="relu")),
        lambda L: L.TimeDistributed(L.Dropout(0.1)),
        rnn("LSTM", return_sequences=True),
        lambda L: L.TimeDistributed(L.Dense(3, activation="softmax")),
    ),
    "repeated": chain(
        rnn("LSTM"), lambda L: L.RepeatVector(3), rnn("LSTM", return_sequences=True), lambda L: L.Permute((2, 1))
    ),
    "functional": _functional,
    "merged_masks": _merged_masks,
    "seq2seq": lambda K: _seq2seq(K, False),
    "seq2seq_masked": lambda K: _seq2seq(K, True),
    "nested": _nested,
    "shared": _shared,
    "states_between": _states_between,
    "time_distributed_model": _time_distributed_model,
}


TWICE = ("options",)  # ported from both formats; of the others, every second is an .h5


def made(K, name, seed=0):
    """The model, built, with weights that no swap leaves as they are."""
    K.utils.set_random_seed(seed)
    model = MODELS[name](K)
    if not model.built:
        model.build((None, T))
    draw = np.random.default_rng([seed, *name.encode()])
    for weight in model.weights:
        positive = "variance" in weight.name
        values = draw.normal(size=weight.shape) / np.sqrt(2 + weight.shape[0] * (len(weight.shape) > 1))
        if "state" not in weight.name and "iteration" not in weight.name:
            weight.assign(np.abs(values) + 0.5 if positive else values)
    return model


def inputs(model, name, batch=3):
    """Drawn inputs of a model's own shapes: tokens where it takes whole numbers or an Embedding is first."""
    draw = np.random.default_rng([1, *name.encode()])
    tokens = any(layer.__class__.__name__ == "Embedding" for layer in model.layers)
    given = []
    for tensor in model.inputs:
        shape = [n or (batch if axis == 0 else T) for axis, n in enumerate(tensor.shape)]
        x = draw.integers(0, 3, shape) if tokens and len(shape) == 2 else draw.normal(size=shape)
        if name == "masked":
            x[0, -2:] = x[1, 2] = -1.0
        given.append(x.astype("int32" if "int" in tensor.dtype.name else "float32"))
    return given
