"""Every refusal of builds, labels, versions, frozen test sets and jobs that a caller can bring about, over HTTP.

    python -m tests.refusals      produce them on a stack of its own and print a line for each

A case brings one code about and returns how it was told; the tests run the same cases. Left out: `BUILD_CONFLICT`,
which takes a race lost eight times in a row, and `DIFF_TOO_LARGE`, which takes a million rows.
"""

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from rich.console import Console

from local.seed import seed
from local.stack import Stack
from tests.registry import (
    BUILD,
    CANDIDATES,
    JOBS,
    PACKS,
    PREFLIGHT,
    SERIES,
    VERSIONS,
    Json,
    Pack,
    Project,
    Registry,
    ball_rows,
    build_body,
    own_rows,
)

SOURCE_PROJECTS = 40
MACHINE = "DatasetBuildMachine"
CONSOLE = Console(highlight=False, markup=False)


class Told(NamedTuple):
    """How a refusal was told: its code, where (an HTTP status, `job`, `exclusion`), and its sentence."""

    code: str
    where: str
    detail: str


class Ground:
    """A registry and a project on it with an approved pack: what most cases start from."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.project = registry.new_project()
        self.pack = self.project.new_approved_pack()

    def ask(self, method: str, path: str, person: str | None = "editor", **content: Any) -> Told:
        """Send one request in the project and return its refusal."""
        return told(self.project.call(method, path, person, **content))

    def ask_build(self, *packs: Pack | str, path: str = BUILD, person: str = "editor", **more: Any) -> Told:
        """Request a build, of the approved pack if none is named, and return its refusal."""
        return self.ask("POST", path, person, json=build_body(*(packs or (self.pack,)), **more))

    def exclusion(self, pack: Pack | str) -> Told:
        """Return why a pack stays out of a build beside the approved one."""
        built = self.project.request_build(self.pack, pack)
        (out,) = built["excluded_label_pack_ids"]
        return Told(out["reason_code"], "exclusion", f"{out['label_pack_id']} in a build that was {built['outcome']}")

    def unready(self) -> str:
        """Return a version that is not built, and never will be."""
        with self.registry.holding(MACHINE, "PlanBuild", 20):
            built = self.project.request_build(self.pack, force=True)
            self.project.editor.post(f"{JOBS}/{built['job_id']}/cancel")
        return str(built["dataset_version_id"])

    def ended_build(self, *packs: Pack, **more: Any) -> Told:
        """Build and return how the job failed."""
        return failure(self.project, self.project.request_build(*packs, **more)["job_id"])

    def foreign_pack(self, role: str | None) -> Pack:
        """Return an approved pack of a namespace in which the editor now has another role, or none."""
        namespace = self.registry.new_namespace(editor="editor")
        pack = self.registry.new_project(namespace).new_approved_pack(ball_rows(1, 2))
        if role:
            self.registry.give_role(namespace, "editor", role)
        else:
            self.registry.call("DELETE", f"/namespaces/{namespace}/members/user-editor", "owner")
        return pack


def told(answer: httpx.Response) -> Told:
    """Return a refusal as it was answered; what was answered otherwise is one that nobody expects."""
    body: Json = answer.json()
    faults = "; ".join(f"{fault['loc']}: {fault['reason']}" for fault in body.get("errors", ()))
    return Told(str(body.get("code")), str(answer.status_code), " ".join(filter(None, (body.get("detail"), faults))))


def failure(project: Project, job_id: str) -> Told:
    """Return how a job ended, once it has."""
    job = project.job_at_its_end(job_id)
    error: Json = job["error"] or {}
    return Told(str(error.get("code")), "job", f"{error.get('detail')} ({job['status']})")


# Why a pack stays out


def opted_out(ground: Ground) -> Told:
    elsewhere = ground.registry.new_project()
    pack = elsewhere.new_approved_pack(ball_rows(1, 2))
    elsewhere.choose_training_use("opted_out")
    return ground.exclusion(pack)


def decided(decision: str, *eligibility: str) -> "Bring":
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


def in_no_project(path: str, method: str = "GET", **content: Any) -> "Bring":
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


def predefined(*splits: str | None) -> "Bring":
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


def of_unready(path: str, **query: str) -> "Bring":
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


def foreign_cursor(path: str, **query: str) -> "Bring":
    return lambda ground: ground.ask("GET", path, params={"cursor": "AAAA", **query})


def missing(path: str, method: str = "GET", **content: Any) -> "Bring":
    return lambda ground: ground.ask(method, path, **content)


def build_with(path: str = BUILD, person: str = "editor", **more: Any) -> "Bring":
    return lambda ground: ground.ask_build(path=path, person=person, **more)


def without_workspace(ground: Ground) -> Told:
    return told(ground.registry.call("GET", VERSIONS, "editor"))


# Frozen test sets


def frozen(ground: Ground, *packs: Pack) -> str:
    """Return a version that is frozen."""
    version = ground.project.new_version(*packs)
    assert ground.project.freeze(version).is_success
    return version


def training_on_frozen(ground: Ground) -> Told:
    return told(ground.project.take_use(frozen(ground)))


def training_on_frozen_packs(ground: Ground) -> Told:
    pack = ground.project.new_approved_pack(own_rows())
    frozen(ground, pack)
    return told(ground.project.take_use(ground.project.new_version(pack, force=True)))


def training_on_copies(ground: Ground) -> Told:
    rows, elsewhere = own_rows(), ground.registry.new_project()
    frozen(ground, ground.project.new_approved_pack(rows))
    return told(elsewhere.take_use(elsewhere.new_version(elsewhere.new_approved_pack(rows))))


def frozen_twice(ground: Ground) -> Told:
    return told(ground.project.freeze(frozen(ground)))


def frozen_in_use(ground: Ground) -> Told:
    version = ground.project.new_version()
    assert ground.project.take_use(version).is_success
    return told(ground.project.freeze(version))


def frozen_in_a_race(ground: Ground) -> Told:
    """No freeze reads half a training: to each, the fence has moved on when it commits."""
    version, client = ground.project.new_version(), ground.registry.stack.client("dynamodb")
    key = {"pk": {"S": f"FENCE#{ground.project.project_id}"}, "sk": {"S": "META"}}
    place: Json = {"TableName": "packhouse-local-evaluation", "Key": key}
    half: Json = {"UpdateExpression": "ADD epoch :more", "ExpressionAttributeValues": {":more": {"N": "0.5"}}}
    client.update_item(**place, **half)
    try:
        return told(ground.project.freeze(version))
    finally:
        client.update_item(**place, **half)


def of_new_version(send: Callable[[Project, str], httpx.Response]) -> "Bring":
    """Send something about a version that nothing was tried with."""
    return lambda ground: told(send(ground.project, ground.project.new_version()))


def of_frozen_version(person: str, **body: Any) -> "Bring":
    """Unfreeze a version that is frozen."""
    return lambda ground: told(ground.project.unfreeze(frozen(ground), person, **body))


Bring = Callable[[Ground], Told]
"""Brings a refusal about and returns how it was told."""


class Case(NamedTuple):
    """A code, where it must be told, and what brings it about."""

    code: str
    where: str
    name: str
    bring: Bring


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
    Case("FROZEN_DATASET_TRAINING_FORBIDDEN", "403", "training on a frozen version", training_on_frozen),
    Case("FROZEN_SOURCE_LEAKAGE_FORBIDDEN", "403", "training on packs of a frozen version", training_on_frozen_packs),
    Case("FROZEN_SOURCE_LEAKAGE_FORBIDDEN", "403", "training on copies of frozen samples", training_on_copies),
    Case("DATASET_NOT_FROZEN", "409", "an unfreeze of what is not frozen",
         of_new_version(lambda project, version: project.unfreeze(version, reason="over"))),
    Case("DATASET_NOT_FROZEN", "409", "official evaluation on what is not frozen",
         of_new_version(lambda project, version: project.take_use(version, "evaluation", require_frozen=True))),
    Case("DATASET_ALREADY_FROZEN", "409", "a second freeze", frozen_twice),
    Case("UNFREEZE_PERMISSION_REQUIRED", "403", "support's unfreeze", of_frozen_version("support", reason="over")),
    Case("UNFREEZE_REASON_REQUIRED", "400", "an unfreeze without a reason", of_frozen_version("developer")),
    Case("UNFREEZE_REASON_REQUIRED", "400", "an unfreeze for no reason", of_frozen_version("developer", reason=" ")),
    Case("DATASET_IN_ACTIVE_USE", "409", "a freeze of what is trained on", frozen_in_use),
    Case("FREEZE_STATE_CONFLICT", "409", "a freeze while trainings begin", frozen_in_a_race),
    Case("USE_NOT_FOUND", "404", "a use that is none",
         of_new_version(lambda project, version: project.release_use(version, "use_nothing"))),
    Case("FORBIDDEN", "403", "an editor's freeze",
         of_new_version(lambda project, version: project.freeze(version, "editor"))),
    Case("FORBIDDEN", "403", "a viewer's use",
         of_new_version(lambda project, version: project.take_use(version, person="viewer"))),
    Case("FORBIDDEN", "403", "an owner's look at the freeze history",
         of_new_version(lambda project, version: project.call("GET", f"{VERSIONS}/{version}/freeze-history", "owner"))),
    Case("INVALID_REQUEST", "400", "training that requires a frozen version",
         of_new_version(lambda project, version: project.take_use(version, require_frozen=True))),
    Case("DATASET_NOT_FOUND", "404", "a freeze of no version",
         lambda ground: told(ground.project.freeze("dsv_nothing"))),
    Case("DATASET_NOT_READY", "409", "a freeze of an unbuilt version",
         lambda ground: told(ground.project.freeze(ground.unready()))),
    Case("DATASET_NOT_READY", "409", "a use of an unbuilt version",
         lambda ground: told(ground.project.take_use(ground.unready()))),
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
