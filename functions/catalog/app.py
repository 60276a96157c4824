"""Namespaces, projects, datasets and collections over HTTP."""

from packhouse.access.store import AccessStore
from packhouse.api.app import create_app, handler_of
from packhouse.api.endpoints import Endpoints
from packhouse.aws.once import OnceTable
from packhouse.catalog.routes import register
from packhouse.catalog.service import Catalog
from packhouse.catalog.store import CatalogStore
from packhouse.collections.routes import register as register_collections
from packhouse.collections.service import Collections
from packhouse.collections.store import CollectionStore
from packhouse.datasets.routes import register as register_datasets
from packhouse.datasets.service import Datasets
from packhouse.datasets.store import DatasetStore
from packhouse.settings import CatalogSettings

_settings = CatalogSettings.from_env()
_catalog = CatalogStore(_settings.catalog_table)
_collections = CollectionStore(_settings.catalog_table)
_datasets = DatasetStore(_settings.catalog_table)
OnceTable(_settings.idempotency_table)

app = create_app()
endpoints = Endpoints(app)
register(endpoints, Catalog(_catalog, AccessStore(_settings.access_table)))
register_datasets(endpoints, Datasets(_datasets, _collections))
register_collections(endpoints, Collections(_collections, _datasets, _catalog))
handler = handler_of(app)
