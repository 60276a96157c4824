"""Sentences of contract A, "Explore built datasets" and "Quality status in Ops", one test each, over HTTP.

Above each group stands the heading that it quotes from. Left out: what only the console shows (copying, selecting).
"""

from typing import NamedTuple

import pytest

from packhouse.pipeline.policies import policy_in_force
from tests.registry import JOBS, VERSIONS, Json, Pack, Project, Registry, ball_rows, problem, rows_of

COLUMNS = {
    "name",
    "version_id",
    "dataset_version_id",
    "capability",
    "scope",
    "build_status",
    "materialization_status",
    "split_counts",
    "included_count",
    "excluded_count",
    "manifest_hash",
    "quality_badge",
}
LOST = "SOURCE_CHANGED"
HARD_FAILS = ["MISSING_REQUIRED_STATS", "MISSING_MATERIALIZED_ASSETS"]


class House(NamedTuple):
    """A project and its versions, by what they are for; oldest first."""

    project: Project
    versions: dict[str, str]

    def detail(self, version: str) -> Json:
        return self.project.version(self.versions[version])

    def row(self, version: str) -> Json:
        rows = self.project.all_of(VERSIONS)
        return next(row for row in rows if row["dataset_version_id"] == self.versions[version])

    def listed(self, **filters: str) -> set[str]:
        """Return which versions are listed under the filters."""
        names = {version_id: name for name, version_id in self.versions.items()}
        return {names[row["dataset_version_id"]] for row in self.project.all_of(VERSIONS, **filters)}


@pytest.fixture(scope="module")
def house(registry: Registry) -> House:
    """One version of every badge, scope, capability and end, in a project whose one asset is there."""
    project, other = registry.new_project(), registry.new_project()
    for one in (project, other):
        key = f"projects/{one.project_id}/assets/frame.jpg"
        registry.stack.client("s3").put_object(Bucket=registry.stack.buckets["data"], Key=key, Body=b"a picture")
    there: Json = {"asset": "frame.jpg"}
    few, foreign = (one.new_approved_pack(ball_rows(6, 4, one.project_id[-4:], **there)) for one in (project, other))
    many = project.new_approved_pack(ball_rows(40, 25, "many", **there))
    without = project.new_approved_pack([{**row, "group": None} for row in ball_rows(2, 2, "no-group")])
    players = project.new_approved_pack(rows_of("player_detection", **there), "player_detection")
    sounds = project.new_approved_pack(rows_of("audio_artifact_detection", **there), "audio_artifact_detection")
    spoilt = project.new_approved_pack(ball_rows(prefix="spoilt"))
    project.spoil(spoilt)
    builds: dict[str, tuple[list[Pack | str], Json]] = {
        "pass": ([many], {"name": "whole match", "description": "both halves", "split": {"seed": 7}}),
        "warnings": ([few, "lp_nothing"], {}),
        "hard fail": ([without], {}),
        "players": ([players], {"capability": "player_detection"}),
        "not evaluated": ([sounds], {"capability": "audio_artifact_detection"}),
        "cross": ([few, foreign], {}),
        "failed": ([spoilt], {}),
    }
    made = {}
    for name, (packs, more) in builds.items():
        built = project.request_build(*packs, **more)
        project.job_at_its_end(built["job_id"])
        made[name] = built["dataset_version_id"]
    return House(project, made)


# Explore built datasets: list view


def test_inspect_built_dataset_versions_without_starting_a_job(house: House) -> None:
    jobs = house.project.all_of(JOBS)
    for path in (VERSIONS, *(f"{VERSIONS}/{version}" for version in house.versions.values())):
        assert house.project.call("GET", path, "viewer").status_code == 200
    assert house.project.all_of(JOBS) == jobs


@pytest.mark.parametrize("limit", [1, 2, 3, 200])
def test_the_list_view_is_cursor_paginated(house: House, limit: int) -> None:
    pages = list(house.project.iter_pages(VERSIONS, limit))
    found = [row["dataset_version_id"] for page in pages for row in page]
    assert found == list(house.versions.values())[::-1]
    assert [len(page) for page in pages[:-1]] == [limit] * (len(pages) - 1)


def test_a_cursor_is_of_one_list_with_its_filters(house: House) -> None:
    cursor = house.project.editor.get(VERSIONS, limit="1", scope="workspace")["next_cursor"]
    for query in ({}, {"scope": "cross_workspace"}, {"scope": "workspace", "status": "ready"}):
        refused = house.project.call("GET", VERSIONS, params={"cursor": cursor, **query})
        problem(refused, 400, "INVALID_CURSOR")


def test_the_list_shows_every_column(house: House) -> None:
    """Display name, version_id, dataset_version_id, capability and scope, statuses, counts, manifest hash, badge."""
    for row in house.project.all_of(VERSIONS):
        assert row.keys() >= COLUMNS
    shown = {column: house.row("warnings")[column] for column in COLUMNS}
    detail = house.detail("warnings")
    assert shown == {
        "name": "ball_detection",
        "version_id": "v1",
        "dataset_version_id": house.versions["warnings"],
        "capability": "ball_detection",
        "scope": "workspace",
        "build_status": "ready",
        "materialization_status": "complete",
        "split_counts": detail["split"]["counts"],
        "included_count": 1,
        "excluded_count": 1,
        "manifest_hash": detail["provenance"]["manifest_hash"],
        "quality_badge": "Warnings (2)",
    }
    assert sum(counts["samples"] for counts in shown["split_counts"].values()) == 24
    assert shown["manifest_hash"].startswith("sha256:")


BALL = {"pass", "warnings", "hard fail", "cross", "failed"}


@pytest.mark.parametrize(
    ("filters", "versions"),
    [
        ({"capability": "ball_detection"}, BALL),
        ({"capability": "player_detection"}, {"players"}),
        ({"scope": "cross_workspace"}, {"cross"}),
        ({"scope": "workspace"}, BALL - {"cross"} | {"players", "not evaluated"}),
        ({"status": "failed"}, {"failed"}),
        ({"status": "ready"}, BALL - {"failed"} | {"players", "not evaluated"}),
        ({"status": "cancelled"}, set()),
        ({"capability": "ball_detection", "scope": "workspace"}, BALL - {"cross"}),
        ({"capability": "ball_detection", "scope": "workspace", "status": "failed"}, {"failed"}),
        ({"capability": "player_detection", "scope": "cross_workspace"}, set()),
    ],
)
def test_narrow_by_capability_scope_or_status(house: House, filters: Json, versions: set[str]) -> None:
    assert house.listed(**filters) == versions
    pages = list(house.project.iter_pages(VERSIONS, 1, **filters))
    assert sum(map(len, pages)) == len(versions)


@pytest.mark.parametrize("wrong", [{"scope": "all"}, {"status": "done"}, {"capability": "goals"}, {"colour": "red"}])
def test_a_filter_that_is_none_is_refused(house: House, wrong: Json) -> None:
    problem(house.project.call("GET", VERSIONS, params=wrong), 400, "INVALID_REQUEST")


# Detail view: "The detail page is metadata-only"


def test_provenance_is_manifest_hash_build_and_reuse_fingerprints_and_seed(house: House) -> None:
    detail = house.detail("pass")
    assert detail["provenance"].keys() == {"manifest_hash", "build_fingerprint", "reuse_fingerprint", "seed"}
    assert detail["provenance"]["seed"] == 7
    manifest = house.project.exports(house.versions["pass"])["manifest.json"]
    assert detail["provenance"]["manifest_hash"] == f"sha256:{manifest['sha256']}"
    assert (detail["name"], detail["description"]) == ("whole match", "both halves")


@pytest.mark.parametrize(("version", "status", "code"), [("pass", "ready", None), ("failed", "failed", LOST)])
def test_build_status_and_latest_job_status(house: House, version: str, status: str, code: str | None) -> None:
    detail = house.detail(version)
    assert (detail["build_status"], detail["job"]["status"]) == (status, status)
    assert (detail["job"]["error"] or {}).get("code") == code
    job = house.project.job(detail["job"]["job_id"])
    assert (job["status"], job["dataset_version_id"]) == (status, house.versions[version])


def test_included_and_excluded_label_pack_lineage(house: House) -> None:
    sources = house.detail("warnings")["sources"]
    assert (sources["included_count"], sources["excluded_count"]) == (1, 1)
    (included,) = sources["included"]
    assert included.keys() == {"label_pack_id", "workspace", "revision_id", "content_hash", "rows"}
    assert (included["workspace"], included["rows"]) == (house.project.workspace, 24)
    assert sources["excluded"] == [{"label_pack_id": "lp_nothing", "reason_code": "LABEL_PACK_NOT_FOUND"}]


def test_materialization_summary_counts(house: House) -> None:
    materialization = house.detail("pass")["materialization"]
    assert (materialization["status"], materialization["wanted"], materialization["found"]) == ("complete", 1000, 1000)
    missing = house.detail("hard fail")["materialization"]
    assert (missing["status"], missing["wanted"], missing["found"]) == ("failed", 4, 0)
    assert sum(missing["missing"].values()) == 4


def test_split_and_source_stats(house: House) -> None:
    detail = house.detail("pass")
    counts, stats = detail["split"]["counts"], detail["stats"]
    assert {name: count["groups"] for name, count in counts.items()} == {"train": 32, "val": 4, "test": 4}
    assert {name: count["samples"] for name, count in counts.items()} == {"train": 800, "val": 100, "test": 100}
    assert (stats["rows_in"], stats["rows"], stats["groups"], stats["labels"]) == (1000, 1000, 40, 1000)
    assert stats["classes"] == {"ball": {"samples": 1000, "labels": 1000}}
    assert stats["cameras"] == {"broadcast": 1000}


def test_while_it_is_building_stats_are_not_available_yet(project: Project) -> None:
    """ "Stable placeholder values": the same fields as later, each null or said to be pending, in detail and list."""
    with project.registry.holding("DatasetBuildMachine", "PlanBuild", 2):
        built = project.request_build(project.new_approved_pack())
        building, (listed,) = project.version(built["dataset_version_id"]), project.all_of(VERSIONS)
    project.wait(built["job_id"])
    ready, (row,) = project.version(built["dataset_version_id"]), project.all_of(VERSIONS)
    assert building["build_status"] == building["job"]["status"] == "queued"
    for later, now in ((ready, building), (row, listed)):
        assert later.keys() == now.keys()
    for section in ("provenance", "split", "quality", "sources", "job"):
        assert building[section].keys() | {"stage"} == ready[section].keys() | {"stage"}
    assert (building["stats"], building["materialization"], building["split"]["counts"]) == (None, None, None)
    assert (building["provenance"]["manifest_hash"], building["quality"]["badge"]) == (None, "Not evaluated")
    placeholders = {
        "materialization_status": "pending",
        "split_counts": None,
        "manifest_hash": None,
        "quality_badge": "Not evaluated",
    }
    assert {column: listed[column] for column in placeholders} == placeholders


# Quality status in Ops


BADGES = {
    "pass": "Pass",
    "warnings": "Warnings (2)",
    "hard fail": "Hard fail (2)",
    "not evaluated": "Not evaluated",
    "failed": "Not evaluated",
}


@pytest.mark.parametrize("version", list(BADGES))
def test_list_rows_show_one_badge(house: House, version: str) -> None:
    assert house.row(version)["quality_badge"] == BADGES[version]
    assert house.detail(version)["quality"]["badge"] == BADGES[version]


@pytest.mark.parametrize(
    ("version", "codes"),
    [
        ("pass", []),
        ("warnings", ["LOW_SAMPLE_COUNT", "LOW_GROUP_COUNT"]),
        ("hard fail", [*HARD_FAILS, "LOW_SAMPLE_COUNT", "LOW_GROUP_COUNT"]),
    ],
)
def test_detail_view_shows_the_ordered_indicator_list(house: House, version: str, codes: list[str]) -> None:
    quality = house.detail(version)["quality"]
    assert [indicator["code"] for indicator in quality["indicators"]] == codes
    assert quality["hard_fails"] == sum(code in HARD_FAILS for code in codes)
    assert quality["warnings"] == len(codes) - quality["hard_fails"]


def test_detail_view_shows_the_active_quality_policy_version(house: House) -> None:
    shown = {version: house.detail(version) for version in ("pass", "players", "not evaluated")}
    for detail in shown.values():
        assert detail["quality"]["policy_version"] == policy_in_force(detail["capability"])
    assert [detail["quality"]["policy_version"] for detail in shown.values()] == ["v1", "v1", None]
