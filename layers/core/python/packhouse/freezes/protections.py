"""What is protected in the registry, and what of a version is.

A version is known by its label packs and, where a sample was copied, by the content of its samples.
"""

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from packhouse.aws.dynamo import read_together
from packhouse.aws.objects import Objects
from packhouse.builds.model import LISTED_PACKS, DatasetVersion, IncludedPack, not_indexed
from packhouse.builds.sources import read_snapshot
from packhouse.freezes.model import LISTED, EqualSamples, Overlap, Sources
from packhouse.freezes.store import FreezeStore
from packhouse.pipeline.equality import read_hashes, rows_with, shared_hashes
from packhouse.pipeline.index import decode_block, decode_summary

_Made = TypeVar("_Made", bound=Sources)


class _Pack(msgspec.Struct):
    label_pack_id: str


class _Packs(msgspec.Struct):
    """What is read of a snapshot: ten times quicker than all of it."""

    included: list[_Pack]


_packs = msgspec.json.Decoder(_Packs)


@dataclass(frozen=True)
class Protections:
    """The frozen versions of the registry; a warm function keeps their list for as long as the epoch stands."""

    store: FreezeStore
    data: Objects
    _kept: dict[int, list[Sources]] = field(default_factory=lambda: {0: []})

    def list_frozen(self, epoch: int) -> list[Sources]:
        """Return the frozen versions, as they are as long as the registry's epoch is the one that was just read.

        One query a megabyte where the epoch is new, no call where it is not, or where nothing was ever frozen.
        """
        if epoch not in self._kept:
            frozen = list(self.store.iter_frozen())
            self._kept.clear()
            self._kept[epoch] = frozen
        return self._kept[epoch]

    def read_frozen(self) -> list[Sources]:
        """Return the frozen versions; one read, and one query a megabyte where they have changed."""
        key = self.store.freezes_key()
        return self.list_frozen(self.store.epoch_in(read_together([key]), key))

    def included(self, version: DatasetVersion) -> tuple[IncludedPack, ...]:
        """Return all packs of a version; one read of S3 where they are more than its item names."""
        if version.included_count <= LISTED_PACKS:
            return version.included
        return read_snapshot(self.data, version.snapshot_key).included

    def overlaps(self, included: Iterable[IncludedPack], others: Sequence[Sources]) -> list[Overlap]:
        """Return the versions among the others that share label packs with these, with the packs, in order.

        One read of S3 for each that has sources of the same projects and more packs than its item names.
        """
        packs = {pack.label_pack_id for pack in included}
        projects = {pack.project_id for pack in included}
        near = [other for other in others if projects & set(other.project_ids)]
        found = []
        for other, theirs in self._iter_packs(near):
            if shared := packs & theirs:
                overlap = Overlap(
                    dataset_version_id=other.dataset_version_id,
                    workspace=other.workspace,
                    shared=tuple(sorted(shared)),
                )
                found.append(overlap)
        return found

    def demand_contents(self, version: DatasetVersion) -> None:
        """Require that the samples of a version can be compared with others'; one look at S3."""
        if self.data.find_facts(_contents_key(version)) is None:
            raise not_indexed(version)

    def equal_samples(self, version: DatasetVersion, frozen: Sequence[Sources]) -> list[EqualSamples]:
        """Return the frozen versions that have samples of this one by content, with the first of these samples.

        One read of S3 for the version and for each frozen one; where there are such samples, up to two more for each
        shard.
        """
        self.demand_contents(version)
        own = read_hashes(self.data.read(_contents_key(version))) if frozen else array("Q")
        theirs = (self.data.stream(_contents_key(each)) for each in frozen)
        shared = {number: hashes for number, blocks in enumerate(theirs) if (hashes := shared_hashes(own, blocks))}
        names = self._names(version, shared) if shared else {}
        return [
            EqualSamples(
                dataset_version_id=frozen[number].dataset_version_id,
                workspace=frozen[number].workspace,
                sample_ids=tuple(names[number]),
            )
            for number in shared
        ]

    def _names(self, version: DatasetVersion, wanted: Mapping[int, set[int]]) -> dict[int, list[str]]:
        """Return, for each set of hashes, the first `LISTED` samples of a version that have some of them."""
        names: dict[int, list[str]] = {number: [] for number in wanted}
        every = set().union(*wanted.values())
        prefix = f"{version.prefix}index/"
        summary = decode_summary(self.data.read(f"{prefix}summary.json"))
        hashes = self.data.iter_read(f"{prefix}{shard.name}.hashes" for shard in summary.shards)
        for shard, body in zip(summary.shards, hashes, strict=True):
            rows = list(rows_with(body, every))
            lines = self.data.read(f"{prefix}{shard.name}.ndjson").splitlines() if rows else []
            for row, has in rows:
                for number, hashes_wanted in wanted.items():
                    if has & hashes_wanted and len(names[number]) < LISTED:
                        block = decode_block(lines[row // summary.block_rows])
                        names[number].append(block.sample_ids[row % summary.block_rows])
            if all(len(found) == LISTED for found in names.values()):
                break
        return names

    def _iter_packs(self, versions: Sequence[_Made]) -> Iterator[tuple[_Made, set[str]]]:
        """Yield the versions, each with the ids of its label packs."""
        snapshots = self.data.iter_read(each.snapshot_key for each in versions if each.label_pack_ids is None)
        for each in versions:
            if each.label_pack_ids is None:
                yield each, {pack.label_pack_id for pack in _packs.decode(next(snapshots)).included}
            else:
                yield each, set(each.label_pack_ids)


def _contents_key(version: DatasetVersion | Sources) -> str:
    return f"{version.prefix}index/contents"


def sources_of(version: DatasetVersion, included: Sequence[IncludedPack]) -> Sources:
    """Return a version by its packs, which `included` are all of."""
    listed = tuple(pack.label_pack_id for pack in included) if len(included) <= LISTED_PACKS else None
    return Sources(
        dataset_version_id=version.dataset_version_id,
        workspace=version.workspace,
        prefix=version.prefix,
        snapshot_key=version.snapshot_key,
        project_ids=tuple(sorted({pack.project_id for pack in included})),
        label_pack_ids=listed,
    )
