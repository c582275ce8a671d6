"""Parity over cell × option × shape × precision, drawn: every framework within both rules, on each of them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comparisons import frameworks
from comparisons.proof import draws
from comparisons.proof.cases import Case
from comparisons.proof.measure import Judge

SIGMOIDS = ("sigmoid", "hard_sigmoid_keras2", "hard_sigmoid_keras3")
SQUASHES = ("tanh", "linear", "relu", "softsign", "hard_tanh")
GATED = {"activation": st.sampled_from(SQUASHES), "recurrent_activation": st.sampled_from(SIGMOIDS)}
OPTIONS = {
    "simple_rnn": st.fixed_dictionaries({}, optional={"activation": st.sampled_from(SQUASHES)}),
    "lstm": st.fixed_dictionaries({}, optional={**GATED, "forget_bias": st.sampled_from([1.0, -0.5, 2.25])}),
    "gru": st.fixed_dictionaries({}, optional={**GATED, "reset_after": st.booleans()}),
}


@st.composite
def cases(draw):
    cell = draw(st.sampled_from(sorted(OPTIONS)))
    stateful = draw(st.booleans())
    options = draw(OPTIONS[cell])
    return Case(
        f"{cell} {draw(st.integers(0, 2**16))}",
        cell,
        "drawn",
        "drawn",
        units=draw(st.integers(1, 24)),
        steps=draw(st.integers(2, 12)),
        features=draw(st.integers(1, 12)),
        options=options,
        use_bias=draw(st.booleans()) or "forget_bias" in options,  # without a bias there is nothing to fold it into
        mask=draw(st.booleans()) and not stateful,
        go_backwards=draw(st.booleans()) and not stateful,
        stateful=stateful,
        dtype=draw(st.sampled_from(["float32", "float32", "float64", "float16"])),
    )


def within(framework, case):
    module = frameworks.load(framework)
    layer = draws.layer(case, case.features, seed=1).astype(case.dtype)
    if module.unable(case, layer):
        return
    inputs = draws.inputs(case, 2, seed=2).astype(case.dtype)
    mask = draws.mask(2, case.steps, 3) if case.mask else None
    found = module.run(case, layer, inputs, mask)
    judge = Judge(layer, inputs, mask, case.dtype, rounding=getattr(module, "ROUNDING", {}))
    for rule, distance in judge.distances(found).items():
        assert distance.passed, f"{framework}, {rule}: {distance.distance:.1f} u at {distance.at}, {distance.ratio:.2f}"


@pytest.mark.parametrize("framework", frameworks.FRAMEWORKS)
@given(case=cases())
@settings(max_examples=25)
def test_every_drawn_case_is_within(framework, case):
    require(framework)
    within(framework, case)


@pytest.mark.deep
@pytest.mark.parametrize("framework", frameworks.FRAMEWORKS)
@given(case=cases())
@settings(max_examples=2000, derandomize=False)
def test_every_drawn_case_is_within_for_long(framework, case):
    require(framework)
    within(framework, case)


def require(framework):
    if reason := frameworks.absent(framework):
        pytest.skip(f"{framework} IS {reason.upper()}: it was NOT compared")
