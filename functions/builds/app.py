"""Dataset builds, versions, exports and jobs over HTTP."""

from packhouse.api.app import create_app, handler_of
from packhouse.api.endpoints import Endpoints
from packhouse.aws.objects import Objects
from packhouse.aws.once import OnceTable
from packhouse.builds.routes import register
from packhouse.builds.service import Builds
from packhouse.builds.store import BuildStore
from packhouse.catalog.store import CatalogStore
from packhouse.jobs.model import JobKind
from packhouse.jobs.routes import register as register_jobs
from packhouse.jobs.store import JobStore
from packhouse.labels.store import LabelStore
from packhouse.settings import BuildsSettings

_settings = BuildsSettings.from_env()
OnceTable(_settings.idempotency_table)
_jobs = JobStore(_settings.builds_table)

app = create_app()
endpoints = Endpoints(app)
register(
    endpoints,
    Builds(
        store=BuildStore(_settings.builds_table),
        jobs=_jobs,
        labels=LabelStore(_settings.labels_table),
        catalog=CatalogStore(_settings.catalog_table),
        data=Objects(_settings.data_bucket),
        machine_arn=_settings.dataset_build_arn,
    ),
)
machines = {JobKind.LABEL_INGEST: _settings.label_ingest_arn, JobKind.DATASET_BUILD: _settings.dataset_build_arn}
register_jobs(endpoints, _jobs, machines)
handler = handler_of(app)
