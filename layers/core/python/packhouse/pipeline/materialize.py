"""A shard's assets looked up, and the viewer's index written beside it."""

from collections.abc import Callable, Iterable, Mapping

from msgspec import UNSET, Struct

from packhouse.pipeline.build import Shard
from packhouse.pipeline.contents import Asset
from packhouse.pipeline.indexing import IndexedShard, ShardIndexer
from packhouse.pipeline.rows import LabelRow, decode_canonical

LISTED_PER_CALL = 1_000
_LIST_COST = 12.5
"""A listing call costs as much as 12.5 single look-ups (S3 list prices: 0.005 against 0.0004 dollars a thousand)."""


class MaterializedShard(Struct, frozen=True):
    """A shard's materialisation: rows with an asset, those whose asset is not there by reason, and its index."""

    name: str
    rows: int
    wanted: int
    found: int
    missing: dict[str, int]
    bytes: int
    index: IndexedShard


ASSET_NOT_FOUND = "ASSET_NOT_FOUND"
ASSET_NOT_GIVEN = "ASSET_NOT_GIVEN"


def wanted_assets(body: bytes) -> list[str]:
    """Return the distinct assets that a shard's rows name, sorted."""
    rows = (decode_canonical(line) for line in body.splitlines())
    return sorted({row.asset for row in rows if isinstance(row.asset, str)})


def look_up_assets(
    wanted: list[str], list_from: Callable[[str, str], Iterable[dict[str, Asset]]], find: Callable[[str], Asset | None]
) -> dict[str, Asset]:
    """Return those of the wanted assets that are there, by listing folders where that is cheaper than single look-ups.

    `wanted` is sorted. `list_from(folder, after)` yields pages of up to 1,000 assets of a folder behind a name;
    `find` looks one up. A folder is listed from the first wanted name on for as long as the pages cost less than
    looking up the names that are left.
    """
    found: dict[str, Asset] = {}
    folders: dict[str, list[str]] = {}
    for asset in wanted:
        folders.setdefault(asset.rpartition("/")[0], []).append(asset)
    for folder, names in folders.items():
        left = _look_up_by_listing(folder, names, list_from, found)
        for name in left:
            if (looked_up := find(name)) is not None:
                found[name] = looked_up
    return found


def _look_up_by_listing(
    folder: str,
    names: list[str],
    list_from: Callable[[str, str], Iterable[dict[str, Asset]]],
    found: dict[str, Asset],
) -> list[str]:
    """List what pays, and return the names that are still not known about."""
    if len(names) <= _LIST_COST:
        return names
    pages_left = int(len(names) / _LIST_COST)
    # The last character before the first wanted name: a listing starts behind its argument.
    for page in list_from(folder, names[0][:-1]):
        found.update({name: page[name] for name in names if name in page})
        last = max(page, default="")
        names = [name for name in names if name > last]
        pages_left -= 1
        if not names or len(page) < LISTED_PER_CALL:
            return []
        if pages_left <= 0:
            return names
    return []


def materialize_shard(
    shard: Shard, project_id: str, body: bytes, assets: Mapping[str, Asset]
) -> tuple[MaterializedShard, dict[str, bytes]]:
    """Return the shard's materialisation and its index: the objects by the ends of their names.

    `assets` are those that were found, by path, in the project of this id.
    """
    indexer = ShardIndexer(shard.name, project_id)
    missing: dict[str, int] = {}
    size = found = wanted = 0
    for line in body.splitlines():
        row = decode_canonical(line)
        asset, reason = _asset_of(row, assets)
        wanted += 1
        if reason is None and asset is not None:
            found += 1
            size += asset.bytes
        elif reason is not None:
            missing[reason] = missing.get(reason, 0) + 1
        indexer.add(row, line, asset, reason)
    index = indexer.finish()
    return MaterializedShard(shard.name, shard.rows, wanted, found, missing, size, index.facts), index.objects


def _asset_of(row: LabelRow, assets: Mapping[str, Asset]) -> tuple[Asset | None, str | None]:
    if row.asset is UNSET or row.asset is None:
        return None, ASSET_NOT_GIVEN
    asset = assets.get(row.asset)
    return asset, None if asset else ASSET_NOT_FOUND


class Materialization(Struct, frozen=True):
    """The whole version's materialisation: `complete`, `partial`, or `failed` when nothing was found."""

    status: str
    wanted: int
    found: int
    missing: dict[str, int]
    bytes: int


def settle_materialization(shards: Iterable[MaterializedShard]) -> Materialization:
    """Return the sum over all shards."""
    wanted = found = size = 0
    missing: dict[str, int] = {}
    for shard in shards:
        wanted += shard.wanted
        found += shard.found
        size += shard.bytes
        for reason, count in shard.missing.items():
            missing[reason] = missing.get(reason, 0) + count
    status = "complete" if found == wanted else "partial" if found else "failed"
    return Materialization(status, wanted, found, dict(sorted(missing.items())), size)
