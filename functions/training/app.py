"""Rollouts and training datasets over HTTP."""

from packhouse.api.app import create_app, handler_of
from packhouse.api.endpoints import Endpoints
from packhouse.api.paging import Cursors
from packhouse.aws.objects import Objects
from packhouse.aws.once import OnceTable
from packhouse.catalog.store import CatalogStore
from packhouse.jobs.model import JobKind
from packhouse.jobs.store import JobStore
from packhouse.rollouts.routes import register as register_rollouts
from packhouse.rollouts.service import Rollouts
from packhouse.rollouts.store import RolloutStore
from packhouse.settings import TrainingSettings
from packhouse.settle import Settle
from packhouse.training.endings import TrainingEndings
from packhouse.training.routes import register
from packhouse.training.service import TrainingDatasets
from packhouse.training.store import TrainingStore

_settings = TrainingSettings.from_env()
OnceTable(_settings.idempotency_table)
_cursors = Cursors(_settings.cursor_secret)
_jobs, _catalog = JobStore(_settings.builds_table), CatalogStore(_settings.catalog_table)
_store, _data = TrainingStore(_settings.training_table), Objects(_settings.data_bucket)
_rollouts = Rollouts(
    store=RolloutStore(_settings.training_table),
    jobs=_jobs,
    catalog=_catalog,
    data=_data,
    uploads=Objects(_settings.uploads_bucket),
    machine_arn=_settings.rollout_ingest_arn,
)
_settle = Settle(
    jobs=_jobs,
    notes=_data,
    ends={JobKind.TRAINING_EXPORT: TrainingEndings(_store, _jobs).end},
    machines={JobKind.TRAINING_EXPORT: _settings.training_export_arn},
)
_training = TrainingDatasets(_store, _jobs, _catalog, _data, _settings.training_export_arn)

app = create_app()
endpoints = Endpoints(app)
register_rollouts(endpoints, _rollouts, _cursors)
register(endpoints, _training, _settle.cancel, _cursors)
handler = handler_of(app)
