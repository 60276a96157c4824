"""The last task of every machine that failed: ends the job with the code of what went wrong."""

from packhouse.settings import SettleSettings
from packhouse.settle import Settle
from packhouse.task import task_handler

_settle = Settle.from_settings(SettleSettings.from_env())
handler = task_handler("RecordFailure", _settle.record_failure, _settle.notes)
