"""Uploads that must not be taken in, through the real tasks: a bad line of every family, and gzip that ends badly."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from tests.faults.bad_lines import COMMON, HEAVY, Kind, iter_bad_lines
from tests.faults.good_rows import Json
from tests.faults.machine import MachineFailed
from tests.faults.world import World

GOOD_LINES = 6
PART_BYTES = 1_000
"""Small parts: an upload of a few lines has several."""


@dataclass(frozen=True)
class BadUpload:
    """Bytes that are sent, the faults (line, rule) that they must be told, and the bytes of the parts that are cut."""

    name: str
    body: bytes
    faults: list[tuple[int, str]]
    part_bytes: int = PART_BYTES


@dataclass(frozen=True)
class Refused:
    """What an upload came to: what it is to its callers, how its job ended, and the names of its objects."""

    shown: Json
    job: Json
    objects: list[str]


def good_lines(kind: Kind, seed: int, count: int = GOOD_LINES) -> list[bytes]:
    """Return good lines with their line ends."""
    random = Random(f"good lines {seed}")  # noqa: S311  lines, no secret
    return [json.dumps(kind.good(random, number)).encode() + b"\n" for number in range(count)]


def iter_bad_uploads(kind: Kind) -> Iterator[BadUpload]:
    """Yield an upload for each family of bad lines, every other one packed, and those whose gzip bytes are bad."""
    for families in (HEAVY, COMMON | kind.families):
        heavy = len(families) if families is HEAVY else 0
        for number, bad in enumerate(iter_bad_lines(kind, len(families), heavy, seed=2)):
            lines = good_lines(kind, number)
            at = 1 + number % GOOD_LINES
            lines.insert(at, bad.line + b"\n")
            body = b"".join(lines)
            packed = gzip.compress(body[:1500]) + gzip.compress(body[1500:])
            sent = packed if number % 2 else body
            yield BadUpload(bad.family, sent, [(at + 1, bad.rule)], max(PART_BYTES, len(body) // 8))
    yield from _iter_bad_gzip(kind)


def _iter_bad_gzip(kind: Kind) -> Iterator[BadUpload]:
    lines = good_lines(kind, 0)
    whole = gzip.compress(b"".join(lines))
    end = GOOD_LINES + 1
    yield BadUpload("gzip without its end", whole[:-3], [(end, "GZIP_TRUNCATED")])
    yield BadUpload("gzip without a byte of lines", whole[:10], [(1, "GZIP_TRUNCATED")])
    yield BadUpload("gzip of another checksum", whole[:-8] + b"\0\1\2\3" + whole[-4:], [(end, "GZIP_CORRUPT")])
    yield BadUpload("gzip of another length", whole[:-4] + b"\0\0\0\0", [(end, "GZIP_CORRUPT")])
    yield BadUpload("gzip and other bytes", whole + b"".join(lines), [(end, "GZIP_CORRUPT")])
    spoilt = gzip.compress(b"".join([*lines[:3], b"{}\n", *lines[3:], lines[0][:40]]))[:-5]
    yield BadUpload("gzip without its end, and a bad line", spoilt, [(4, "ROW_FORM"), (end + 1, "GZIP_TRUNCATED")])
    repeated = gzip.compress(b"".join([*lines, lines[2]]))[:-1]
    yield BadUpload(
        "gzip without its end, and an id twice", repeated, [(end, _repeated(kind)), (end + 1, "GZIP_TRUNCATED")]
    )


def _repeated(kind: Kind) -> str:
    return f"DUPLICATE_{kind.id_field.upper()}"


def upload_revision(world: World, pack: str, body: bytes) -> str:
    """Create a revision of a pack and put bytes where its upload lands; return the revision's path."""
    found = world.call("POST", f"{pack}/revisions", {"upload": "presigned"})
    prefix = f"projects/{found['project_id']}/label-packs/{found['label_pack_id']}/{found['revision_id']}/"
    world.uploads.overwrite(f"{prefix}upload.ndjson", body, "application/x-ndjson")
    return f"{pack}/revisions/{found['revision_id']}"


def upload_import(world: World, body: bytes) -> str:
    """Create an import and put bytes where its upload lands; return its path."""
    found = world.call("POST", "/api/v1/rollout-imports", {})
    prefix = f"projects/{found['project_id']}/rollout-imports/{found['import_id']}/"
    world.uploads.overwrite(f"{prefix}upload.ndjson", body, "application/octet-stream")
    return f"/api/v1/rollout-imports/{found['import_id']}"


def refused(world: World, path: str) -> Refused:
    """Submit what was uploaded, run its machine to its end, which must be a bad one, and return what there is then."""
    job_id = world.call("POST", f"{path}/submit")["job_id"]
    try:
        world.run_job(job_id)
    except MachineFailed:
        prefix = str(world.job(job_id)[1]["prefix"])
        names = [facts.key.removeprefix(prefix) for page in world.data.iter_facts(prefix) for facts in page]
        return Refused(world.call("GET", path), world.call("GET", f"/api/v1/jobs/{job_id}"), names)
    raise AssertionError("it was taken in")
