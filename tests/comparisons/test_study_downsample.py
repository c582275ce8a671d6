"""`gateproof study downsample`: what can be told at best, against the best test itself."""

import numpy as np
import pytest

from comparisons.studies.downsample.signals import (
    AVERAGED,
    EVENTS,
    FAST,
    HELD,
    PICKED,
    SLOW,
    Way,
    ceiling,
    preprocessed,
    signals,
    ways,
)

LENGTH, STEPS, SIZE, MANY = 8, 16, 0.5, 40_000


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("way", ways([2, 4]), ids=lambda way: way.name)
def test_the_ceiling_is_what_the_best_test_reaches(event, way):
    """The sum of the samples times the event without its noise, on drawn signals; 4 standard errors are allowed."""
    x, up = signals(np.random.default_rng(7), MANY, event, LENGTH, STEPS, SIZE)
    clean = np.zeros(STEPS)
    clean[:LENGTH] = SIZE * EVENTS[event](LENGTH)
    template = preprocessed(clean[None], way)[0, :, 0]
    told = (preprocessed(x, way)[..., 0] @ template > 0) == up[:, 0]
    expected = ceiling(event, way, LENGTH, SIZE)
    assert abs(told.mean() - expected) < 4 * np.sqrt(0.25 / MANY)


def test_what_is_lost_and_what_is_not():
    best = lambda event, how, k: ceiling(event, Way(how, k), LENGTH, SIZE)
    whole = ceiling(SLOW, ways([])[0], LENGTH, SIZE)
    assert best(SLOW, AVERAGED, 4) == best(SLOW, HELD, 4) == pytest.approx(whole)
    assert best(SLOW, PICKED, 4) < whole - 0.05
    assert best(FAST, AVERAGED, 4) == 0.5
    assert best(FAST, PICKED, 4) == best(SLOW, PICKED, 4), "every second sample of a swing is a bump"


def test_shapes():
    x = np.arange(32.0).reshape(2, 16)
    assert {way.name: preprocessed(x, way).shape for way in ways([4])} == {
        "full rate": (2, 16, 1),
        "means of 4": (2, 4, 1),
        "means of 4, held": (2, 16, 1),
        "every 4-th sample": (2, 4, 1),
    }
