"""What is to be graded: functions in Python files and programs, named one by one, or all in a folder."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reference.files.guard import shown

# Our own modules and NumPy are imported before the file's folder is on the path: no file there stands in for them.
# At the end nothing is waited for: a framework takes seconds to take itself down.
PROGRAM = f"""
import os, sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from comparisons.grading.python_program.main import main
main(*sys.argv[1:])
sys.stderr.flush()
os._exit(0)
"""
FUNCTIONS = {"step": "step", "sequence": "layer"}  # what a function takes: its name, unless another is given


class NoImplementation(ValueError):
    """A path or a command that is none, in one sentence."""


@dataclass(frozen=True)
class Implementation:
    """A name to print, and the command that speaks the protocol; `missing` says what it needs and has not."""

    name: str
    command: tuple[str, ...]
    python: bool = False
    missing: str = ""


def given(paths: Sequence[str], command: str | None, unit: str = "step") -> tuple[list[Implementation], list[str]]:
    """The implementations that the arguments name, and the files of folders that are none; Python functions take a
    `unit`, of FUNCTIONS. Raises NoImplementation."""
    if bool(paths) == bool(command):
        raise NoImplementation(
            "an implementation must be FILE.py:FUNCTION, a program, a folder of them, or --exec COMMAND, got "
            + ("both" if paths else "none")
        )
    if command:
        return [_program(command)], []
    found: list[Implementation] = []
    others: list[str] = []
    for path in paths:
        if os.path.isdir(path):
            inside, over = _folder(Path(path), unit)
            found += inside
            others += over
        else:
            found.append(_one(path, unit))
    if not found:
        raise NoImplementation(f"a folder must hold .py, .js or executable files, got none in {paths[0]!r}")
    return found, others


def _program(command: str) -> Implementation:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise NoImplementation(f"--exec must be a command, got {command!r}: {error}") from None
    if not words or shutil.which(words[0]) is None:
        raise NoImplementation(f"--exec must be a command that can be started, got {command!r}")
    return Implementation(command, tuple(words))


def _one(path: str, unit: str) -> Implementation:
    file, colon, function = path.rpartition(":")
    if not (colon and file.endswith(".py")):
        file, function = path, FUNCTIONS[unit]
    if not function.isidentifier():
        raise NoImplementation(f"a function must be named after the colon, as in my.py:step, got {path!r}")
    if not os.path.isfile(file):
        raise NoImplementation(f"an implementation must be a file or a folder, got no such {file!r}")
    made = _made(Path(file), function, unit)
    if made is None:
        raise NoImplementation(
            f"an implementation must be a .py or .js file or an executable, got {file!r}: compile it first, or name "
            "its interpreter with --exec"
        )
    return made


def _made(file: Path, function: str, unit: str) -> Implementation | None:
    """The implementation in a file; None where it holds none."""
    name = shown(str(file))
    if file.suffix == ".py":
        command = (sys.executable, "-P", "-B", "-c", PROGRAM, str(file.resolve()), function, unit)
        called = name if function == FUNCTIONS[unit] else f"{name}:{function}"
        return Implementation(called, command, python=True)
    if file.suffix == ".js":
        node = shutil.which("node")
        return Implementation(name, (node or "node", str(file)), missing="" if node else "node must be installed")
    if os.access(file, os.X_OK):
        return Implementation(name, (str(file.resolve()),))
    return None


def _folder(folder: Path, unit: str) -> tuple[list[Implementation], list[str]]:
    files = [file for file in sorted(folder.iterdir()) if file.is_file() and not file.name.startswith((".", "_"))]
    made = {file: _made(file, FUNCTIONS[unit], unit) for file in files}
    return [one for one in made.values() if one], [shown(str(file)) for file, one in made.items() if one is None]
