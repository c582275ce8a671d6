"""Attention and AdditiveAttention: the value's steps, weighed by how the query's and the key's go together."""

from __future__ import annotations

import numpy as np

from reference.activations import softmax
from reference.stock.uses import Array, Use


def attention(use: Use) -> Array | list[Array]:
    """softmax(scores) value, of `query (B, Q, F)`, `value (B, V, F)` and `key`, the value where there is none

    ::

        scores = scale · query keyᵀ                              Attention
        scores = concat_score_weight Σ tanh(scale (q + k))       Attention, score_mode="concat"
        scores = Σ scale · tanh(q + k)                           AdditiveAttention

    A step of the value that its mask does not count gets −10⁹, and so do later ones where the call is causal; a step
    of the query that its mask does not count gives zeros.
    """
    query, value = use.inputs[:2]
    key = use.inputs[2] if len(use.inputs) > 2 else value
    scores = _scores(use, query, key)
    counts = np.ones(scores.shape, bool)
    if len(use.masks) > 1 and use.masks[1] is not None:
        counts &= use.masks[1][:, None, :]
    if use.keywords.get("use_causal_mask"):
        counts &= np.tri(*scores.shape[-2:], dtype=bool)
    weights = softmax(scores - 1e9 * ~counts)
    result = weights @ value
    if use.mask is not None:
        result = result * use.mask[..., None]
    return [result, weights] if use.keywords.get("return_attention_scores") else result


def _scores(use: Use, query: Array, key: Array) -> Array:
    scale = use.weights.get("scale", 1.0)
    pairs = query[:, :, None] + key[:, None] if query.shape[-1] == key.shape[-1] else None
    if pairs is None:
        raise use.refuse("query and key", "must have as many features", f"{query.shape} and {key.shape}")
    if use.kind == "AdditiveAttention":
        return (scale * np.tanh(pairs)).sum(-1)
    if use.get("score_mode", "dot") == "concat":
        return use.weights["concat_score_weight"] * np.tanh(scale * pairs).sum(-1)
    return scale * (query @ key.swapaxes(1, 2))
