"""Which assets a shard's rows want, and how they are looked up with the fewest and cheapest calls."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from io import BytesIO

from msgspec import UNSET, Struct

from packhouse.pipeline.contents import Asset
from packhouse.pipeline.rows import LabelRow, decode_canonical

_LIST_COST = 12.5
"""A listing call costs as much as 12.5 single look-ups (S3 list prices: 0.005 against 0.0004 dollars a thousand)."""

ListFrom = Callable[[str, str], Iterable[dict[str, Asset]]]
FindAll = Callable[[list[str]], Iterable[Asset | None]]


class MissingReason(StrEnum):
    """Why a row has no asset: it names none, there is none of this name, or what is there has no bytes."""

    ASSET_NOT_GIVEN = "ASSET_NOT_GIVEN"
    ASSET_NOT_FOUND = "ASSET_NOT_FOUND"
    ASSET_EMPTY = "ASSET_EMPTY"


class Wanted(Struct, frozen=True):
    """The distinct assets that rows name, sorted, and those whose sizes a labelled row wants and does not state."""

    names: list[str]
    unsized: list[str]


def iter_rows(body: bytes) -> Iterator[tuple[LabelRow, bytes]]:
    """Yield the rows of a shard, each with its canonical line; one line at a time is held beside the body."""
    for line in BytesIO(body):
        bare = line[:-1]
        yield decode_canonical(bare), bare


def wanted_assets(body: bytes) -> Wanted:
    """Return the assets that a shard's rows want."""
    names, unsized = set(), set()
    for row, _ in iter_rows(body):
        if isinstance(row.asset, str):
            names.add(row.asset)
            if row.labels is not None and not (row.width and row.height):
                unsized.add(row.asset)
    return Wanted(sorted(names), sorted(unsized))


def look_up_assets(wanted: list[str], list_from: ListFrom, find_all: FindAll) -> dict[str, Asset]:
    """Return those of the wanted assets that are there, by listing folders where that is cheaper than single look-ups.

    `wanted` is sorted. `list_from(folder, after)` yields pages of up to 1,000 assets of a folder behind a name;
    `find_all(names)` looks up each, `None` for one that is not there. A folder is listed from the first wanted name on
    for as long as the pages cost less than looking up the names that are left.
    """
    found: dict[str, Asset] = {}
    folders: dict[str, list[str]] = {}
    for asset in wanted:
        folders.setdefault(asset.rpartition("/")[0], []).append(asset)
    left = [name for folder, names in folders.items() for name in _look_up_by_listing(folder, names, list_from, found)]
    looked_up = zip(left, find_all(left), strict=True)
    return found | {name: asset for name, asset in looked_up if asset is not None}


def _look_up_by_listing(folder: str, names: list[str], list_from: ListFrom, found: dict[str, Asset]) -> list[str]:
    """List what pays, and return the names that are still not known about."""
    if len(names) <= _LIST_COST:
        return names
    pages_left = int(len(names) / _LIST_COST)
    # The last character before the first wanted name: a listing starts behind its argument.
    for page in list_from(folder, names[0][:-1]):
        told = bisect_right(names, max(page, default=""))
        found.update({name: page[name] for name in names[:told] if name in page})
        names = names[told:]
        pages_left -= 1
        if not names:
            return []
        if pages_left <= 0:
            return names
    return []


def asset_of(row: LabelRow, assets: Mapping[str, Asset]) -> tuple[Asset | None, MissingReason | None]:
    """Return the row's asset among those that were found, or why it has none."""
    if row.asset is UNSET or row.asset is None:
        return None, MissingReason.ASSET_NOT_GIVEN
    asset = assets.get(row.asset)
    if asset is None:
        return None, MissingReason.ASSET_NOT_FOUND
    return (asset, None) if asset.bytes else (None, MissingReason.ASSET_EMPTY)
