"""Over time: the Jacobians of the state over the lag, split at the gates; and how they grow with the weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from comparisons.studies.gradients.models import (
    ACTIVATIONS,
    ELMAN,
    GRU,
    LSTM_0,
    LSTM_1,
    LSTM_2,
    LSTM_1997,
    MODELS,
    Model,
    Sizes,
    generator,
    jacobians,
    layer,
    settings,
    stretch,
)
from comparisons.studies.part import SPREAD, Array, Part, Progress, short, spread, spread_rows, with_spread

SCALED = (ELMAN, LSTM_1997, LSTM_1, GRU)
WHOLE, GATES, REST = "whole", "gates alone", "rest"


def over_the_lag(sizes: Sizes, seed: int, progress: Progress) -> tuple[Part, Part]:
    """∂h_T/∂h_t and ∂c_T/∂c_t, and their split into the product of the gates that keep the state and the rest."""
    norms: dict[tuple[str, str], dict[str, list[Array]]] = {}
    kept: dict[str, list[Array]] = {}
    for activation in ACTIVATIONS:
        for model in MODELS:
            progress(f"over the lag: {model.name}, {activation}", 1)
            of = norms.setdefault((model.name, activation), {})
            for n in range(sizes.seeds):
                draw = generator(seed, 1, n)
                one = layer(model, activation, sizes.units, sizes.units, draw)
                run = one.run(draw.normal(size=(1, sizes.lag, sizes.units)))
                for name, values in _norms(model, one, run).items():
                    of.setdefault(name, []).append(np.array(values))
                if model.keeps and activation == "tanh":
                    kept.setdefault(model.name, []).append(run.gates[model.keeps].ravel())
    return _lag_part(norms, sizes), _split_part(norms, kept, sizes)


def _norms(model: Model, one: Any, run: Any) -> dict[str, list[float]]:
    """The stretch at lag 1, 2, … of each field's Jacobian; of the field that gates keep, also of its two parts."""
    found: dict[str, list[float]] = {}
    product = np.ones(one.units)
    field = run.state._fields[-1]
    for t, of in zip(reversed(range(run.outputs.shape[1])), jacobians(one, run), strict=True):
        parts = {name: stretch(a) for name, a in of.items()}
        if model is not ELMAN:
            product = product * (run.gates[model.keeps][0, t] if model.keeps else 1)
            alone = np.diag(product)
            parts |= {WHOLE: parts[field], GATES: stretch(alone), REST: stretch(of[field] - alone)}
        for name, value in parts.items():
            found.setdefault(name, []).append(value)
    return found


def _lag_part(norms: dict[Any, Any], sizes: Sizes) -> Part:
    lags = range(1, sizes.lag + 1)
    rows, table = [], []
    for (model, activation), of in norms.items():
        for field in ("h", "c"):
            if field not in of:
                continue
            rows += spread_rows((model, activation, field), lags, of[field])
            shown = [with_spread(np.array(of[field])[:, lag - 1]) for lag in _shown(sizes)]
            table.append((f"∂{field}_T/∂{field}_t", activation, model, *shown))
    table.sort(key=lambda row: row[0])
    at = lambda model, activation, field, lag: _median(norms[model.name, activation][field], lag)
    far = sizes.lag
    found = {
        "lag": far,
        **{f"h, {m.name}, {a}": at(m, a, "h", far) for m in MODELS for a in ACTIVATIONS},
        **{f"c, {m.name}, {a}": at(m, a, "c", far) for m in MODELS if "LSTM" in m.name for a in ACTIVATIONS},
    }
    c = lambda model, activation="tanh": short(found[f"c, {model.name}, {activation}"])
    h = lambda model, activation="tanh": short(found[f"h, {model.name}, {activation}"])
    says = (
        f"At Keras' initial weights and over {far} steps, ∂h_T/∂h_t with tanh stretches a random vector by {h(ELMAN)} "
        f"in an Elman network (median of {sizes.seeds} seeds), by {h(GRU)} in a GRU, and by {h(LSTM_0)}, {h(LSTM_1)} "
        f"and {h(LSTM_2)} in an LSTM with a forget bias of 0, 1 and 2; its ∂c_T/∂c_t by {c(LSTM_0)}, {c(LSTM_1)} and "
        f"{c(LSTM_2)}. The bias is what decides: an LSTM without one reaches no further than an Elman network. The "
        f"LSTM of 1997, which cannot forget, keeps {c(LSTM_1997)}. The activation of the states matters little where "
        f"gates hold them (forget bias 1: {c(LSTM_1)} with tanh, {c(LSTM_1, 'relu')} with relu, "
        f"{c(LSTM_1, 'leaky relu')} with leaky relu), some in an Elman network ({h(ELMAN, 'relu')} with relu), and all "
        f"where nothing forgets: ∂c_T/∂c_t of the LSTM of 1997 is {c(LSTM_1997, 'relu')} with relu and "
        f"{c(LSTM_1997, 'leaky relu')} with leaky relu."
    )
    columns = ("model", "activation", "of", "lag", *SPREAD)
    heads = ("of", "activation", "model", *(f"lag {lag}" for lag in _shown(sizes)))
    size = settings(sizes.units, sizes.lag, sizes.seeds)
    return Part("lag", "How far back the gradient reaches", size, columns, rows, heads, table, found, says)


def _split_part(norms: dict[Any, Any], kept: dict[str, list[Array]], sizes: Sizes) -> Part:
    lags = range(1, sizes.lag + 1)
    rows, table, found = [], [], {}
    for (model, activation), of in norms.items():
        if WHOLE not in of:
            continue
        for part in (WHOLE, GATES, REST):
            rows += spread_rows((model, activation, part), lags, of[part])
        ratio = np.array(of[REST]) / np.maximum(of[GATES], np.finfo(float).tiny)
        above = np.flatnonzero(np.median(ratio, axis=0) > 1)
        found[f"{model}, {activation}"] = {
            **{f"{part}, lag {lag}": _median(of[part], lag) for part in (GATES, REST) for lag in (1, sizes.lag)},
            "rest over gates": _median(ratio, sizes.lag),
            "rest is larger from lag": int(above[0]) + 1 if len(above) else None,
        }
        shown = [with_spread(np.array(of[part])[:, -1]) for part in (GATES, REST)]
        table.append(
            (model, activation, *shown, str(found[f"{model}, {activation}"]["rest is larger from lag"] or "–"))
        )
    for model, gates in kept.items():
        every = np.concatenate(gates)
        low, middle, high = (float(q) for q in np.quantile(every, [0.05, 0.5, 0.95]))
        near = float(((every < 0.05) | (every > 0.95)).mean())
        found[f"gate of {model}"] = {"5%": low, "median": middle, "95%": high, "within 0.05 of 0 or 1": near}
    one, gate = found[f"{LSTM_1.name}, tanh"], found[f"gate of {LSTM_1.name}"]
    last = lambda model, activation, part: short(found[f"{model.name}, {activation}"][f"{part}, lag {sizes.lag}"])
    found["claims"] = {
        "a forget gate is 0 or 1": gate["within 0.05 of 0 or 1"] > 0.5,
        "the rest is small": one["rest over gates"] < 0.1,
    }
    says = (
        f"∂c_T/∂c_t is the product of the forget gates, and all that goes through h. A forget gate is "
        f"{'mostly' if found['claims']['a forget gate is 0 or 1'] else 'not'} 0 or 1: with a bias of 1 its median is "
        f"{gate['median']:.3f} (σ(1) = {1 / (1 + np.exp(-1)):.3f}), 90 % lie between {gate['5%']:.2f} and "
        f"{gate['95%']:.2f}, and {100 * gate['within 0.05 of 0 or 1']:.1f} % within 0.05 of 0 or 1. And the rest is "
        f"{'small' if found['claims']['the rest is small'] else 'not small'}: it is larger than the product from lag "
        f"{one['rest is larger from lag']} on, and {short(one['rest over gates'])} times as large after {sizes.lag} "
        f"steps ({last(LSTM_1, 'tanh', REST)} against {last(LSTM_1, 'tanh', GATES)}). So the product of the forget "
        f"gates says how far back a cell keeps what it has, and not how far back its gradient reaches. The product of "
        f"the LSTM of 1997 is exactly 1; its rest is {last(LSTM_1997, 'tanh', REST)} with tanh and "
        f"{last(LSTM_1997, 'relu', REST)} with relu. In the GRU the product of the update gates is "
        f"{last(GRU, 'tanh', GATES)}, the rest {last(GRU, 'tanh', REST)}."
    )
    columns = ("model", "activation", "part", "lag", *SPREAD)
    heads = ("model", "activation", f"gates alone, lag {sizes.lag}", f"rest, lag {sizes.lag}", "rest larger from lag")
    size = settings(sizes.units, sizes.lag, sizes.seeds)
    return Part("split", "What the gates keep, and the rest", size, columns, rows, heads, table, found, says)


def over_the_scale(sizes: Sizes, seed: int, progress: Progress) -> Part:
    """The growth of ∂h_T/∂h_t a step, over the scale of the recurrent kernel."""
    near, far = sizes.scale_lags
    rows, table, found = [], [], {}
    for activation in ACTIVATIONS:
        for model in SCALED:
            progress(f"over the scale: {model.name}, {activation}", 1)
            growth = np.zeros((sizes.seeds, len(sizes.scales)))
            for n in range(sizes.seeds):
                for k, scale in enumerate(sizes.scales):
                    draw = generator(seed, 2, n)
                    one = layer(model, activation, sizes.scale_units, sizes.scale_units, draw, scale)
                    run = one.run(draw.normal(size=(1, far, sizes.scale_units)))
                    norms = [stretch(of["h"]) for of in jacobians(one, run)]
                    growth[n, k] = (norms[far - 1] / norms[near - 1]) ** (1 / (far - near)) if norms[near - 1] else 0
            rows += spread_rows((model.name, activation), sizes.scales, growth)
            middle = spread(growth)[1]
            found[f"{model.name}, {activation}"] = {
                "explodes from scale": _crossing(sizes.scales, middle),
                "growth at the largest": float(middle[-1]),
            }
            shown = [with_spread(growth[:, k]) for k in range(0, len(sizes.scales), 2)]
            table.append((model.name, activation, *shown, _scale(found[f"{model.name}, {activation}"])))
    elman = {a: found[f"{ELMAN.name}, {a}"] for a in ACTIVATIONS}
    found["claims"] = {"relu ends exploding gradients": not _earlier(elman["relu"], elman["tanh"])}
    ends = found["claims"]["relu ends exploding gradients"]
    explodes = lambda model, activation: _from(found[f"{model.name}, {activation}"], sizes)
    grows = lambda activation: short(elman[activation]["growth at the largest"])
    says = (
        f"relu {'ends exploding gradients' if ends else 'does not end exploding gradients, it takes away a brake'}. "
        f"With tanh, larger weights saturate the units: the gradient of an Elman network explodes "
        f"{explodes(ELMAN, 'tanh')} (1: Keras' recurrent kernel), and at {sizes.scales[-1]:g} it grows by "
        f"{grows('tanh')} a step. With relu it explodes {explodes(ELMAN, 'relu')} (where half of the units pass, √2), "
        f"and grows by {grows('relu')}; with leaky relu {explodes(ELMAN, 'leaky relu')}, by {grows('leaky relu')}. "
        f"Gates move the point: an LSTM with forget bias 1 explodes {explodes(LSTM_1, 'tanh')} with tanh and "
        f"{explodes(LSTM_1, 'relu')} with relu, a GRU {explodes(GRU, 'tanh')} with tanh and {explodes(GRU, 'relu')} "
        f"with relu, and the LSTM of 1997, whose own factor is 1, {explodes(LSTM_1997, 'tanh')} with tanh. (Keras' "
        f"kernel is orthogonal over all gates together: the part of one gate of an LSTM stretches by 1/2.)"
    )
    columns = ("model", "activation", "scale", *SPREAD)
    heads = ("model", "activation", *(f"× {short(s)}" for s in sizes.scales[::2]), "explodes from ×")
    size = settings(sizes.scale_units, far, sizes.seeds, f"growth from lag {near} to {far}, ")
    return Part("scale", "Does relu end exploding gradients?", size, columns, rows, heads, table, found, says)


def _crossing(scales: tuple[float, ...], growth: Array) -> float | None:
    """The scale from which on the growth is above 1, between two that were run by interpolation of logarithms."""
    below = np.flatnonzero(growth <= 1)
    if not len(below):
        return scales[0]
    k = below[-1]
    if k == len(scales) - 1:
        return None
    low, high = np.log(max(growth[k], np.finfo(float).tiny)), np.log(growth[k + 1])
    share = -low / (high - low)
    return float(np.exp((1 - share) * np.log(scales[k]) + share * np.log(scales[k + 1])))


def _scale(found: dict[str, Any]) -> str:
    return "–" if found["explodes from scale"] is None else short(found["explodes from scale"])


def _from(found: dict[str, Any], sizes: Sizes) -> str:
    at = found["explodes from scale"]
    if at is None:
        return f"nowhere up to {sizes.scales[-1]:g}"
    return f"already at {at:g}" if at == sizes.scales[0] else f"from {short(at)} on"


def _earlier(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether one explodes at a smaller scale than the other."""
    at, than = one["explodes from scale"], other["explodes from scale"]
    return at is not None and (than is None or at <= than)


def _median(values: Any, lag: int) -> float:
    return float(np.median(np.array(values)[:, lag - 1]))


def _shown(sizes: Sizes) -> tuple[int, ...]:
    return (1, sizes.lag // 10, sizes.lag // 2, sizes.lag)
