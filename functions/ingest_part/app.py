"""A task of `label_ingest`: turns one part of an upload into a canonical chunk."""

from packhouse.labels.ingest import Ingest
from packhouse.settings import IngestSettings
from packhouse.task import task_handler

_ingest = Ingest.from_settings(IngestSettings.from_env())
handler = task_handler("IngestParts", _ingest.ingest_part, _ingest.data)
