"""Use cases of jobs: list them. How they end is `packhouse.settle`."""

from collections.abc import Mapping
from dataclasses import dataclass

from packhouse.access.model import Workspace
from packhouse.aws.dynamo import Place
from packhouse.catalog.store import CatalogStore
from packhouse.jobs.model import Job
from packhouse.jobs.store import JobStore


@dataclass(frozen=True)
class Jobs:
    """The jobs of projects."""

    store: JobStore
    catalog: CatalogStore

    def list_jobs(
        self, workspace: Workspace, filters: Mapping[str, str], limit: int, after: Place | None
    ) -> tuple[list[Job], Place | None]:
        """Return a page of the project's jobs, newest first, and where the next page begins."""
        jobs, rest = self.store.list_jobs(workspace, filters, limit, after)
        if not jobs and after is None:
            self.catalog.get_project(workspace)  # an empty project, or none at all: only then is the look worth it
        return jobs, rest
