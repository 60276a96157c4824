"""A hard fail shows in the version, and with enforcement on it ends the build; warnings never do."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.faults.judged_builds import detail, enforcing, few_rows, pack_of, put_asset, requested, row, run
from tests.faults.world import World

Json = dict[str, Any]
BALL = "ball_detection"
CODE = "DATASET_QUALITY_HARD_FAIL"
AT_THE_GATE = ("INVALID_LABEL_SCHEMA", "INVALID_GEOMETRY", "MISSING_REQUIRED_STATS")
LATER = "MISSING_MATERIALIZED_ASSETS"
HARD_FAILS = (*AT_THE_GATE, LATER)
EXPORTS = ("manifest.json", "exports/")


@pytest.fixture(autouse=True)
def ground(world: World) -> Iterator[None]:
    before = world.remember()
    put_asset(world)
    yield
    world.recall(before)


def spoilt(code: str) -> list[Json]:
    """Return rows that one hard fail speaks against, and their number."""
    first, *others = few_rows(BALL)
    changes: dict[str, Json] = {
        "INVALID_LABEL_SCHEMA": {"labels": [{"class": "puck", "point": {"x": 0.5, "y": 0.5}}]},
        "INVALID_GEOMETRY": {"labels": [{"class": "ball", "point": {"x": 0.5, "y": 1.5}}]},
        "MISSING_REQUIRED_STATS": {"group": None},
        LATER: {},
    }
    rows = [first | changes[code], *others]
    return [{**each, "asset": "nowhere.jpg"} if n < 3 and code == LATER else each for n, each in enumerate(rows)]


def codes(quality: Json, level: str = "hard_fail") -> list[str]:
    return [found["code"] for found in quality["indicators"] if found["level"] == level]


def published(world: World, built: Json) -> list[str]:
    prefix = world.job(built["job_id"])[1]["prefix"]
    return [name for name in world.objects(prefix) if name.startswith(EXPORTS)]


def assert_ready(world: World, built: Json) -> Json:
    version = detail(world, built)
    assert (version["build_status"], version["job"]["error"]) == ("ready", None)
    assert version["provenance"]["manifest_hash"]
    assert "manifest.json" in published(world, built)
    return version


@pytest.mark.parametrize("code", HARD_FAILS)
def test_with_enforcement_off_the_version_is_ready_and_says_hard_fail(world: World, code: str) -> None:
    built = requested(world, pack_of(world, spoilt(code)))
    assert run(world, built)
    version = assert_ready(world, built)
    quality = version["quality"]
    assert (quality["status"], quality["badge"], quality["hard_fails"]) == ("hard_fail", "Hard fail (1)", 1)
    assert (codes(quality), quality["stage"]) == ([code], "materialized")
    listed = row(world, built)
    assert (listed["quality_status"], listed["quality_badge"]) == ("hard_fail", "Hard fail (1)")
    manifest = json.loads(world.data.read(f"{world.job(built['job_id'])[1]['prefix']}manifest.json"))
    assert (manifest["quality"]["verdict"], codes(manifest["quality"])) == ("hard_fail", [code])


@pytest.mark.parametrize("code", HARD_FAILS)
def test_with_enforcement_on_the_build_ends_and_its_summary_is_kept(world: World, code: str) -> None:
    with enforcing(world):
        built = requested(world, pack_of(world, spoilt(code)))
        assert not run(world, built)
        version, listed = detail(world, built), row(world, built)
    job = world.call("GET", f"/api/v1/jobs/{built['job_id']}")
    assert (job["status"], job["error"]["code"], job["error"]["unit"]) == ("failed", CODE, None)
    assert (version["build_status"], version["job"]["error"]["code"]) == ("failed", CODE)
    quality = version["quality"]
    assert (quality["status"], quality["policy_version"], codes(quality)) == ("hard_fail", "v1", [code])
    assert (quality["badge"], listed["quality_badge"]) == ("Hard fail (1)", "Hard fail (1)")
    assert quality["stage"] == ("materialized" if code == LATER else "built")
    assert all(found["detail"] for found in quality["indicators"])


@pytest.mark.parametrize("code", HARD_FAILS)
def test_what_a_hard_fail_ended_is_not_published(world: World, code: str) -> None:
    with enforcing(world):
        built = requested(world, pack_of(world, spoilt(code)))
        assert not run(world, built)
    assert published(world, built) == []
    assert detail(world, built)["provenance"]["manifest_hash"] is None
    refused = world.request("GET", f"/api/v1/datasets/{built['dataset_version_id']}/exports")
    assert (refused.status, refused.body["code"]) == (409, "DATASET_NOT_READY")


@pytest.mark.parametrize("code", HARD_FAILS)
def test_the_next_request_builds_anew_and_may_come_to_a_good_end(world: World, code: str) -> None:
    pack = pack_of(world, spoilt(code))
    with enforcing(world):
        first = requested(world, pack)
        assert not run(world, first)
        second = requested(world, pack)
        assert not run(world, second)
    third = requested(world, pack)
    assert [each["outcome"] for each in (first, second, third)] == ["created"] * 3
    assert [each["version_id"] for each in (first, second, third)] == ["v1", "v2", "v3"]
    assert len({each["reuse_fingerprint"] for each in (first, second, third)}) == 1
    assert run(world, third)
    assert_ready(world, third)
    again = requested(world, pack)
    assert (again["outcome"], again["dataset_version_id"]) == ("reused_success", third["dataset_version_id"])


def seen_at(world: World, built: Json) -> dict[str, list[str]]:
    """Run a build; return the codes that its version shows after each of its tasks."""
    seen: dict[str, list[str]] = {}

    def look(task: str) -> None:
        if task in {"evaluate_quality", "settle_materialization", "record_failure"}:
            quality = detail(world, built)["quality"]
            seen[task] = [found["code"] for found in quality["indicators"]]

    run(world, built, look)
    return seen


@pytest.mark.parametrize("missing", [2, 3])
def test_assets_are_judged_once_they_were_looked_up_and_all_else_once_more(world: World, missing: int) -> None:
    rows = [{**each, "asset": "nowhere.jpg"} if n < missing else each for n, each in enumerate(few_rows(BALL))]
    rows[-1]["group"] = None
    seen = seen_at(world, requested(world, pack_of(world, rows)))
    before = ["MISSING_REQUIRED_STATS", "LOW_SAMPLE_COUNT"]
    hard, partial = ([LATER], []) if missing == 3 else ([], ["MATERIALIZATION_PARTIAL"])
    after = [before[0], *hard, before[1], *partial]
    assert seen == {"evaluate_quality": before, "settle_materialization": after}


def test_the_gate_shuts_before_assets_are_looked_up(world: World) -> None:
    pack = pack_of(world, spoilt("INVALID_GEOMETRY"))
    with enforcing(world):
        built = requested(world, pack)
        assert seen_at(world, built).keys() == {"evaluate_quality", "record_failure"}
    prefix = world.job(built["job_id"])[1]["prefix"]
    assert [name for name in world.objects(prefix) if name.startswith(("index/", "materialized/"))] == []


def test_warnings_never_end_a_build(world: World) -> None:
    """All warnings at once: few samples and groups, mostly empty, hardly labelled, out of balance, an asset missing."""
    rows = [{**each, "group": "one", "labels": []} for each in few_rows("player_detection")]
    for each in rows[:6]:
        each["labels"] = None
    rows[-1] |= few_rows("player_detection")[-1] | {"asset": "nowhere.jpg"}
    pack = pack_of(world, rows, "player_detection")
    with enforcing(world):
        built = requested(world, pack, "player_detection")
        assert run(world, built)
        quality = assert_ready(world, built)["quality"]
    assert codes(quality) == []
    assert codes(quality, "warning") == [
        "LOW_SAMPLE_COUNT", "LOW_GROUP_COUNT", "HIGH_EMPTY_LABEL_RATE", "LOW_LABEL_COVERAGE", "CLASS_IMBALANCE",
        "MATERIALIZATION_PARTIAL",
    ]  # fmt: skip
    assert (quality["badge"], row(world, built)["quality_badge"]) == ("Warnings (6)", "Warnings (6)")
