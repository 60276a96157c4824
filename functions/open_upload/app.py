"""A task of `label_ingest` and `rollout_ingest`: unpacks an upload in gzip, and cuts it into parts."""

from packhouse.settings import UploadTaskSettings
from packhouse.task import task_handler
from packhouse.uploads.ingest import UploadSteps

_steps = UploadSteps.from_settings(UploadTaskSettings.from_env())
handler = task_handler("OpenUpload", _steps.open_upload, _steps.data)
