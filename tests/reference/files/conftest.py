"""The writers of files beside the tests are imported by name, and every hostile file is written once."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))


@pytest.fixture(scope="session")
def hostile_files(tmp_path_factory):
    """Path and options of each, by the row's name, in a folder of their own."""
    import hostile

    folder = tmp_path_factory.mktemp("hostile")
    found = {}
    for k, (name, (_, suffix, make, told)) in enumerate(hostile.ROWS.items()):
        path = folder / f"{k}{suffix}"
        path.write_bytes(make(folder))
        found[name] = (str(path), told)
    return found
