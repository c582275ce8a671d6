"""While a file is loaded, good or hostile, nothing is opened but that file, and nothing else is done."""

import json
import os
import subprocess
import sys
from pathlib import Path

import audited
import seeds

ROOT = Path(__file__).parents[3]


def test_nothing_but_the_file_is_touched(tmp_path, hostile_files):
    jobs = []
    for name, (write, told) in seeds.SEEDS.items():
        path = tmp_path / name
        path.write_bytes(write())
        jobs.append((str(path), told))
    jobs += hostile_files.values()
    ran = subprocess.run(
        [sys.executable, "-W", "error", audited.__file__], input=json.dumps(jobs), capture_output=True, text=True,
        check=False, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, timeout=120,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    *done, (_, seen), (_, imported) = map(json.loads, ran.stdout.splitlines())
    assert len(done) == len(jobs)
    assert {path: events for path, events in done if events} == {}
    assert imported == []
    # The hook would have told.
    assert {
        "open",
        "os.listdir",
        "os.system",
        "import",
        "compile",
        "os.remove",
        "socket.__new__",
        "pickle.find_class",
    } <= set(seen)
