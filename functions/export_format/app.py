"""A task of `dataset_build`: writes one split in one format."""

from packhouse.aws.objects import Objects
from packhouse.builds.steps import BuildSteps
from packhouse.builds.store import BuildStore
from packhouse.jobs.store import JobStore
from packhouse.settings import BuildTaskSettings
from packhouse.task import task_handler

_settings = BuildTaskSettings.from_env()
_data = Objects(_settings.data_bucket)
_steps = BuildSteps(BuildStore(_settings.builds_table), JobStore(_settings.builds_table), _data)
handler = task_handler("ExportFormats", _steps.export_format, _data)
