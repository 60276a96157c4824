"""A task of `dataset_build`: writes the manifest and makes the version ready."""

from packhouse.builds.sources import SourceSteps
from packhouse.settings import SourceTaskSettings
from packhouse.task import task_handler

_steps = SourceSteps.from_settings(SourceTaskSettings.from_env())
handler = task_handler("SealVersion", _steps.seal_version, _steps.data)
