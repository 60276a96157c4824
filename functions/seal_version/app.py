"""A task of `dataset_build`: writes the manifest and makes the version ready."""

from packhouse.builds.sealing import SealSteps
from packhouse.settings import SourceTaskSettings
from packhouse.task import task_handler

_steps = SealSteps.from_settings(SourceTaskSettings.from_env())
handler = task_handler("SealVersion", _steps.seal_version, _steps.data)
