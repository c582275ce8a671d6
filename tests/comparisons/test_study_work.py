"""A study's pieces: each done once, kept as it is done, and found again after an interruption."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from comparisons.studies import work as module
from comparisons.studies.work import KEPT, Piece, Work


def squares(of, to):
    with open(to, "a") as stream:
        stream.write(f"{of} ")
    if of == 3:
        raise KeyboardInterrupt
    return {"squares": [n * n for n in range(of)]}


def pieces(to, last):
    return {f"to {of}": Piece(squares, {"of": of, "to": str(to)}) for of in (1, 2, last, 5)}


def test_an_interrupted_study_goes_on(tmp_path):
    heard = []
    work = Work(folder=tmp_path, progress=lambda doing, of: heard.append((doing, of)))
    with pytest.raises(KeyboardInterrupt):
        work.each(pieces(tmp_path / "done", 3))
    assert (work.done, work.of, work.found_again) == (2, 4, 0)
    again = Work(folder=tmp_path, progress=lambda doing, of: heard.append((doing, of)))
    found = again.each(pieces(tmp_path / "done", 4))
    assert list(found) == ["to 1", "to 2", "to 4", "to 5"]
    assert found["to 4"] == {"squares": [0, 1, 4, 9]}
    assert (tmp_path / "done").read_text() == "1 2 3 4 5 "
    assert (again.done, again.of, again.found_again) == (4, 4, 2)
    assert heard == [(f"to {of}", 4) for of in (1, 2, 3, 4, 5)]
    again.forget()
    assert [path.name for path in tmp_path.iterdir()] == ["done"]


def test_what_was_found_by_other_code_or_half_written_is_not_found_again(tmp_path, monkeypatch):
    Work(folder=tmp_path).each(pieces(tmp_path / "done", 4))
    first, *_ = sorted((tmp_path / KEPT).iterdir())
    first.write_text(json.dumps(None)[:2])
    assert (work := Work(folder=tmp_path)).each(pieces(tmp_path / "done", 4))
    assert (work.found_again, work.done) == (3, 4)
    monkeypatch.setattr(module, "_code", lambda: "another")
    Work(folder=tmp_path).each(pieces(tmp_path / "done", 4))
    assert (tmp_path / "done").read_text().split()[5:] == ["1", "2", "4", "5"]


def test_without_a_folder_nothing_is_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Work().each({"one": Piece(round, {"number": 1.6})}) == {"one": 2}
    assert not list(tmp_path.iterdir())


def test_beside_each_other_they_find_the_same(tmp_path):
    """Two processes; each has its own memory, so what a piece finds goes the way of a file."""
    three = {f"{n}": Piece(round, {"number": n + 0.6}) for n in range(3)}
    heard = []
    work = Work(folder=tmp_path, at_once=2, progress=lambda doing, of: heard.append(doing))
    assert work.each(three) == Work().each(three) == {"0": 1, "1": 2, "2": 3}
    assert heard == list(three)
    assert len(list((tmp_path / KEPT).iterdir())) == 3


def test_a_piece_that_fails_elsewhere_says_why(tmp_path):
    with pytest.raises(TypeError, match="number"):
        Work(at_once=2).each({name: Piece(round, {"numbers": 1}) for name in "ab"})


def test_who_works_elsewhere_leaves_with_the_study(tmp_path):
    """Also when the study is killed, and can tell nobody."""
    asks = (
        "import os, sys; from comparisons.studies.work import Piece, Work;"
        "given = lambda n: {'command': f'echo $PPID > {sys.argv[1]}/{n}; sleep 60'};"
        "Work(at_once=2).each({n: Piece(os.system, given(n)) for n in 'ab'})"
    )
    study = subprocess.Popen([sys.executable, "-c", asks, str(tmp_path)])
    wait_until(lambda: len([path for path in tmp_path.iterdir() if path.read_text()]) == 2)
    workers = [int(path.read_text()) for path in tmp_path.iterdir()]
    study.send_signal(signal.SIGKILL)
    study.wait()
    wait_until(lambda: not any(os.path.exists(f"/proc/{worker}") for worker in workers))


def wait_until(holds):
    for _ in range(600):
        if holds():
            return
        time.sleep(0.1)
    raise AssertionError("it never came to that")
