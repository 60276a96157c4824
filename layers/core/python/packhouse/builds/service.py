"""Use cases of dataset builds: request one, see it, download it."""

from dataclasses import dataclass
from typing import Any

import orjson

from packhouse.access.model import Principal, Workspace
from packhouse.aws import executions
from packhouse.aws.clock import Clock, NewId, later, new_id, now
from packhouse.aws.dynamo import Transaction, read_together
from packhouse.aws.objects import URL_SECONDS, Objects
from packhouse.aws.once import Once
from packhouse.builds.model import BuildAnswer, DatasetVersion, Outcome, Scope, Selection, version_prefix
from packhouse.builds.rules import build_fingerprint, reuse_fingerprint, select_packs
from packhouse.builds.store import BuildStore, FingerprintTakenError, NumberTakenError
from packhouse.catalog.model import Project
from packhouse.catalog.store import CatalogStore
from packhouse.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from packhouse.jobs.model import Job, JobKind, JobStatus
from packhouse.jobs.store import JobStore
from packhouse.labels.model import LabelPack
from packhouse.labels.store import LabelStore
from packhouse.pipeline.fingerprints import canonical
from packhouse.pipeline.splits import SplitPlan

LISTED_PACKS = 100
"""How many included and excluded packs a version's item names itself; all of them are in its snapshot."""

_NUMBER_TRIES = 8


@dataclass(frozen=True)
class BuildRequest:
    """What was asked, once it is known to be well formed."""

    capability: str
    label_pack_ids: list[str]
    name: str
    description: str | None
    split: SplitPlan
    include_reviewed_override: bool
    force: bool

    def snapshot(self) -> dict[str, Any]:
        """The request as the build fingerprint holds it: ids sorted, each once."""
        return {
            "capability": self.capability,
            "label_pack_ids": sorted(set(self.label_pack_ids)),
            "name": self.name,
            "description": self.description,
            "split": self.split.snapshot(),
            "include_reviewed_override": self.include_reviewed_override,
            "force": self.force,
        }


@dataclass(frozen=True)
class Builds:
    """Dataset versions."""

    store: BuildStore
    jobs: JobStore
    labels: LabelStore
    catalog: CatalogStore
    data: Objects
    machine_arn: str
    clock: Clock = now
    new_id: NewId = new_id

    def build(self, workspace: Workspace, request: BuildRequest, caller: Principal, once: Once) -> BuildAnswer:
        """Create a version and start its build, or find the equivalent one.

        DynamoDB calls: one for every 100 packs (their first one also reads the project and the version number), one
        for packs of other projects, one transaction, and one read when an equivalent build exists.
        """
        if request.include_reviewed_override and not caller.is_developer:
            raise ForbiddenError("ELIGIBILITY_OVERRIDE_FORBIDDEN", "include_reviewed_override is for developers.")
        packs, projects, newest = self._load(workspace, request)
        selection = select_packs(
            request.label_pack_ids,
            packs,
            projects,
            caller,
            request.capability,
            include_reviewed=request.include_reviewed_override,
        )
        if not selection.included:
            raise InvalidInputError(
                "NO_ELIGIBLE_LABEL_DATA",
                "None of the requested label packs may be included.",
                excluded_label_pack_ids=[pack.model_dump(mode="json") for pack in selection.excluded],
            )
        version = self._new_version(workspace, projects[str(workspace)], request, selection, caller)
        self._write_snapshot(version, selection, request)
        try:
            return self._commit(workspace, version, selection, newest, once)
        except FingerprintTakenError as taken:
            return once.keep(self._reuse(workspace, taken.dataset_version_id, selection, version))

    def _load(
        self, workspace: Workspace, request: BuildRequest
    ) -> tuple[dict[str, LabelPack], dict[str, Project], int]:
        counter = self.store.count_key(workspace, request.name, request.capability)
        keys = [self.catalog.project_key(workspace), counter]
        keys += [self.labels.pack_key(label_pack_id) for label_pack_id in sorted(set(request.label_pack_ids))]
        found = read_together(keys)
        projects = self.catalog.projects_in(found)
        if str(workspace) not in projects:
            raise NotFoundError("PROJECT_NOT_FOUND", f"There is no project {workspace}.")
        packs = self.labels.packs_in(found)
        others = {pack.workspace for pack in packs.values()} - {str(workspace)}
        if others:
            keys = [self.catalog.project_key(Workspace(*other.split("/"))) for other in sorted(others)]
            projects |= self.catalog.projects_in(read_together(keys))
        return packs, projects, self.store.count_in(found, counter)

    def _new_version(
        self, workspace: Workspace, project: Project, request: BuildRequest, selection: Selection, caller: Principal
    ) -> DatasetVersion:
        reuse = reuse_fingerprint(request.capability, selection.included, request.split)
        own = all(pack.workspace == str(workspace) for pack in selection.included)
        return DatasetVersion(
            dataset_version_id=self.new_id("dsv"),
            version_id="",
            name=request.name,
            description=request.description,
            workspace=str(workspace),
            project_id=project.id,
            capability=request.capability,
            scope=Scope.WORKSPACE if own else Scope.CROSS_WORKSPACE,
            job_id=self.new_id("job"),
            reuse_fingerprint=reuse,
            build_fingerprint=build_fingerprint(reuse, request.snapshot(), selection),
            forced=request.force,
            split=request.split.snapshot(),
            included_count=len(selection.included),
            excluded_count=len(selection.excluded),
            included=selection.included[:LISTED_PACKS],
            excluded=selection.excluded[:LISTED_PACKS],
            created_at=self.clock(),
            created_by=caller.principal_id,
        )

    def _write_snapshot(self, version: DatasetVersion, selection: Selection, request: BuildRequest) -> None:
        """Write what the tasks will build from, named by its content: a repeated request writes the same object."""
        document = selection.model_dump(mode="json") | {"split": request.split.snapshot()}
        self.data.write_once(snapshot_key(version), canonical(document), "application/json")

    def _commit(
        self, workspace: Workspace, version: DatasetVersion, selection: Selection, newest: int, once: Once
    ) -> BuildAnswer:
        """Commit version, job, number and reuse lock together, then start the job's execution."""
        counter = self.store.count_key(workspace, version.name, version.capability)
        for attempt in range(_NUMBER_TRIES):
            if attempt:
                newest = self.store.count_in(read_together([counter]), counter)
            numbered = version.model_copy(update={"version_id": f"v{newest + 1}"})
            job = _job_of(numbered)
            tx = Transaction()
            self.store.put_new(tx, numbered, newest + 1)
            self.jobs.put_new(tx, job)
            created = _answer(Outcome.CREATED, numbered, selection, version)
            try:
                once.commit(tx, created)
            except NumberTakenError:
                continue
            executions.start(self.machine_arn, job.job_id, job.execution_input | {"job_id": job.job_id})
            return created
        raise ConflictError("BUILD_CONFLICT", "Too many builds of this dataset at the same moment; repeat the request.")

    def _reuse(
        self, workspace: Workspace, dataset_version_id: str, selection: Selection, asked: DatasetVersion
    ) -> BuildAnswer:
        version = self.store.get(workspace, dataset_version_id)
        ready = version.build_status is JobStatus.READY
        return _answer(Outcome.REUSED_SUCCESS if ready else Outcome.REUSED_IN_PROGRESS, version, selection, asked)

    def read_selection(self, built: BuildAnswer) -> Selection:
        """Return how the packs of a request were judged that was answered before; one read of its snapshot."""
        return read_snapshot(self.data, built.snapshot_key)[0]

    def list_exports(self, workspace: Workspace, dataset_version_id: str) -> list[dict[str, Any]]:
        """Return the files of a version that is ready, each with a URL that downloads it for a quarter of an hour."""
        version = self.store.get(workspace, dataset_version_id)
        if version.sealed is None:
            raise ConflictError("DATASET_NOT_READY", f"The dataset is {version.build_status}.", job_id=version.job_id)
        expires_at = later(self.clock(), URL_SECONDS)
        prefix = version_prefix(version.project_id, dataset_version_id)
        files = version.sealed["exports"]
        return [self._downloadable(version, file, prefix) | {"expires_at": expires_at} for file in files]

    def _downloadable(self, version: DatasetVersion, file: dict[str, Any], prefix: str) -> dict[str, Any]:
        filename = f"{version.capability}-{version.version_id}-{file['name']}"
        return file | {"url": self.data.presign_get(f"{prefix}{file['key']}", filename, file["content_type"])}

    def get_export(self, workspace: Workspace, dataset_version_id: str, name: str) -> dict[str, Any]:
        """Return one file of a version by its name."""
        for file in self.list_exports(workspace, dataset_version_id):
            if file["name"] == name:
                return file
        raise NotFoundError("EXPORT_NOT_FOUND", f"{dataset_version_id} has no export {name}.")


def snapshot_key(version: DatasetVersion) -> str:
    """Return where the snapshot of a version's request lies."""
    return f"projects/{version.project_id}/snapshots/{version.build_fingerprint.removeprefix('sha256:')}.json"


def _answer(outcome: Outcome, version: DatasetVersion, selection: Selection, asked: DatasetVersion) -> BuildAnswer:
    return BuildAnswer(outcome=outcome, version=version, selection=selection, snapshot_key=snapshot_key(asked))


def _job_of(version: DatasetVersion) -> Job:
    return Job(
        job_id=version.job_id,
        kind=JobKind.DATASET_BUILD,
        workspace=version.workspace,
        dataset_version_id=version.dataset_version_id,
        created_at=version.created_at,
        created_by=version.created_by,
        execution_input={
            "workspace": version.workspace,
            "dataset_version_id": version.dataset_version_id,
            "capability": version.capability,
            "snapshot_key": snapshot_key(version),
            "prefix": version_prefix(version.project_id, version.dataset_version_id),
        },
    )


def read_snapshot(objects: Objects, key: str) -> tuple[Selection, SplitPlan]:
    """Return the selection and split that a build was asked for."""
    document = orjson.loads(objects.read(key))
    split = SplitPlan.from_snapshot(document.pop("split"))
    return Selection.model_validate(document), split
