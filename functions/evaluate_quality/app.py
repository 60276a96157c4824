"""A task of `dataset_build`: judges what was built."""

from packhouse.builds.steps import BuildSteps
from packhouse.settings import QualityTaskSettings
from packhouse.task import task_handler

_steps = BuildSteps.from_settings(QualityTaskSettings.from_env())
handler = task_handler("EvaluateQuality", _steps.evaluate_quality, _steps.data)
