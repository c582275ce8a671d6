"""The film-review snippets of Hutto & Gilbert (ICWSM 2014), taken out of the source archive of vaderSentiment 3.3.2.

`python -m comparisons.studies.snippets ARCHIVE TARGET`, which `make reviews` runs. The archive holds another one, that
of the paper's data; of it, one file is read, by its exact name, and the checksums of both are held first. Nothing is
unpacked. TARGET gets that file with a line of names above it, as `gateproof study sentiment --data` takes it.
"""

from __future__ import annotations

import io
import sys
import tarfile
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

ARCHIVE = "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9"  # SHA-256
FILE = "c8293b0d942e90e223ea2c0955d969040d1a1be514a978b9af0698940bd13350"
WITHIN = ("vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz",)
NAMED = "hutto_ICWSM_2014/movieReviewSnippets_GroundTruth.txt"
LARGEST = 16 * 2**20  # bytes of either, unpacked
NAMES = b"id\trating\ttext\r\n"
TARGET = "reviews.tsv"


def take(archive: Path, target: Path) -> int:
    """Write the snippets to `target`, all or nothing; returns how many there are. Raises ValueError, OSError."""
    if archive.stat().st_size > LARGEST or sha256(packed := archive.read_bytes()).hexdigest() != ARCHIVE:
        raise ValueError(f"the archive must be that of vaderSentiment 3.3.2, got {archive.name!r} of other bytes")
    for name in (*WITHIN, NAMED):
        packed = _member(packed, name)
    if (got := sha256(packed).hexdigest()) != FILE:
        raise ValueError(f"{NAMED} must have SHA-256 {FILE}, got {got}")
    part = target.with_name(f".{target.name}.part")
    try:
        part.write_bytes(NAMES + packed)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return len(packed.splitlines())


def are_these(content: bytes) -> bool:
    """Whether a file is what `take` writes."""
    return content.startswith(NAMES) and sha256(content[len(NAMES) :]).hexdigest() == FILE


def _member(packed: bytes, name: str) -> bytes:
    """One file of an archive, read into memory. Raises ValueError."""
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as archive:
        for member in archive:
            if member.name == name and member.isfile() and member.size <= LARGEST:
                stream = archive.extractfile(member)
                assert stream is not None  # it is a file
                return stream.read()
    raise ValueError(f"the archive must hold the file {name!r} of at most {LARGEST} bytes, got none")


def main(argv: Sequence[str]) -> int:
    """`ARCHIVE TARGET` -> exit code."""
    if len(argv) != 2:
        print("usage: python -m comparisons.studies.snippets ARCHIVE TARGET", file=sys.stderr)
        return 2
    try:
        found = take(Path(argv[0]), Path(argv[1]))
    except (ValueError, OSError, tarfile.TarError, EOFError) as error:
        print(f"snippets: {error}", file=sys.stderr)
        return 3
    print(f"{argv[1]}: {found:,} film-review snippets (Hutto & Gilbert 2014)")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
