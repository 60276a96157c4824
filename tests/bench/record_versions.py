"""P11: versions of twenty thousand small records, against `dvc add` and against a bare manifest of hashes."""

import json
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from local import ROOT, VENVS
from tests.bench.figure import Figure, Run

RECORDS, PACKS, BOXES, ROUNDS = 20_000, 20, 16, 5
NEXT_GOAL, FIRST_GOAL = 4, 3
DVC = VENVS / "peers" / "bin" / "dvc"
CORE = ROOT / "layers" / "core" / "python"
QUIET = "[core]\n    no_scm = true\n    analytics = false\n    check_update = false\n"
FIRST, NEXT = "first version", "one record changed"
FLOOR, PEER = "sha256 manifest", "dvc add"
OURS = {PACKS: f"pipeline, {PACKS} packs", 1: "pipeline, all in one pack"}


class Spent(NamedTuple):
    """Seconds of a process, and its CPU seconds."""

    wall: float
    cpu: float


Taken = dict[tuple[str, str], list[Spent]]


def measure(run: Run, records: int = RECORDS, rounds: int = ROUNDS) -> Figure:
    """Let all make a first version of the same records, then one with a record changed, in turns."""
    if not DVC.exists():
        raise FileNotFoundError("dvc is not there: `make bench` makes the environment `peers`")
    taken: Taken = {}
    with tempfile.TemporaryDirectory(prefix="packhouse-bench-") as folder, run.steps("P11 versions", rounds) as bar:
        base = Path(folder)
        rows = list(_iter_records(records))
        _write_files(base / "dvc" / "data", rows)
        for number in range(rounds):
            _measure_round(base, rows, number, lambda *key, spent: taken.setdefault(key, []).append(spent))
            bar.advance()
    return _figure(taken, records, len(rows[0]), rounds)


def _iter_records(records: int) -> Iterator[bytes]:
    """Yield label rows of about 2 KB, a thousand of them a match: boxes with the full precision of a double."""
    chosen = random.Random(11)  # noqa: S311  the same ones every time
    for number in range(records):
        yield _record(chosen, number)


def _record(chosen: random.Random, number: int) -> bytes:
    labels = [
        {
            "class": chosen.choice(("player", "goalkeeper", "referee")),
            "bbox": {"x": chosen.random() / 2, "y": chosen.random() / 2, "w": chosen.random() / 8, "h": 0.2},
        }
        for _ in range(BOXES)
    ]
    match = f"match-{number // 1_000:03d}"
    row = {
        "sample_id": f"{match}-{number:06d}",
        "group": f"{match}-{number % 1_000 // 50}",
        "camera_type": "broadcast",
        "asset": f"frames/{match}/{number:06d}.jpg",
        "width": 1920,
        "height": 1080,
        "labels": labels,
    }
    return json.dumps(row, separators=(",", ":")).encode() + b"\n"


def _write_files(folder: Path, rows: list[bytes]) -> None:
    for number, row in enumerate(rows):
        path = folder / f"{number // 1_000:02d}" / f"{number:06d}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(row)


def _measure_round(base: Path, rows: list[bytes], number: int, note: Callable[..., None]) -> None:
    """Make both versions anew in every way; the record that changes is another one in each round."""
    changed = _record(random.Random(number), 0)  # noqa: S311
    for packs in OURS:
        _write_uploads(base / f"buckets-{packs}", rows, changed, packs)
    files, repository = base / "dvc" / "data", base / "dvc"
    (files / "00" / "000000.json").write_bytes(rows[0])
    _forget(repository)
    _spend(base, repository, str(DVC), "init", "--quiet", "--no-scm")
    (repository / ".dvc" / "config").write_text(QUIET)
    for version, name in (("1", FIRST), ("2", NEXT)):
        if version == "2":
            (files / "00" / "000000.json").write_bytes(changed)
        ours = (sys.executable, "-m", "tests.bench.record_version")
        note(name, FLOOR, spent=_spend(base, ROOT, *ours, "manifest", str(files), str(base / "manifest")))
        note(name, PEER, spent=_spend(base, repository, str(DVC), "add", "--quiet", "data"))
        for packs, shown in OURS.items():
            note(name, shown, spent=_spend(base, ROOT, *ours, "pipeline", str(base / f"buckets-{packs}"), version))


def _write_uploads(buckets: Path, rows: list[bytes], changed: bytes, packs: int) -> None:
    shutil.rmtree(buckets, ignore_errors=True)
    each = -(-len(rows) // packs)
    for version, count in (("1", packs), ("2", 1)):
        (buckets / "uploads" / version).mkdir(parents=True)
        for pack in range(count):
            lines = rows[pack * each : (pack + 1) * each]
            if version == "2":
                lines = [changed, *lines[1:]]
            (buckets / "uploads" / version / f"lp-{pack:03d}.ndjson").write_bytes(b"".join(lines))


def _forget(repository: Path) -> None:
    for name in (".dvc", "home", "site"):
        shutil.rmtree(repository / name, ignore_errors=True)
    for name in ("data.dvc", ".dvcignore", ".gitignore"):
        (repository / name).unlink(missing_ok=True)
    (repository / "home").mkdir()


def _spend(base: Path, folder: Path, *command: str) -> Spent:
    repository = base / "dvc"
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": "" if command[0] == str(DVC) else str(CORE),
        "HOME": str(repository / "home"),
        "DVC_SITE_CACHE_DIR": str(repository / "site"),
        "DVC_NO_ANALYTICS": "1",
    }
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise AssertionError(f"{' '.join(command[:4])}: {done.stderr[-4000:]}")
    return Spent(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def _figure(taken: Taken, records: int, size: int, rounds: int) -> Figure:
    medians = {
        key: Spent(statistics.median(each.wall for each in spent), statistics.median(each.cpu for each in spent))
        for key, spent in taken.items()
    }
    ours = OURS[PACKS]
    ahead = medians[NEXT, PEER].wall / medians[NEXT, ours].wall
    behind = medians[FIRST, ours].wall / medians[FIRST, FLOOR].wall
    return Figure(
        number="P11",
        title=f"Versions of {records:,} records",
        goal=f"a new version with one record changed ≥ {NEXT_GOAL}x faster than `dvc add`, a first version ≤ "
        f"{FIRST_GOAL}x a sha256 manifest",
        basis=f"wall seconds of whole processes, medians of {rounds} turns; records of {size:,} bytes, {BOXES} boxes "
        "each: a file each for dvc and the manifest, NDJSON uploads for ours. Ours is the code of OpenUpload, "
        "IngestPart, SealRevision, PlanBuild and BuildShard with files in place of S3 and without the tables, because "
        "dvc too works on files of the same disk: it reads, checks, counts and hashes every row, writes chunks, "
        "statistics, keys, shards and a manifest. Index and exports, which dvc does not make, are not in it (V1 has "
        "them). A changed record is a new revision of its pack; the other packs are not ingested again, all rows are "
        "built again. dvc has a cache of its own, no git, no analytics",
        columns=("version", "way", "wall s", "CPU s", "to the manifest", "to dvc add"),
        rows=[
            (
                name,
                way,
                f"{spent.wall:.2f}",
                f"{spent.cpu:.2f}",
                f"{spent.wall / medians[name, FLOOR].wall:.1f}x",
                f"{medians[name, PEER].wall / spent.wall:.1f}x faster",
            )
            for (name, way), spent in medians.items()
        ],
        met=ahead >= NEXT_GOAL and behind <= FIRST_GOAL,
        notes=[
            f"judged is {ours}: the new version {ahead:.1f}x faster than dvc add, the first {behind:.1f}x the manifest"
        ],
    )
