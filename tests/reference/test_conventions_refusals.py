"""What `unpack` and `pack` refuse: always a ValueError, in one sentence."""

import numpy as np
import pytest

from reference import Layer, NotRepresentable, pack, steps, unpack

X, H = 3, 5


def layer(cell="lstm", X=X, H=H, **options):
    gates = sum(steps.widths(cell, H, options).values())
    shapes = ((X, gates), (H, gates), (gates,))
    return Layer(cell, steps.weights_type(cell)(*(np.ones(shape) for shape in shapes)), options)


def stored(framework, **changed):
    return {**pack(layer(), framework).arrays, **changed}


def torch_stack(width):
    arrays = pack(layer(), "pytorch").arrays
    second = {name.replace("_l0", "_l1"): a for name, a in arrays.items()}
    return {**arrays, **second, "weight_ih_l1": np.ones((4 * H, width))}


def keras_stack(width):
    kernels = {"cells/0/kernel": np.ones((X, 4 * H)), "cells/1/kernel": np.ones((width, 4 * H))}
    more = {f"cells/{k}/{name}": a for k in (0, 1) for name, a in stored("keras").items() if name != "kernel"}
    return {**more, **kernels}


SIGMOIDS = {"activations": ["HardSigmoid", "Tanh", "Tanh"], "activation_beta": [0.5]}
REFUSED = [
    ("tf1", "lstm", stored("tf1"), {"cell_clip": 0}, "^cell_clip must be positive, or None for none, got 0$"),
    ("tf1", "lstm", stored("tf1"), {"cell_clip": -1}, "^cell_clip must be positive, or None for none, got -1$"),
    ("tf1", "lstm", stored("tf1"), {"proj_clip": 0.0}, "^proj_clip must be positive, or None for none, got 0.0$"),
    ("tf1", "lstm", stored("tf1"), {"cell_clip": float("nan")}, "^cell_clip must be positive, .*, got nan$"),
    ("tf1", "lstm", stored("tf1"), {"cell_clip": "1"}, "^cell_clip must be positive, .*, got '1'$"),
    ("tf1", "lstm", stored("tf1"), {"forget_bias": "abc"}, "^forget_bias must be a finite number, got 'abc'$"),
    ("tf1", "lstm", stored("tf1"), {"forget_bias": None}, "^forget_bias must be a finite number, got None$"),
    ("tf1", "lstm", stored("tf1"), {"num_units": "five"}, "^num_units must be a positive integer, got 'five'$"),
    ("tf1", "lstm", stored("tf1"), {"use_peepholes": "no"}, "^use_peepholes must be True or False, got 'no'$"),
    ("pytorch", "lstm", stored("pytorch"), {"num_layers": 1.5}, "^num_layers must be a positive integer, got 1.5$"),
    ("pytorch", "lstm", stored("pytorch"), {"bidirectional": []}, r"^bidirectional must be True or False, got \[\]$"),
    ("keras", "lstm", stored("keras"), {"use_bias": "yes"}, "^use_bias must be True or False, got 'yes'$"),
    ("keras", "lstm", stored("keras"), {"activation": ["tanh"]}, "activation of keras must be one of"),
    ("keras", "layer_norm_lstm", stored("keras"), {"norm_epsilon": "a"}, "^norm_epsilon must be a finite number"),
    ("keras", "lstm", stored("keras"), {"cells_per_block": 0}, "^cells_per_block must be a positive integer, got 0$"),
    ("keras", "lstm", stored("keras"), {"merge_mode": ["a"]}, r"^merge_mode must be one of concat, .*, got \['a'\]$"),
    ("onnx", "lstm", stored("onnx"), {"activation_alpha": 0.2}, "^activation_alpha must be numbers, one a function,"),
    ("onnx", "lstm", stored("onnx"), {**SIGMOIDS, "activation_alpha": ["a"]}, "^activation_alpha must be numbers"),
    ("onnx", "lstm", stored("onnx"), {"clip": "3"}, "^clip must be positive, or None for none, got '3'$"),
    ("onnx", "lstm", stored("onnx"), {"activations": 3}, "^activations must be names of functions, got 3$"),
    ("onnx", "lstm", stored("onnx"), {"direction": 1}, "direction of onnx must be forward, reverse or bidirectional"),
    ("onnx", "lstm", stored("onnx"), {"layout": 2}, "^layout must be 0 or 1, got 2$"),
    ("onnx", "lstm", stored("onnx", initial_h=np.ones((1, 2, H))), {}, "initial_h of onnx must be given to run"),
    ("onnx", "lstm", stored("onnx", sequence_lens=np.ones(2)), {}, "sequence_lens .* must be given to run, as mask"),
    ("onnx", "lstm", {5: np.ones(3)}, {}, "name of an array must be a string, got 5"),
    ("keras", "lstm", None, {}, "arrays must be a mapping of names to arrays, got None"),
    ("keras", "lstm", [np.ones(3)], {}, "arrays must be a mapping of names to arrays, got list"),
    ("keras", "lstm", {}, {}, "arrays of keras lstm must be kernel, recurrent_kernel, bias, got none"),
    ("onnx", "lstm", {}, {}, "arrays of onnx lstm must be W, R, .*, got none"),
    ("keras", "lstm", {"kernel": [[1.0], [1.0, 2.0]]}, {}, "kernel of keras must hold real numbers"),
    ("keras", ["lstm"], stored("keras"), {}, "cell of keras must be one of"),
    ("miopen", "lstm", stored("keras"), {}, "^framework must be one whose sources agree, got 'miopen': .*header"),
    (["keras"], "lstm", stored("keras"), {}, "framework must be one of"),
    ("pytorch", "lstm", torch_stack(7), {}, "^l1 of pytorch must take the 5 numbers .* below gives, got 7$"),
    ("keras", "lstm", keras_stack(7), {}, "^cells/1 of keras must take the 5 numbers .* below gives, got 7$"),
    (
        *("pytorch", "lstm", stored("pytorch", weight_ih=np.ones((4 * H, 0))), {}),
        "^weight_ih of pytorch lstm must have at least one input, got shape .20, 0.$",
    ),
    (
        *("tf1", "lstm", stored("tf1", kernel=np.ones((H, 4 * H))), {}),
        "^kernel of tf1 lstm must have at least one input beside its 5 recurrent rows, got shape .5, 20.$",
    ),
    (
        *("tf1", "lstm", stored("tf1", kernel=np.ones((H - 1, 4 * H))), {}),
        "^kernel of tf1 lstm must have at least one input beside its 5 recurrent rows, got shape .4, 20.$",
    ),
    (
        *("keras", "lstm", {name: np.ones((*a.shape[:-1], 0)) for name, a in stored("keras").items()}, {}),
        "^recurrent_kernel of keras lstm must have at least one unit, got shape",
    ),
    (
        *("keras", "mgu", {"kernel": np.ones((3, 20)), "recurrent_kernel": np.ones((1, 20)), "bias": np.ones(20)}, {}),
        "^kernel of a mgu of 1 units? must have shape .3, 2., got .3, 20.$",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("framework", "cell", "arrays", "options", "sentence"), REFUSED)
def test_a_refusal_is_one_sentence(framework, cell, arrays, options, sentence):
    with pytest.raises(ValueError, match=sentence) as refused:
        unpack(framework, cell, arrays, **options)
    assert "\n" not in str(refused.value)


def test_the_cell_is_no_option():
    with pytest.raises(ValueError, match=r"option of keras lstm must be one of .*, got 'cell'"):
        unpack("keras", "lstm", stored("keras"), cell=1)


@pytest.mark.parametrize("what", [None, "lstm", np.ones(3), {"kernel": np.ones(3)}])
def test_what_is_no_layer_is_not_packed(what):
    with pytest.raises(ValueError, match=r"must be a Layer, Stack or Bidirectional, got .*: .*unpack.* or .*read"):
        pack(what, "keras")


def test_what_was_never_said_is_not_in_a_refusal():
    clipped = unpack("tf1", "lstm", stored("tf1"), cell_clip=1.0)
    with pytest.raises(NotRepresentable, match=r"^pytorch has no lstm with cell_clip$"):
        pack(clipped, "pytorch")
    with pytest.raises(ValueError, match=r"^pytorch lstm must have an array weight_hr_l0, got"):
        unpack("pytorch", "lstm", stored("pytorch"), proj_size=3)
