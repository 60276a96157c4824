"""`GET …/annotations`: a bare array of up to 10,000 rows, in start order per audio file, the rest behind `Link`."""

from typing import NamedTuple

import pytest

from tests.annotations import MINUTE_MS, ROWS, SETS, TYPES, AudioDataset, segment, without_ids
from tests.containers import succeeded
from tests.registry import Registry, Row, problem


class House(NamedTuple):
    """One set as a draft and as a published copy of it, the rows it has, and its audio files."""

    dataset: AudioDataset
    sets: dict[str, str]
    rows: list[Row]
    audio: list[str]


@pytest.fixture(scope="module")
def house(registry: Registry) -> House:
    """A set of bulks, single annotations, changes and removals, of which many begin at the same moment."""
    dataset = AudioDataset.new(registry.new_project())
    audio = dataset.new_audio_files(3)
    draft = dataset.new_set()
    for bulk in range(3):
        rows = [segment(audio[at % 3], 700 * (at // 4), 59_000, TYPES[bulk]) for at in range(40)]
        dataset.bulk(draft, rows[::-1])
    rows = dataset.rows(draft)
    for row in rows[5:25:4]:
        succeeded(dataset.call("DELETE", SETS, draft, ROWS, row["id"]))
    for row in rows[6:36:4]:
        change = {"start_ms": row["start_ms"] + 3_333, "end_ms": MINUTE_MS}
        succeeded(dataset.call("PATCH", SETS, draft, ROWS, row["id"], json=change))
    for at in range(10):
        dataset.add(draft, segment(audio[at % 3], 700 * at, 59_500, "other", 0.5))
    removed = {row["id"] for row in rows[5:25:4]}
    kept = {row["id"]: row for row in rows if row["id"] not in removed}
    kept |= {row["id"]: row for row in dataset.rows(draft) if row["confidence"] == 0.5}
    for row in rows[6:36:4]:
        kept[row["id"]] = row | {"start_ms": row["start_ms"] + 3_333, "end_ms": MINUTE_MS}
    published = dataset.new_published(copy_from=draft)
    expected = sorted(kept.values(), key=lambda row: (row["audio_file_id"], row["start_ms"], row["id"]))
    assert len(expected) == 3 * 40 - 5 + 10
    return House(dataset, {"draft": draft, "published": published}, expected, audio)


def said(rows: list[Row]) -> list[Row]:
    """Return what rows say, and by which id."""
    return [{**copied, "id": row["id"]} for copied, row in zip(without_ids(rows), rows, strict=True)]


each_status = pytest.mark.parametrize("status", ["draft", "published"])


@each_status
@pytest.mark.parametrize("limit", [1, 7, 125, 124, 10_000, None])
def test_every_row_is_on_one_page_in_start_order_of_its_audio_file(
    house: House, status: str, limit: int | None
) -> None:
    query = {} if limit is None else {"limit": limit}
    pages = list(house.dataset.iter_pages(house.sets[status], **query))
    size = limit or 10_000
    assert [len(page) for page in pages] == [min(size, 125 - size * at) for at in range(-(-125 // size))]
    assert said([row for page in pages for row in page]) == said(house.rows)


@each_status
@pytest.mark.parametrize("limit", [1, 7, 10_000])
def test_the_rows_of_one_audio_file_are_read_alone(house: House, status: str, limit: int) -> None:
    for audio in house.audio:
        found = house.dataset.rows(house.sets[status], limit=limit, audio_file_id=audio)
        assert said(found) == said([row for row in house.rows if row["audio_file_id"] == audio])
    silent = house.dataset.new_audio_file(f"calls/silent-{status}-{limit}.wav")
    assert house.dataset.rows(house.sets[status], audio_file_id=silent) == []


def test_an_answer_of_more_than_10000_rows_goes_on_behind_its_link(house: House) -> None:
    rows = [segment(house.audio[0], at, at + 10) for at in range(10_050)]
    draft = house.dataset.new_set(rows[:50])
    house.dataset.bulk(draft, rows[50:])
    pages = list(house.dataset.iter_pages(draft))
    assert [len(page) for page in pages] == [10_000, 50]
    assert without_ids(pages[0] + pages[1]) == rows


def test_the_link_is_relative_to_the_request(house: House) -> None:
    answer = house.dataset.call("GET", SETS, house.sets["draft"], ROWS, params={"limit": 7})
    assert answer.links["next"]["url"].startswith("?")
    last = house.dataset.call("GET", SETS, house.sets["draft"], ROWS, params={"limit": 125})
    assert "Link" not in last.headers


def test_a_set_that_is_edited_meanwhile_shows_what_stays_once(house: House) -> None:
    dataset, audio = house.dataset, house.audio[0]
    draft = dataset.new_set([segment(audio, 10 * at, 10 * at + 5) for at in range(30)])
    before = dataset.rows(draft)
    seen: list[Row] = []
    for number, page in enumerate(dataset.iter_pages(draft, limit=5)):
        seen += page
        if number < 5:
            succeeded(dataset.call("DELETE", SETS, draft, ROWS, before[5 * number]["id"]))  # is shown already
            dataset.bulk(draft, [segment(audio, 50_000 + number, 50_010 + number, "other")])  # is still to come
    assert [row["id"] for row in seen[:30]] == [row["id"] for row in before]
    assert [row["start_ms"] for row in seen[30:]] == [50_000 + number for number in range(5)]


@pytest.mark.parametrize("limit", ["0", "10001", "-1", "1.5", "x", ""])
def test_a_limit_is_a_number_up_to_10000(house: House, limit: str) -> None:
    answer = house.dataset.call("GET", SETS, house.sets["draft"], ROWS, params={"limit": limit})
    problem(answer, 400, "INVALID_REQUEST")


def test_a_cursor_is_of_one_list_alone(house: House) -> None:
    def cursor(**query: str) -> str:
        answer = house.dataset.call("GET", SETS, house.sets["draft"], ROWS, params={"limit": "1", **query})
        return answer.links["next"]["url"].partition("cursor=")[2]

    whole, alone = cursor(), cursor(audio_file_id=house.audio[0])
    asked = [
        ("published", {"cursor": whole}),
        ("draft", {"cursor": whole, "audio_file_id": house.audio[0]}),
        ("draft", {"cursor": alone}),
        ("draft", {"cursor": alone, "audio_file_id": house.audio[1]}),
        ("draft", {"cursor": "AAAA" + whole[4:]}),
        ("draft", {"cursor": "x"}),
    ]
    for status, query in asked:
        problem(house.dataset.call("GET", SETS, house.sets[status], ROWS, params=query), 400, "INVALID_CURSOR")
    assert len(house.dataset.rows(house.sets["draft"], cursor=whole)) == 124
