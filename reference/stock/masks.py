"""What becomes of a mask on its way through a stock layer, in Keras 2, and in Keras 3 where that is another.

Read in tf-keras 2.21 and keras 3.15 (`supports_masking`, `compute_mask`), and tried in both.
"""

from __future__ import annotations

from functools import reduce

import numpy as np

from reference.stock.dense import counted
from reference.stock.uses import Array, Use

# The first input's mask goes on as it is.
_PASSING = (
    "Activation ActivityRegularization AlphaDropout BatchNormalization Dense Dropout ELU GaussianDropout GaussianNoise "
    "LayerNormalization LeakyReLU PReLU ReLU Softmax SpatialDropout1D SpatialDropout2D Attention "
    "AdditiveAttention InputLayer"
)
PASS = frozenset(_PASSING.split())
PASS_KERAS3 = ("Rescaling",)
MERGES = ("Add", "Average", "Maximum", "Minimum", "Multiply", "Subtract")


def passed_on(use: Use) -> Array | None:
    """The mask of the layer's output, None where every step counts."""
    if use.kind == "Embedding":
        return use.x != 0 if use.get("mask_zero", False) else None
    if use.kind == "Masking":
        return counted(use)
    if use.kind in MERGES:
        return _merged(use)
    if use.kind == "Concatenate":
        return _concatenated(use)
    return use.mask if use.kind in PASS or (use.masks_as == "keras" and use.kind in PASS_KERAS3) else None


def _merged(use: Use) -> Array | None:
    """Keras 2: a step counts if it does in all inputs that have a mask. Keras 3: in any, if all have one."""
    given = [mask for mask in use.masks if mask is not None]
    if not given or (use.masks_as == "keras" and len(given) < len(use.masks)):
        return None
    return reduce(np.logical_or if use.masks_as == "keras" else np.logical_and, given)


def _concatenated(use: Use) -> Array | None:
    """Keras 2: a step counts if it does in all inputs. Keras 3: in any."""
    if all(mask is None for mask in use.masks):
        return None
    spread = [_spread(x, mask, use.masks_as) for x, mask in zip(use.inputs, use.masks, strict=True)]
    together = np.concatenate(spread, use.get("axis", -1))
    return np.asarray(together.any(-1) if use.masks_as == "keras" else together.all(-1))


def _spread(x: Array, mask: Array | None, era: str) -> Array:
    if mask is None:
        return np.ones(x.shape, bool)
    if mask.ndim >= x.ndim:
        return mask
    # Keras 2 leaves the last axis 1 wide, which fits where the layers are put together on it, and where all have masks.
    return mask[..., None] if era != "keras" else mask[..., None] | np.zeros(x.shape, bool)
