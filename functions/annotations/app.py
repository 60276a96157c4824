"""Audio files, annotation sets and what is in them over HTTP."""

from packhouse.annotations.contents import Contents
from packhouse.annotations.edits import Edits
from packhouse.annotations.promotions import Promotions
from packhouse.annotations.publishing import Publishing
from packhouse.annotations.routes import register
from packhouse.annotations.service import AnnotationSets
from packhouse.annotations.store import AnnotationStore
from packhouse.api.app import create_app, handler_of
from packhouse.api.endpoints import Endpoints
from packhouse.api.paging import Cursors
from packhouse.audio.routes import register as register_audio
from packhouse.audio.service import AudioFiles
from packhouse.audio.store import AudioStore
from packhouse.aws.objects import Objects
from packhouse.aws.once import OnceTable
from packhouse.aws.warm import WarmObjects
from packhouse.catalog.store import CatalogStore
from packhouse.datasets.store import DatasetStore
from packhouse.jobs.store import JobStore
from packhouse.labels.service import Labels
from packhouse.labels.store import LabelStore
from packhouse.settings import AnnotationsSettings

_settings = AnnotationsSettings.from_env()
OnceTable(_settings.idempotency_table)
_cursors = Cursors(_settings.cursor_secret)
_audio, _datasets = AudioStore(_settings.annotations_table), DatasetStore(_settings.catalog_table)
_store = AnnotationStore(_settings.annotations_table)
_contents = Contents(_store, WarmObjects(_settings.data_bucket))
_edits = Edits(_store, _audio, _contents)
_labels = Labels(
    store=LabelStore(_settings.labels_table),
    jobs=JobStore(_settings.builds_table),
    catalog=CatalogStore(_settings.catalog_table),
    uploads=Objects(_settings.uploads_bucket),
    machine_arn=_settings.label_ingest_arn,
)

app = create_app()
endpoints = Endpoints(app)
register_audio(endpoints, AudioFiles(_audio, _datasets), _cursors)
register(
    endpoints,
    AnnotationSets(_store, _datasets, _contents, _edits),
    _edits,
    Publishing(_store, _contents),
    Promotions(_store, _audio, _datasets, _contents, _labels),
    _cursors,
)
handler = handler_of(app)
