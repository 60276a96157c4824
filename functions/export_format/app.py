"""A task of `dataset_build`: writes one split in one format."""

from packhouse.builds.exports import ExportSteps
from packhouse.settings import TaskSettings
from packhouse.task import task_handler

_steps = ExportSteps.from_settings(TaskSettings.from_env())
handler = task_handler("ExportFormats", _steps.export_format, _steps.data)
