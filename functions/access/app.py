"""Members of namespaces and API keys of projects over HTTP."""

from packhouse.access.routes import register
from packhouse.access.service import Access
from packhouse.access.store import AccessStore
from packhouse.api.app import create_app, handler_of
from packhouse.settings import AccessSettings

_settings = AccessSettings.from_env()

app = create_app()
register(app, Access(AccessStore(_settings.access_table)))
handler = handler_of(app)
