"""The names of activations in the tables are the frameworks' own, and mean what is said."""

import numpy as np
import pytest

from reference import activations
from reference.conventions.frameworks import FRAMEWORKS

X = np.linspace(-3, 3, 13)[None]


def function_of(framework, name):
    if framework == "keras":
        return pytest.importorskip("keras").activations.get(name)
    if framework in ("keras2", "tf1"):
        function = pytest.importorskip("tf_keras").activations.get(name)
        return lambda x: function(pytest.importorskip("tensorflow").constant(x))
    if framework in ("flax", "flax_nnx"):
        return getattr(pytest.importorskip("jax").nn, name)
    torch = pytest.importorskip("torch")
    return lambda x: getattr(torch, name)(torch.from_numpy(x)).numpy()


OURS = {"hard_sigmoid_keras2", "hard_sigmoid_keras3"}  # registered by cells, or this project's name
NAMES = [
    (framework, name)
    for framework in ("keras", "keras2", "tf1", "flax", "flax_nnx", "pytorch")
    for name in FRAMEWORKS[framework].activations
    if name not in OURS
]


@pytest.mark.parametrize(("framework", "name"), NAMES)
def test_the_framework_has_it_and_it_is_ours(framework, name):
    ours = activations.get(FRAMEWORKS[framework].activations[name])
    theirs = np.asarray(function_of(framework, name)(X.astype("float32")))
    np.testing.assert_allclose(theirs, ours(X), atol=2e-6)


def test_a_wrong_meaning_is_seen():
    hard = activations.get("hard_sigmoid_keras2")(X)
    assert np.abs(np.asarray(function_of("keras", "hard_sigmoid")(X.astype("float32"))) - hard).max() > 0.05
