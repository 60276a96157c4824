"""Use cases of training datasets: ask for one, poll it, look at its first rows, let it go on, download it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from packhouse.access.model import Principal, Workspace
from packhouse.aws import executions
from packhouse.aws.clock import Clock, NewId, later, new_id, now
from packhouse.aws.dynamo import Place, StaleError, Transaction, read_together, while_stale
from packhouse.aws.objects import URL_SECONDS, Objects
from packhouse.aws.once import Once
from packhouse.catalog.model import TrainingUse
from packhouse.catalog.rules import project_id
from packhouse.catalog.store import CatalogStore
from packhouse.errors import ConflictError, NotFoundError
from packhouse.jobs.model import Job, JobKind
from packhouse.jobs.store import JobStore
from packhouse.training.model import (
    Overlap,
    Recipe,
    TrainingDataset,
    TrainingFile,
    TrainingStatus,
    preview_key,
    training_prefix,
)
from packhouse.training.rules import INLINE_BYTES, demand_confirmable, fits_answer
from packhouse.training.store import TrainingStore, missing


class Download(NamedTuple):
    """A file of a ready dataset: its rows if they fit an answer, or else the URL that sends them."""

    file: TrainingFile
    body: str | None
    url: str | None


@dataclass(frozen=True)
class TrainingDatasets:
    """The training datasets of projects."""

    store: TrainingStore
    jobs: JobStore
    catalog: CatalogStore
    data: Objects
    machine_arn: str
    clock: Clock = now
    new_id: NewId = new_id

    def create(
        self, workspace: Workspace, name: str, recipe: Recipe, others: list[str], caller: Principal, once: Once
    ) -> TrainingDataset:
        """Ask for a training dataset; dataset and job are one transaction, then the execution is started.

        What was committed and not started, the sweeper starts. `others` are the datasets whose text is left out.
        """
        once.demand_new()
        recipe = recipe.model_copy(update={"exclude_overlap_with": self._overlaps(workspace, others)})
        moment, project = self.clock(), project_id(workspace)
        dataset_id, job_id = self.new_id("trd"), self.new_id("job")
        dataset = TrainingDataset(
            training_dataset_id=dataset_id,
            workspace=str(workspace),
            project_id=project,
            name=name,
            recipe=recipe,
            job_id=job_id,
            created_at=moment,
            created_by=caller.principal_id,
        )
        job = Job(
            job_id=job_id,
            kind=JobKind.TRAINING_EXPORT,
            workspace=str(workspace),
            training_dataset_id=dataset_id,
            created_at=moment,
            created_by=caller.principal_id,
            execution_input={
                "workspace": str(workspace),
                "training_dataset_id": dataset_id,
                "prefix": training_prefix(project, dataset_id),
            },
        )

        def attempt() -> TrainingDataset:
            seen = self.catalog.get_project(workspace)
            if seen.trainingUse is TrainingUse.OPTED_OUT:
                raise ConflictError("WORKSPACE_TRAINING_OPT_OUT", f"{workspace} has opted out of training use.")
            tx = Transaction()
            self.catalog.demand_same(tx, seen)
            self.store.put_new(tx, dataset)
            self.jobs.put_new(tx, job)
            return once.commit(tx, dataset)

        try:
            while_stale(attempt)
        except StaleError as error:
            raise ConflictError("PROJECT_CONFLICT", "The project keeps changing; repeat the request.") from error
        executions.start(self.machine_arn, job_id, job.execution_input | {"job_id": job_id})
        return dataset

    def _overlaps(self, workspace: Workspace, others: list[str]) -> tuple[Overlap, ...]:
        found = self.store.datasets_in(read_together([self.store.key(other) for other in others]))
        overlaps = []
        for other in others:
            dataset = found.get(other)
            if dataset is None or dataset.workspace != str(workspace):
                raise missing(other, workspace)
            if dataset.sealed is None:
                raise ConflictError("TRAINING_DATASET_NOT_READY", f"{other} is {dataset.status}, not ready.")
            overlaps.append(Overlap(training_dataset_id=other, manifest_hash=dataset.sealed.manifest_hash))
        return tuple(overlaps)

    def list_datasets(
        self, workspace: Workspace, filters: Mapping[str, str], limit: int, after: Place | None
    ) -> tuple[list[TrainingDataset], Place | None]:
        """Return a page of the project's training datasets, newest first, and where the next page begins."""
        datasets, rest = self.store.list_datasets(workspace, dict(filters), limit, after)
        if not datasets and after is None:
            self.catalog.get_project(workspace)  # an empty project, or none at all: only then is the look worth it
        return datasets, rest

    def preview(self, workspace: Workspace, training_dataset_id: str) -> list[str]:
        """Return the first rows, as they were rendered, each as its JSON."""
        dataset = self.store.get(workspace, training_dataset_id)
        key = preview_key(dataset.prefix)
        if dataset.status is TrainingStatus.PENDING or self.data.find_facts(key) is None:
            raise ConflictError("PREVIEW_NOT_READY", f"No row was rendered; the training dataset is {dataset.status}.")
        return self.data.read(key).decode().split("\n")[:-1]

    def confirm(self, workspace: Workspace, training_dataset_id: str, caller: Principal, once: Once) -> TrainingDataset:
        """Let the rendering go on. What was confirmed and not passed on, the sweeper passes on."""
        dataset, tokens = self.store.get_with_tokens(workspace, training_dataset_id)
        if demand_confirmable(dataset):
            confirmed = once.keep(dataset)
        else:
            moment = self.clock()
            confirmed = dataset.model_copy(update={"confirmed_at": moment, "confirmed_by": caller.principal_id})
            tx = Transaction()
            self.store.put_confirmed(tx, training_dataset_id, moment, caller.principal_id)
            once.commit(tx, confirmed)
            tokens = self.store.get_with_tokens(workspace, training_dataset_id)[1]
        for token in tokens:
            executions.go_on(token)
        return confirmed

    def find_rows(
        self, workspace: Workspace, training_dataset_id: str, profile: str | None
    ) -> tuple[TrainingDataset, TrainingFile | None]:
        """Return a training dataset, and when it is ready the file of its rows in a profile; one read."""
        dataset = self.store.get(workspace, training_dataset_id)
        if dataset.sealed is None:
            return dataset, None
        name = f"{profile or dataset.recipe.profile}.ndjson"
        return dataset, next(file for file in dataset.sealed.files if file.name == name)

    def download(self, dataset: TrainingDataset, file: TrainingFile) -> Download:
        """Return the rows of a file that fit an answer, or else a URL that sends them."""
        if file.bytes <= INLINE_BYTES:
            body = self.data.read(f"{dataset.prefix}exports/{file.name}").decode()
            if fits_answer(body):
                return Download(file, body, None)
        return Download(file, None, self._url(dataset, file))

    def list_files(self, workspace: Workspace, training_dataset_id: str) -> list[dict[str, Any]]:
        """Return the files of a training dataset that is ready, each with a URL for a quarter of an hour."""
        dataset = self.store.get(workspace, training_dataset_id)
        if dataset.sealed is None:
            raise ConflictError("TRAINING_DATASET_NOT_READY", f"The training dataset is {dataset.status}.")
        expires_at = later(self.clock(), URL_SECONDS)
        return [
            file.model_dump(mode="json") | {"url": self._url(dataset, file), "expires_at": expires_at}
            for file in dataset.sealed.files
        ]

    def get_file(self, workspace: Workspace, training_dataset_id: str, name: str) -> dict[str, Any]:
        """Return one file of a training dataset by its name."""
        for file in self.list_files(workspace, training_dataset_id):
            if file["name"] == name:
                return file
        raise NotFoundError("EXPORT_NOT_FOUND", f"{training_dataset_id} has no file {name}.")

    def _url(self, dataset: TrainingDataset, file: TrainingFile) -> str:
        key = f"{dataset.prefix}exports/{file.name}"
        return self.data.presign_get(key, file.name, file.content_type)
