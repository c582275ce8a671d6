"""The checks of the gradients can fail: every mistake planted in a derivative is farther off than they allow.

The right derivatives are within 1e-7 of central differences (tests/reference), so what is farther than that from them
is rejected there. In each cell's derivative every factor and term is dropped, every difference turned round, every two
neighbours in a row of gates exchanged, every clip left out, and what belongs to h, to c, to one gate or to one step is
taken from another, one at a time.
"""

import ast
import copy
import inspect
import textwrap
from dataclasses import replace

import numpy as np
import pytest
from differences import LIMIT, drawn, layer, zipped

import reference.gradients
import reference.unroll
import reference.wrapped
from comparisons.proof import draws
from reference import Bidirectional, Dropout, Stack, Wrapped, activations, slopes
from reference.activations import PARAMETRISED, get
from reference.steps import CELLS, module, options

MASK = draws.mask(2, 4, seed=3)
# Functions whose slopes need their argument, and clips that hold something, so that every line counts.
CURVED = {"activation": "silu", "output_activation": "silu", "recurrent_activation": "silu", "norm_epsilon": 0.1}
OPTIONS = {
    "lstm": [{"forget_bias": 0.7}, {"cells_per_block": 3}],
    "peephole_lstm": [{"forget_bias": 0.7}],
    "cifg": [{"coupled": coupled, "forget_bias": 0.7} for coupled in "if"],
    "layer_norm_lstm": [{"forget_bias": 0.7}],
    "greff_lstm": [{"variant": v} for v in ("V", "NIG", "NFG", "NOG", "NIAF", "NOAF", "CIFG", "NP", "FGR")],
    "gru": [{"reset_after": True}, {"reset_after": False}],
    "ugrnn": [{"forget_bias": 0.7}],
}
CLIPS = [("cell_clip", 0.3), ("cell_clip", 0.15), ("proj_clip", 0.1), ("proj_clip", 0.03)]
ABSENT = [("recurrent_bias", "bias"), ("peephole", "gamma", "beta"), ("projection", "output_kernel", "output_bias")]
OTHERS = {
    "d.h": ["d.c"],
    "d.c": ["d.h"],
    "s.after.c": ["s.before.c"],
    "i": ["f", "o"],
    "f": ["i"],
    "o": ["i"],
    "z": ["r"],
    "r": ["z"],
    "c": ["new", "s.after.c"],
    "new": ["c"],
}


def layers(cell):
    curved = {name: value for name, value in CURVED.items() if name in options(cell)}
    tried = [layer(cell, **{**curved, **each}) for each in OPTIONS.get(cell, [{}])]
    steep = [one.edited(lambda name, a: 4 * a if name == "recurrent_kernel" else a) for one in tried]
    tried += [layer(cell, without, **curved) for without in ABSENT]
    tried += [layer(cell, **{name: limit}) for name, limit in CLIPS if name in options(cell)]
    return [layer(cell), *tried, *steep]


def everything(one, mask=MASK, with_state=True, **how):
    """Every gradient of a drawn loss, a stack of arrays."""
    first = one
    while not hasattr(first, "cell"):
        first = first.forward if hasattr(first, "forward") else first.layers[0]
    x, state = drawn(first)
    run, draw = one.run(x, state if first is one else None, mask), np.random.default_rng(6)

    def like(values):
        if isinstance(values, tuple):
            parts = [like(value) for value in values]
            return type(values)(*parts) if hasattr(values, "_fields") else tuple(parts)
        return draw.normal(size=values.shape)

    got = one.backprop(run, like(run.result), like(run.state) if with_state else None, **how)
    return got.inputs, got.weights, got.initial_state


def seen(right, one, **given):
    """Whether gradients are farther from the right ones than the checks allow, or not there at all."""
    try:
        wrong = everything(one, **given)
        pairs = zipped(right, wrong)
    except (AssertionError, AttributeError, IndexError, TypeError, UnboundLocalError, ValueError):
        return True
    # Twice: the central differences may be that far off to the other side.
    return any(
        a.shape != b.shape or not np.abs(a - b).max(initial=0) <= 2 * LIMIT * (np.abs(a).max(initial=0) or 1)
        for _, a, b in pairs
    )


def mistakes(function):
    """`(what, function with the mistake)`, one at a time."""
    source = textwrap.dedent(inspect.getsource(function))
    tree, lines = ast.parse(source), source.splitlines()
    body = tree.body[0]
    names = {node.id for node in ast.walk(body) if isinstance(node, ast.Name)}
    for k, node in enumerate(ast.walk(body)):
        for what, edit in _edits(node, names):
            mutant = copy.deepcopy(tree)
            edit(list(ast.walk(mutant.body[0]))[k])
            namespace = dict(vars(inspect.getmodule(function)))
            # Its globals are the module's own, so that it sees what else is planted there.
            exec(compile(ast.fix_missing_locations(mutant), function.__name__, "exec"), namespace)
            yield lines[getattr(node, "lineno", 1) - 1].strip(), what, namespace[function.__name__]


def _edits(node, names):
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div | ast.Add | ast.Sub | ast.MatMult):
        text = ast.unparse(node)
        for kept in ("left", "right"):
            yield f"{text}: {kept} alone", lambda n, kept=kept: _become(n, getattr(n, kept))
        if isinstance(node.op, ast.Sub):
            yield f"{text}: turned round", lambda n: n.__dict__.update(left=n.right, right=n.left)
    if isinstance(node, ast.List) and len(node.elts) > 1 and not isinstance(node.elts[0], ast.Tuple):
        for k in range(len(node.elts) - 1):
            yield f"{ast.unparse(node)}: {k} and {k + 1} exchanged", lambda n, k=k: n.elts.insert(k, n.elts.pop(k + 1))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("clip", "within", "gather"):
        yield f"{ast.unparse(node)}: left out", lambda n: _become(n, n.args[0])
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "np.where":
        for k in (1, 2):
            yield f"{ast.unparse(node)}: always {ast.unparse(node.args[k])}", lambda n, k=k: _become(n, n.args[k])
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "reversed":
        yield f"{ast.unparse(node)}: not reversed", lambda n: _become(n, n.args[0])
    if isinstance(node, ast.Subscript) and "::-1" in ast.unparse(node.slice):
        yield f"{ast.unparse(node)}: not reversed", lambda n: _become(n, n.value)
    if isinstance(node, ast.IfExp):
        for kept in ("body", "orelse"):
            yield f"{ast.unparse(node)}: always {kept}", lambda n, kept=kept: _become(n, getattr(n, kept))
    if isinstance(node, ast.Attribute | ast.Name) and isinstance(node.ctx, ast.Load):
        for other in OTHERS.get(ast.unparse(node), ()):
            if other.split(".")[0] not in names:
                continue
            expression = ast.parse(other, mode="eval").body
            yield f"{ast.unparse(node)} -> {other}", lambda n, e=expression: _become(n, e)


def _become(node, other):
    node.__class__, fields = other.__class__, dict(other.__dict__)
    node.__dict__.clear()
    node.__dict__.update(fields)


SLOPES = slopes.OF_VALUE | slopes.OF_ARGUMENT
SLOPED = [name for name in activations.names() if get(name).function in SLOPES]

# Mistakes that are none: a shape is the same, and zeros are.
SAME = {
    "columns = widths(c.shape[-1], cells_per_block=cells_per_block) # c -> s.after.c",
    "columns = widths(c.shape[-1], coupled=coupled) # c -> s.after.c",
    "columns = widths(c.shape[-1], variant=variant) # c -> s.after.c",
    "d_gates = (0 * c,) * 3 # 0 * c: left alone",
    "d_gates = (0 * c,) * 3 # c -> new",
    "d_gates = (0 * c,) * 3 # c -> s.after.c",
    # An array's rows have the same shapes where it has.
    "parts = lambda values: [np.shape(a) for a in (values if pair.merge_mode is None else [values])] # "
    "values if pair.merge_mode is None else [values]: always body",
}
# Seen by tests of their own in tests/reference: no steps, wrong truncations, inputs that are not numbers where masked.
ELSEWHERE = {
    "for name in gathered[0] if gathered else (): # gathered[0] if gathered else (): always body",
    "every, over = truncation if isinstance(truncation, tuple) and len(truncation) == 2 else (0, 0) # "
    "truncation if isinstance(truncation, tuple) and len(truncation) == 2 else (0, 0): always body",
    "x = np.where(mask[..., None], x, 0) # np.where(mask[..., None], x, 0): always x",
    "gates = {letter: np.where(mask[..., None], gate, 0) for letter, gate in gates.items()} # "
    "np.where(mask[..., None], gate, 0): always gate",
}


@pytest.mark.parametrize("cell", CELLS)
def test_every_mistake_in_a_derivative_is_seen(cell, monkeypatch):
    home, ones = module(cell), layers(cell)
    hows = [{}, {"message_clip": 0.05}, {"message_clip": 0.004}]
    rights = [everything(one, **how) for one in ones for how in hows]
    blind, tried = [], 0
    for name in ("backstep", "backproject", "norm_back"):
        function = vars(home).get(name)
        if function is None or function.__module__ != home.__name__:
            continue
        for line, what, wrong in mistakes(function):
            with monkeypatch.context() as planted, np.errstate(all="ignore"):
                planted.setattr(home, name, wrong)
                runs = [(one, how) for one in ones for how in hows]
                found = any(seen(right, one, **how) for right, (one, how) in zip(rights, runs, strict=True))
            tried += 1
            if not found and f"{line} # {what}" not in SAME:
                blind.append(f"{line} # {what}")
    assert tried >= 5
    assert not blind, "\n".join(blind)


@pytest.mark.parametrize("name", sorted({*SLOPED, *PARAMETRISED} - {"linear"}))
def test_a_forgotten_slope_is_seen(name, monkeypatch):
    values = {"slope": 0.7, "offset": 0.4, "alpha": 0.6, "negative_slope": 0.3, "scale": 1.3, "threshold": 0.3}
    parameters = {key: values[key] for key in PARAMETRISED[name][1]} if name in PARAMETRISED else {}
    activation = get(name, **parameters)
    one = layer("simple_rnn", activation=activation)
    right = everything(one)
    table = slopes.OF_VALUE if activation.function in slopes.OF_VALUE else slopes.OF_ARGUMENT
    monkeypatch.setitem(table, activation.function, lambda *of, **parameters: 1)
    assert seen(right, one)


def turned(cell, **flags):
    return replace(layer(cell), **flags)


def models():
    """Layers in every direction, and what is made of them; as `everything` takes them."""
    one = layer("lstm")
    narrow = one.edited(lambda name, a: -a[:, ::-1].copy() if a.ndim == 2 else a)
    kernel = np.random.default_rng(9).normal(size=(3, one.weights.kernel.shape[1]))
    above = one.edited(lambda name, a: kernel if name == "kernel" else -a)
    back = replace(narrow, go_backwards=True)
    last = replace(one, return_sequences=False), replace(back, return_sequences=False)
    flags = [
        {},
        {"go_backwards": True},
        {"direction": "reverse"},
        {"return_sequences": False},
        {"return_sequences": False, "direction": "reverse"},
        {"zero_output_for_mask": True},
    ]
    return [
        *((turned("peephole_lstm", **each), {}) for each in flags),
        *((one, {"truncation": how}) for how in ("1997", (1, 1), (1, 4), (2, 3), (3, 3))),
        *(
            (layer("lstm", activation="silu", recurrent_activation="silu"), {"with_state": state})
            for state in (True, False)
        ),
        (turned("mut2"), {}),
        (turned("gru", go_backwards=True), {"mask": None}),
        (Stack((one, above)), {}),
        (Stack((one, above), go_backwards=True), {}),
        (Stack((one, above), return_sequences=False), {}),
        *((Bidirectional(one, back, merge), {}) for merge in ("concat", "sum", "ave", "mul", None)),
        *((Bidirectional(*last, merge), {}) for merge in ("concat", "mul", None)),
        (Bidirectional(one, turned("jordan", go_backwards=True), None), {}),
        (Stack((Bidirectional(one, back, "sum"), above)), {"with_state": False}),
        (Stack((Bidirectional(*last, "sum"), above)), {}),
        *((each, {"mask": None, **how}) for each in (dropped(one), dropped(layer("mut2"))) for how in HELD),
        (Stack((dropped(above), Wrapped(above, residual=True)), return_sequences=False), {"mask": None}),
    ]


HELD = [{}, {"with_state": False}, {"message_clip": 0.02}]


def dropped(one):
    """A layer within two wrappers, with other masks at every step."""

    def kept(seed, width):
        return Dropout(np.random.default_rng(seed).random((2, 4, width)) < 0.6, 0.6)

    inner = Wrapped(one, kept(0, one.input_dim), kept(1, one.recurrent_dim), kept(2, one.recurrent_dim))
    return Wrapped(inner, output=kept(3, one.recurrent_dim), residual=one.input_dim == one.recurrent_dim)


LOOP = {
    reference.unroll: ["unroll_back", "summed", "_outer"],
    reference.gradients: [
        "_layer",
        "_windows",
        "along_the_cell",
        "_moments",
        "_at_the_end",
        "_stack",
        "_bidirectional",
        "_wrapped",
    ],
    reference.wrapped: ["_back"],
    Wrapped: ["back"],
}


@pytest.mark.parametrize(("home", "name"), [(home, name) for home, names in LOOP.items() for name in names])
def test_every_mistake_in_the_way_back_through_time_is_seen(home, name, monkeypatch):
    tried, blind = models(), []
    rights = [everything(one, **how) for one, how in tried]
    for line, what, wrong in mistakes(vars(home)[name]):
        with monkeypatch.context() as planted, np.errstate(all="ignore"):
            planted.setattr(home, name, wrong)
            if home is reference.unroll and name == "unroll_back":
                planted.setattr(reference.gradients, name, wrong)
            if not any(seen(right, one, **how) for right, (one, how) in zip(rights, tried, strict=True)):
                blind.append(f"{line} # {what}")
    assert not set(blind) - SAME - ELSEWHERE, "\n".join(blind)
