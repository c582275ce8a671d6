"""Valid files with a byte turned, each loaded under a limit of memory and of time, in a process that may die of it.

`python fuzz.py FIRST STEP [MASK …]` is that process: case FIRST and every STEPth after it, told on stdout as it goes.
"""

from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path

import seeds

MEMORY = 512 * 2**20  # bytes more than the process has before it loads anything
SECONDS = 5  # of a file
WORDS = ("keras2.h5", "packed.h5")  # seeds whose addresses no checksum keeps
ROOT = Path(seeds.__file__).parents[3]


def cases(masks: list[int]) -> list[tuple[str, int, int]]:
    """Seed, offset, and what is turned there: the bits of a mask, or, where that is beyond a byte, a whole word.

    The mask 0 stands for those words: every place that may hold an address, pointed at every structure in turn.
    """
    found: list[tuple[str, int, int]] = []
    for name, (write, _) in seeds.SEEDS.items():
        content = write()
        found += [(name, at, mask) for at in range(len(content)) for mask in masks if mask]
        if 0 in masks and name in WORDS:
            signed = [match.start() for match in re.finditer(b"TREE|SNOD|HEAP|GCOL", content)]
            aims = [*signed[:: max(1, len(signed) // 6)], 96, len(content) - 8, 2**63, 2**64 - 1]
            # 256 and more, so that a word is told from a mask; at 0 there is only the file's first byte.
            found += [(name, at, 256 + aim) for at in range(0, len(content) - 8, 8) for aim in (*aims, at)]
    return found


def turned(content: bytes, at: int, mask: int) -> bytes:
    new = bytes([content[at] ^ mask]) if mask < 256 else (mask - 256).to_bytes(8, "little")
    return content[:at] + new + content[at + len(new) :]


def work(first: int, step: int, masks: list[int]) -> None:
    from reference.files import FileRefused, load

    good = {name: (write(), told) for name, (write, told) in seeds.SEEDS.items()}
    todo = cases(masks)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    room = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (room, room))
    warnings.simplefilter("error")
    with tempfile.TemporaryDirectory() as folder:
        for index in range(first, len(todo), step):
            name, at, mask = todo[index]
            content, told = good[name]
            path = os.path.join(folder, name)
            with open(path, "wb") as stream:
                stream.write(turned(content, at, mask))
            os.write(1, f"{index} ".encode())  # it may be the last that is heard
            signal.alarm(SECONDS)
            try:
                load(path, **told)
                outcome = "loaded"
            except FileRefused as refused:
                outcome = refused.code
            except BaseException as error:  # what must not happen, and is told to whoever looks
                outcome = f"!{type(error).__name__}: {str(error)[:200]!r}"
            signal.alarm(0)
            os.write(1, f"{outcome}\n".encode())


def fuzz(first: int, step: int, masks: list[int]) -> tuple[Counter[str], list[str]]:
    """How often each outcome came, and the cases that ended in neither a layer nor a refusal."""
    outcomes: Counter[str] = Counter()
    wrong: list[str] = []
    todo = cases(masks)
    while first < len(todo):
        words = [sys.executable, __file__, str(first), str(step), *map(str, masks)]
        ran = subprocess.run(words, capture_output=True, text=True, check=False, cwd=ROOT)
        lines = ran.stdout.splitlines()
        for line in lines:
            index, _, outcome = line.partition(" ")
            if not outcome:  # it died
                outcome = (
                    f"!{signal.Signals(-ran.returncode).name}" if ran.returncode < 0 else f"!exit {ran.returncode}"
                )
            outcomes["wrong" if outcome.startswith("!") else outcome] += 1
            if outcome.startswith("!"):
                wrong.append(f"{todo[int(index)]}: {outcome}")
        last = int(lines[-1].split()[0]) if lines else first
        if ran.returncode == 0:
            break
        if not lines:
            raise RuntimeError(ran.stderr)
        first = last + step
    return outcomes, wrong


if __name__ == "__main__":
    sys.path.insert(0, os.getcwd())
    first, step, *masks = map(int, sys.argv[1:])
    work(first, step, masks)
