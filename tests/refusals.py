"""Every refusal of builds, labels, versions, test and annotation sets, rollouts and jobs that can be brought about.

    python -m tests.refusals      produce them on a stack of its own and print a line for each

A case brings one code about and returns how it was told; the tests run the same cases. Those of frozen test sets
are in `tests.freeze_refusals`, those of annotation sets in `tests.annotation_refusals`, those of rollouts and training
datasets in `tests.training_refusals`. Left out: `BUILD_CONFLICT`, which takes a race lost eight times in a row, and
`DIFF_TOO_LARGE`, which takes a million rows.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console

from local.seed import seed
from local.stack import Stack
from tests.annotation_refusals import ANNOTATION_CASES
from tests.freeze_refusals import FREEZE_CASES
from tests.ground import MACHINE, Bring, Case, Ground, Told, failure, told
from tests.registry import (
    BUILD,
    CANDIDATES,
    JOBS,
    PACKS,
    PREFLIGHT,
    SERIES,
    VERSIONS,
    Pack,
    Registry,
    ball_rows,
    build_body,
)
from tests.training_refusals import TRAINING_CASES

SOURCE_PROJECTS = 40
CONSOLE = Console(highlight=False, markup=False)


# Why a pack stays out


def opted_out(ground: Ground) -> Told:
    elsewhere = ground.registry.new_project()
    pack = elsewhere.new_approved_pack(ball_rows(1, 2))
    elsewhere.choose_training_use("opted_out")
    return ground.exclusion(pack)


def decided(decision: str, *eligibility: str) -> Bring:
    return lambda ground: ground.exclusion(ground.project.new_pack_of(None, decision, *eligibility))


def not_passed(ground: Ground) -> Told:
    faulty = [{"sample_id": "without-labels"}]
    return ground.exclusion(ground.project.new_pack_of(faulty, "approve", "REVIEWED", "APPROVED"))


# What a build or preflight is refused for


def too_many_projects(ground: Ground) -> Told:
    """One project more than a build may draw from; what stands of the approved pack is copied into each of them."""
    table = ground.registry.stack.client("dynamodb")
    key = {"pk": {"S": f"LP#{ground.pack.label_pack_id}"}, "sk": {"S": "META"}}
    item = table.get_item(TableName="packhouse-local-labels", Key=key)["Item"]
    ids: list[Pack | str] = []
    for number in range(SOURCE_PROJECTS + 1):
        place = ground.registry.new_project()
        copied = json.dumps(item).replace(ground.project.workspace, place.workspace)
        copied = copied.replace(ground.project.project_id, place.project_id)
        ids.append(f"lp_copy{number}")
        copied = copied.replace(ground.pack.label_pack_id, str(ids[-1]))
        table.put_item(TableName="packhouse-local-labels", Item=json.loads(copied))
    return ground.ask_build(*ids)


def in_no_project(path: str, method: str = "GET", **content: Any) -> Bring:
    return lambda ground: told(ground.registry.call(method, path, "editor", "acme/nothing-here", **content))


def in_a_dataset(ground: Ground) -> Told:
    return ground.ask_build(dataset="never-made")


def stuck_to_unready(ground: Ground) -> Told:
    return ground.ask_build(split={"sticky_to": ground.unready()})


# What a job ends with


def withdrawn(ground: Ground) -> Told:
    pack = ground.project.new_approved_pack(ball_rows(2, 2))
    with ground.registry.holding(MACHINE, "PlanBuild", 1):
        built = ground.project.request_build(ground.pack, pack)
        ground.project.make_eligible(pack, "REVOKED")
    return failure(ground.project, built["job_id"])


def cancelled(ground: Ground) -> Told:
    with ground.registry.holding(MACHINE, "PlanBuild", 20):
        built = ground.project.request_build(ground.pack, force=True)
        ground.project.editor.post(f"{JOBS}/{built['job_id']}/cancel")
    return failure(ground.project, built["job_id"])


def rows_invalid(ground: Ground) -> Told:
    label_pack_id = ground.project.new_pack()
    revision_id = ground.project.new_revision(label_pack_id, [{"sample_id": "without-labels"}])
    return failure(ground.project, ground.project.submit(Pack(label_pack_id, revision_id)))


def source_changed(ground: Ground) -> Told:
    pack = ground.project.new_approved_pack(ball_rows(2, 2))
    ground.project.spoil(pack)
    return ground.ended_build(pack)


def predefined(*splits: str | None) -> Bring:
    """Build a pack of one group whose rows name these splits, by the splits that the rows name."""

    def bring(ground: Ground) -> Told:
        rows = [row | {"split": split} for row, split in zip(ball_rows(1, len(splits)), splits, strict=True)]
        return ground.ended_build(ground.project.new_approved_pack(rows), split={"strategy": "predefined"})

    return bring


# Labels, versions, jobs


def submitted_twice(ground: Ground) -> Told:
    return ground.ask("POST", f"{ground.pack.revision_path}/submit")


def upload_missing(ground: Ground) -> Told:
    label_pack_id = ground.project.new_pack()
    made = ground.project.editor.post(f"{PACKS}/{label_pack_id}/revisions", {"upload": "presigned"})
    return ground.ask("POST", f"{PACKS}/{label_pack_id}/revisions/{made['revision_id']}/submit")


def upload_mismatch(ground: Ground) -> Told:
    """The announced length is signed and S3 holds a client to it: the bytes are put there past the signature."""
    label_pack_id = ground.project.new_pack()
    wanted = {"upload": "presigned", "content_length": 1_000}
    made = ground.project.editor.post(f"{PACKS}/{label_pack_id}/revisions", wanted)
    key = f"projects/{ground.project.project_id}/label-packs/{label_pack_id}/{made['revision_id']}/upload.ndjson"
    bucket = ground.registry.stack.buckets["uploads"]
    ground.registry.stack.client("s3").put_object(Bucket=bucket, Key=key, Body=b"shorter")
    return ground.ask("POST", f"{PACKS}/{label_pack_id}/revisions/{made['revision_id']}/submit")


def approved_twice(ground: Ground) -> Told:
    return ground.ask("POST", f"{ground.pack.revision_path}/eligibility", json={"status": "APPROVED"})


def of_unready(path: str, **query: str) -> Bring:
    return lambda ground: ground.ask("GET", f"{VERSIONS}/{ground.unready()}{path}", params=query)


def diff_with_unready(ground: Ground) -> Told:
    ready = ground.project.build(ground.pack)["dataset_version_id"]
    return ground.ask("GET", f"{VERSIONS}/{ready}/diff", params={"against": ground.unready()})


def export_missing(ground: Ground) -> Told:
    ready = ground.project.build(ground.pack)["dataset_version_id"]
    return ground.ask("GET", f"{VERSIONS}/{ready}/exports/nothing.ndjson")


def sample_missing(ground: Ground) -> Told:
    ready = ground.project.build(ground.pack)["dataset_version_id"]
    return ground.ask("GET", f"{VERSIONS}/{ready}/samples/nothing")


def ended_job(ground: Ground) -> Told:
    job_id = ground.project.editor.get(ground.pack.revision_path)["job_id"]
    return ground.ask("POST", f"{JOBS}/{job_id}/cancel")


def ended_build_job(ground: Ground) -> Told:
    job_id = ground.project.build(ground.pack)["job"]["job_id"]
    return ground.ask("POST", f"{JOBS}/{job_id}/cancel")


def foreign_cursor(path: str, **query: str) -> Bring:
    return lambda ground: ground.ask("GET", path, params={"cursor": "AAAA", **query})


def missing(path: str, method: str = "GET", **content: Any) -> Bring:
    return lambda ground: ground.ask(method, path, **content)


def build_with(path: str = BUILD, person: str = "editor", **more: Any) -> Bring:
    return lambda ground: ground.ask_build(path=path, person=person, **more)


def without_workspace(ground: Ground) -> Told:
    return told(ground.registry.call("GET", VERSIONS, "editor"))


BALL = {"capability": "ball_detection"}
CASES = [
    Case("LABEL_PACK_NOT_FOUND", "exclusion", "a pack that is not there",
         lambda ground: ground.exclusion("lp_nothing")),
    Case("LABEL_PACK_NOT_FOUND", "exclusion", "a pack that the caller cannot see",
         lambda ground: ground.exclusion(ground.foreign_pack(None))),
    Case("LABEL_PACK_ACCESS_DENIED", "exclusion", "a pack that the caller may only read",
         lambda ground: ground.exclusion(ground.foreign_pack("viewer"))),
    Case("LABEL_PACK_CAPABILITY_MISMATCH", "exclusion", "a pack of another capability",
         lambda ground: ground.exclusion(ground.project.new_pack("player_detection"))),
    Case("LABEL_PACK_REVOKED", "exclusion", "a revoked pack", decided("revoke", "REVIEWED", "APPROVED")),
    Case("LABEL_PACK_REVOKED", "exclusion", "a revoked revision",
         decided("approve", "REVIEWED", "APPROVED", "REVOKED")),
    Case("LABEL_PACK_NOT_APPROVED", "exclusion", "a rejected pack", decided("reject", "REVIEWED", "APPROVED")),
    Case("LABEL_PACK_NOT_APPROVED", "exclusion", "a revision not approved yet", decided("approve", "REVIEWED")),
    Case("LABEL_PACK_NOT_APPROVED", "exclusion", "a revision not reviewed yet", decided("approve")),
    Case("LABEL_PACK_VALIDATION_NOT_PASSED", "exclusion", "a revision that failed its validation", not_passed),
    Case("WORKSPACE_TRAINING_OPT_OUT", "exclusion", "a project that opted out of training", opted_out),
    Case("FILTERS_NOT_SUPPORTED_V1", "400", "a build by filters", build_with(filters={}, tags=[])),
    Case("FILTERS_NOT_SUPPORTED_V1", "400", "a preflight by filters", build_with(PREFLIGHT, query="all")),
    Case("LABEL_PACK_IDS_REQUIRED", "400", "a build of nothing", missing(BUILD, "POST", json=BALL)),
    Case("LABEL_PACK_IDS_REQUIRED", "400", "a preflight of nothing", build_with(PREFLIGHT, label_pack_ids=[])),
    Case("ELIGIBILITY_OVERRIDE_FORBIDDEN", "403", "an editor's override", build_with(include_reviewed_override=True)),
    Case("NO_ELIGIBLE_LABEL_DATA", "400", "no pack that may go in", lambda ground: ground.ask_build("lp_nothing")),
    Case("TOO_MANY_SOURCE_PROJECTS", "400", "packs of 41 projects", too_many_projects),
    Case("PROJECT_NOT_FOUND", "404", "a build in no project", in_no_project(BUILD, "POST", json=build_body("lp_1"))),
    Case("PROJECT_NOT_FOUND", "404", "a stranger's build", build_with(person="stranger")),
    Case("FORBIDDEN", "403", "a viewer's build", build_with(person="viewer")),
    Case("DATASET_NOT_FOUND", "404", "a build in no dataset", in_a_dataset),
    Case("DATASET_NOT_FOUND", "404", "groups stuck to no version", build_with(split={"sticky_to": "dsv_nothing"})),
    Case("DATASET_NOT_READY", "409", "groups stuck to an unbuilt version", stuck_to_unready),
    Case("INVALID_REQUEST", "400", "shares that are not one", build_with(split={"ratio": {"train": 0.5}})),
    Case("INVALID_REQUEST", "400", "an unknown strategy", build_with(split={"strategy": "by_taste"})),
    Case("INVALID_REQUEST", "400", "predefined with a ratio",
         build_with(split={"strategy": "predefined", "ratio": {"train": 1}})),
    Case("INVALID_REQUEST", "400", "an unknown capability", build_with(capability="goals")),
    Case("INVALID_REQUEST", "400", "candidates of no capability", missing(CANDIDATES)),
    Case("WORKSPACE_REQUIRED", "400", "a call that names no project", without_workspace),
    Case("SPLIT_NOT_GIVEN", "job", "predefined without a split", predefined("train", None)),
    Case("GROUP_IN_TWO_SPLITS", "job", "a group that names two splits", predefined("train", "val")),
    Case("SOURCES_WITHDRAWN", "job", "a revision revoked meanwhile", withdrawn),
    Case("JOB_CANCELLED", "job", "a cancelled build", cancelled),
    Case("LABEL_ROWS_INVALID", "job", "rows that are none", rows_invalid),
    Case("SOURCE_CHANGED", "job", "a chunk that was lost", source_changed),
    Case("DATASET_NOT_FOUND", "404", "no such version", missing(f"{VERSIONS}/dsv_nothing")),
    Case("DATASET_NOT_FOUND", "404", "lineage of no version", missing(f"{VERSIONS}/dsv_nothing/lineage?kind=included")),
    Case("DATASET_NOT_FOUND", "404", "difference of no version", missing(f"{VERSIONS}/dsv_no/diff?against=dsv_none")),
    Case("DATASET_NOT_FOUND", "404", "exports of no version", missing(f"{VERSIONS}/dsv_nothing/exports")),
    Case("DATASET_NOT_READY", "409", "rows left out of an unbuilt version", of_unready("/lineage", kind="left_out")),
    Case("DATASET_NOT_READY", "409", "difference from an unbuilt version", diff_with_unready),
    Case("DATASET_NOT_READY", "409", "exports of an unbuilt version", of_unready("/exports")),
    Case("EXPORT_NOT_FOUND", "404", "no such export", export_missing),
    Case("DATASET_NOT_FOUND", "404", "samples of no version", missing(f"{VERSIONS}/dsv_nothing/samples")),
    Case("DATASET_NOT_FOUND", "404", "a sample of no version", missing(f"{VERSIONS}/dsv_nothing/samples/s")),
    Case("DATASET_NOT_FOUND", "404", "facets of no version", missing(f"{VERSIONS}/dsv_nothing/facets")),
    Case("DATASET_NOT_READY", "409", "samples of an unbuilt version", of_unready("/samples")),
    Case("DATASET_NOT_READY", "409", "a sample of an unbuilt version", of_unready("/samples/s")),
    Case("DATASET_NOT_READY", "409", "facets of an unbuilt version", of_unready("/facets")),
    Case("SAMPLE_NOT_FOUND", "404", "no such sample", sample_missing),
    *FREEZE_CASES,
    *ANNOTATION_CASES,
    *TRAINING_CASES,
    Case("INVALID_CURSOR", "400", "a cursor of no list of versions", foreign_cursor(VERSIONS)),
    Case("INVALID_CURSOR", "400", "a cursor of no list of candidates", foreign_cursor(CANDIDATES, **BALL)),
    Case("INVALID_CURSOR", "400", "a cursor of no list of packs", foreign_cursor(PACKS)),
    Case("INVALID_CURSOR", "400", "a cursor of no list of series", foreign_cursor(SERIES)),
    Case("INVALID_CURSOR", "400", "a cursor of no list of jobs", foreign_cursor(JOBS)),
    Case("INVALID_CURSOR", "400", "a cursor of no list of samples", foreign_cursor(f"{VERSIONS}/dsv_no/samples")),
    Case("PROJECT_NOT_FOUND", "404", "versions of no project", in_no_project(VERSIONS)),
    Case("PROJECT_NOT_FOUND", "404", "candidates of no project", in_no_project(CANDIDATES, params=BALL)),
    Case("PROJECT_NOT_FOUND", "404", "packs of no project", in_no_project(PACKS)),
    Case("PROJECT_NOT_FOUND", "404", "series of no project", in_no_project(SERIES)),
    Case("PROJECT_NOT_FOUND", "404", "jobs of no project", in_no_project(JOBS)),
    Case("JOB_NOT_FOUND", "404", "no such job", missing(f"{JOBS}/job_nothing")),
    Case("JOB_NOT_FOUND", "404", "cancel of no job", missing(f"{JOBS}/job_nothing/cancel", "POST")),
    Case("JOB_ENDED", "409", "cancel of an ingest that has ended", ended_job),
    Case("JOB_ENDED", "409", "cancel of a build that has ended", ended_build_job),
    Case("LABEL_PACK_NOT_FOUND", "404", "no such pack", missing(f"{PACKS}/lp_nothing")),
    Case("LABEL_PACK_NOT_FOUND", "404", "no such series", missing(f"{SERIES}/lp_nothing")),
    Case("REVISION_NOT_FOUND", "404", "no such revision",
         lambda ground: ground.ask("GET", f"{ground.pack.path}/revisions/lpr_nothing")),
    Case("REVISION_ALREADY_SUBMITTED", "409", "a revision submitted twice", submitted_twice),
    Case("UPLOAD_MISSING", "409", "a revision submitted without its bytes", upload_missing),
    Case("UPLOAD_MISMATCH", "409", "other bytes than announced", upload_mismatch),
    Case("ELIGIBILITY_TRANSITION_INVALID", "409", "a revision approved twice", approved_twice),
]  # fmt: skip


def main() -> int:
    """Print how each refusal was told; the exit status says whether each was told as it must be."""
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack.start(Path(folder))
        try:
            stack.deploy()
            seed(stack)
            with Registry(stack) as registry:
                ground = Ground(registry)
                for case in CASES:
                    found = case.bring(ground)
                    CONSOLE.print(f"{found.code:35}{found.where:10} {case.name}: {found.detail}", soft_wrap=True)
                    if (found.code, found.where) != (case.code, case.where):
                        wrong += 1
                        CONSOLE.print(f"    must be {case.code}, {case.where}")
        finally:
            stack.kill()
    CONSOLE.print(f"{len(CASES)} refusals, {wrong} told otherwise than they must be")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
