"""A package of the index -> some of its files, none of its code run: by name, version and hash, through pip alone."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

LARGEST = 256 * 2**20  # bytes of one member, unpacked
INSIDE = "!/"  # what follows is a member of the zip before it

# Where a source package's metadata is asked for, pip imports this and not the package's setup.py.
INERT_BACKEND = """
import email, os

class Inert:
    def prepare_metadata_for_build_wheel(self, folder, config_settings=None):
        with open("PKG-INFO", encoding="utf-8", errors="replace") as lines:
            said = email.message_from_file(lines)
        name = f"{said['Name'].replace('-', '_')}-{said['Version']}.dist-info"
        os.makedirs(os.path.join(folder, name))
        with open(os.path.join(folder, name, "METADATA"), "w") as out:
            out.write(f"Metadata-Version: 2.1\\nName: {said['Name']}\\nVersion: {said['Version']}\\n")
        return name

__legacy__ = Inert()
prepare_metadata_for_build_wheel = __legacy__.prepare_metadata_for_build_wheel
"""

# The wheels of one platform and one Python, wherever this runs: they are read and not installed.
PLATFORMS = ("--platform=manylinux_2_28_x86_64", "--platform=manylinux2014_x86_64")
WHEEL = ("--only-binary=:all:", "--implementation=cp", "--python-version=3.11", *PLATFORMS)
SOURCE = ("--no-binary=:all:", "--no-build-isolation", "--use-pep517", "--ignore-requires-python")


def download(name: str, version: str, sha256: str, form: tuple[str, ...], folder: Path, *told: str) -> Path:
    """The archive, whose hash pip has checked. Skips the test where the index does not give it."""
    archive, why = tried(name, version, sha256, form, folder, *told)
    if archive is None:
        pytest.skip(f"NOT TRIED: the package index did not give {name} {version}: {why}")
    return archive


@cache
def tried(
    name: str, version: str, sha256: str, form: tuple[str, ...], folder: Path, *told: str
) -> tuple[Path | None, str]:
    """The archive, or None and why."""
    place = folder / f"{name}-{version}"
    backend = place / "inert" / "setuptools"
    backend.mkdir(parents=True)
    (backend / "__init__.py").write_text("")
    (backend / "build_meta.py").write_text(INERT_BACKEND)
    wanted = place / "wanted.txt"
    wanted.write_text(f"{name}=={version} --hash=sha256:{sha256}\n")
    asked = ["--quiet", "--no-deps", "--require-hashes", "--dest", str(place / "got"), "-r", str(wanted)]
    run = subprocess.run(
        [sys.executable, "-m", "pip", "download", *form, *told, *asked],
        env={**os.environ, "PYTHONPATH": str(backend.parent), "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    if run.returncode:
        lines = run.stderr.splitlines() or ["pip said nothing"]
        why = next((line for line in reversed(lines) if line.startswith("ERROR")), lines[-1])
        assert "HASH" not in run.stderr.upper(), why  # another file under a known name is no reason to skip
        return None, why
    (archive,) = (place / "got").iterdir()
    return archive, ""


def unpack(archive: Path, member: str, folder: Path) -> Path:
    """Write one member of an archive, or all that begins with its name, and return the path to load."""
    outer, _, inner = member.partition(INSIDE)
    found = dict(_members(archive.read_bytes(), outer))
    if inner:
        found = dict(_members(found[outer], inner))
    wanted = inner or outer
    assert found, f"{archive.name} must hold {member}, got nothing of that name"
    for name, content in {wanted: found[wanted]}.items() if wanted in found else found.items():
        parts = name[len(wanted.rpartition("/")[0]) :].strip("/").split("/")
        assert not {"", ".", ".."} & set(parts), f"a member's name must stay in its folder, got {name!r}"
        folder.joinpath(*parts).parent.mkdir(parents=True, exist_ok=True)
        folder.joinpath(*parts).write_bytes(content)
    return folder / wanted.rpartition("/")[2]


def _members(content: bytes, beginning: str) -> Iterator[tuple[str, bytes]]:
    """Every regular file of a zip, wheel or tar.gz that begins so."""
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for about in archive.infolist():
                if about.filename.startswith(beginning) and not about.is_dir() and about.file_size <= LARGEST:
                    yield about.filename, archive.read(about)
        return
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        for about in archive:
            if about.name.startswith(beginning) and about.isreg() and about.size <= LARGEST:
                member = archive.extractfile(about)
                assert member is not None
                yield about.name, member.read()


def write_source(folder: Path, setup: str = "", members: dict[str, bytes] | None = None) -> tuple[Path, str]:
    """A source package trap 1.0 with this setup.py and more members, and its hash."""
    path = folder / "sources" / "trap-1.0.tar.gz"
    path.parent.mkdir()
    said = b"Metadata-Version: 1.0\nName: trap\nVersion: 1.0\n"
    with tarfile.open(path, "w:gz") as archive:
        for name, content in {
            "trap-1.0/PKG-INFO": said,
            "trap-1.0/setup.py": setup.encode(),
            **(members or {}),
        }.items():
            about = tarfile.TarInfo(name)
            about.size = len(content)
            archive.addfile(about, io.BytesIO(content))
    return path, hashlib.sha256(path.read_bytes()).hexdigest()
