"""Jobs of every kind over HTTP: how far they are, and their cancellation."""

from packhouse.api.app import create_app, handler_of
from packhouse.api.endpoints import Endpoints
from packhouse.api.paging import Cursors
from packhouse.aws.once import OnceTable
from packhouse.catalog.store import CatalogStore
from packhouse.jobs.routes import register
from packhouse.jobs.service import Jobs
from packhouse.kinds import settle_of
from packhouse.settings import JobsSettings

_settings = JobsSettings.from_env()
OnceTable(_settings.idempotency_table)
_settle = settle_of(_settings)

app = create_app()
endpoints = Endpoints(app)
register(
    endpoints,
    Jobs(store=_settle.jobs, catalog=CatalogStore(_settings.catalog_table)),
    _settle.machines,
    _settle.cancel,
    Cursors(_settings.cursor_secret),
)
handler = handler_of(app)
