"""Stock layers other than recurrent ones in NumPy, at inference: the oracle of whole old models.

`evaluate` runs one layer, `reference.stock.model.run_graph` a model. The equations are Keras 2's; where Keras 3 gives
other numbers for the same config (masks of merged inputs, hard_sigmoid), era "keras" gives those.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from reference.stock import activations, attention, convolutions, dense, merging, normalisation, pooling, shaping
from reference.stock.masks import passed_on
from reference.stock.uses import Array, Use

# What acts in training only, or not at all.
_IDLE = (
    "ActivityRegularization AlphaDropout Dropout GaussianDropout GaussianNoise"
    " InputLayer SpatialDropout1D SpatialDropout2D"
)
LAYERS: dict[str, Callable[[Use], Any]] = {
    "Activation": activations.activation,
    "Add": merging.add,
    "AdditiveAttention": attention.attention,
    "Attention": attention.attention,
    "Average": merging.average,
    "BatchNormalization": normalisation.batch,
    "Concatenate": merging.concatenate,
    "Dense": dense.dense,
    "Dot": merging.dot,
    "ELU": activations.elu,
    "Embedding": dense.embedding,
    "Flatten": shaping.flatten,
    "LayerNormalization": normalisation.layer,
    "LeakyReLU": activations.leaky_relu,
    "Masking": dense.masking,
    "Maximum": merging.maximum,
    "Minimum": merging.minimum,
    "Multiply": merging.multiply,
    "PReLU": activations.prelu,
    "Permute": shaping.permute,
    "ReLU": activations.relu,
    "RepeatVector": shaping.repeat_vector,
    "Rescaling": dense.rescaling,
    "Reshape": shaping.reshape,
    "Softmax": activations.softmax,
    "Subtract": merging.subtract,
    **dict.fromkeys(_IDLE.split(), dense.same),
    **{
        f"{name}{axes}D": function
        for axes in (1, 2)
        for name, function in {
            "AveragePooling": pooling.average,
            "Conv": convolutions.convolution,
            "Cropping": shaping.cropping,
            "DepthwiseConv": convolutions.depthwise,
            "GlobalAveragePooling": pooling.global_average,
            "GlobalMaxPooling": pooling.global_maximum,
            "MaxPooling": pooling.maximum,
            "SeparableConv": convolutions.separable,
            "UpSampling": shaping.up_sampling,
            "ZeroPadding": shaping.zero_padding,
        }.items()
    },
    "Conv1DTranspose": convolutions.transposed,
    "Conv2DTranspose": convolutions.transposed,
}


def evaluate(
    kind: str,
    config: Mapping[str, Any],
    weights: Mapping[str, Array],
    inputs: Sequence[Array],
    masks: Sequence[Array | None] | None = None,
    *,
    era: str = "keras2",
    keywords: Mapping[str, Any] | None = None,
    masks_as: str = "",
) -> tuple[Any, Array | None]:
    """A stock layer's output, and the mask that it passes on.

    `kind` and `config` are Keras 3's, from `reference.files.eras.modern`; `weights` have the names of
    `reference.files.stock_weights.weights_of`; `inputs (B, …)` and `masks (B, T)` or None, one an input; `keywords` are
    those of the call; `masks_as` is the era whose rules masks follow, if not `era`'s. The precision is that of the
    inputs with the weights.

    Raises ValueError for a layer that is not in `LAYERS`, weights that are missing, or shapes that do not fit.
    """
    if kind not in LAYERS:
        raise ValueError(f"layer must be one of {', '.join(sorted(LAYERS))}, got {kind!r}")
    given: list[Array | None] = list(masks) if masks is not None else [None] * len(inputs)
    use = Use(kind, config, weights, list(inputs), given, keywords or {}, era, masks_as or era)
    if not use.inputs or len(use.masks) != len(use.inputs):
        raise use.refuse("inputs", "must be at least one, with a mask or None each", f"{len(inputs)}, {len(given)}")
    try:
        return LAYERS[kind](use), passed_on(use)
    except KeyError as error:
        raise use.refuse("weights or config", f"must have {error.args[0]}", ", ".join([*weights, *config])) from None
    except (TypeError, IndexError, AttributeError, OverflowError) as error:  # a config that fits nothing
        raise use.refuse("inputs and config", "must fit one another", error) from None
