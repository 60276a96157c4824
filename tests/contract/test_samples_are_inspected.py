"""Sentences of contract A, from "Inspect dataset samples" to "Viewer caching", one test each, over HTTP.

Overlays and fallback states are a file beside. Above each group stands the heading that it quotes from. Left out,
as it is the console's alone: the button View samples of the detail page, the two areas, what is shown in place of a
picture that did not load, and the prefetching of pages and refreshing of URLs themselves (what they take of the API is
here).
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.contract.sampled import PICTURE, SPECIAL, House, new_house, special_id
from tests.registry import VERSIONS, Json, Registry, Row, fetched, problem

ROW = {"sample_id", "split", "group", "camera_type", "classes", "asset", "reason_code"}


@pytest.fixture(scope="module")
def house(registry: Registry) -> House:
    return new_house(registry)


# Inspect dataset samples: "the read-only sample viewer"


def test_the_viewer_is_read_only(house: House) -> None:
    before = house.project.version(house.versions["balls"])
    for path in (house.path(), house.path(sample_id=special_id("bare")), house.path().replace("samples", "facets")):
        assert house.project.call("GET", path, "viewer").status_code == 200
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            assert house.project.call(method, path, "owner").status_code in {403, 404, 405}
    assert house.project.version(house.versions["balls"]) == before


# Sample viewer, left rail: "filters for split, class, camera type, and group"


def has(name: str, value: str) -> Callable[[Row], bool]:
    return lambda row: (row.get(name) or "") == value


def has_class(value: str) -> Callable[[Row], bool]:
    def passes(row: Row) -> bool:
        classes = {label["class"] for label in row["labels"] or ()}
        return value in classes if value else not classes

    return passes


FILTERS: list[tuple[Json, list[Callable[[Row], bool]]]] = [
    ({"class": "ball"}, [has_class("ball")]),
    ({"class": "player"}, [has_class("player")]),
    ({"class": ""}, [has_class("")]),
    ({"class": "goalkeeper"}, [has_class("goalkeeper")]),
    ({"camera_type": "tactical"}, [has("camera_type", "tactical")]),
    ({"camera_type": ""}, [has("camera_type", "")]),
    ({"camera_type": "Tactical"}, [has("camera_type", "Tactical")]),
    ({"group": "m-minute-3"}, [has("group", "m-minute-3")]),
    ({"group": ""}, [has("group", "")]),
    ({"group": "m-minute"}, [has("group", "m-minute")]),
    ({"class": "ball", "camera_type": "broadcast"}, [has_class("ball"), has("camera_type", "broadcast")]),
    ({"camera_type": "", "group": "m-minute-2"}, [has("camera_type", ""), has("group", "m-minute-2")]),
    ({"class": "", "group": "special-1"}, [has_class(""), has("group", "special-1")]),
    ({"class": "", "group": "m-minute-1"}, [has_class(""), has("group", "m-minute-1")]),
]


@pytest.mark.parametrize(("asked", "passes"), FILTERS, ids=lambda given: str(given) if isinstance(given, dict) else "")
def test_filters_for_class_camera_type_and_group(
    house: House, asked: Json, passes: list[Callable[[Row], bool]]
) -> None:
    """An empty value asks for samples without a class, a camera type, a group."""
    expected = {row["sample_id"] for row in house.rows if all(one(row) for one in passes)}
    found = house.ids(**asked)
    assert (set(found), len(found)) == (expected, len(expected))
    for limit in (1, 7):
        pages = house.project.iter_pages(house.path(), limit, **asked)
        assert [row["sample_id"] for page in pages for row in page] == found


def test_filters_for_split(house: House) -> None:
    counts = house.project.version(house.versions["balls"])["split"]["counts"]
    by_split = {split: house.listed(split=split) for split in ("train", "val", "test")}
    assert {split: len(rows) for split, rows in by_split.items()} == {
        split: count["samples"] for split, count in counts.items()
    }
    for split, rows in by_split.items():
        assert {row["split"] for row in rows} == {split}
        wanted = [row for row in rows if row["camera_type"] == "tactical"]
        assert house.listed(split=split, camera_type="tactical") == wanted
    assert [row for rows in by_split.values() for row in rows] == house.listed()


@pytest.mark.parametrize("wrong", [{"split": "all"}, {"split": ""}, {"class_": "ball"}, {"colour": "red"}])
def test_a_filter_that_is_none_is_refused(house: House, wrong: Json) -> None:
    (name,) = wrong
    for path in (house.path(), house.path(sample_id=special_id("bare"))):
        refused = problem(house.project.call("GET", path, params=wrong), 400, "INVALID_REQUEST")
        assert [fault["loc"] for fault in refused["errors"]] == [f"query {name}"]


def test_what_there_is_to_filter_by_is_told_with_counts(house: House) -> None:
    facets = house.facets()
    assert facets.keys() == {"splits", "classes", "camera_types", "groups", "group_count"}
    names = {"splits": "split", "classes": "class", "camera_types": "camera_type", "groups": "group"}
    for facet, name in names.items():
        assert facets[facet]["complete"] is True
        values = facets[facet]["values"]
        assert [value["value"] for value in values if value["samples"] == 0] == []
        for value in values:
            found = house.listed(**{name: value["value"]})
            by_split = {split: sum(row["split"] == split for row in found) for split in ("train", "val", "test")}
            assert value["samples"] == len(found)
            assert value["splits"] == {split: count for split, count in by_split.items() if count}
    assert {value["value"] for value in facets["groups"]["values"]} == {row["group"] or "" for row in house.rows}
    assert facets["group_count"] == len(facets["groups"]["values"])


def test_groups_are_told_by_how_they_begin(house: House) -> None:
    told = house.facets(group_prefix="special-")
    assert {value["value"] for value in told["groups"]["values"]} == {f"special-{n}" for n in range(len(SPECIAL))}
    assert (told["group_count"], told["classes"]) == (house.facets()["group_count"], house.facets()["classes"])
    assert house.facets(group_prefix="none")["groups"] == {"values": [], "complete": True}


# Sample viewer, left rail: "sample list for the current filter set"


def test_the_list_shows_what_a_rail_needs(house: House) -> None:
    given = {row["sample_id"]: row for row in house.rows}
    listed = house.listed()
    assert sorted(row["sample_id"] for row in listed) == sorted(given)
    for row in listed:
        wanted = given[row["sample_id"]]
        assert row.keys() == ROW
        assert (row["group"], row["camera_type"]) == (wanted["group"], wanted.get("camera_type"))
        labels = wanted["labels"]
        assert row["classes"] == (None if labels is None else sorted({label["class"] for label in labels}))


@pytest.mark.parametrize("limit", [1, 3, 50, 200])
def test_the_list_is_cursor_paginated(house: House, limit: int) -> None:
    """A page reads a bounded part of the version, and may be short where it comes upon the end of a split."""
    order = [row["sample_id"] for split in ("train", "val", "test") for row in house.listed(split=split)]
    pages = list(house.project.iter_pages(house.path(), limit))
    assert [row["sample_id"] for page in pages for row in page] == order
    assert all(pages)
    assert sum(len(page) < limit for page in pages) <= 3


def test_a_cursor_is_of_one_version_with_its_filters(house: House) -> None:
    cursor = house.project.editor.get(house.path(), limit="1", **{"class": "ball"})["next_cursor"]
    asked: list[tuple[str, Json]] = [
        ("balls", {}),
        ("balls", {"class": ""}),
        ("balls", {"class": "ball", "split": "train"}),
        ("balls", {"group": "ball"}),
        ("cross", {"class": "ball"}),
    ]
    for version, filters in asked:
        refused = house.project.call("GET", house.path(version), params={"cursor": cursor, **filters})
        problem(refused, 400, "INVALID_CURSOR")
    assert house.project.call("GET", house.path(), params={"cursor": cursor, "class": "ball"}).status_code == 200


# Sample viewer, left rail: "Previous/Next navigation within the current result set"


@pytest.mark.parametrize("filters", [{}, {"split": "val"}, {"class": ""}, {"group": "m-minute-3"}, {"camera_type": ""}])
def test_previous_and_next_go_through_the_result_set(house: House, filters: Json) -> None:
    expected = house.ids(**filters)
    found: list[str] = []
    following: str | None = expected[0]
    while following is not None:
        sample = house.sample(following, **filters)
        assert sample["neighbours_complete"] is True
        assert sample["previous"] == (found[-1] if found else None)
        found.append(following)
        following = sample["next"]
    assert found == expected


def test_a_sample_outside_the_result_set_is_shown_with_those_around_its_place(house: House) -> None:
    order, wanted = house.ids(), set(house.ids(camera_type="tactical"))
    for place in (0, 17, len(order) - 1):
        sample = house.sample(order[place], camera_type="tactical")
        before = [None, *(each for each in order[:place] if each in wanted)]
        behind = [*(each for each in order[place + 1 :] if each in wanted), None]
        assert sample["sample_id"] == order[place]
        assert (sample["previous"], sample["next"]) == (before[-1], behind[0])
    nobody = house.sample(order[3], group="nobody")
    assert (nobody["previous"], nobody["next"]) == (None, None)


def test_a_sample_that_is_not_there_is_not_found(house: House) -> None:
    for sample_id in ("nothing", "M-00-000", "m-00-00", "m-00-0000", "%25", "%C3%A9", "their-01-000"):
        problem(house.project.call("GET", house.path(sample_id=sample_id)), 404, "SAMPLE_NOT_FOUND")


# Sample viewer, right side: "selected sample metadata", "preview image", "overlay state and fallback reason codes"


def test_the_selected_sample_is_shown_with_its_metadata(house: House) -> None:
    listed = {row["sample_id"]: row for row in house.listed()}
    for row in house.rows:
        sample = house.sample(row["sample_id"])
        assert sample.keys() == (ROW - {"reason_code"}) | {
            "dataset_version_id",
            "capability",
            "width",
            "height",
            "labels",
            "overlay",
            "previous",
            "next",
            "neighbours_complete",
        }
        assert (sample["dataset_version_id"], sample["capability"]) == (house.versions["balls"], "ball_detection")
        assert (sample["width"], sample["height"]) == (row.get("width"), row.get("height"))
        assert sample["labels"] == row["labels"]
        shown = listed[row["sample_id"]]
        assert {name: sample[name] for name in ROW - {"asset", "reason_code"}} == {
            name: shown[name] for name in ROW - {"asset", "reason_code"}
        }
        assert (sample["asset"]["state"], sample["asset"]["reason_code"]) == (shown["asset"], shown["reason_code"])


@pytest.mark.parametrize("sample_id", ["m-00-000", special_id("odd name")])
def test_the_preview_image_is_fetched_from_its_url(house: House, sample_id: str) -> None:
    asset = house.sample(sample_id)["asset"]
    assert asset.keys() == {"state", "url", "expires_at", "bytes", "content_type", "reason_code"}
    assert (asset["state"], asset["reason_code"]) == ("available", None)
    assert (asset["bytes"], asset["content_type"]) == (len(PICTURE), "image/jpeg")
    answer = httpx.get(asset["url"])
    assert (answer.status_code, answer.content) == (200, PICTURE)
    assert (answer.headers["content-type"], answer.headers["content-disposition"]) == ("image/jpeg", "inline")


def test_a_picture_of_another_projects_label_pack_is_that_projects(house: House) -> None:
    asset = house.sample("their-01-000", "cross")["asset"]
    assert (asset["state"], asset["content_type"]) == ("available", "image/png")
    assert house.project.project_id not in urlsplit(asset["url"]).path
    assert fetched(asset["url"]) == PICTURE


def test_a_url_opens_its_asset_alone(house: House) -> None:
    url = house.sample("m-00-000")["asset"]["url"]
    other = url.replace("match/frame.jpg", "odd.jpg")
    assert other != url
    assert httpx.get(other).status_code in {403, 404}


# Viewer caching: "short-lived cached reads"


def test_list_and_detail_are_cached_for_60_seconds_by_their_caller_alone(house: House) -> None:
    for path in (house.path(), house.path(sample_id="m-00-000"), house.path().replace("samples", "facets")):
        answer = house.project.call("GET", path)
        assert answer.headers["cache-control"] == "private, max-age=60"
        assert answer.headers["vary"] == "Authorization, X-API-Key, X-Workspace"
    for path in (house.path().rpartition("/")[0], VERSIONS):
        assert house.project.call("GET", path).headers["cache-control"] == "private, no-cache"


def test_a_list_that_the_caller_has_is_not_sent_again(house: House) -> None:
    first = house.project.call("GET", house.path())
    again = house.project.call("GET", house.path(), headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert (again.headers["etag"], again.headers["cache-control"]) == (first.headers["etag"], "private, max-age=60")
    other = house.project.call(
        "GET", house.path(), params={"split": "val"}, headers={"If-None-Match": first.headers["etag"]}
    )
    assert other.status_code == 200


def test_a_page_says_whether_there_is_a_next_one_to_prefetch(house: House) -> None:
    found, asked = [], {"limit": "20", "split": "train"}
    page = house.project.editor.get(house.path(), **asked)
    while page["next_cursor"] is not None:
        found += page["items"]
        page = house.project.editor.get(house.path(), **asked, cursor=page["next_cursor"])
        assert page["items"]
    assert found + page["items"] == house.listed(split="train")


def test_a_url_outlives_what_is_cached_and_is_refreshed_by_asking_again(house: House) -> None:
    asked = datetime.now(UTC)
    assets = [house.sample("m-00-000")["asset"]]
    while datetime.now(UTC) - asked < timedelta(seconds=1.1):
        assets[1:] = [house.sample("m-00-000")["asset"]]
    first, later = (datetime.fromisoformat(asset["expires_at"]) for asset in assets)
    assert timedelta(minutes=10) < first - asked
    assert first < later
    assert assets[0]["url"] != assets[1]["url"]
    for asset in assets:
        signed = {name: value for name, (value,) in parse_qs(urlsplit(asset["url"]).query).items()}
        end = datetime.strptime(signed["X-Amz-Date"] + "+0000", "%Y%m%dT%H%M%SZ%z")
        end += timedelta(seconds=int(signed["X-Amz-Expires"]))
        assert abs(datetime.fromisoformat(asset["expires_at"]) - end) < timedelta(seconds=2)
        assert fetched(asset["url"]) == PICTURE
