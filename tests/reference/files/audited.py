"""Loads files while Python tells of all that it does: `python audited.py < jobs`, [path, options] each, as JSON.

Out comes a line a file: what happened that is not on the list of what may. HDF5's own library is not seen. It has no
path to open, for it reads through a stream; and other files named in a file are pipes, at which it would wait.
"""

import json
import os
import signal
import sys
from contextlib import suppress

# Looking at objects, and memory: nothing that reaches out of the process.
HARMLESS = {"object.__getattr__", "object.__setattr__", "sys._getframe", "array.__new__", "builtins.id", "os.fstat"}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
FRAMEWORKS = {"tensorflow", "keras", "tf_keras", "torch", "jax", "jaxlib", "onnx", "flax", "safetensors"}


def main() -> None:
    from reference.files import FileRefused, load

    jobs = json.load(sys.stdin)
    for path, told in jobs:  # what is imported at its first use
        with suppress(FileRefused):
            load(path, **told)
    allowed, seen = "", []

    def hook(event: str, words: tuple) -> None:
        # The file itself, to read, by its path and then by the handle that came of it.
        mine = event == "open" and (words[0] == allowed or type(words[0]) is int) and not words[2] & WRITING
        if allowed and event not in HARMLESS and not mine:
            seen.append(f"{event} {words!r}"[:300])

    sys.addaudithook(hook)
    for path, told in jobs:
        signal.alarm(10)
        allowed = path
        with suppress(FileRefused):
            load(path, **told)
        allowed = ""
        print(json.dumps([path, list(seen)]))
        seen.clear()
    allowed = "nothing"  # and now what must be seen
    for work in (
        lambda: os.close(os.open("/dev/null", os.O_RDONLY)),
        lambda: os.listdir("/"),
        lambda: os.system("true"),
        lambda: __import__("wave"),
        lambda: eval("1"),
        lambda: os.remove("/dev/null/none"),
        lambda: __import__("socket").socket(),
        lambda: __import__("pickle").loads(b"cos\nsystem\n."),
    ):
        with suppress(Exception):
            work()
    allowed = ""
    print(json.dumps(["seen", [line.split()[0] for line in seen]]))
    print(json.dumps(["imported", sorted(FRAMEWORKS & set(sys.modules))]))


if __name__ == "__main__":
    main()
