"""A version's manifest made again from the bytes of its files: what was downloaded is what was sealed, or it is told.

Derived anew: shards (the rows file of a split, cut where they end), Merkle root, counts per split, the quality verdict,
and the files in formats of pictures, which follow from the rows record for record (`redrawn`). What no file tells is
taken as the manifest states it: sources, what was excluded or left out of them, which assets were found, the sizes of
pictures that no row states, and what an indicator says beyond its value.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from msgspec import Struct

from packhouse.pipeline.capabilities import CAPABILITIES
from packhouse.pipeline.files import CARD, Content, file_names
from packhouse.pipeline.fingerprints import PREFIX, canonical, merkle_root
from packhouse.pipeline.quality import AssetCounts, Measured, evaluate_quality
from packhouse.pipeline.redrawn import CocoFile, Redrawn, read_coco
from packhouse.pipeline.rows import LabelRow, RowError, encode_row, parse_row
from packhouse.pipeline.seal import content_facts, decimal, sealed
from packhouse.pipeline.statistics import Statistics, builtins
from packhouse.pipeline.unpacking import iter_unpacked

Document = dict[str, Any]
Read = Callable[[str], Iterable[bytes] | None]
"""Returns the blocks of a file by its name; `None` where there is no such file."""

TOLD = 100
LONGEST_LINE = 16 * 1024 * 1024
"""No file of ours has a longer one: a row of a million bytes grows where it is written canonically, but not so far."""


class Finding(Struct, frozen=True):
    """Something that is not as it was sealed: the file and line, or the place in the manifest, and what is wrong."""

    where: str
    detail: str


class Verified(Struct, frozen=True):
    """What came of it: the hash of the manifest that was made again, and what is not as it was sealed, 100 at most."""

    manifest_hash: str
    findings: list[Finding]


class _Findings(list[Finding]):
    def find(self, where: str, detail: str) -> None:
        if len(self) < TOLD:
            self.append(Finding(where, detail))


def verify_version(manifest: Document, read: Read) -> Verified:
    """Make a version's manifest again; `manifest` is the one that came with the files, `read` tells their bytes."""
    return _Verification(manifest, read).verified()


def verify_files(manifest: Document, read: Read) -> Verified:
    """Make a manifest again of its files' hashes alone, as a training dataset's, whose units no file shows."""
    findings = _Findings()
    exports = [_read_export(export, read, findings) for export in manifest["exports"]]
    document = manifest | {"exports": exports, "card": PREFIX + _read(CARD, hashed, read, findings).sha256}
    _compare("", manifest, document, findings)
    return Verified(sealed(document).manifest_hash, findings)


class _Verification:
    def __init__(self, manifest: Document, read: Read) -> None:
        self._stated, self._read = manifest, read
        self._capability = CAPABILITIES[manifest["capability"]]
        self._findings = _Findings()
        self._statistics = Statistics()
        self._seen = set[bytes]()
        self._groups: dict[str, set[str]] = {name: set() for name in manifest["split"]["counts"]}
        self._samples = dict.fromkeys(self._groups, 0)
        self._redrawn: dict[str, Redrawn] = {}

    def verified(self) -> Verified:
        exported = {export["path"] for export in self._stated["exports"]}
        pictured = [split for split in self._groups if f"exports/{file_names('coco', split)[0]}" in exported]
        by_path = {shard["path"]: shard for split in self._groups for shard in self._derive_shards(split, pictured)}
        shards = [by_path[shard["path"]] for shard in self._stated["shards"] if shard["path"] in by_path]
        exports = [self._derive_export(export) for export in self._stated["exports"]]
        self._find_torn_groups()
        counts = {
            split: {"samples": self._samples[split], "groups": len(groups)} for split, groups in self._groups.items()
        }
        document = self._stated | {
            "shards": shards,
            "merkle_root": merkle_root([shard["sha256"] for shard in shards]),
            "split": self._stated["split"] | {"counts": counts},
            "quality": self._derive_quality(counts),
            "exports": exports,
        }
        _compare("", self._stated, document, self._findings)
        return Verified(sealed(document).manifest_hash, self._findings)

    def _derive_shards(self, split: str, pictured: list[str]) -> Iterator[Document]:
        """Yield the shards of a split as its rows file has them, cut where the manifest says that they end."""
        stated = [shard for shard in self._stated["shards"] if shard["path"].startswith(f"shards/{split}/")]
        name = file_names("ndjson", split)[0]
        blocks = self._read(name) if stated else None
        if blocks is None:
            return
        if split in pictured and (coco := self._read_coco(split, sum(shard["rows"] for shard in stated))):
            self._redrawn[split] = Redrawn(self._capability, coco, split, pictured)
        lines = iter_lines(blocks)
        try:
            for shard in stated:
                yield self._derive_shard(split, shard, name, lines)
            for line in lines:
                self._samples[split] += 1
                self._findings.find(f"{name}:{self._samples[split]}", f"{len(line)} bytes of no shard")
        except ValueError as error:
            self._findings.find(name, str(error))

    def _derive_shard(self, split: str, stated: Document, name: str, lines: Iterator[bytes]) -> Document:
        redrawn = self._redrawn.get(split)
        if redrawn is not None:
            redrawn.begin_shard(int(stated["path"][-12:-7]), stated.get("project_id"))
        seen, rows, size, before = hashlib.sha256(), 0, 0, ""
        while size < stated["bytes"] and (line := next(lines, None)) is not None:
            rows += 1
            size += len(line)
            seen.update(line)
            where = f"{name}:{self._samples[split] + rows}"
            if (row := self._row(line, where)) is None:
                continue
            self._add(row, split, where)
            if row.sample_id <= before:
                self._findings.find(where, "the rows of a shard are in the order of their ids")
            before = row.sample_id
            if redrawn is not None and (wrong := redrawn.add(row)) is not None:
                self._findings.find(where, wrong)
        if redrawn is not None:
            redrawn.end_shard()
        self._samples[split] += rows
        return stated | {"rows": rows, "bytes": size, "sha256": seen.hexdigest()}

    def _row(self, line: bytes, where: str) -> LabelRow | None:
        try:
            row = parse_row(line.removesuffix(b"\n"))
        except RowError as error:
            self._findings.find(where, f"{error.rule}{error.pointer and ' at '}{error.pointer}: {error.detail}")
            return None
        if encode_row(row) + b"\n" != line:
            self._findings.find(where, "the row is not in its canonical form")
        return row

    def _add(self, row: LabelRow, split: str, where: str) -> None:
        self._statistics.add(row, self._capability)
        self._groups[split].add(row.group_name)
        known = hashlib.sha256(row.sample_id.encode()).digest()[:16]
        if known in self._seen:
            self._findings.find(where, f"the sample {row.sample_id} is there twice")
        self._seen.add(known)

    def _find_torn_groups(self) -> None:
        for split, groups in self._groups.items():
            for other, others in self._groups.items():
                if split < other and (torn := groups & others):
                    detail = f"{len(torn)} groups are in {split} and in {other}, {min(torn)!r} among them"
                    self._findings.find("split", detail)

    def _read_coco(self, split: str, rows: int) -> CocoFile | None:
        name = file_names("coco", split)[0]
        blocks = self._read(name)
        try:
            return None if blocks is None else read_coco(iter_lines(blocks), rows, self._capability)
        except ValueError as error:
            self._findings.find(name, str(error))
            return None

    def _derive_export(self, stated: Document) -> Document:
        derived = _read_export(stated, self._read, self._findings)
        for split, redrawn in self._redrawn.items():
            if derived["path"] == f"exports/{file_names('coco', split)[0]}":
                derived["rows"] = redrawn.pictures
                self._check_left_out(stated, redrawn)
                if not redrawn.is_coco():
                    self._findings.find(stated["path"], "the file is not what the rows make")
            elif derived["path"] == f"exports/{file_names('yolo', split)[0]}":
                derived["rows"] = redrawn.pictures
                content = content_facts(redrawn.archive(), packed=True)
                if content["content_sha256"] != derived.get("content_sha256"):
                    self._findings.find(stated["path"], "the archive is not what the rows make")
            elif derived["path"] in {f"exports/{name}" for name in file_names("ndjson", split)}:
                derived["rows"] = self._samples[split]
        return derived

    def _check_left_out(self, stated: Document, redrawn: Redrawn) -> None:
        told = sum(stated.get("left_out", {}).values())
        if told != redrawn.left_out:
            self._findings.find(stated["path"], f"{redrawn.left_out} rows are no pictures, {told} are told")

    def _derive_quality(self, counts: Document) -> Document:
        stated = self._stated["quality"]
        told = {indicator["code"]: indicator for indicator in stated["indicators"]}
        incomplete = int(told.get("MISSING_REQUIRED_STATS", {"value": 0})["value"])
        found = self._stated["materialization"]
        measured = Measured(
            self._capability,
            self._statistics,
            {split: counted["groups"] for split, counted in counts.items()},
            [""] * incomplete,
            AssetCounts(found["wanted"], found["wanted"] - found["found"], found["missing"]),
        )
        quality: Document = decimal(builtins(evaluate_quality(measured, stated.get("policy_version"))))
        for indicator in quality["indicators"]:
            indicator["detail"] = told.get(indicator["code"], {}).get("detail")
        return quality


def _read_export(stated: Document, read: Read, findings: _Findings) -> Document:
    """Return what a manifest holds of a file, from its bytes."""
    packed = "content_sha256" in stated
    content = _read(stated["path"].removeprefix("exports/"), unpacked if packed else hashed, read, findings)
    return stated | content_facts(content, packed=packed)


def _read(name: str, content_of: Callable[[Iterable[bytes]], Content], read: Read, findings: _Findings) -> Content:
    """Return a file's content; no bytes of a file that cannot be read."""
    try:
        if (blocks := read(name)) is not None:
            return content_of(blocks)
        findings.find(name, "the file is not there")
    except ValueError as error:
        findings.find(name, str(error))
    return Content(0, "")


def unpacked(blocks: Iterable[bytes]) -> Content:
    """Return the content of a gzip file that is read in blocks; `ValueError` when it is none, or broken."""
    return hashed(iter_unpacked(blocks))


def hashed(blocks: Iterable[bytes]) -> Content:
    """Return the length and the hash of what is read in blocks."""
    seen, size = hashlib.sha256(), 0
    for block in blocks:
        seen.update(block)
        size += len(block)
    return Content(size, seen.hexdigest())


def iter_lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    r"""Yield lines with their ends.

    >>> list(iter_lines([b"a\nb", b"c\n", b"d"]))
    [b'a\n', b'bc\n', b'd']
    """
    rest = b""
    for block in blocks:
        *lines, rest = (rest + block).split(b"\n")
        yield from (line + b"\n" for line in lines)
        if len(rest) > LONGEST_LINE:
            raise ValueError(f"a line of more than {LONGEST_LINE} bytes")
    if rest:
        yield rest


def _compare(where: str, stated: Any, derived: Any, findings: _Findings) -> None:
    """Tell where the manifest that was made again is another one than the one that came with the files."""
    if isinstance(stated, dict) and isinstance(derived, dict):
        for key in sorted(stated.keys() | derived.keys()):
            _compare(f"{where}.{key}" if where else key, stated.get(key), derived.get(key), findings)
    elif isinstance(stated, list) and isinstance(derived, list) and len(stated) == len(derived):
        for number, (item, found) in enumerate(zip(stated, derived, strict=True)):
            named = item.get("path") if isinstance(item, dict) else None
            _compare(named or f"{where}[{number}]", item, found, findings)
    elif canonical({"of": stated}) != canonical({"of": derived}):
        findings.find(where, f"{_told(stated)} was sealed, {_told(derived)} was found")


def _told(value: Any) -> str:
    text = canonical({"of": value}).decode()[6:-1] if value is not None else "nothing"
    return text if len(text) <= TOLD else f"{text[:TOLD]}…"
