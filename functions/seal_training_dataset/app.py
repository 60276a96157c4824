"""A task of `training_export`: writes card and manifest and makes the dataset ready."""

from packhouse.settings import TrainingSourceSettings
from packhouse.task import task_handler
from packhouse.training.sources import TrainingSources

_steps = TrainingSources.from_settings(TrainingSourceSettings.from_env())
handler = task_handler("SealTrainingDataset", _steps.seal_training_dataset, _steps.data)
