"""A task of `label_ingest`: cuts an upload into parts."""

from packhouse.aws.objects import Objects
from packhouse.jobs.store import JobStore
from packhouse.labels.ingest import Ingest
from packhouse.labels.store import LabelStore
from packhouse.settings import IngestSettings
from packhouse.task import task_handler

_settings = IngestSettings.from_env()
_data = Objects(_settings.data_bucket)
_ingest = Ingest(
    store=LabelStore(_settings.labels_table),
    jobs=JobStore(_settings.builds_table),
    data=_data,
    uploads=Objects(_settings.uploads_bucket),
)
handler = task_handler("OpenUpload", _ingest.open_upload, _data)
