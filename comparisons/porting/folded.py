"""A stock layer without recurrence -> Keras 3's, with hard_sigmoid folded into its arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from comparisons.porting.parts import Array, Part
from reference.files.era_values import HARD

# The arrays that make the sum which the activation sees.
LAST = {
    "Dense": ("kernel", "bias"),
    "EinsumDense": ("kernel", "bias"),
    **{f"Conv{n}D{way}": ("kernel", "bias") for n in (1, 2, 3) for way in ("", "Transpose")},
    **{f"DepthwiseConv{n}D": ("kernel", "bias") for n in (1, 2)},  # Keras 3's name of its depthwise kernel
    **{f"SeparableConv{n}D": ("pointwise_kernel", "bias") for n in (1, 2)},
}
RATIO = 1.2  # of the slopes, 1/5 and 1/6
DENSE = "hard_sigmoid is Keras 3's, whose slope is 1/6: {} times 1.2"
ALONE = "hard_sigmoid is Keras 3's, whose slope is 1/6, after a Rescaling by 1.2"


def part(kind: str, config: Mapping[str, Any], arrays: Mapping[str, Array], *, kept: str = "") -> Part:
    """The layer as Keras 3's `kind`. `kept` is the reason why hard_sigmoid may not be folded; empty where it may."""
    if config.get("activation") != HARD:
        return Part(kind, config, arrays)
    if kept:
        return Part(kind, config, arrays, own=f"hard_sigmoid of Keras 2 is not Keras 3's, and is not folded: {kept}")
    config = {**config, "activation": "hard_sigmoid"}
    if kind == "Activation":
        scaling = Part("Rescaling", {"scale": RATIO, "name": f"{config.get('name', 'activation')}_times_1_2"})
        return Part("Chain", inside=(scaling, Part(kind, config)), changes=(ALONE,), roundings=1, folded=True)
    scaled = {name: a * a.dtype.type(RATIO) if name in LAST[kind] else a for name, a in arrays.items()}
    done = DENSE.format(" and ".join(name for name in LAST[kind] if name in arrays))
    return Part(kind, config, scaled, changes=(done,), roundings=2, folded=True)
