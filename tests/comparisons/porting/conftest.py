"""Old models made here by tf-keras, ported together once, and their witnesses."""

import json
import os
import warnings
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np
import pytest

from comparisons import cli
from comparisons.commands import port
from comparisons.porting import witness
from tests.comparisons.porting import old_models


class Shared:
    """One fresh process for all tests, whose start takes seconds, in place of one for each command."""

    def __init__(self):
        self.processes = {}
        self.asked = []

    def __call__(self, own):
        if own not in self.processes:
            self.processes[own] = witness.Witness(own=own)
        self.asked.append(own)
        return self.processes[own]


@pytest.fixture(scope="session")
def shared():
    one = Shared()
    yield one
    for process in one.processes.values():
        process.close()


@pytest.fixture(autouse=True)
def one_witness(shared, monkeypatch):
    @contextmanager
    def witnesses():
        yield shared

    monkeypatch.setattr(port, "_witnesses", witnesses)


class Ported:
    """The folder of ported files, the command's rows by the models' names, and tf-keras' numbers."""

    def __init__(self, folder, rows):
        self.folder, self.rows = folder, rows


@pytest.fixture(scope="session")
def ported(tmp_path_factory):
    K = pytest.importorskip("tf_keras")
    home = tmp_path_factory.mktemp("port")
    for name in ("old", "new", "witness"):
        (home / name).mkdir()
    for number, name in enumerate(old_models.MODELS):
        K.backend.clear_session()
        model = old_models.made(K, name)
        with warnings.catch_warnings():  # of .h5, which tf-keras calls old
            warnings.simplefilter("ignore")
            model.save(home / "old" / f"{name}{('.h5', '.keras')[number % 2]}")
            if name in old_models.TWICE:
                model.save(home / "old" / f"{name}_again{('.keras', '.h5')[number % 2]}")
        inputs = old_models.inputs(model, name)
        outputs = model(inputs if len(inputs) > 1 else inputs[0], training=False)
        outputs = outputs if isinstance(outputs, list) else [outputs]
        given: dict[str, Any] = {f"x{k:02}": a for k, a in enumerate(inputs)}
        given |= {f"y{k:02}": np.asarray(a) for k, a in enumerate(outputs)}
        np.savez(home / "witness" / f"{name}.npz", **given)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(port, "_witnesses", lambda: nullcontext(lambda own: None))
        found = cli.answer(cli.parser().parse(["port", str(home / "old"), str(home / "new"), "--json"]))
    rows = {
        os.path.splitext(row["file"])[0]: row for row in json.loads(json.dumps(found.data, allow_nan=False))["files"]
    }
    return Ported(home, rows)
