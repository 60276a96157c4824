"""A build from explicit packs: what goes in, what stays out and why, what is reused, and what comes out."""

import gzip
import json
from typing import Any

import pytest

from packhouse.pipeline.fingerprints import merkle_root
from tests.registry import Pack, Project, ball_rows, problem, sha256

BUILD = "/api/v1/datasets/build"
Json = dict[str, Any]


@pytest.fixture(scope="module")
def approved(shared_project: Project) -> Pack:
    return shared_project.new_approved_pack()


def excluded(project: Project, approved: Pack, label_pack_id: str, person: str = "editor", **more: Any) -> str:
    """Build an approved pack and another one; return why the other one stayed out."""
    body = {"capability": "ball_detection", "label_pack_ids": [label_pack_id, approved.label_pack_id], **more}
    answer = project.call("POST", BUILD, person, json=body)
    assert answer.status_code in {200, 202}, answer.text
    assert answer.json()["included_label_pack_ids"] == [approved.label_pack_id]
    (one,) = answer.json()["excluded_label_pack_ids"]
    assert one["label_pack_id"] == label_pack_id
    return str(one["reason_code"])


def reviewed(project: Project, decision: str | None, *eligibility: str, rows: list[Json] | None = None) -> Pack:
    """Make a pack whose revision passed (or not), with a review and an eligibility."""
    label_pack_id = project.new_pack()
    pack = Pack(label_pack_id, project.new_revision(label_pack_id, rows or ball_rows(2, 2)))
    project.job_at_its_end(project.submit(pack))
    if decision:
        project.editor.post(f"{pack.path}/review", {"decision": decision})
    for status in eligibility:
        project.make_eligible(pack, status)
    return pack


def test_a_pack_that_is_not_there(shared_project: Project, approved: Pack) -> None:
    assert excluded(shared_project, approved, "lp_nothing") == "LABEL_PACK_NOT_FOUND"


def test_a_pack_of_a_project_that_the_caller_cannot_see(shared_project: Project, approved: Pack) -> None:
    registry = shared_project.registry
    hidden = registry.new_project(registry.new_namespace())
    made = registry.call(
        "POST",
        "/api/v1/label-packs",
        "owner",
        hidden.workspace,
        json={"capability": "ball_detection", "name": "hidden"},
    )
    assert excluded(shared_project, approved, made.json()["label_pack_id"]) == "LABEL_PACK_NOT_FOUND"


def test_a_pack_of_a_project_that_the_caller_may_only_read(shared_project: Project, approved: Pack) -> None:
    registry = shared_project.registry
    read_only = registry.new_project(registry.new_namespace(editor="viewer"))
    made = registry.call(
        "POST",
        "/api/v1/label-packs",
        "owner",
        read_only.workspace,
        json={"capability": "ball_detection", "name": "seen"},
    )
    assert excluded(shared_project, approved, made.json()["label_pack_id"]) == "LABEL_PACK_ACCESS_DENIED"


def test_a_pack_of_another_capability(shared_project: Project, approved: Pack) -> None:
    other = shared_project.new_pack("player_detection")
    assert excluded(shared_project, approved, other) == "LABEL_PACK_CAPABILITY_MISMATCH"


def test_a_pack_that_was_revoked(shared_project: Project, approved: Pack) -> None:
    pack = reviewed(shared_project, "revoke", "REVIEWED", "APPROVED")
    assert excluded(shared_project, approved, pack.label_pack_id) == "LABEL_PACK_REVOKED"


def test_a_pack_whose_revision_was_revoked(shared_project: Project, approved: Pack) -> None:
    pack = reviewed(shared_project, "approve", "REVIEWED", "APPROVED", "REVOKED")
    assert excluded(shared_project, approved, pack.label_pack_id) == "LABEL_PACK_REVOKED"


@pytest.mark.parametrize(
    ("decision", "eligibility"),
    [
        (None, ("REVIEWED", "APPROVED")),
        ("reject", ("REVIEWED", "APPROVED")),
        ("approve", ("REVIEWED",)),
        ("approve", ()),
    ],
)
def test_a_pack_that_is_not_approved_or_not_eligible(
    shared_project: Project, approved: Pack, decision: str | None, eligibility: tuple[str, ...]
) -> None:
    pack = reviewed(shared_project, decision, *eligibility)
    assert excluded(shared_project, approved, pack.label_pack_id) == "LABEL_PACK_NOT_APPROVED"


def test_a_pack_whose_revision_did_not_pass(shared_project: Project, approved: Pack) -> None:
    pack = reviewed(shared_project, "approve", "REVIEWED", "APPROVED", rows=[{"sample_id": "no labels"}])
    assert excluded(shared_project, approved, pack.label_pack_id) == "LABEL_PACK_VALIDATION_NOT_PASSED"


def test_a_pack_of_a_project_that_opted_out_of_training(shared_project: Project, approved: Pack) -> None:
    registry = shared_project.registry
    opted_out = registry.new_project()
    pack = opted_out.new_approved_pack()
    path = f"/namespaces/acme/projects/{opted_out.workspace.partition('/')[2]}"
    changed = registry.call("PATCH", path, "owner", json={"trainingUse": "opted_out"})
    assert changed.json()["trainingUse"] == "opted_out"
    assert excluded(shared_project, approved, pack.label_pack_id) == "WORKSPACE_TRAINING_OPT_OUT"
    registry.call("PATCH", path, "owner", json={"trainingUse": "allowed"})
    both = shared_project.request_build(approved, pack)
    assert both["excluded_label_pack_ids"] == []
    shared_project.wait(both["job_id"])
    assert shared_project.version(both["dataset_version_id"])["scope"] == "cross_workspace"


def test_a_reviewed_revision_goes_in_for_developers_only(shared_project: Project, approved: Pack) -> None:
    override = {"include_reviewed_override": True, "label_pack_ids": [approved.label_pack_id]}
    answer = shared_project.call("POST", BUILD, json={"capability": "ball_detection", **override})
    problem(answer, 403, "ELIGIBILITY_OVERRIDE_FORBIDDEN")


@pytest.mark.parametrize("selector", ["filters", "query", "camera_types", "review_status", "created_after"])
def test_selectors_are_not_supported(shared_project: Project, approved: Pack, selector: str) -> None:
    body = {"capability": "ball_detection", "label_pack_ids": [approved.label_pack_id], selector: {}}
    found = problem(shared_project.call("POST", BUILD, json=body), 400, "FILTERS_NOT_SUPPORTED_V1")
    assert [fault["loc"] for fault in found["errors"]] == [f"/{selector}"]


@pytest.mark.parametrize("body", [{}, {"label_pack_ids": []}, {"label_pack_ids": None}])
def test_packs_are_named(shared_project: Project, body: Json) -> None:
    problem(
        shared_project.call("POST", BUILD, json={"capability": "ball_detection", **body}),
        400,
        "LABEL_PACK_IDS_REQUIRED",
    )


def test_without_an_eligible_pack_there_is_no_build(shared_project: Project) -> None:
    pack = reviewed(shared_project, None)
    body = {"capability": "ball_detection", "label_pack_ids": [pack.label_pack_id, "lp_nothing"]}
    found = problem(shared_project.call("POST", BUILD, json=body), 400, "NO_ELIGIBLE_LABEL_DATA")
    assert {one["label_pack_id"]: one["reason_code"] for one in found["excluded_label_pack_ids"]} == {
        pack.label_pack_id: "LABEL_PACK_NOT_APPROVED",
        "lp_nothing": "LABEL_PACK_NOT_FOUND",
    }


def test_equal_builds_are_one_and_force_makes_another(project: Project) -> None:
    packs = [project.new_approved_pack(ball_rows(prefix=prefix)) for prefix in ("a", "b")]
    first = project.request_build(*packs)
    assert (first["outcome"], first["version_id"]) == ("created", "v1")
    meanwhile = project.request_build(*reversed(packs), packs[0])
    assert meanwhile["outcome"] in {"reused_in_progress", "reused_success"}
    project.wait(first["job_id"])
    again = project.request_build(*reversed(packs), packs[0])
    assert again["outcome"] == "reused_success"
    for reused in (meanwhile, again):
        assert reused["dataset_version_id"] == first["dataset_version_id"]
        assert reused["reuse_fingerprint"] == first["reuse_fingerprint"]
    forced = project.request_build(*packs, force=True)
    assert (forced["outcome"], forced["version_id"]) == ("created", "v2")
    assert forced["dataset_version_id"] != first["dataset_version_id"]
    project.wait(forced["job_id"])
    versions = [project.version(built["dataset_version_id"]) for built in (first, forced)]
    assert versions[0]["provenance"]["manifest_hash"] == versions[1]["provenance"]["manifest_hash"]
    assert project.request_build(*packs)["dataset_version_id"] == forced["dataset_version_id"]


def test_repeated_samples_are_counted_and_files_hold_what_the_manifest_says(project: Project) -> None:
    rows = ball_rows(groups=8)
    changed = [dict(rows[1], labels=[])]
    packs = [project.new_approved_pack(rows), project.new_approved_pack([rows[0], *changed, *ball_rows(2, 2, "z")])]
    version = project.build(*packs)
    assert version["stats"]["rows_in"] == 32 + 6
    assert version["stats"]["left_out"] == {"DUPLICATE_SAMPLE": 1, "CONFLICTING_SAMPLE": 1}
    files = project.downloads(version["dataset_version_id"])
    manifest = json.loads(files["manifest.json"])
    found = {
        name: [json.loads(line) for line in body.splitlines()]
        for name, body in files.items()
        if name.endswith(".ndjson")
    }
    kept = {row["sample_id"]: row for split in found.values() for row in split}
    assert len(kept) == version["stats"]["rows"] == 36
    assert kept[rows[1]["sample_id"]]["labels"] == []  # the newer revision's labels
    groups = [{row["group"] for row in split} for split in found.values()]
    assert sum(map(len, groups)) == len(set().union(*groups))
    for export in manifest["exports"]:
        body = files[export["path"].removeprefix("exports/")]
        assert (sha256(body), len(body)) == (export["sha256"], export["bytes"])
    assert manifest["merkle_root"] == merkle_root([shard["sha256"] for shard in manifest["shards"]])
    assert gzip.decompress(files["train.ndjson.gz"]) == files["train.ndjson"]
    assert [source["label_pack_id"] for source in manifest["sources"]] == sorted(pack.label_pack_id for pack in packs)


def test_the_execution_carries_the_jobs_id_and_shows_the_states(project: Project) -> None:
    built = project.request_build(project.new_approved_pack())
    project.wait(built["job_id"])
    machines = project.registry.stack.client("stepfunctions")
    arn = project.registry.stack.outputs["DatasetBuildMachineArn"].replace(":stateMachine:", ":execution:")
    described = machines.describe_execution(executionArn=f"{arn}:{built['job_id']}")
    assert (described["name"], described["status"]) == (built["job_id"], "SUCCEEDED")
    events = machines.get_execution_history(executionArn=described["executionArn"], maxResults=1000)["events"]
    entered = [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]
    states = ["PlanBuild", "BuildShards", "EvaluateQuality", "QualityGate", "MaterializeShards",
              "SettleMaterialization", "ExportFormats", "SealVersion"]  # fmt: skip
    assert [name for name in entered if name in states] == states


def test_an_export_of_a_version_that_is_not_ready_is_refused(project: Project) -> None:
    built = project.request_build(project.new_approved_pack())
    answer = project.call("GET", f"/api/v1/datasets/{built['dataset_version_id']}/exports")
    if answer.status_code != 200:
        assert problem(answer, 409, "DATASET_NOT_READY")["job_id"] == built["job_id"]
    project.wait(built["job_id"])
    missing = project.call("GET", f"/api/v1/datasets/{built['dataset_version_id']}/exports/nothing.ndjson")
    problem(missing, 404, "EXPORT_NOT_FOUND")
