"""Settings of the whole suite: quiet frameworks, no display, repeatable examples, the longest tests first."""

import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("JAX_ENABLE_X64", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

import pytest
from hypothesis import settings

settings.register_profile("gateproof", deadline=None, max_examples=50, derandomize=True)
settings.load_profile("gateproof")

HERE = Path(__file__).parent
# They wait for processes of their own, up to minutes: begun first, so that nothing waits for them at the end.
FIRST = [HERE / name for name in ("cells/test_backends.py", "test_install.py", "keras_suite/test_keras_suite.py")]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: FIRST.index(item.path) if item.path in FIRST else len(FIRST))
