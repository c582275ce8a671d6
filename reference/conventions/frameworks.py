"""What each framework stores, as data, in the language of `storage`; everything converts through the canonical form."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from reference.conventions.flax_haiku import FLAX, FLAX_NNX, HAIKU
from reference.conventions.keras_family import CUDNN, KERAS, KERAS1, KERAS2
from reference.conventions.mxnet_lasagne import LASAGNE, MXNET
from reference.conventions.storage import Framework
from reference.conventions.tf1_pytorch_onnx import ONNX, PYTORCH, TF1

FRAMEWORKS: Mapping[str, Framework] = MappingProxyType(
    {
        "keras": KERAS,
        "keras2": KERAS2,
        "keras1": KERAS1,
        "tf1": TF1,
        "pytorch": PYTORCH,
        "onnx": ONNX,
        "cudnn": CUDNN,
        "flax": FLAX,
        "flax_nnx": FLAX_NNX,
        "haiku": HAIKU,
        "mxnet": MXNET,
        "lasagne": LASAGNE,
    }
)
