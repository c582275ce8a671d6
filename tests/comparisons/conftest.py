"""Running the command line in this process."""

import pytest

from comparisons.cli import main


@pytest.fixture
def run(capsys):
    """Runs one command; gives its standard output, and fails unless that is all there is."""

    def run(*words, exit_code=0):
        code = main(list(words))
        out, err = capsys.readouterr()
        assert (code, err) == (exit_code, ""), f"exit {code}, stderr {err!r}"
        return out

    return run


@pytest.fixture
def refused(capsys):
    """Runs one command that must be refused with exit code 2; gives its sentence, which must be one line."""

    def refused(*words, exit_code=2):
        code = main(list(words))
        out, err = capsys.readouterr()
        assert (code, out) == (exit_code, ""), f"exit {code}, stdout {out!r}"
        assert err.count("\n") == 1, err
        assert err.startswith("gateproof"), err
        return err.rstrip("\n")

    return refused
