"""Frozen test sets and the uses of dataset versions over HTTP."""

from packhouse.api.app import create_app, handler_of
from packhouse.api.endpoints import Endpoints
from packhouse.api.paging import Cursors
from packhouse.audit.store import AuditStore
from packhouse.aws.objects import Objects
from packhouse.aws.once import OnceTable
from packhouse.builds.store import BuildStore
from packhouse.freezes.protections import Protections
from packhouse.freezes.routes import register
from packhouse.freezes.service import Freezes
from packhouse.freezes.store import FreezeStore
from packhouse.settings import FreezesSettings

_settings = FreezesSettings.from_env()
OnceTable(_settings.idempotency_table)
_store = FreezeStore(_settings.evaluation_table)

app = create_app()
endpoints = Endpoints(app)
register(
    endpoints,
    Freezes(
        store=_store,
        audit=AuditStore(_settings.audit_table),
        builds=BuildStore(_settings.builds_table),
        protections=Protections(_store, Objects(_settings.data_bucket)),
    ),
    Cursors(_settings.cursor_secret),
)
handler = handler_of(app)
