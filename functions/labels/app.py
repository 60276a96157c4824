"""Label packs over HTTP."""

from packhouse.api.app import create_app, handler_of
from packhouse.api.endpoints import Endpoints
from packhouse.api.paging import Cursors
from packhouse.aws.objects import Objects
from packhouse.aws.once import OnceTable
from packhouse.catalog.store import CatalogStore
from packhouse.jobs.store import JobStore
from packhouse.labels.routes import register
from packhouse.labels.service import Labels
from packhouse.labels.store import LabelStore
from packhouse.settings import LabelsSettings

_settings = LabelsSettings.from_env()
OnceTable(_settings.idempotency_table)

app = create_app()
endpoints = Endpoints(app)
register(
    endpoints,
    Labels(
        store=LabelStore(_settings.labels_table),
        jobs=JobStore(_settings.builds_table),
        catalog=CatalogStore(_settings.catalog_table),
        uploads=Objects(_settings.uploads_bucket),
        machine_arn=_settings.label_ingest_arn,
    ),
    Cursors(_settings.cursor_secret),
)
handler = handler_of(app)
