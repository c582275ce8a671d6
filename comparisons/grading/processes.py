"""Running somebody's program: its input given at once, its output read up to a limit, its time limited.

No sandbox: the program does what whoever started it may do.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import ceil
from threading import Event, Thread
from time import monotonic
from typing import IO, Any

TAIL = 2000  # bytes of stderr that are kept
PROCESSORS = 8  # that a program may keep busy for all of its time
GRACE = 2.0  # seconds for a program to end by itself, once all of its answers are there


@dataclass(frozen=True)
class Ran:
    """What became of a program."""

    lines: list[str]  # of its output, those with nothing in them left out
    stderr: str  # the end of it
    code: int | None  # its exit status; None: it was stopped
    stopped: str  # why, or ""


class NotStarted(OSError):
    """A program that cannot be started, in one sentence."""


class Programs:
    """What runs now, so that all of it can be ended at once."""

    def __init__(self) -> None:
        self.running: set[subprocess.Popen[bytes]] = set()
        self.over = False

    def end(self) -> None:
        """End all of them, and each that is started from now on."""
        self.over = True
        for program in tuple(self.running):
            _end(program)

    def run(self, command: Sequence[str], given: str, answers: int, seconds: float, most: int) -> Ran:
        """Give a program its standard input, and let it have so many seconds and bytes of standard output; after so
        many lines of `answers` it has no more than GRACE.

        Raises NotStarted.
        """
        to = subprocess.PIPE
        try:
            program = subprocess.Popen(command, stdin=to, stdout=to, stderr=to, start_new_session=True)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or error
            raise NotStarted(f"a program must be one that can be started, got {command[0]!r}: {why}") from None
        self.running.add(program)
        _limit(program, seconds)
        try:
            if self.over:
                _end(program)
            return _run(program, given, answers, seconds, most)
        finally:
            _end(program)
            self.running.discard(program)


def _run(program: subprocess.Popen[bytes], given: str, answers: int, seconds: float, most: int) -> Ran:
    out, err, enough = bytearray(), bytearray(), Event()
    work: list[tuple[Any, ...]] = [
        (_feed, program.stdin, given.encode()),
        (_collect, program.stdout, out, answers, most, enough),
        (_keep_end, program.stderr, err),
    ]
    threads = [Thread(target=does, args=arguments, daemon=True) for does, *arguments in work]
    end = monotonic() + seconds
    for thread in threads:
        thread.start()
    stopped = "" if enough.wait(seconds) else f"it had not finished after {seconds:g} s"
    if not stopped:
        with suppress(subprocess.TimeoutExpired):
            program.wait(min(GRACE, max(0.1, end - monotonic())))
        if len(out) > most:
            stopped = f"its output must have at most {most:,} bytes, got more"
        elif program.poll() is None and out.count(b"\n") < answers:
            stopped = "it closed its output and did not end"
    code = program.poll()
    _end(program)
    for thread in threads:  # a pipe that something else still holds is left to its thread
        thread.join(1.0)
    lines = [line for line in bytes(out[:most]).decode("utf-8", "replace").splitlines() if line.strip()]
    return Ran(lines, bytes(err).decode("utf-8", "replace"), code, stopped)


def _limit(program: subprocess.Popen[bytes], seconds: float) -> None:
    """An end to its use of processors, on Linux: for a program that runs on when whoever started it was killed."""
    with suppress(ImportError, AttributeError, OSError):
        import resource

        most = ceil(PROCESSORS * seconds) + 1
        resource.prlimit(program.pid, resource.RLIMIT_CPU, (most, most))


def _end(program: subprocess.Popen[bytes]) -> None:
    """The program and all that it started."""
    with suppress(OSError):
        os.killpg(program.pid, signal.SIGKILL) if hasattr(os, "killpg") else program.kill()
    program.wait()


def _feed(pipe: IO[bytes], given: bytes) -> None:
    with suppress(OSError):  # it need not read what it is given
        pipe.write(given)
    with suppress(OSError):
        pipe.close()


def _collect(pipe: IO[bytes], into: bytearray, answers: int, most: int, enough: Event) -> None:
    lines = 0
    with pipe, suppress(OSError):
        while len(into) <= most and (part := os.read(pipe.fileno(), 65536)):
            into += part
            lines += part.count(b"\n")
            if lines >= answers:
                enough.set()
    enough.set()


def _keep_end(pipe: IO[bytes], into: bytearray) -> None:
    with pipe, suppress(OSError):
        while part := os.read(pipe.fileno(), 65536):
            into += part
            del into[:-TAIL]
