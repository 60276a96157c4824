"""`python -m packhouse.verify FOLDER`: whether the files of a dataset are those that were sealed, offline.

FOLDER holds a dataset's manifest.json and, beside it or below `exports`, the files that it lists.
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from packhouse.errors import PackhouseError
from packhouse.pipeline.files import MANIFEST
from packhouse.pipeline.fingerprints import digest
from packhouse.pipeline.seal import SCHEMA_VERSION
from packhouse.pipeline.verification import Finding, Verified, verify_files, verify_version

VERIFIED, DIFFERS, UNREADABLE = 0, 1, 2
"""What the process ends with: all is as it was sealed, something is not, there is no manifest to go by."""

_BLOCK_BYTES = 1024 * 1024


def verify_folder(folder: Path, sealed_as: str | None, progress: Callable[[str, int], None]) -> Verified:
    """Verify a folder; `sealed_as` is the manifest's hash where the registry tells it.

    `progress` is told each file that is read, and its bytes so far. `ValueError` when there is no manifest to go by.
    """
    path = folder / MANIFEST
    try:
        body = path.read_bytes()
        manifest = msgspec.json.decode(body, type=dict[str, object])
    except (OSError, msgspec.DecodeError) as error:
        raise ValueError(f"{path}: {error}") from error
    if (schema := manifest.get("schema")) != SCHEMA_VERSION:
        raise ValueError(f"{path}: a manifest of schema {schema!r}; this verifies those of schema {SCHEMA_VERSION}")

    def read(name: str) -> Iterable[bytes] | None:
        found = next((place for place in (folder / name, folder / "exports" / name) if place.is_file()), None)
        return None if found is None else _iter_blocks(found, name, progress)

    try:
        verified = (verify_version if "capability" in manifest else verify_files)(manifest, read)
    except (LookupError, TypeError, AttributeError, ArithmeticError, MemoryError, PackhouseError) as error:
        raise ValueError(f"{path}: no manifest to go by: {type(error).__name__}: {error}") from error
    findings = [
        Finding(MANIFEST, f"its SHA-256 is {found}, not {wanted}")
        for found, wanted in ((digest(body), verified.manifest_hash), (digest(body), sealed_as))
        if wanted is not None and found != wanted
    ]
    return msgspec.structs.replace(verified, findings=[*verified.findings, *findings])


def _iter_blocks(path: Path, name: str, progress: Callable[[str, int], None]) -> Iterator[bytes]:
    read = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            read += len(block)
            progress(name, read)
            yield block


def main(arguments: Sequence[str] | None = None) -> int:
    """Verify the folder that is named and say what was found; see the constants above for what is returned."""
    parser = argparse.ArgumentParser(prog="python -m packhouse.verify", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--manifest-hash", help="what the registry says of the dataset: sha256:…")
    asked = parser.parse_args(arguments)

    def progress(name: str, read: int) -> None:
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\x1b[K{name} {read / 1e6:,.0f} MB")

    try:
        verified = verify_folder(asked.folder, asked.manifest_hash, progress)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return UNREADABLE
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
    for finding in verified.findings:
        sys.stdout.write(f"{finding.where}: {finding.detail}\n")
    verdict = "differs from what was sealed" if verified.findings else "is what was sealed"
    sys.stdout.write(f"{asked.folder} {verdict}: {verified.manifest_hash}\n")
    return DIFFERS if verified.findings else VERIFIED


if __name__ == "__main__":
    sys.exit(main())
