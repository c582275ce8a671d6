"""A byte turned anywhere in a valid file: a layer or a refusal, and never anything else."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import fuzz
import pytest
import seeds


def test_one_byte_in_two_hundred_turned():
    outcomes, wrong = fuzz.fuzz(37, 211, [0xFF])
    assert wrong == []
    assert min(outcomes["loaded"], outcomes["corrupt"]) > 50, outcomes


@pytest.mark.deep
@pytest.mark.parametrize("mask", [0xFF, 0x01, 0x80, 0])
def test_every_byte_turned(mask):
    lanes = os.cpu_count() or 1
    with ThreadPoolExecutor(lanes) as pool:  # each waits for a process of its own
        found = list(pool.map(lambda lane: fuzz.fuzz(lane, lanes, [mask]), range(lanes)))
    assert [case for _, wrong in found for case in wrong] == []
    assert sum(outcomes.total() for outcomes, _ in found) == len(fuzz.cases([mask]))


def test_there_are_ten_kinds_of_seeds():
    assert len(seeds.SEEDS) >= 10


def test_a_process_that_dies_is_told_of(monkeypatch, tmp_path):
    """Planted: a reader that crashes at one offset, hangs at the next, and says something else at a third."""
    script = tmp_path / "fuzz.py"
    source = Path(fuzz.__file__).read_text().replace(
        "                load(path, **told)",
        "                if at == 3:\n                    os.kill(os.getpid(), signal.SIGSEGV)\n"
        "                if at == 4:\n                    signal.alarm(1)\n                    signal.pause()\n"
        "                if at == 5:\n                    raise KeyError('x')\n                load(path, **told)",
    )  # fmt: skip
    script.write_text(source)
    monkeypatch.setattr(fuzz, "__file__", str(script))
    monkeypatch.setattr(seeds, "SEEDS", {"keras2.h5": seeds.SEEDS["keras2.h5"]})
    monkeypatch.setattr(fuzz, "cases", lambda masks: [("keras2.h5", at, 255) for at in range(7)])
    script.write_text(source.replace("    todo = cases(masks)\n    pages", "    todo = cases(masks)[:7]\n    pages"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([os.path.dirname(seeds.__file__), str(fuzz.ROOT)]))
    _, wrong = fuzz.fuzz(0, 1, [255])
    assert [case.split("!")[1].split(":")[0] for case in wrong] == ["SIGSEGV", "SIGALRM", "KeyError"]
