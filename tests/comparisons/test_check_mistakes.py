"""A teacher's folder with planted mistakes, in Python, C and JavaScript: each is named, and the right ones pass."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from comparisons.cli import main
from comparisons.grading.cases import cases, cell
from comparisons.grading.grade import Answered, Grade, diagnosed
from comparisons.grading.implementations import Implementation
from comparisons.grading.judging import PRECISIONS, judge
from comparisons.proof import mutants

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
STEP = """
import numpy as np


def gate(a):
    return 1 / (1 + np.exp(-a))


def step(x, h, c, kernel, recurrent_kernel, bias):
    U = recurrent_kernel.copy()
    i, f, g, o = np.split(x @ kernel + h @ U + bias, 4, axis=-1)
    i, f, g, o = gate(i), gate(f), np.tanh(g), gate(o)
    new = f * c + i * g
    return o * np.tanh(new), new
"""
GATES = {"i": "input", "f": "forget", "g": "candidate", "o": "output"}


def in_order(order):
    """The edit that takes every gate's numbers where another's are, and what is to be said of it."""
    moved = [a for a, b in zip("ifgo", order, strict=True) if a != b]
    said = [GATES[a] for a in moved] + ["exchanged"]
    if len(moved) > 2:  # the order in which the numbers are taken for those of gates
        said = ["order " + " ".join("ifgo"[order.index(letter)] for letter in "ifgo")]
    return ("axis=-1)\n", f"axis=-1)\n    i, f, g, o = {', '.join(order)}\n"), said


def transposed(letter):
    k = "ifgo".index(letter)
    part = f"U[:, {k} * len(U) : {k + 1} * len(U)]"
    return ("copy()\n", f"copy()\n    {part} = {part}.T.copy()\n"), ["recurrent kernel", GATES[letter], "transposed"]


def biased(**added):
    row = ", ".join(f"{added.get(letter, 0)}" for letter in "ifgo")
    return ("+ bias", f"+ bias + np.repeat([{row}], len(U))")


HARD = "return np.clip({} * a + 0.5, 0, 1)"
SIGMOID = "return 1 / (1 + np.exp(-a))"
# The name of a planted mistake: how it is made in STEP, and what the report must say of it.
MISTAKES = {
    **{f"recurrent kernel of {letter} transposed": transposed(letter) for letter in "ifgo"},
    "units reversed": (("h @ U", "h @ U[::-1]"), ["recurrent kernel", "reversed"]),
    "biases dropped": ((" + bias", ""), ["biases"]),
    "forget bias dropped": (biased(f=-1), ["forget", "bias", "1.0"]),
    "forget bias doubled": (biased(f=1), ["forget", "1.0"]),
    "forget bias on the input gate": (biased(f=-1, i=1), ["forget bias", "input gate"]),
    "hard_sigmoid_keras2 for sigmoid": ((SIGMOID, HARD.format(0.2)), ["Keras 2's hard sigmoid"]),
    "hard_sigmoid_keras3 for sigmoid": ((SIGMOID, HARD.format("1 / 6")), ["Keras 3's hard sigmoid"]),
    "candidate's tanh left out": (("np.tanh(g)", "g"), ["tanh", "out"]),
    "h from the old c": (("np.tanh(new)", "np.tanh(c)"), ["h", "old c"]),
    "tanh of c left out": (("np.tanh(new)", "new"), ["tanh of c"]),
    "no forget gate": (("f * c", "c"), ["forget gate"]),
    "(c, h) for (h, c)": (("return o * np.tanh(new), new", "return new, o * np.tanh(new)"), ["h and c"]),
}
NOT_IN_A_STEP = {"state dropped half way"}


def every_mistake():
    planted = [name for name, _ in mutants.planted(cases(cell("lstm"))[0].layer, masked=False)]
    return {
        name: in_order(name.rpartition(" ")[2]) if name.startswith("gates in the order") else MISTAKES[name]
        for name in planted
        if name not in NOT_IN_A_STEP
    }


EVERY = every_mistake()
# Of every kind one, soon explained; all of them with -m deep.
FEW = (
    "gates in the order figo",
    "gates in the order goif",
    "recurrent kernel of f transposed",
    "biases dropped",
    "hard_sigmoid_keras3 for sigmoid",
    "tanh of c left out",
    "no forget gate",
    "(c, h) for (h, c)",
)


def test_there_is_a_file_for_every_mistake():
    assert len(EVERY) == 39
    assert len({STEP.replace(*edit) for edit, _ in EVERY.values()} | {STEP}) == 40


def graded(folder, capsys, *words):
    """The report's rows by the files' names."""
    code = main(["check", str(folder), "--cell", "lstm", "--json", *words])
    out, err = capsys.readouterr()
    assert err == ""
    data = json.loads(out)
    rows = {Path(row["name"]).stem: row for row in data["implementations"]}
    assert code == (0 if data["passed"] else 1)
    return rows


def named(row):
    """What the report tells whoever wrote it."""
    assert not row["passed"]
    assert row["problem"] is None
    assert row["diagnosis"]["verdict"] == "unique", row["diagnosis"]
    return " and ".join(row["diagnosis"]["explanations"][0]["yours"])


def planted_folder(folder, mistakes):
    for k, (edit, _) in enumerate(mistakes.values()):
        assert STEP.count(edit[0]) == 1
        (folder / f"mistake_{k}.py").write_text(STEP.replace(*edit), encoding="utf-8")
    (folder / "right.py").write_text(STEP, encoding="utf-8")


@pytest.mark.parametrize(
    "mistakes",
    [
        pytest.param({name: EVERY[name] for name in FEW}, id="few"),
        pytest.param(EVERY, id="all", marks=pytest.mark.deep),
    ],
)
def test_every_mistake_in_a_folder_is_named(tmp_path, capsys, mistakes):
    planted_folder(tmp_path, mistakes)
    rows = graded(tmp_path, capsys)
    assert rows.pop("right")["passed"]
    assert len(rows) == len(mistakes)
    for k, (name, (_, said)) in enumerate(mistakes.items()):
        words = named(rows[f"mistake_{k}"])
        assert all(word in words for word in said), (name, words)


C = {
    "exchanged": (
        ("i = sigmoid(a[u]), f = sigmoid(a[H + u])", "f = sigmoid(a[u]), i = sigmoid(a[H + u])"),
        "exchanged",
    ),
    "no_tanh": (("o * tanh(c[row][u])", "o * c[row][u]"), "tanh of c"),
}
JAVASCRIPT = {
    "exchanged": (("const [i, f, g, o]", "const [f, i, g, o]"), "exchanged"),
    "hard": (("1 / (1 + Math.exp(-a))", "Math.min(1, Math.max(0, 0.2 * a + 0.5))"), "Keras 2's hard sigmoid"),
}


def edited(source, mistakes):
    """The example as it is, and with each mistake."""
    text = (EXAMPLES / source).read_text(encoding="utf-8")
    assert all(text.count(edit[0]) == 1 for edit, _ in mistakes.values())
    return {"right": text, **{name: text.replace(*edit) for name, (edit, _) in mistakes.items()}}


@pytest.mark.skipif(not shutil.which("gcc"), reason="NOT CHECKED: the example in C, since there is no gcc")
def test_the_example_in_c(tmp_path, capsys):
    for name, text in edited("lstm.c", C).items():
        (tmp_path / f"{name}.c").write_text(text, encoding="utf-8")
        command = ["gcc", "-std=c99", "-Wall", "-Wextra", "-Werror", f"{name}.c", "-lm", "-o", name]
        subprocess.run(command, cwd=tmp_path, check=True)
    rows = graded(tmp_path, capsys)
    assert rows.pop("right")["passed"]
    assert {name: word in named(rows[name]) for name, (_, word) in C.items()} == dict.fromkeys(C, True)


@pytest.mark.skipif(not shutil.which("node"), reason="NOT CHECKED: the example in JavaScript, since there is no node")
def test_the_example_in_javascript(tmp_path, capsys):
    for name, text in edited("lstm.js", JAVASCRIPT).items():
        (tmp_path / f"{name}.js").write_text(text, encoding="utf-8")
    rows = graded(tmp_path, capsys)
    assert rows.pop("right")["passed"]
    assert {name: word in named(rows[name]) for name, (_, word) in JAVASCRIPT.items()} == dict.fromkeys(
        JAVASCRIPT, True
    )


@pytest.mark.parametrize(
    ("name", "options", "mistake", "said"),
    [
        ("simple_rnn", {}, "biases dropped", "biases"),
        ("gru", {}, "update gate's polarity", "update gate"),
        ("gru", {"reset_after": False}, "reset before for after, or after for before", "reset"),
        ("jordan", {"output_units": 3}, "output's bias dropped", "output's bias"),
        ("layer_norm_lstm", {}, "gamma dropped", "gamma"),
        ("greff_lstm", {"variant": "V"}, "peepholes dropped", "peepholes"),
        ("greff_lstm", {"variant": "FGR"}, "gates' own recurrence dropped", "recurrence"),
        ("mut3", {}, "no such mistake", None),
    ],
)
def test_mistakes_of_other_cells_are_named(name, options, mistake, said):
    """Without a file: from the numbers that a layer with the mistake gives."""
    answered = []
    for case in cases(cell(name, **options)):
        wrong = dict(mutants.planted(case.layer, masked=False)).get(mistake, case.layer)
        states = {field: getattr(wrong.run(case.x, case.whole_state).states, field) for field in case.state}
        answered.append(Answered(case, states, {dtype: judge(case, states, dtype) for dtype in PRECISIONS}))
    grade = diagnosed(Grade(Implementation(mistake, ()), tuple(answered)))
    assert grade.passed == (said is None)
    if said is None:
        assert grade.diagnosis is None
    else:
        assert grade.diagnosis is not None
        assert grade.diagnosis.verdict == "unique"
        assert said in " and ".join(d.yours for d in grade.diagnosis.explanations[0].differences)


def test_a_layer_that_drops_its_state_is_named(tmp_path, capsys):
    loop = """

def layer(x, h, c, kernel, recurrent_kernel, bias):
    outputs = []
    for t in range(x.shape[1]):
        if t == x.shape[1] // 2:
            h, c = 0 * h, 0 * c
        h, c = step(x[:, t], h, c, kernel, recurrent_kernel, bias)
        outputs.append((h, c))
    return [np.stack(part, axis=1) for part in zip(*outputs)]
"""
    (tmp_path / "drops.py").write_text(STEP + loop, encoding="utf-8")
    assert "drop the state half way" in named(graded(tmp_path, capsys, "--sequence")["drops"])
    (tmp_path / "drops.py").write_text(STEP + loop.replace("// 2", "+ 1"), encoding="utf-8")
    assert graded(tmp_path, capsys, "--sequence")["drops"]["passed"]
