"""One snapshot comes to equal bytes fifty times: in any process and order, whatever is drawn in `same_versions`."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from local import ROOT

Json = dict[str, Any]
CORE = ROOT / "layers" / "core" / "python"
PROCESSES, BUILDS = 5, 10
ZONES = ("UTC", "Asia/Kathmandu", "America/St_Johns", "Pacific/Kiritimati")
LOCALES = ("C", "C.UTF-8", "POSIX")
WANTED = (
    "manifest.json", "shards/train/00000.ndjson", "exports/README.md", "exports/croissant.json",
    *(f"exports/{split}{ending}" for split in ("train", "val", "test") for ending in (".ndjson", ".ndjson.gz")),
    *(f"exports/coco-{split}.json" for split in ("train", "val", "test")),
    *(f"exports/yolo-{split}.tar.gz" for split in ("train", "val", "test")),
)  # fmt: skip


class Version(NamedTuple):
    """What one build left."""

    manifest_hash: str
    objects: dict[str, str]


def iter_built(process: int) -> Iterator[Version]:
    """Yield what the builds of one process left."""
    told = {
        "PYTHONHASHSEED": str(process * 1_001),
        "TZ": ZONES[process % len(ZONES)],
        "LC_ALL": LOCALES[process % len(LOCALES)],
        "PYTHONPATH": f"{CORE}:{ROOT}",
    }
    command = [sys.executable, "-m", "tests.faults.same_versions", str(process), str(BUILDS)]
    ran = subprocess.run(command, cwd=ROOT, env={**os.environ, **told}, capture_output=True, text=True, check=True)
    for line in ran.stdout.splitlines():
        found: Json = json.loads(line)
        yield Version(found["manifest_hash"], found["objects"])


@pytest.fixture(scope="module")
def versions() -> list[Version]:
    return [version for process in range(PROCESSES) for version in iter_built(process)]


def test_fifty_builds_of_one_snapshot_have_one_manifest_hash(versions: list[Version]) -> None:
    hashes = [version.manifest_hash for version in versions]
    assert (len(hashes), len(set(hashes))) == (50, 1)
    assert hashes[0].startswith("sha256:")


def test_they_have_the_same_bytes_in_every_object(versions: list[Version]) -> None:
    first = versions[0].objects
    assert set(WANTED) <= first.keys()
    differing = {name for version in versions for name, _ in version.objects.items() ^ first.items()}
    assert sorted(differing) == []
