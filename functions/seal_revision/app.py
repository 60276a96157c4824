"""A task of `label_ingest`: settles a revision as passed or failed."""

from packhouse.labels.ingest import Ingest
from packhouse.settings import IngestSettings
from packhouse.task import task_handler

_ingest = Ingest.from_settings(IngestSettings.from_env())
handler = task_handler("SealRevision", _ingest.seal_revision, _ingest.data)
