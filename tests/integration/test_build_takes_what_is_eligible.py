"""A build from explicit packs: what goes in, what stays out and why, what is reused, and what comes out."""

import gzip
import json

import pytest

from packhouse.builds.model import ExclusionCode
from packhouse.pipeline.fingerprints import merkle_root
from tests.ground import Case, Ground
from tests.refusals import CASES
from tests.registry import Project, Registry, assert_sealed, ball_rows, problem


@pytest.fixture(scope="module")
def ground(registry: Registry) -> Ground:
    return Ground(registry)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_refused_or_left_out_is_told_with_its_code(ground: Ground, case: Case) -> None:
    told = case.bring(ground)
    assert (told.code, told.where) == (case.code, case.where), told
    assert told.detail


def test_every_exclusion_code_is_brought_about() -> None:
    assert {case.code for case in CASES if case.where == "exclusion"} == {code.value for code in ExclusionCode}


def test_what_opted_out_and_in_again_goes_in_and_the_scope_is_cross_workspace(project: Project) -> None:
    pack, elsewhere = project.new_approved_pack(), project.registry.new_project()
    foreign = elsewhere.new_approved_pack()
    elsewhere.choose_training_use("opted_out")
    assert project.preflight(pack, foreign)["scope"] == "workspace"
    elsewhere.choose_training_use("allowed")
    version = project.build(pack, foreign)
    assert (version["scope"], version["sources"]["excluded_count"]) == ("cross_workspace", 0)


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
    manifest = assert_sealed(files)
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
