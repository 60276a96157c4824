"""Dataset builds, versions and exports over HTTP."""

from packhouse.api.app import create_app, handler_of
from packhouse.api.endpoints import Endpoints
from packhouse.api.paging import Cursors
from packhouse.aws.objects import Objects
from packhouse.aws.once import OnceTable
from packhouse.builds.routes import register
from packhouse.builds.service import Builds
from packhouse.builds.store import BuildStore
from packhouse.builds.versions import Versions
from packhouse.catalog.store import CatalogStore
from packhouse.datasets.store import DatasetStore
from packhouse.freezes.protections import Protections
from packhouse.freezes.store import FreezeStore
from packhouse.jobs.store import JobStore
from packhouse.labels.store import LabelStore
from packhouse.settings import BuildsSettings

_settings = BuildsSettings.from_env()
OnceTable(_settings.idempotency_table)
_store, _data = BuildStore(_settings.builds_table), Objects(_settings.data_bucket)
_catalog = CatalogStore(_settings.catalog_table)
_protections = Protections(FreezeStore(_settings.evaluation_table), _data)

app = create_app()
endpoints = Endpoints(app)
register(
    endpoints,
    Builds(
        store=_store,
        jobs=JobStore(_settings.builds_table),
        labels=LabelStore(_settings.labels_table),
        catalog=_catalog,
        datasets=DatasetStore(_settings.catalog_table),
        data=_data,
        protections=_protections,
        machine_arn=_settings.dataset_build_arn,
    ),
    Versions(store=_store, catalog=_catalog, data=_data, protections=_protections),
    Cursors(_settings.cursor_secret),
)
handler = handler_of(app)
