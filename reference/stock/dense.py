"""Dense, Embedding, Masking, and the layers that leave their input as it is."""

from __future__ import annotations

import numpy as np

from reference.stock.activations import activate
from reference.stock.uses import Array, Use


def same(use: Use) -> Array:
    """x: dropout, noise and penalties act in training only"""
    return use.x


def dense(use: Use) -> Array:
    """activation(x W + b), over the last axis"""
    kernel = use.weights["kernel"]
    if use.x.shape[-1] != kernel.shape[0]:
        raise use.refuse("input", f"must have {kernel.shape[0]} numbers on its last axis", f"shape {use.x.shape}")
    return activate(use.get("activation"), use.x @ kernel + use.weights.get("bias", 0), use.era)


def embedding(use: Use) -> Array:
    """A row of the table for each whole number."""
    rows, table = use.x.astype(np.int64), use.weights["embeddings"]
    if rows.size and not 0 <= rows.min() <= rows.max() < len(table):
        raise use.refuse("inputs", f"must be from 0 to {len(table) - 1}", f"{rows.min()} to {rows.max()}")
    return table[rows]


def masking(use: Use) -> Array:
    """x, with zeros at the steps in which every number is mask_value"""
    return use.x * counted(use)[..., None]


def counted(use: Use) -> Array:
    """Where a step is not mask_value throughout."""
    return (use.x != use.get("mask_value", 0)).any(-1)


def rescaling(use: Use) -> Array:
    """x·scale + offset"""
    return use.x * use.config["scale"] + use.get("offset", 0)
