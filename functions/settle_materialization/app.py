"""A task of `dataset_build`: sums the assets up and judges again."""

from packhouse.builds.exports import ExportSteps
from packhouse.settings import QualityTaskSettings
from packhouse.task import task_handler

_steps = ExportSteps.from_settings(QualityTaskSettings.from_env())
handler = task_handler("SettleMaterialization", _steps.settle_materialization, _steps.data)
