"""`gateproof bench`: what is timed is checked first, nobody is dropped, and the numbers are what they are called."""

import gc
import json
import math
import multiprocessing
import os
import time

import numpy as np
import pytest

from comparisons.benching import competitors, floors, growth, memory, rounds, targets
from comparisons.benching.calls import Call, here
from comparisons.benching.competitors import COMPETITORS
from comparisons.benching.processes import elsewhere
from comparisons.benching.rounds import Ratio, Timing
from comparisons.benching.rows import Row, Settings, checked, compared
from comparisons.benching.sequences import SHAPES
from comparisons.benching.work import Shape, drawn

TINY = Shape(2, 3, 4, 5)


def timed(seconds):
    return Timing(seconds, seconds, seconds, (seconds,))


def known(job, work):
    """A competitor that is there at once, and right."""
    return Call(lambda: None, lambda: work.answer(job, "float32"))


def settings(*present):
    return Settings(("lstm",), (TINY,), present, rounds=1, seconds=0.0, quick=True, apart=False)


@pytest.fixture
def quick(tmp_path, run):
    """Runs a quick bench; gives its JSON and the folder."""

    def quick(*words, exit_code=0):
        found = json.loads(run("bench", *words, "--quick", "--json", "--out", str(tmp_path), exit_code=exit_code))
        assert json.loads((tmp_path / "bench.json").read_text(encoding="utf-8")) == found
        return found, tmp_path

    return quick


@pytest.mark.parametrize("cell", ["lstm", "gru", "simple_rnn"])
@pytest.mark.parametrize("job", ["step", "fit", "forward"])
def test_who_is_timed_computes_the_same(cell, job):
    """Every cell and job, in its cheapest way: jit changes neither names nor layouts."""
    without_jit = {name: COMPETITORS[name] for name in ("stock jit off", "ours jit off", "pytorch")}
    who = {name: here(competitor.call) for name, competitor in without_jit.items()}
    turns, wrong = checked(job, drawn(cell, TINY), who)
    assert (wrong, list(turns)) == ({}, list(without_jit))


@pytest.mark.parametrize("job", ["step", "fit", "forward"])
def test_every_array_of_an_answer_is_checked(job):
    work = drawn("gru", TINY)
    right = work.answer(job, "float32")
    assert work.mistake(job, right) is None
    assert len(right) == {"step": 6, "fit": 4, "forward": 1}[job]
    for name, array in right.items():
        wrong = array.copy()
        wrong.flat[-1] += 1e-5 * np.abs(array).max()
        assert name in (work.mistake(job, right | {name: wrong}) or "")
        assert "missing" in (work.mistake(job, {n: a for n, a in right.items() if n != name}) or "")
        wrong.flat[0] = np.nan
        assert name in (work.mistake(job, right | {name: wrong}) or "")


def test_a_timed_fit_leaves_the_weights_as_they_are():
    """So that the step timed last is the step timed first, and none meets saturated gates."""
    work = drawn("lstm", TINY)
    for name in ("ours jit off", "pytorch"):
        call = COMPETITORS[name].call("fit", work)
        for _ in range(2):
            assert work.mistake("fit", call.answer()) is None
            call.run()


def test_the_wrong_and_the_failing_are_named_and_not_timed(monkeypatch):
    def failing(job, work):
        raise ValueError("no such layer\nand much more")

    other = lambda job, work: Call(
        lambda: None, lambda: {"outputs": work.answer("forward", "float32")["outputs"] * 1.01}
    )
    for name, call in (("stock jit off", other), ("stock jit on", failing), ("pytorch", known)):
        monkeypatch.setitem(COMPETITORS, name, COMPETITORS[name]._replace(call=call))
    present = settings("stock jit off", "stock jit on", "pytorch", "ours jit on")
    row = compared("forward", "forward", drawn("lstm", TINY), present, left_out={"ours jit on": "too slow"})
    assert list(row.measured) == ["pytorch"]
    assert row.wrong["stock jit off"].startswith("outputs lies ")
    assert row.wrong["stock jit on"] == "ValueError: no such layer"
    assert row.names == ["stock jit off", "stock jit on", "ours jit on", "pytorch"]
    assert row.stock is None, "a stock layer that is wrong is not what ours is compared to"


def test_everybody_has_a_process_of_their_own():
    """Which answers as this one would, says what went wrong and goes on, and is missed when it is gone."""
    work, ready = drawn("gru", TINY), elsewhere("pytorch")
    turns, wrong = checked("forward", work, {"pytorch": ready})
    assert (wrong, turns["pytorch"]() > 0) == ({}, True)
    with pytest.raises(RuntimeError, match="in its process, KeyError: 'backward'"):
        ready("backward", work)
    assert work.mistake("step", ready("step", work).answer) is None
    (process,) = multiprocessing.active_children()
    process.kill()
    process.join()
    with pytest.raises(RuntimeError, match="its process ended"):
        turns["pytorch"]()


def test_rounds_alternate_and_give_medians(monkeypatch):
    now, order = [0.0], []
    monkeypatch.setattr(rounds, "perf_counter", lambda: now[0])

    def call(name, *takes):
        takes = list(takes)

        def run():
            order.append(name)
            now[0] += takes.pop(0)

        return rounds.turn_of(run)

    monkeypatch.setattr(rounds, "LEAST", 3)
    found = rounds.alternate({"a": call("a", 1, 2, 9), "b": call("b", 3, 1, 5)}, 5, seconds=0.0)
    assert "".join(order) == "abbaab", "at least so many rounds, each begun by another"
    assert found == {"a": Timing(2, 1.5, 5.5, (1, 2, 9)), "b": Timing(3, 2, 4, (3, 1, 5))}
    assert rounds.ratio(found["b"], found["a"]) == (
        1.5,
        pytest.approx((1 / 2 + 5 / 9) / 2),
        pytest.approx((3 + 5 / 9) / 2),
    )
    assert rounds.together(list(found.values())).turns == (4, 3, 14)
    monkeypatch.setattr(rounds, "sleep", order.append)
    order.clear()
    rounds.alternate({"a": call("a", 1, 1), "b": call("b", 1, 1)}, 2, seconds=9.0, last={"z": call("z", 1, 1)})
    assert order == ["a", "b", "z", rounds.REST, "b", "a", "z", rounds.REST]
    two = rounds.alternate({"d": call("d", 0.09, 0.05)}, 1, seconds=0.0)["d"]
    assert two.median == pytest.approx(0.05), "of two calls the second, unless the first is long"
    short = rounds.alternate({"c": call("c", 0.5, 0.012, 0.004, 0.006)}, 2, seconds=9.0)["c"]
    assert short.median == pytest.approx((0.5 + 0.005) / 2), "one long call; then three short ones, not the first"
    assert (short.lower, short.upper) == (pytest.approx(0.12875), pytest.approx(0.37625))


def test_ratios_are_to_the_faster_of_stocks_two_ways():
    measured = {
        "stock jit off": timed(6.0),
        "stock jit on": timed(3.0),
        "ours jit on": timed(2.0),
        "pytorch": timed(1.0),
    }
    row = Row("training", "step", "lstm", TINY, measured, floor={"x W, xla": timed(0.4), "h U, numpy": timed(0.1)})
    assert row.stock == timed(3.0)
    assert row.ratio("ours jit on") == Ratio(1.5, 1.5, 1.5)
    assert row.ratio("ours jit on", "pytorch") == Ratio(0.5, 0.5, 0.5)
    assert (row.least, row.over_floor("ours jit on")) == (timed(0.5), Ratio(4, 4, 4))
    assert row.ratio("ours jit off") is row.ratio("ours jit on", "onnx") is None


def test_targets_say_whether_they_were_reached():
    def rows(ours):
        for shape in SHAPES:
            for job, name in (("step", "ours jit on"), ("fit", "ours jit off")):
                measured = {"stock jit on": timed(2.0), name: timed(ours), "pytorch": timed(1.0)}
                yield Row("training", job, "lstm", shape, measured)

    found = lambda ours: [target.met for target in targets.targets(list(rows(ours)))]
    assert found(1.0) == [True] * 5
    assert found(1.7) == [False, True, False, True, False]
    assert found(3.0) == [False] * 5
    tiny = Row("training", "step", "lstm", TINY, {"stock jit on": timed(2.0), "ours jit on": timed(1.0)})
    assert [target.met for target in targets.targets([tiny])] == [None] * 5


def test_a_limit_within_the_spread_is_neither_reached_nor_missed():
    met = lambda *ratio, at_most=False: targets.Target("", Ratio(*ratio), 1.0, at_most).met
    assert met(0.98, 0.95, 1.02) is met(1.02, 0.98, 1.1) is None
    assert met(0.98, 0.95, 0.99) is met(1.02, 1.01, 1.1, at_most=True) is False
    assert met(1.02, 1.0, 1.1) is met(0.98, 0.95, 1.0, at_most=True) is True
    assert targets.mean([Ratio(2, 1, 4), Ratio(8, 4, 9)]) == pytest.approx((4, 2, 6))


def test_the_power_of_growth_is_that_of_the_larger_half():
    line = [
        Row("growth", "step", "lstm", Shape(2, T, 3, 4), {"a": timed(1 + (T / 100) ** 1.5)}, over="T") for T in (1, 9)
    ]
    line += [Row("growth", "step", "lstm", Shape(2, T, 3, 4), {"a": timed(T**1.5)}, over="T") for T in (50, 200)]
    assert growth.exponent(line, "a") == pytest.approx(1.5)
    assert growth.exponent(line[:1], "a") is None


def test_growth_leaves_out_who_would_take_too_long():
    known = [Row("growth", "step", "lstm", Shape(2, 10, 3, 4), {"a": timed(1.0), "b": timed(0.1)}, over="T")]
    assert growth._too_slow(Shape(2, 100, 3, 4), "T", known) == {"a": "a call would take about 10.0 s, more than 4 s"}
    assert not growth._too_slow(Shape(2, 30, 3, 4), "T", known)


@pytest.mark.parametrize("cell", ["lstm", "gru", "simple_rnn"])
def test_the_floor_counts_the_multiplications_of_the_job(cell):
    B, T, X, H = TINY
    G = {"lstm": 4, "gru": 3, "simple_rnn": 1}[cell]
    count = lambda job: sum(
        math.prod((m.times, m.m, m.k, m.n)) for m in floors.matmuls(job, cell, TINY).values()
    )  # multiply-adds
    forward = T * B * G * H * (X + H)
    assert (count("forward"), count("fit"), count("step")) == (forward, 3 * forward - T * B * G * H * X, 3 * forward)


def test_the_floor_is_the_fastest_library(monkeypatch):
    """Each library finds the same product, and the fastest of them is timed."""
    for times, turned in ((1, False), (1, True), (3, False)):
        products = [
            call() for call in floors._calls(floors.Matmul(times, 3, 4, 5, turned), list(floors.LIBRARIES)).values()
        ]
        assert len(products) == 3
        assert np.ptp(products, axis=0).max() < 1e-5
    slow = lambda matmul, a, b: lambda: time.sleep(0.03)
    fast = lambda matmul, a, b: lambda: None
    monkeypatch.setattr(
        floors, "LIBRARIES", {"slow": ("numpy", slow), "fast": ("numpy", fast), "none": ("no_such", fast)}
    )
    assert list(floors.fastest("forward", "gru", TINY)) == ["x W, fast", "h U, fast"]


def test_with_jit_too():
    """The parts below have them stubbed."""
    with_jit = {name: COMPETITORS[name] for name in ("stock jit on", "ours jit on")}
    who = {name: here(competitor.call) for name, competitor in with_jit.items()}
    turns, wrong = checked("step", drawn("simple_rnn", TINY), who)
    assert (wrong, list(turns)) == ({}, list(with_jit))


@pytest.fixture
def at_once(monkeypatch):
    """Nobody of TensorFlow's compiles anything, each of them is seen at work above; and turns are short."""
    monkeypatch.setattr(rounds, "TURN", 0.0)
    monkeypatch.setattr(gc, "collect", lambda: 0)
    monkeypatch.delitem(floors.LIBRARIES, "xla")
    for name in set(COMPETITORS) - {"pytorch"}:
        monkeypatch.setitem(COMPETITORS, name, COMPETITORS[name]._replace(call=known))


def test_the_parts_in_a_quick_run(at_once, quick):
    found, folder = quick("training", "forward", "growth", "reference", "--cells", "simple_rnn")
    rows = found["rows"]
    assert found["passed"]
    assert {row["part"] for row in rows} == {"training", "forward", "growth", "reference"}
    for row in rows:
        assert not row["wrong"]
        names = ["run", "onnx", "backprop"] if row["part"] == "reference" else list(COMPETITORS)
        assert sorted(row["measured"]) == sorted(names), row["part"]
        for timing in row["measured"].values():
            assert (
                min(timing["turns"]) <= timing["lower"] <= timing["median"] <= timing["upper"] <= max(timing["turns"])
            )
        for ratio in row["derived"].values():
            assert ratio["lower"] <= ratio["value"] <= ratio["upper"]
    assert {target["met"] for target in found["targets"]} == {None}, "tiny shapes reach no target"
    assert {file.name for file in folder.iterdir()} == {"bench.json", "speed.png", "growth.png"}
    assert found["machine"]["cores"] == str(cores())
    assert found["versions"]["torch"]


def cores():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def test_memory_is_measured_in_a_process_of_its_own(monkeypatch, quick):
    for name in ("stock jit off", "stock jit on", "ours jit off", "ours jit on"):
        monkeypatch.delitem(COMPETITORS, name)
    (row,) = quick("memory", "--cells", "simple_rnn")[0]["rows"]
    assert row["wrong"] == {}
    assert len(row["measured"]["pytorch"]["turns"]) == memory.STEPS


@pytest.mark.skipif(not os.path.exists("/proc/self/clear_refs"), reason="NOT CHECKED: the peak of this system")
def test_the_peak_is_that_while_something_runs():
    peak, size = memory._meter(), 2**26
    before = peak(lambda: None)
    assert 0.9 * size < peak(lambda: np.ones(size, "uint8").sum()) - before < 2 * size
    assert peak(lambda: None) - before < size // 2, "what was freed before is not counted"


def test_a_process_that_fails_is_named():
    row = memory._add(Row("memory", "fit", "lstm", TINY), "nobody", drawn("lstm", TINY))
    assert (row.measured, row.wrong) == ({}, {"nobody": "KeyError: 'nobody'"})


def test_what_is_not_installed_is_a_line(at_once, monkeypatch, run, tmp_path):
    monkeypatch.setattr(competitors, "find_spec", lambda package: package not in ("torch", "onnx") or None)
    text = run("bench", "forward", "reference", "--cells", "simple_rnn", "--quick", "--out", str(tmp_path))
    assert "pytorch: not installed: pip install torch." in text
    assert "onnx: not installed: pip install onnx." in text


def test_another_function_is_exit_code_1(monkeypatch, run, tmp_path):
    for name in ("stock jit on", "ours jit on", "ours jit off", "pytorch"):
        monkeypatch.delitem(COMPETITORS, name)
    wrong = lambda job, work: Call(lambda: None, lambda: {"outputs": np.zeros(work.targets.shape)})
    monkeypatch.setitem(COMPETITORS, "stock jit off", COMPETITORS["stock jit off"]._replace(call=wrong))
    text = run("bench", "forward", "--cells", "lstm", "--quick", "--out", str(tmp_path), exit_code=1)
    assert "[NOT THE SAME FUNCTION] forward, lstm forward at (2, 5, 3, 4), stock jit off: outputs lies" in text


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("trainin", "part must be one of training, forward, memory, growth, reference, got 'trainin', did you mean"),
        ("--cells mgu", "cell must be one of lstm, gru, simple_rnn, got 'mgu'"),
        (
            "--shapes 3,4",
            "--shapes must be batch,time,inputs,units, positive integers such as 32,100,64,128, got '3,4'",
        ),
        ("--shapes 3,4,0,1", "--shapes must be batch,time,inputs,units, positive integers such as"),
        ("--shapes 1,2,3,99999", "--shapes must need at most 100,000,000 numbers at once, got '1,2,3,99999': 10,000,"),
        ("memory --shapes 1,2,3,4", "--shapes must go with training or forward, got memory"),
        ("--rounds 0", "--rounds must be a positive integer, got '0'"),
        ("--out /dev/null/x", "--out must be a folder that can be written, got '/dev/null/x'"),
    ],
)
def test_bad_arguments_are_a_sentence(refused, words, sentence):
    assert sentence in refused("bench", *words.split())


def test_another_backend_is_refused(monkeypatch, refused):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    assert refused("bench") == (
        "gateproof bench: KERAS_BACKEND must be tensorflow for the layers to be timed, got 'jax': unset it"
    )
