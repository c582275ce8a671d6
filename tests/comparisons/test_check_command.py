"""`gateproof check` on one implementation and on a folder of good, bad and broken ones."""

import json
import shlex
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from time import monotonic

import numpy as np
import pytest

from comparisons.grading import cases as graded
from comparisons.grading import grade, implementations, processes, protocol
from comparisons.render.grading import said, why

GOOD = """
import numpy as np


def gate(a):
    return 1 / (1 + np.exp(-a))


def step(x, h, c, kernel, recurrent_kernel, bias):
    i, f, g, o = np.split(x @ kernel + h @ recurrent_kernel + bias, 4, axis=-1)
    c = gate(f) * c + gate(i) * np.tanh(g)
    return gate(o) * np.tanh(c), c
"""
SINGLE = GOOD.replace(
    "bias):", "bias):\n    x, h, c, kernel = (a.astype('float32') for a in (x, h, c, kernel))"
).replace("h @ recurrent_kernel + bias", "h @ recurrent_kernel.astype('float32') + bias.astype('float32')")
# As some write it: wrong far from 0, where e^a is too large for a float.
NAIVE = GOOD + "\n\ndef tanh(a):\n    return (np.exp(a) - np.exp(-a)) / (np.exp(a) + np.exp(-a))\n"
NAIVE = NAIVE.replace("np.tanh", "tanh")
# Right for one row: the sum goes over all of them.
BLEEDS = GOOD.replace("+ bias", "+ bias * len(x)")
FOLDER = {
    "bleeds.py": (BLEEDS, "passed", "it is right for one row at a time, and wrong for a batch of them"),
    "chats.py": ("print('{}')\n" + GOOD + "    ", "passed", ""),
    "ends.py": (GOOD + "import os\nos._exit(3)", "failed", "it ended with exit status 3; it answered 0 of 10 cases"),
    "exits.py": ("import sys\nsys.exit()", "failed", "exits.py cannot be imported: it ends the process (sys.exit)"),
    "good.py": (GOOD, "passed", ""),
    "imports_good.py": ("from good import step", "passed", ""),
    "json.py": (GOOD, "passed", ""),
    "loops.py": ("while True: pass", "failed", "it had not finished after 2 s; it answered 0 of 10 cases"),
    "naive.py": (NAIVE, "failed", '"sums far from 0", step 0, row 0, unit 2 (counted from 0): c is no finite number'),
    "no_step.py": ("def lstm_step(): pass", "failed", "no_step.py must have a function step, got lstm_step"),
    "numpy.py": (
        "import numpy as np\nnp.abs = np.isnan = lambda a: 0 * a\n" + GOOD.replace("np.tanh(c)", "c"),
        "failed",
        "you leave out the tanh of c",
    ),
    "raises.py": (GOOD.replace("    c = ", "    c = d"), "failed", "NameError: name 'dgate' is not defined (line 11)"),
    "reads.py": ("input()", "failed", "reads.py cannot be imported: EOFError: EOF when reading a line (line 1)"),
    "shape.py": (GOOD.replace("tanh(c), c", "tanh(c), c[0]"), "failed", "c must have shape (3, 4), got (4,)"),
    "single.py": (SINGLE, "passed", ""),
    "stub.py": ("def step(x, h, c, kernel, recurrent_kernel, bias): return h, c", "failed", "gives back the state"),
    "zeros.py": ("def step(x, h, c, W, U, b): return 0 * h, 0 * c", "failed", "it gives nothing but zeros"),
    "syntax.py": ("def step(", "failed", "syntax.py cannot be imported: SyntaxError: '(' was never closed"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    home = tmp_path_factory.mktemp("submissions")
    for name, (code, _, _) in FOLDER.items():
        (home / name).write_text(code, encoding="utf-8")
    (home / "notes.txt").write_text("", encoding="utf-8")
    (home / ".hidden.py").write_text("", encoding="utf-8")
    return home


def test_a_folder_has_a_row_for_each_and_none_stops_another(run, folder):
    data = json.loads(run("check", str(folder), "--cell", "lstm", "--seconds", "2", "--json", exit_code=1))
    assert (data["schema_version"], data["command"], data["passed"]) == (1, "check", False)
    assert data["passed_over"] == [str(folder / "notes.txt")]
    rows = {Path(row["name"]).name: row for row in data["implementations"]}
    assert list(rows) == sorted(FOLDER)
    for name, (_, verdict, reason) in FOLDER.items():
        assert rows[name]["passed"] == (verdict == "passed"), rows[name]
        assert reason is None or reason in why(rows[name]), (name, why(rows[name]))
    assert {name: rows[name]["precision"] for name in ("good.py", "single.py")} == {
        "good.py": "float64",
        "single.py": "float32",
    }
    assert rows["naive.py"]["notes"] == [], "a NaN that stays one is no change"
    naive = {case["name"]: case for case in rows["naive.py"]["cases"]}
    assert [name for name, case in naive.items() if not case["passed"]] == ["sums far from 0"]
    assert naive["sums far from 0"]["departure"]["got"] is None
    json.dumps(data, allow_nan=False)


def test_a_folder_as_a_table(run, tmp_path):
    (tmp_path / "good.py").write_text(GOOD, encoding="utf-8")
    (tmp_path / "bad[red].py").write_text("raise ValueError('[bold]x[/]\\x1b[2J')", encoding="utf-8")
    (tmp_path / "notes\x1b[2J.txt").write_text("", encoding="utf-8")
    lines = run("check", str(tmp_path), "--cell", "lstm", exit_code=1).splitlines()
    bad, good = lines[2:4]
    assert "bad[red].py" in bad
    assert "cannot be imported: ValueError: [bold]x[/]\\x1b[2J (line 1)" in bad
    assert good.split()[:6] == [str(tmp_path / "good.py"), "passed", "10", "of", "10", "float64"]
    assert lines[4] == "As lstm: 1 of 2 passed."
    assert "notes\\x1b[2J.txt" in lines[5]
    assert lines[6] == "Each of 40 planted mistakes fails one of these cases."


def test_one_that_is_right(run, tmp_path):
    (tmp_path / "mine.py").write_text(GOOD.replace("def step", "def lstm_step"), encoding="utf-8")
    out = run("check", f"{tmp_path / 'mine.py'}:lstm_step", "--cell", "lstm").splitlines()
    assert out[0].startswith(f"{tmp_path / 'mine.py'}:lstm_step, lstm: passed 10 cases in float64, within ")
    assert len(out) == 2
    (tmp_path / "single.py").write_text(SINGLE, encoding="utf-8")
    assert "passed 10 cases in float32" in run("check", str(tmp_path / "single.py"), "--cell", "lstm")


def test_one_that_is_wrong(run, tmp_path):
    (tmp_path / "mine.py").write_text(GOOD.replace("i, f, g, o", "f, i, g, o"), encoding="utf-8")
    out = run("check", str(tmp_path / "mine.py"), "--cell", "lstm", exit_code=1).splitlines()
    assert out[0] == f"{tmp_path / 'mine.py'}, lstm: failed, with 0 of 10 cases passed."
    assert out[1].startswith("Your ")
    assert out[1].endswith(" exchanged.")
    assert out[2].startswith('First departure: "one step from zeros", step 0, row ')
    assert out[2].split("(counted from 0): ")[1].startswith("c is -0.")
    assert sum(line.endswith("failed") for line in out) == 10


def test_options_are_keras_options(run, tmp_path):
    told = GOOD.replace("gate(f)", "gate(f + 1)").replace("1 / (1 + np.exp(-a))", "np.clip(a / 6 + 0.5, 0, 1)")
    (tmp_path / "mine.py").write_text(told, encoding="utf-8")
    options = ("--option", "forget_bias=1.0", "--option", "recurrent_activation=hard_sigmoid")
    out = run("check", str(tmp_path / "mine.py"), "--cell", "lstm", *options)
    assert "lstm, forget_bias=1.0, recurrent_activation=hard_sigmoid: passed 10 cases" in out


def test_what_the_cases_cannot_see_is_said(run, tmp_path):
    (tmp_path / "mine.py").write_text("", encoding="utf-8")
    words = ("--cell", "peephole_lstm", "--option", "cell_clip=50")
    out = run("check", str(tmp_path / "mine.py"), *words, exit_code=1)
    assert "0 of 10 cases passed: mine.py must have a function step, got none." in out
    assert "planted mistakes these cases do not see cell clipped after the output." in out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "an implementation must be FILE.py:FUNCTION, a program, a folder of them, or --exec COMMAND, got none"),
        (("{}/my.py", "--exec", "true"), "or --exec COMMAND, got both"),
        (("{}/absent.py",), "an implementation must be a file or a folder, got no such '{}/absent.py'"),
        (("{}/my.py:a b",), "a function must be named after the colon, as in my.py:step, got '{}/my.py:a b'"),
        (("{}/text.txt",), "an implementation must be a .py or .js file or an executable, got '{}/text.txt'"),
        (("{}/empty",), "a folder must hold .py, .js or executable files, got none in '{}/empty'"),
        (("--exec", "no-such-program x"), "--exec must be a command that can be started, got 'no-such-program x'"),
        (("--exec", "'"), '--exec must be a command, got "\'": No closing quotation'),
        (("{}/my.py", "--option", "units=3"), "use_recurrent_bias, got 'units'"),
        (("{}/my.py", "--option", "forget_bias"), "--option must be name=value, got 'forget_bias'"),
        (("{}/my.py", "--seconds", "0"), "--seconds must be a positive integer, got '0'"),
    ],
)
def test_usage(refused, tmp_path, words, sentence):
    (tmp_path / "my.py").write_text(GOOD, encoding="utf-8")
    (tmp_path / "text.txt").write_text("", encoding="utf-8")
    (tmp_path / "empty").mkdir()
    filled = [word.replace("{}", str(tmp_path)) for word in words]
    assert sentence.replace("{}", str(tmp_path)) in refused("check", *filled, "--cell", "lstm")


def test_an_unknown_cell(refused, tmp_path):
    assert "cell must be one of simple_rnn, jordan" in refused("check", str(tmp_path), "--cell", "lstn")


# Programs of any language: here in Python, told by their code how to go wrong.


def right_answers():
    """The lines that a right program gives."""
    for case in graded.cases(graded.cell("simple_rnn")):
        run = case.layer.run(case.x, case.whole_state)
        yield json.dumps({"h": run.states.h.tolist()})


RIGHT = list(right_answers())
PROGRAMS = {
    "right": ("print(*lines, sep='\\n')", "", True),
    "flat": ("print(*(json.dumps({'h': flat(json.loads(l)['h'])}) for l in lines), sep='\\n')", "", True),
    "blank lines, other keys": ("print(*(l[:-1] + ', \"t\": 0}\\r\\n\\n' for l in lines))", "", True),
    "exit status": ("print(*lines, sep='\\n'); sys.exit(7)", "it ended with exit status 7", True),
    "lingers": ("print(*lines, sep='\\n', flush=True); time.sleep(60)", "it did not end at the end of its input", True),
    "crash": ("print(lines[0]); sys.exit('boom [red]')", "exit status 1; it answered 1 of 10 cases; the end", False),
    "signal": ("os.kill(os.getpid(), 11)", "it was ended by SIGSEGV; it answered 0 of 10 cases", False),
    "too few": ("print(*lines[:4], sep='\\n')", "it ended; it answered 4 of 10 cases", False),
    "too many": ("print(*lines, 'done', sep='\\n')", "its answers must be one line a case, 10, got 11 lines", False),
    "never ends": (
        "print(lines[0], flush=True); time.sleep(60)",
        "it had not finished after 2 s; it answered 1",
        False,
    ),
    "endless": ("while True: print('h' * 10**6)", "its output must have at most 1,", False),
    "one endless line": ("while True: sys.stdout.write('h' * 10**6)", "its output must have at most 1,", False),
    "endless messages": ("while True: sys.stderr.write('h' * 10**6)", "it had not finished after 2 s", False),
    "no JSON": (
        "print('h: 1'); print(*lines[1:], sep='\\n')",
        "must be one JSON object in one line, got 'h: 1'",
        False,
    ),
    "deep": (
        "print('[' * 10**5); print(*lines[1:], sep='\\n')",
        "must be one JSON object in one line, got '[[[[",
        False,
    ),
    "a list": ("print('[1]'); print(*lines[1:], sep='\\n')", "its answer must be a JSON object, got '[1]'", False),
    "no h": ("print('{\"H\": 1}'); print(*lines[1:], sep='\\n')", "its answer must have h, got H", False),
    "shape": ("print('{\"h\": [1]}'); print(*lines[1:], sep='\\n')", "must have shape (3, 1, 4) (batch, time,", False),
    "words": (
        "print('{\"h\": [\"a\"]}'); print(*lines[1:], sep='\\n')",
        "must be numbers of shape (3, 1, 4), got",
        False,
    ),
    "large": (f"print('{{\"h\": [1{'0' * 400}]}}'); print(*lines[1:], sep='\\n')", "must be numbers of shape", False),
    "error": ("print('{\"error\": \"no batches\"}'); print(*lines[1:], sep='\\n')", "no batches", False),
    "nan": ("print(re.sub(r'-?\\d+\\.\\d+', '-nan', lines[0], count=1)); print(*lines[1:], sep='\\n')", "", False),
    "inf": ("print(re.sub(r'-?\\d+\\.\\d+', '-inf', lines[0], count=1)); print(*lines[1:], sep='\\n')", "", False),
    "null": ("print(re.sub(r'-?\\d+\\.\\d+', 'null', lines[0], count=1)); print(*lines[1:], sep='\\n')", "", False),
    "bytes": ("sys.stdout.buffer.write(bytes(range(128, 256)))", "must be one JSON object in one line", False),
}


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """The rows of a folder of them all, by their names: run at once, so that they wait for their limits together."""
    from comparisons.cli import main

    home, code = tmp_path_factory.mktemp("programs"), tmp_path_factory.mktemp("code")
    (code / "lines").write_text("\n".join(RIGHT), encoding="utf-8")
    head = f"""
import json, os, re, sys, time
flat = lambda a: sum(map(flat, a), []) if isinstance(a, list) else [a]
sys.stdin.read()
lines = open({str(code / "lines")!r}).read().split("\\n")
"""
    for name, (text, _, _) in PROGRAMS.items():
        (code / f"{name}.txt").write_text(head + text, encoding="utf-8")
        command = shlex.join([sys.executable, "-S", str(code / f"{name}.txt")])
        (home / name).write_text(f"#!/bin/sh\nexec {command}\n", encoding="utf-8")
        (home / name).chmod(0o755)
    out = StringIO()
    with redirect_stdout(out):
        assert main(["check", str(home), "--cell", "simple_rnn", "--seconds", "2", "--json"]) == 1
    return {Path(row["name"]).name: row for row in json.loads(out.getvalue())["implementations"]}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(programs, name):
    _, reason, passed = PROGRAMS[name]
    row = programs[name]
    assert row["passed"] == passed, row
    told = [row["problem"] or "", *row["notes"], *(case["error"] or "" for case in row["cases"])]
    if reason is not None:
        assert reason in " ".join(told), told
        assert bool(reason) == any(told)
    if name in ("nan", "inf", "null"):
        assert [case["passed"] for case in row["cases"]] == [False] + 9 * [True]
        assert row["cases"][0]["departure"]["got"] is None


def test_a_program_is_given_what_the_protocol_says(run, tmp_path):
    """Line by line, and numbers enough to compute from."""
    (tmp_path / "echo.txt").write_text("import sys\nopen(sys.argv[1], 'w').write(sys.stdin.read())\n", encoding="utf-8")
    command = shlex.join([sys.executable, str(tmp_path / "echo.txt"), str(tmp_path / "given")])
    run("check", "--exec", command, "--cell", "gru", exit_code=1)
    lines = (tmp_path / "given").read_text(encoding="utf-8").split("\n")
    wanted = graded.cases(graded.cell("gru"))
    assert lines == [*map(protocol.line, wanted), ""]
    for line, case in zip(lines, wanted, strict=False):
        told = json.loads(line)
        x, h = np.array(told["x"]), np.array(told["h"])
        assert x.shape == (told["batch"], told["time"], told["inputs"])
        assert h.shape == (told["batch"], told["units"])
        assert np.array(told["kernel"]).shape == (told["inputs"], 3 * told["units"])
        assert np.array(told["recurrent_bias"]).shape == np.array(told["bias"]).shape == (3 * told["units"],)
        assert told["options"]["reset_after"] is True
        assert told["case"] == case.name


def test_interrupted_it_ends_what_it_started(tmp_path):
    """And at once: whoever grades a folder need not wait for its slowest file."""
    for name in "abcd":
        (tmp_path / f"{name}.py").write_text("while True: pass", encoding="utf-8")
    found, _ = implementations.given([str(tmp_path)], None)
    seen = []

    def interrupt(doing, of):
        seen.append(of)
        raise KeyboardInterrupt

    begun = monotonic()
    with pytest.raises(KeyboardInterrupt):
        list(grade.grade_all(found, graded.cases(graded.cell("mgu")), seconds=600, progress=interrupt))
    assert seen == [4]
    assert monotonic() - begun < 60


@pytest.mark.parametrize(
    ("diagnosis", "sentences"),
    [
        (None, []),
        ({"verdict": "none", "explanations": []}, ["no mistake or other convention that is known explains all of it"]),
        ({"verdict": "unique", "explanations": [{"yours": ["you a", "you b"]}]}, ["you a and you b"]),
        (
            {"verdict": "ambiguous", "explanations": [{"yours": ["you a"]}, {"yours": ["you b"]}]},
            ["one of these, which these numbers do not tell apart: you a; or you b"],
        ),
    ],
)
def test_what_is_said(diagnosis, sentences):
    assert said(diagnosis) == sentences


@pytest.mark.skipif(sys.platform != "linux", reason="NOT CHECKED: an end for a program whose starter was killed")
def test_a_program_ends_even_where_its_starter_was_killed():
    """By a limit of its own, on the processors' time."""
    asks = "import resource, time; time.sleep(0.3); print(resource.getrlimit(resource.RLIMIT_CPU)[0])"
    ran = processes.Programs().run([sys.executable, "-c", asks], "", answers=1, seconds=3.0, most=100)
    assert ran.lines == [str(3 * processes.PROCESSORS + 1)]
