"""What is counted over label rows, by the pipeline and in other ways, each in a process of its own.

`python -m tests.bench.label_counting <way> <file>` counts canonical player rows and writes a line of JSON: CPU seconds
and memory from the first row on, and the counts. What it imports is what the way needs.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

from tests.bench.task_process import memory_mb

CAPABILITY = "player_detection"
BLOCK_BYTES = 1024 * 1024
Json = dict[str, Any]

WANTED = """{
    sample_id: 'VARCHAR', "group": 'VARCHAR',
    labels: 'STRUCT("class" VARCHAR, bbox STRUCT(x DOUBLE, y DOUBLE, w DOUBLE, h DOUBLE))[]'
}"""
TOTALS = """
    SELECT count(*), count(*) FILTER (labels IS NULL), count(*) FILTER (len(labels) = 0), sum(len(labels)) FROM rows
"""
SAMPLES = """
    SELECT name, count(*) FROM (
        SELECT unnest(list_distinct(list_transform(labels, lambda label: label."class"))) AS name FROM rows
    ) GROUP BY name
"""
GROUPS = """SELECT "group", count(*) FROM rows GROUP BY "group" """
CLASSES = """SELECT "group", label."class", count(*) FROM labels GROUP BY ALL"""
OUTSIDE = """
    SELECT count(*) FROM labels WHERE NOT (
        label.bbox.w > 0 AND label.bbox.h > 0 AND label.bbox.x >= 0 AND label.bbox.y >= 0
        AND greatest(label.bbox.x + label.bbox.w, label.bbox.y + label.bbox.h) <= 1 + 1e-9
    )
"""
UNKNOWN = """SELECT count(*) FROM labels WHERE label."class" NOT IN ('player', 'goalkeeper', 'referee')"""


def iter_lines(path: Path) -> Iterator[bytes]:
    """Yield the lines as a task has them: block after block, none of them twice."""
    rest = b""
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            *lines, rest = (rest + block).split(b"\n")
            yield from lines


def pipeline() -> Callable[[Path], Json]:
    """What BuildShard does: decode, and `Statistics.add`."""
    from packhouse.pipeline.capabilities import CAPABILITIES
    from packhouse.pipeline.rows import decode_canonical
    from packhouse.pipeline.statistics import Statistics, builtins

    def count(path: Path) -> Json:
        counted, capability = Statistics(), CAPABILITIES[CAPABILITY]
        for line in iter_lines(path):
            counted.add(decode_canonical(line), capability)
        return cast("Json", builtins(counted))

    def shown(path: Path) -> Json:
        found = count(path)
        return {
            "totals": [found[name] for name in ("rows", "unlabelled", "empty", "labels")],
            "classes": {name: tally["labels"] for name, tally in found["classes"].items()},
            "samples": {name: tally["samples"] for name, tally in found["classes"].items()},
            "groups": {name: [group["samples"], group.get("classes", {})] for name, group in found["groups"].items()},
            "faults": [found["geometry_faults"]["count"], found["schema_faults"]["count"]],
        }

    return shown


def bare() -> Callable[[Path], Json]:
    """The same structs, and a dict for each count: of a class, of a group, and of a class in a group."""
    import msgspec

    from packhouse.pipeline.rows import LabelRow

    decode = msgspec.json.Decoder(LabelRow).decode

    def count(path: Path) -> Json:
        rows = unlabelled = empty = 0
        classes: dict[str, int] = {}
        groups: dict[Any, int] = {}
        of_groups: dict[tuple[Any, str], int] = {}
        for line in iter_lines(path):
            row = decode(line)
            rows += 1
            group = row.group
            groups[group] = groups.get(group, 0) + 1
            if row.labels is None:
                unlabelled += 1
                continue
            if not row.labels:
                empty += 1
                continue
            for label in row.labels:
                name = label.class_
                classes[name] = classes.get(name, 0) + 1
                of_groups[group, name] = of_groups.get((group, name), 0) + 1
        return {
            "totals": [rows, unlabelled, empty, sum(classes.values())],
            "classes": classes,
            "groups": _nested(groups, [(*key, labels) for key, labels in of_groups.items()]),
        }

    return count


def least() -> Callable[[Path], Json]:
    """The same structs, and no more than the labels of each class."""
    import msgspec

    from packhouse.pipeline.rows import LabelRow

    decode = msgspec.json.Decoder(LabelRow).decode

    def count(path: Path) -> Json:
        classes: dict[str, int] = {}
        for line in iter_lines(path):
            for label in decode(line).labels or ():
                classes[label.class_] = classes.get(label.class_, 0) + 1
        return {"classes": classes}

    return count


def duckdb() -> Callable[[Path], Json]:
    """One thread of duckdb, over the file."""
    from duckdb import connect

    def count(path: Path) -> Json:
        db = connect(config={"threads": 1})
        read = f"read_json('{path}', format = 'newline_delimited', columns = {WANTED})"
        db.execute(f"CREATE TEMP TABLE rows AS SELECT * FROM {read}")  # noqa: S608  the path is ours
        db.execute('CREATE TEMP VIEW labels AS SELECT "group", unnest(labels) AS label FROM rows')

        def ask(query: str) -> list[Any]:
            return db.execute(query).fetchall()

        of_groups = ask(CLASSES)
        classes: dict[str, int] = {}
        for _, name, labels in of_groups:
            classes[name] = classes.get(name, 0) + labels
        return {
            "totals": [int(each) for each in ask(TOTALS)[0]],
            "classes": classes,
            "samples": dict(ask(SAMPLES)),
            "groups": _nested(dict(ask(GROUPS)), of_groups),
            "faults": [ask(OUTSIDE)[0][0], ask(UNKNOWN)[0][0]],
        }

    return count


def _nested(groups: dict[Any, int], of_groups: list[Any]) -> dict[str, list[Any]]:
    nested: dict[str, list[Any]] = {group: [samples, {}] for group, samples in groups.items()}
    for group, name, labels in of_groups:
        nested[group][1][name] = labels
    return nested


WAYS = {"pipeline": pipeline, "bare": bare, "least": least, "duckdb": duckdb}


def _main(way: str, path: Path) -> None:
    count = WAYS[way]()
    started = time.process_time()
    counts = count(path)
    cpu = time.process_time() - started
    sys.stdout.write(json.dumps({"cpu": cpu, "peak_mb": memory_mb("VmHWM"), "counts": counts}))


if __name__ == "__main__":
    _main(sys.argv[1], Path(sys.argv[2]))
