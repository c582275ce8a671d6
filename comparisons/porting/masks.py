"""Where Keras 3 masks other steps than Keras 2 did: the old mask, put on the tensors of the new graph.

A mask that is on a tensor while the graph is made is an argument of the layers that it reaches, and is saved with them.
"""

from __future__ import annotations

from typing import Any

MERGES = ("Add", "Average", "Concatenate", "Maximum", "Minimum", "Multiply", "Subtract")


def of(tensor: Any) -> Any:
    """The mask that a tensor carries; None where every step counts."""
    return getattr(tensor, "_keras_mask", None)


def merged(layer: Any, given: list[Any], found: Any) -> str:
    """Give a merged tensor the mask of Keras 2, which counts a step where all masks do; Keras 3, where one does.

    Returns what was done, in words; empty where there was nothing to do.
    """
    import keras

    there = [of(x) for x in given if of(x) is not None]
    if type(layer).__name__ not in MERGES or not there or len(given) < 2:
        return ""
    ndim = len(found.shape)
    if getattr(layer, "axis", -1) in (1, 1 - ndim) and ndim > 2:  # one after another in time
        each = [of(x) if of(x) is not None else keras.ops.ones_like(x[..., 0], dtype="bool") for x in given]
        found._keras_mask = keras.ops.concatenate(each, axis=1)
        return ""
    both = there[0]
    for mask in there[1:]:
        both = keras.ops.logical_and(both, mask)
    found._keras_mask = both
    return "a step counts after it where all masks before it say so, as in Keras 2; in Keras 3, where one does"


def nested(model: Any, given: list[Any], found: list[Any]) -> None:
    """Give the outputs of a nested model the masks that they carry when it runs, which Keras leaves out of the graph.

    Its layers are called once more, for the masks alone; what they give is no part of the new model.
    """
    import keras

    before = [of(x) for x in given]
    again = model.call(given if len(given) > 1 else given[0], mask=before if len(before) > 1 else before[0])
    for tensor, like in zip(found, keras.tree.flatten(again), strict=True):
        if of(like) is not None and of(tensor) is None:
            tensor._keras_mask = of(like)
