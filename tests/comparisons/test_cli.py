"""The command line around any command: help, usage errors, exit codes, pipes."""

import os
import re
import subprocess
import sys

import pytest

from comparisons import cli

PARAMS = ("params", "gru", "--inputs", "4", "--units", "5", "--explain")
COMMAND = (sys.executable, "-c", "import sys; from comparisons.cli import main; sys.exit(main())")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("", "gateproof: COMMAND must be given; see 'gateproof --help'"),
        ("parms", f"gateproof: COMMAND must be one of {', '.join(cli.COMMANDS)}, got 'parms'; see 'gateproof --help'"),
        ("params", "gateproof params: CELL must be given; see 'gateproof params --help'"),
        ("params lstm --units", "gateproof params: --units expected one argument; see 'gateproof params --help'"),
        ("params lstm --unit 5", "gateproof params: unknown argument '--unit'; see 'gateproof params --help'"),
        ("params lstm gru", "gateproof params: unknown argument 'gru'; see 'gateproof params --help'"),
    ],
)
def test_usage_errors(refused, words, sentence):
    assert refused(*words.split()) == sentence


def test_help_and_version(run):
    assert "params" in run("--help")
    assert "--explain" in run("params", "--help")
    assert re.fullmatch(r"gateproof \d+\.\d+.*\n", run("--version"))


def test_every_command_has_its_module_and_takes_json():
    for name in cli.COMMANDS:
        assert os.path.exists(os.path.join(os.path.dirname(cli.__file__), "commands", f"{name}.py"))
    assert cli.parser().parse(["params", "lstm", "--json"]).json


def test_exit_codes_of_what_a_command_finds(monkeypatch, run, refused):
    """The code of the answer is the command's, and a Stop brings its own."""
    monkeypatch.setattr(cli, "answer", lambda args: cli.Answer({}, lambda: ["two cells differ"], cli.FAILED))
    assert run("params", "lstm", exit_code=1) == "two cells differ\n"

    def stop(args):
        raise cli.Stop("torch must be installed, got nothing: pip install torch", cli.MISSING)

    monkeypatch.setattr(cli, "answer", stop)
    assert refused("params", "lstm", exit_code=4).endswith(": torch must be installed, got nothing: pip install torch")


def test_interrupt_is_quiet(monkeypatch, run):
    def interrupted(args):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "answer", interrupted)
    assert run("params", "lstm", exit_code=130) == ""


def test_a_process_of_its_own_imports_nothing_heavy():
    code = """if 1:
        import sys
        from comparisons.cli import main
        code = main("params gru --inputs 4 --units 5 --explain --all".split())
        heavy = ("numpy", "h5py", "matplotlib", "keras", "tensorflow", "torch", "jax")
        print(code, [name for name in heavy if name in sys.modules])
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0 []"
    assert "\033" not in done.stdout, "a pipe gets plain text"


def process(*words, stdout=subprocess.PIPE, **environment):
    """Runs a process of its own, whose output waits in a buffer as it does in a shell."""
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"} | environment
    return subprocess.run(
        [*COMMAND, *words], stdout=stdout, stderr=subprocess.PIPE, text=True, check=False, env=variables
    )


def test_exit_code_and_streams_of_a_process():
    plain = process(*PARAMS, PYTHONIOENCODING="ascii")
    assert (plain.returncode, plain.stderr) == (0, ""), "a terminal without Unicode"
    wrong = process("params", "lstn")
    assert (wrong.returncode, wrong.stdout, wrong.stderr.count("\n")) == (2, "", 1)


@pytest.mark.parametrize("words", [PARAMS, ("--help",)])
def test_a_reader_may_leave(words):
    reader, writer = os.pipe()
    os.close(reader)  # as `| head -0` does
    left = process(*words, stdout=writer)
    os.close(writer)
    assert (left.returncode, left.stderr) == (0, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="NOT CHECKED: a full disk, which this system cannot play")
def test_a_full_disk_is_a_sentence():
    with open("/dev/full", "w") as full:
        done = process(*PARAMS, stdout=full)
    assert (done.returncode, done.stderr.count("\n")) == (3, 1), done.stderr
    assert "the output must be writable" in done.stderr
