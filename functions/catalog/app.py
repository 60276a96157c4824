"""Namespaces and projects over HTTP."""

from packhouse.access.store import AccessStore
from packhouse.api.app import create_app, handler_of
from packhouse.catalog.routes import register
from packhouse.catalog.service import Catalog
from packhouse.catalog.store import CatalogStore
from packhouse.settings import CatalogSettings

_settings = CatalogSettings.from_env()

app = create_app()
register(app, Catalog(CatalogStore(_settings.catalog_table), AccessStore(_settings.access_table)))
handler = handler_of(app)
