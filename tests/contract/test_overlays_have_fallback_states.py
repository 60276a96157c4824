"""Sentences of contract A, "Supported overlays" and "Fallback states", one test each, over HTTP.

Above each group stands the heading that it quotes from.
"""

import pytest

from packhouse.errors import CODES
from tests.contract.sampled import PICTURE, House, new_house, special_id
from tests.registry import LABELS, VERSIONS, Json, Project, Registry, fetched, problem


@pytest.fixture(scope="module")
def house(registry: Registry) -> House:
    return new_house(registry)


# Supported overlays


def test_ball_detection_is_a_point_overlay(house: House) -> None:
    row = next(row for row in house.rows if row["sample_id"] == "m-03-004")
    assert house.sample("m-03-004")["overlay"] == {
        "kind": "point",
        "state": "available",
        "geometry": [{"class": "ball", **row["labels"][0]["point"]}],
        "reason_code": None,
    }


def test_player_detection_is_a_bounding_box_overlay(house: House) -> None:
    assert house.sample("s-0", "players")["overlay"] == {
        "kind": "bbox",
        "state": "available",
        "geometry": [{"class": "player", **LABELS["player_detection"]["bbox"]}],
        "reason_code": None,
    }


def test_unsupported_sample_types_still_open(house: House) -> None:
    """ "A clear unsupported state instead of a broken overlay": all else of the sample is there."""
    sample = house.sample("s-0", "sounds")
    assert sample["overlay"] == {
        "kind": None,
        "state": "unsupported",
        "geometry": [],
        "reason_code": "SAMPLE_TYPE_UNSUPPORTED",
    }
    assert (sample["asset"]["state"], sample["labels"]) == ("available", [LABELS["audio_artifact_detection"]])
    assert fetched(sample["asset"]["url"]) == PICTURE
    assert [row["sample_id"] for row in house.listed("sounds")]


# Fallback states: "prefers an explicit state over a blank screen"


@pytest.mark.parametrize(
    ("name", "reason"), [("lost", "ASSET_NOT_FOUND"), ("hollow", "ASSET_EMPTY"), ("bare", "ASSET_NOT_GIVEN")]
)
def test_a_sample_asset_is_unavailable_without_a_url(house: House, name: str, reason: str) -> None:
    sample = house.sample(special_id(name))
    assert sample["asset"] == {
        "state": "unavailable",
        "url": None,
        "expires_at": None,
        "bytes": None,
        "content_type": None,
        "reason_code": reason,
    }
    assert sample["overlay"]["state"] == "available"
    (row,) = [row for row in house.listed() if row["sample_id"] == special_id(name)]
    assert (row["asset"], row["reason_code"]) == ("unavailable", reason)


OVERLAYS = [
    ("unlabelled", "unavailable", "LABELS_NOT_GIVEN", 0),
    ("empty", "available", "LABELS_EMPTY", 0),
    ("outside", "unavailable", "OVERLAY_GEOMETRY_INVALID", 0),
    ("partial", "available", "OVERLAY_PARTIAL", 1),
    ("boxed", "unavailable", "OVERLAY_KIND_MISMATCH", 0),
]


@pytest.mark.parametrize(("name", "state", "reason", "drawn"), OVERLAYS)
def test_an_overlay_is_unavailable_while_the_image_loads(
    house: House, name: str, state: str, reason: str, drawn: int
) -> None:
    sample = house.sample(special_id(name))
    overlay = sample["overlay"]
    assert (overlay["kind"], overlay["state"], overlay["reason_code"]) == ("point", state, reason)
    assert len(overlay["geometry"]) == drawn
    assert fetched(sample["asset"]["url"]) == PICTURE


def test_reason_codes_are_deterministic_and_documented(house: House) -> None:
    """The same for the same rows, asked again and built again."""
    again = house.project.build(*(part["label_pack_id"] for part in packs_of(house)), force=True)
    anew = House(house.project, {"balls": again["dataset_version_id"]}, house.rows)

    def reasons(of: House) -> Json:
        samples = [of.sample(row["sample_id"]) for row in of.rows if row["sample_id"].startswith("special")]
        return {each["sample_id"]: [each[part]["reason_code"] for part in ("asset", "overlay")] for each in samples}

    assert reasons(house) == reasons(house) == reasons(anew)
    assert {code for codes in reasons(house).values() for code in codes if code} <= CODES.keys()


def packs_of(house: House) -> list[Json]:
    included: list[Json] = house.project.version(house.versions["balls"])["sources"]["included"]
    return included


def test_a_version_that_is_not_built_has_no_samples_yet(project: Project) -> None:
    with project.registry.holding("DatasetBuildMachine", "PlanBuild", 2):
        built = project.request_build(project.new_approved_pack())
        at = f"{VERSIONS}/{built['dataset_version_id']}"
        paths = [f"{at}/{rest}" for rest in ("samples", "samples/m-00-000", "facets")]
        for path in paths:
            assert problem(project.call("GET", path), 409, "DATASET_NOT_READY")["job_id"] == built["job_id"]
    project.wait(built["job_id"])
    for path in paths:
        assert project.call("GET", path).status_code == 200


def test_a_version_without_an_index_says_that_it_is_to_be_built_again(project: Project) -> None:
    """As those are that were built before there was one."""
    version_id = project.build(project.new_approved_pack())["dataset_version_id"]
    s3, bucket = project.registry.stack.client("s3"), project.registry.stack.buckets["data"]
    prefix = f"projects/{project.project_id}/versions/{version_id}/index/"
    for found in s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]:
        s3.delete_object(Bucket=bucket, Key=found["Key"])
    for rest in ("samples", "samples/m-00-000", "facets"):
        refused = problem(project.call("GET", f"{VERSIONS}/{version_id}/{rest}"), 409, "DATASET_NOT_READY")
        assert "build it again" in refused["detail"]
