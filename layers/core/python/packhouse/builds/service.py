"""Use cases of dataset builds: see what may go into one, look what one would do, request one."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from packhouse.access.model import Action, Principal, Workspace
from packhouse.access.rules import permit
from packhouse.aws import executions
from packhouse.aws.clock import Clock, NewId, new_id, now
from packhouse.aws.dynamo import BATCH_KEYS, Found, Key, Place, Transaction, pause, read_together
from packhouse.aws.objects import Objects
from packhouse.aws.once import Once
from packhouse.builds.model import (
    LISTED_PACKS,
    BuildAnswer,
    BuildRequest,
    Candidate,
    DatasetVersion,
    Outcome,
    Preflight,
    Scope,
    Selection,
    Snapshot,
)
from packhouse.builds.rules import (
    build_fingerprint,
    candidate,
    overlap_issues,
    reuse_fingerprint,
    select_packs,
    selection_issues,
)
from packhouse.builds.sources import plan_sources, read_snapshot
from packhouse.builds.store import BuildStore, FingerprintTakenError, NumberTakenError
from packhouse.catalog.model import Project
from packhouse.catalog.store import CatalogStore
from packhouse.datasets.model import Dataset
from packhouse.datasets.store import DatasetStore
from packhouse.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError, UnitFailedError
from packhouse.freezes.protections import Protections
from packhouse.jobs.model import OPEN, Job, JobKind, JobStatus
from packhouse.jobs.store import JobStore
from packhouse.labels.model import LabelPack
from packhouse.labels.store import LabelStore
from packhouse.pipeline.fingerprints import canonical
from packhouse.pipeline.issues import Issue
from packhouse.pipeline.policies import policy_in_force

COUNTED_PACKS, COUNTED_ROWS = 1_000, 2_000_000
"""As much a preflight counts within the time of a request; of more it says that it did not."""

_TRIES = 8


@dataclass(frozen=True)
class _Decided:
    """A request as it was judged: the version that it makes, what its tasks read, the newest number before it."""

    version: DatasetVersion
    snapshot: Snapshot
    newest: int
    dataset: Dataset | None
    issues: list[Issue]


@dataclass(frozen=True)
class Builds:
    """Dataset versions."""

    store: BuildStore
    jobs: JobStore
    labels: LabelStore
    catalog: CatalogStore
    datasets: DatasetStore
    data: Objects
    protections: Protections
    machine_arn: str
    clock: Clock = now
    new_id: NewId = new_id

    def build(self, workspace: Workspace, request: BuildRequest, caller: Principal, once: Once) -> BuildAnswer:
        """Create a version and start its build, or find the equivalent one.

        DynamoDB calls: one for every 100 packs, whose last one mostly has room for what else decides, else one more;
        one for packs of other projects; one transaction. One more each for a dataset's counter, and for the version
        that serves the request where there is one.
        """
        decided = self._decide(workspace, request, caller)
        refuse(decided.issues, decided.snapshot)
        self._write_snapshot(decided)
        for attempt in range(_TRIES):
            try:
                return self._commit(workspace, decided, once)
            except FingerprintTakenError as taken:
                version = self.store.get(workspace, taken.dataset_version_id)
            if version.build_status is JobStatus.READY:
                return once.keep(_answer(Outcome.REUSED_SUCCESS, version, decided))
            if version.build_status in OPEN:
                return once.keep(_answer(Outcome.REUSED_IN_PROGRESS, version, decided))
            pause(attempt)  # it failed or was cancelled since, and its lock is free
        raise _conflict()

    def preflight(self, workspace: Workspace, request: BuildRequest, caller: Principal) -> Preflight:
        """Return what a build of the request would take in, leave out and put where; writes nothing."""
        decided = self._decide(workspace, request, caller)
        included, issues, plan = decided.snapshot.included, decided.issues, None
        if len(included) > COUNTED_PACKS or sum(pack.rows for pack in included) > COUNTED_ROWS:
            detail = (
                f"Groups and samples are counted for up to {COUNTED_PACKS:,} label packs and {COUNTED_ROWS:,} rows."
            )
            issues = [*issues, Issue("SPLITS_NOT_COUNTED", "warning", detail)]
        elif not issues:
            try:
                plan, _ = plan_sources(self.data, decided.snapshot)
                issues = plan.issues
            except UnitFailedError:  # what the build would end with
                detail = "What lies in storage of a source is not what was approved."
                issues = [Issue("SOURCE_CHANGED", "error", detail)]
        overlaps = self.protections.overlaps(included, self.protections.read_frozen()) if included else []
        issues = [*issues, *overlap_issues(overlaps)]
        return Preflight(request, decided.version, decided.snapshot, plan, issues, overlaps)

    def list_candidates(
        self, workspace: Workspace, filters: Mapping[str, str], limit: int, after: Place | None
    ) -> tuple[list[Candidate], Place | None]:
        """Return a page of the project's label packs of one capability, each with how a build judges it by default."""
        project = self.catalog.get_project(workspace)
        bodies, rest = self.labels.list_pack_bodies(workspace, filters, limit, after)
        return [candidate(LabelPack.model_validate_json(body), project) for body in bodies], rest

    def _decide(self, workspace: Workspace, request: BuildRequest, caller: Principal) -> _Decided:
        """Judge a request: the one way for builds and preflights."""
        if request.include_reviewed_override and not caller.is_developer:
            raise ForbiddenError("ELIGIBILITY_OVERRIDE_FORBIDDEN", "include_reviewed_override is for developers.")
        found = self._load(workspace, request, caller)
        projects, packs = self.catalog.projects_in(found), self.labels.packs_in(found)
        if str(workspace) not in projects:
            raise NotFoundError("PROJECT_NOT_FOUND", f"There is no project {workspace}.")
        dataset = self.datasets.dataset_in(found, workspace, request.dataset) if request.dataset else None
        kept = self._kept(found, workspace, request.sticky_to) if request.sticky_to else None
        asked = request if kept is None else replace(request, split=replace(request.split, sticky=_assignment(kept)))
        selection = select_packs(
            request.distinct_ids,
            packs,
            projects,
            caller,
            request.capability,
            include_reviewed=request.include_reviewed_override,
        )
        snapshot = Snapshot(
            **dict(selection),
            split=asked.split.snapshot(),
            include_reviewed=request.include_reviewed_override,
            kept_key=kept.assignment_key if kept else None,
        )
        version = self._new_version(projects[str(workspace)], asked, selection, dataset, caller)
        counter = self._counter(version)
        newest = self.store.count_in(read_together([counter]) if dataset else found, counter)
        return _Decided(version, snapshot, newest, dataset, selection_issues(selection))

    def _counter(self, version: DatasetVersion) -> Key:
        return self.store.count_key(version.workspace, version.capability, version.name, version.dataset_id)

    def _load(self, workspace: Workspace, request: BuildRequest, caller: Principal) -> Found:
        """Read the packs and what else decides; the other things in the packs' last call where it has room."""
        packs = [self.labels.pack_key(label_pack_id) for label_pack_id in request.distinct_ids]
        others = [self.catalog.project_key(workspace)]
        if request.dataset is not None:
            others.append(self.datasets.dataset_key(workspace, request.dataset))
        else:  # a dataset's counter goes by its id, which is not known yet
            name = request.name or request.capability
            others.append(self.store.count_key(str(workspace), request.capability, name, None))
        if request.sticky_to is not None:
            others.append(self.store.version_key(request.sticky_to))
        fits = -(-len(packs) // BATCH_KEYS) == -(-(len(packs) + len(others)) // BATCH_KEYS)
        found = dict(read_together(packs + others if fits else packs))
        others = [] if fits else others
        # Of projects that the caller may not draw from nothing is read: how long an answer takes tells nothing of them.
        named = {Workspace(*pack.workspace.split("/")) for pack in self.labels.packs_in(found).values()} - {workspace}
        drawn = sorted(name for name in named if permit(caller, *name, Action.WRITE).allowed)
        return found | read_together(others + [self.catalog.project_key(name) for name in drawn])

    def _kept(self, found: Found, workspace: Workspace, dataset_version_id: str) -> DatasetVersion:
        """Return the version whose groups stay where they are."""
        kept = self.store.version_in(found, workspace, dataset_version_id)
        if kept.build_status is not JobStatus.READY or _assignment(kept) is None:
            raise ConflictError("DATASET_NOT_READY", f"The dataset {dataset_version_id} has no splits to stick to yet.")
        return kept

    def _new_version(
        self, project: Project, request: BuildRequest, selection: Selection, dataset: Dataset | None, caller: Principal
    ) -> DatasetVersion:
        options = {"dataset": dataset.id if dataset else None, "reviewed": request.include_reviewed_override or None}
        policy = policy_in_force(request.capability)
        reuse = reuse_fingerprint(request.capability, selection.included, request.split, policy, options)
        workspace = str(Workspace(project.namespace, project.slug))
        own = all(pack.workspace == workspace for pack in selection.included)
        return DatasetVersion(
            dataset_version_id=self.new_id("dsv"),
            version_id="",
            name=request.name or (dataset.name if dataset else request.capability),
            description=request.description,
            dataset=dataset.name if dataset else None,
            dataset_id=dataset.id if dataset else None,
            workspace=workspace,
            project_id=project.id,
            capability=request.capability,
            scope=Scope.WORKSPACE if own else Scope.CROSS_WORKSPACE,
            job_id=self.new_id("job"),
            reuse_fingerprint=reuse,
            build_fingerprint=build_fingerprint(reuse, request.snapshot(), selection),
            forced=request.force,
            policy=policy,
            split=request.split.snapshot(),
            sticky_to=request.sticky_to,
            include_reviewed_override=request.include_reviewed_override,
            included_count=len(selection.included),
            excluded_count=len(selection.excluded),
            included=selection.included[:LISTED_PACKS],
            excluded=selection.excluded[:LISTED_PACKS],
            created_at=self.clock(),
            created_by=caller.principal_id,
        )

    def _write_snapshot(self, decided: _Decided) -> None:
        """Write what the tasks will build from, named by its content: a repeated request writes the same object."""
        body = canonical(decided.snapshot.model_dump(mode="json", exclude_defaults=True))
        self.data.write_once(decided.version.snapshot_key, body, "application/json")

    def _commit(self, workspace: Workspace, decided: _Decided, once: Once) -> BuildAnswer:
        """Commit version, job, number and reuse lock together, then start the job's execution."""
        newest, counter = decided.newest, self._counter(decided.version)
        for attempt in range(_TRIES):
            if attempt:
                pause(attempt)
                newest = self.store.count_in(read_together([counter]), counter)
            numbered = decided.version.model_copy(update={"version_id": f"v{newest + 1}"})
            job = _job_of(numbered)
            tx = Transaction()
            self.store.put_new(tx, numbered, newest + 1)
            self.jobs.put_new(tx, job)
            if decided.dataset is not None:
                self.datasets.demand_place(tx, workspace, decided.dataset)
            created = _answer(Outcome.CREATED, numbered, decided)
            try:
                once.commit(tx, created)
            except NumberTakenError:
                continue
            executions.start(self.machine_arn, job.job_id, job.execution_input | {"job_id": job.job_id})
            return created
        raise _conflict()

    def read_selection(self, built: BuildAnswer) -> Selection:
        """Return how the packs of a request were judged that was answered before; one read of its snapshot."""
        return read_snapshot(self.data, built.snapshot_key)


def _assignment(version: DatasetVersion) -> str | None:
    """Return the digest of a version's assignment of groups to splits, once it is known."""
    digest: str | None = (version.built or {}).get("assignment")
    return digest


def refuse(issues: list[Issue], selection: Selection) -> None:
    """Raise the error that a build of these packs meets at the door, if any."""
    if not issues:
        return
    if selection.included:
        raise InvalidInputError("TOO_MANY_SOURCE_PROJECTS", issues[0].detail)
    excluded = [pack.model_dump(mode="json") for pack in selection.excluded]
    raise InvalidInputError("NO_ELIGIBLE_LABEL_DATA", issues[0].detail, excluded_label_pack_ids=excluded)


def _conflict() -> ConflictError:
    return ConflictError("BUILD_CONFLICT", "Too many builds of this dataset at the same moment; repeat the request.")


def _answer(outcome: Outcome, version: DatasetVersion, decided: _Decided) -> BuildAnswer:
    key = decided.version.snapshot_key
    return BuildAnswer(outcome=outcome, version=version, selection=decided.snapshot, snapshot_key=key)


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
            "policy": version.policy,
            "snapshot_key": version.snapshot_key,
            "prefix": version.prefix,
        },
    )
