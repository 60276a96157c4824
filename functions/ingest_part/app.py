"""A task of `label_ingest` and `rollout_ingest`: turns one part of an upload into a canonical chunk."""

from packhouse.settings import UploadTaskSettings
from packhouse.task import task_handler
from packhouse.uploads.ingest import UploadSteps

_steps = UploadSteps.from_settings(UploadTaskSettings.from_env())
handler = task_handler("IngestParts", _steps.ingest_part, _steps.data)
