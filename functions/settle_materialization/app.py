"""A task of `dataset_build`: sums the assets up and judges again."""

from packhouse.aws.objects import Objects
from packhouse.builds.steps import BuildSteps
from packhouse.builds.store import BuildStore
from packhouse.jobs.store import JobStore
from packhouse.settings import QualityTaskSettings
from packhouse.task import task_handler

_settings = QualityTaskSettings.from_env()
_data = Objects(_settings.data_bucket)
_steps = BuildSteps(
    BuildStore(_settings.builds_table), JobStore(_settings.builds_table), _data, enforced=_settings.enforced
)
handler = task_handler("SettleMaterialization", _steps.settle_materialization, _data)
