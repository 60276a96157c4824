"""The last task of every machine that failed: ends the job with the code of what went wrong."""

from packhouse.kinds import settle_of
from packhouse.settings import SettleSettings
from packhouse.task import task_handler

_settle = settle_of(SettleSettings.from_env())
handler = task_handler("RecordFailure", _settle.record_failure, _settle.notes)
