"""YOLO folders as a person has them: the product's archives, unpacked by `tar`, and the pictures put in place."""

import hashlib
import json
import os
import subprocess
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from packhouse.pipeline.build import BuiltShard, build_shard, shard_units
from packhouse.pipeline.capabilities import CAPABILITIES
from packhouse.pipeline.contents import Asset
from packhouse.pipeline.export import join_yolo
from packhouse.pipeline.files import Part, file_names
from packhouse.pipeline.materialize import PARTS, YOLO, Found, PartSinks, materialize_shard
from packhouse.pipeline.plan import Unit, UnitChunk
from packhouse.pipeline.rows import encode_row, parse_row
from tests.conformance.torch.drawn_rows import Row

PROJECT = "prj_1"
UNITS = 3
"""Units of a build: a split has a shard in each."""


class Export(NamedTuple):
    """The archives by file name, and how many pictures each split has in them, for splits that have any."""

    archives: dict[str, bytes]
    pictures: dict[str, int]


def export(capability_name: str, rows: Sequence[Row], split_of: Mapping[str, str]) -> Export:
    """Build, materialize and export rows, all of whose assets are there; `split_of` has the split of every group."""
    capability = CAPABILITIES[capability_name]
    shards = list(_build(capability_name, rows, split_of))
    assets = {row["asset"]: Asset(1, "etag") for row in rows}
    parts: dict[str, list[Part]] = defaultdict(list)
    stored: dict[str, bytes] = {}
    pictures: dict[str, int] = defaultdict(int)
    for unit, built in zip(shard_units([each.shard for each in shards], [PROJECT] * len(shards)), shards, strict=True):
        sinks = {ending: BytesIO() for ending in PARTS}
        materialized, _ = materialize_shard(unit, built.body, Found(assets, {}), capability, PartSinks(sinks))
        assert materialized.pictures is not None
        name, body, split = f"parts/{built.shard.name}.yolo", sinks[YOLO].getvalue(), built.shard.split
        stored[name] = body
        parts[split].append(Part(name, len(body), hashlib.sha256(body).hexdigest()))
        pictures[split] += materialized.pictures.pictures
    splits = [split for split, count in pictures.items() if count]
    archives = {}
    for split in splits:
        archive = BytesIO()

        def take(name: str, size: int, archive: BytesIO = archive) -> Iterator[bytes]:
            archive.write(stored[name][:size])
            yield stored[name][:size]

        join_yolo(parts[split], capability, splits, archive, take)
        archives[file_names("yolo", split)[0]] = archive.getvalue()
    return Export(archives, {split: pictures[split] for split in splits})


def _build(capability_name: str, rows: Sequence[Row], split_of: Mapping[str, str]) -> Iterator[BuiltShard]:
    lines = sorted(encode_row(parse_row(json.dumps(row).encode())) + b"\n" for row in rows)
    for number, members in enumerate(_shares(lines)):
        chunks = [UnitChunk("", "", len(members), 0, [])]
        unit = Unit(number, PROJECT, chunks, dict(split_of))
        yield from build_shard(unit, [b"".join(members)], CAPABILITIES[capability_name])[1]


def _shares(lines: list[bytes]) -> list[list[bytes]]:
    size = -(-len(lines) // UNITS)
    return [lines[start : start + size] for start in range(0, len(lines), size)]


def unpack(folder: Path, archives: Mapping[str, bytes]) -> None:
    """Unpack archives into a folder, one over the other."""
    for name, archive in archives.items():
        subprocess.run(["tar", "xzf", "-", "-C", folder], input=archive, check=True)
        assert (folder / "data.yaml").is_file(), name


def paint(assets: Path, rows: Sequence[Row]) -> None:
    """Make the rows' assets: grey pictures of the size that each row states."""
    drawn: dict[tuple[str, int, int], bytes] = {}
    for row in rows:
        path = assets / row["asset"]
        size = row["width"], row["height"]
        if (key := (path.suffix, *size)) not in drawn:
            written = BytesIO()
            Image.new("RGB", size, (90, 120, 90)).save(written, "JPEG" if path.suffix == ".jpg" else "PNG")
            drawn[key] = written.getvalue()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(drawn[key])


def put_pictures_in_place(folder: Path, assets: Path) -> None:
    """Run the lines of shell that data.yaml tells, as they stand there."""
    told = [line[1:].strip() for line in (folder / "data.yaml").read_text().splitlines() if line.startswith("#   ")]
    environment = {**os.environ, "ASSETS": str(assets)}
    subprocess.run(["sh", "-euc", "\n".join(told)], cwd=folder, env=environment, check=True)
