"""Training online: the gradients of traces carried forward are the truncated ones, and they learn."""

import numpy as np
import pytest
from differences import drawn, layer, same

from reference.online import OnlineTrainer
from reference.steps import Moment, module, project

TIME = 7


ONLINE = [
    ("lstm", {}),
    ("lstm", {"forget_bias": 1.0, "output_activation": "softsign"}),
    ("lstm_1997", {}),
    ("peephole_lstm", {}),
    ("peephole_lstm", {"cell_clip": 0.3}),
    ("cifg", {}),
    ("cifg", {"coupled": "f"}),
    *(("greff_lstm", {"variant": variant}) for variant in ("V", "NIG", "NFG", "NOG", "NIAF", "CIFG", "NP", "FGR")),
]


@pytest.mark.parametrize(("cell", "options"), ONLINE, ids=str)
def test_online_with_the_weights_held_is_the_truncated_gradient(cell, options):
    one = layer(cell, **options)
    x, state = drawn(one, time=TIME)
    run = one.run(x, state)
    d = np.random.default_rng(2).normal(size=run.outputs.shape)
    trainer, total = OnlineTrainer(one, len(x), state), None
    for t in range(TIME):
        got = trainer.step(x[:, t], lambda h, t=t: d[:, t])
        total = (
            got if total is None else type(got)(*(a if a is None else a + b for a, b in zip(got, total, strict=True)))
        )
    same(total, one.backprop(run, d, truncation="1997").weights)
    same(tuple(trainer.state), tuple(run.state))


@pytest.mark.parametrize("cell", ["lstm", "lstm_1997", "peephole_lstm"])
def test_online_with_an_update_at_every_step(cell):
    """Each step's gradient is that of going back through the steps as they were run, each with its own weights."""
    one = layer(cell)
    x, state = drawn(one, time=TIME)
    target = np.random.default_rng(8).normal(size=(len(x), one.recurrent_dim))
    trainer, home, past = OnlineTrainer(one, len(x), state), module(cell), []
    for t in range(TIME):
        w, before = trainer.layer.weights, trainer.state
        found = {}

        def update(name, array, gradient, found=found):
            found[name] = gradient
            return array - 0.3 * gradient

        trainer.train(x[:, t], lambda h: h - target, update)
        xw = project(cell)(x[:, t], w)
        after, gates = home.step(xw, before, w, **one.options)
        past.append((Moment(xw, before, after, gates), w, x[:, t]))
        d, total = after._replace(h=after.h - target, c=0 * after.c), 0
        for moment, weights, inputs in reversed(past):
            cut = {
                name: 0 * a
                for name, a in weights._asdict().items()
                if a is not None and name in ("recurrent_kernel", "peephole")
            }
            d, messages = home.backstep(d, moment, weights, weights._replace(**cut), **one.options)
            total = total + inputs.T @ messages["xw"]
        assert np.abs(found["kernel"] - total).max() <= 1e-13
    held = OnlineTrainer(one, len(x), state)
    for t in range(TIME):
        last = held.step(x[:, t], lambda h: h - target)
    assert np.abs(last.kernel - found["kernel"]).max() > 1e-3


def test_online_learns_by_its_traces():
    """To give back the input of the step before; guessing 0 has a loss of 1/4, and so has a step that sees no trace."""

    def loss(forgetting):
        draw, losses = np.random.default_rng(0), []
        x = draw.choice([-0.5, 0.5], size=(8, 700, 2))
        trainer = OnlineTrainer(layer("lstm", output_activation="linear"), 8)
        for t in range(1, 700):
            wanted = x[:, t - 1, :1]
            d_output = lambda h, wanted=wanted: np.pad(h[:, :1] - wanted, ((0, 0), (0, 2))) / 8
            trainer.train(x[:, t], d_output, lambda name, array, gradient: array - gradient)
            trainer.traces = {name: a * (not forgetting) for name, a in trainer.traces.items()}
            losses.append(float(((trainer.state.h[:, :1] - wanted) ** 2).mean()))
        return np.mean(losses[-200:])

    assert loss(forgetting=False) < 0.18
    assert loss(forgetting=True) > 0.22


def test_online_refusals():
    with pytest.raises(ValueError, match=r"cell must be one of lstm, .* to be trained online, got 'layer_norm_lstm'"):
        OnlineTrainer(layer("layer_norm_lstm"))
    with pytest.raises(ValueError, match=r"cells_per_block must be 1 to be trained online, got 3"):
        OnlineTrainer(layer("lstm", cells_per_block=3))
    with pytest.raises(ValueError, match=r"recurrent_activation must be elementwise to be trained online, got softmax"):
        OnlineTrainer(layer("lstm", recurrent_activation="softmax"))
