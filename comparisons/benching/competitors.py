"""Who is timed, as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from importlib.util import find_spec
from typing import NamedTuple

from comparisons.benching import in_keras, in_pytorch
from comparisons.benching.calls import Call
from comparisons.benching.work import Work


class Competitor(NamedTuple):
    title: str
    package: str  # what must be installed
    call: Callable[[str, Work], Call]


COMPETITORS = {
    "stock jit off": Competitor("keras.layers, jit off", "keras", partial(in_keras.call, own=False, jit=False)),
    "stock jit on": Competitor("keras.layers, jit on", "keras", partial(in_keras.call, own=False, jit=True)),
    "ours jit off": Competitor("cells, jit off", "keras", partial(in_keras.call, own=True, jit=False)),
    "ours jit on": Competitor("cells, jit on", "keras", partial(in_keras.call, own=True, jit=True)),
    "pytorch": Competitor("torch.nn", "torch", in_pytorch.call),
}
STOCK = ("stock jit off", "stock jit on")
OURS = ("ours jit off", "ours jit on")


def missing(competitors: Mapping[str, Competitor]) -> dict[str, str]:
    """Who of these cannot take part here, and what to install."""
    return {
        name: f"not installed: pip install {competitor.package}"
        for name, competitor in competitors.items()
        if find_spec(competitor.package) is None
    }
