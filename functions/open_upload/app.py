"""A task of `label_ingest`: cuts an upload into parts."""

from packhouse.labels.ingest import Ingest
from packhouse.settings import IngestSettings
from packhouse.task import task_handler

_ingest = Ingest.from_settings(IngestSettings.from_env())
handler = task_handler("OpenUpload", _ingest.open_upload, _ingest.data)
