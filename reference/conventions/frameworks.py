"""What each framework stores, as data, in the language of `storage`; everything converts through the canonical form."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from reference.conventions.flax_haiku import FLAX, FLAX_NNX, HAIKU
from reference.conventions.keras_family import CUDNN, KERAS, KERAS1, KERAS2
from reference.conventions.mxnet_lasagne import LASAGNE, MXNET
from reference.conventions.storage import Framework
from reference.conventions.tf1_pytorch_onnx import ONNX, PYTORCH, TF1
from reference.conventions.tf_block import TF_BLOCK, TF_BLOCK_V2

# Storage that has no entry, since its sources disagree about it.
UNDECIDED: Mapping[str, str] = MappingProxyType(
    {
        "miopen": "Keras and PyTorch permute for it to i f o c (gru z r n), its own header says i f c o (r z n): "
        "unpack what was saved as pytorch or keras",
    }
)
FRAMEWORKS: Mapping[str, Framework] = MappingProxyType(
    {
        "keras": KERAS,
        "keras2": KERAS2,
        "keras1": KERAS1,
        "tf1": TF1,
        "tf_block": TF_BLOCK,
        "tf_block_v2": TF_BLOCK_V2,
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
