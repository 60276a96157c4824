"""A task of `dataset_build`: looks up one shard's assets."""

from packhouse.builds.exports import ExportSteps
from packhouse.settings import TaskSettings
from packhouse.task import task_handler

_steps = ExportSteps.from_settings(TaskSettings.from_env())
handler = task_handler("MaterializeShards", _steps.materialize_shard, _steps.data)
