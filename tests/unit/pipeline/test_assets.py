"""Assets are looked up the cheap way, and a row says why it has none."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packhouse.pipeline.assets import MissingReason, asset_of, look_up_assets, wanted_assets
from packhouse.pipeline.contents import Asset
from packhouse.pipeline.rows import encode_row, parse_row
from tests.unit.pipeline.labels import ndjson, row

NAMES = st.sets(st.text("abc/é", min_size=1, max_size=5).filter(lambda name: not name.endswith("/")))


class Bucket:
    """Assets by name, in pages of up to `page`, which a bucket need not fill; counts the calls."""

    def __init__(self, names: list[str], page: int = 1000) -> None:
        self.assets = {name: Asset(len(name), "etag") for name in sorted(names)}
        self.page = page
        self.pages = self.looked_up = 0
        self.short = False

    def list_from(self, folder: str, after: str) -> Iterator[dict[str, Asset]]:
        names = [name for name in self.assets if name > after and name.startswith(f"{folder}/" if folder else "")]
        for at in range(0, max(len(names), 1), self.page):
            self.pages += 1
            yield {name: self.assets[name] for name in names[at : at + self.page]}
            if self.short:
                yield {}

    def find_all(self, names: list[str]) -> list[Asset | None]:
        self.looked_up += len(names)
        return [self.assets.get(name) for name in names]


@given(NAMES, NAMES, st.integers(1, 4))
def test_exactly_the_assets_that_are_there_are_found(there: set[str], wanted: set[str], page: int) -> None:
    bucket = Bucket(list(there), page)
    bucket.short = True
    found = look_up_assets(sorted(wanted), bucket.list_from, bucket.find_all)
    assert set(found) == there & wanted


def test_a_dense_folder_is_listed_not_looked_up_one_by_one() -> None:
    names = [f"frames/{number:06d}.png" for number in range(3000)]
    bucket = Bucket(names)
    assert len(look_up_assets(names[500:2500], bucket.list_from, bucket.find_all)) == 2000
    assert (bucket.pages, bucket.looked_up) == (2, 0)


def test_a_sparse_pick_of_a_huge_folder_stops_listing_when_it_costs_more() -> None:
    names = [f"frames/{number:06d}.png" for number in range(90_000)]
    bucket = Bucket(names)
    assert len(look_up_assets(names[::1500], bucket.list_from, bucket.find_all)) == 60
    assert bucket.pages <= 4
    assert bucket.looked_up < 60


def test_what_is_left_of_all_folders_is_looked_up_at_once() -> None:
    bucket = Bucket([f"{folder}/{number}.png" for folder in range(40) for number in range(3)])
    asked: list[list[str]] = []

    def find_all(names: list[str]) -> list[Asset | None]:
        asked.append(names)
        return bucket.find_all(names)

    assert len(look_up_assets(sorted(bucket.assets), bucket.list_from, find_all)) == 120
    assert [len(names) for names in asked] == [120]


def test_sizes_are_wanted_of_the_pictures_that_no_row_sizes() -> None:
    rows = [
        row("a", asset="1.png", width=640, height=480),
        row("b", asset="2.png", width=640),
        row("c", asset="3.png"),
        row("d", asset="3.png", width=9, height=9),
        row("e"),
        row("f", asset="4.png") | {"labels": None},
    ]
    lines = [encode_row(parse_row(line)) + b"\n" for line in ndjson(rows).splitlines()]
    wanted = wanted_assets(b"".join(lines))
    assert (wanted.names, wanted.unsized) == (["1.png", "2.png", "3.png", "4.png"], ["2.png", "3.png"])


@pytest.mark.parametrize(
    ("asset", "reason"),
    [
        (None, MissingReason.ASSET_NOT_GIVEN),
        ("lost.png", MissingReason.ASSET_NOT_FOUND),
        ("empty.png", MissingReason.ASSET_EMPTY),
        ("there.png", None),
    ],
)
def test_a_row_says_why_it_has_no_asset(asset: str | None, reason: MissingReason | None) -> None:
    known = {"there.png": Asset(7, "x"), "empty.png": Asset(0, "y")}
    found = asset_of(parse_row(ndjson([row("a", asset=asset)]).strip()), known)
    assert found == (known["there.png"] if reason is None else None, reason)
