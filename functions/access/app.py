"""Members of namespaces and API keys of projects over HTTP."""

from packhouse.access.routes import register
from packhouse.access.service import Access
from packhouse.access.store import AccessStore
from packhouse.api.app import create_app, handler_of
from packhouse.api.endpoints import Endpoints
from packhouse.aws.once import OnceTable
from packhouse.settings import AccessSettings

_settings = AccessSettings.from_env()
OnceTable(_settings.idempotency_table)

app = create_app()
endpoints = Endpoints(app)
register(endpoints, Access(AccessStore(_settings.access_table), _settings.issue_secret))
handler = handler_of(app)
