"""`Idempotency-Key`: what a request's first success came to is what its repeats come to, for 24 hours.

The entry is written in the transaction of the command itself, so there is no moment at which one is there without the
other; a request that was refused has no entry and may be repeated. What is kept is the result and not the answer: a
repeat is answered with a fresh presigned URL, and no secret is kept.

ONCE#<sha256 of caller, request and key>   an entry; the table's TTL removes it after a day, or some time later
"""

import hashlib
import time
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.models import Model

from packhouse.aws.dynamo import Transaction, bind
from packhouse.errors import ConflictError, ServiceUnavailableError

SECONDS = 24 * 3600

_Result = TypeVar("_Result", bound=BaseModel)


class _OnceItem(Model):
    class Meta:
        table_name = ""

    pk = UnicodeAttribute(hash_key=True)
    request = UnicodeAttribute()
    result = UnicodeAttribute()
    expires_at = NumberAttribute()


class OnceTable:
    """Where the entries are; every function that answers a POST has it."""

    def __init__(self, table: str) -> None:
        bind(_OnceItem, table)


class Once:
    """One request. `scope` says whose and which it is, `spoken` is its idempotency key, `request` digests its body.

    Without a key it is an ordinary request: `commit` commits, `find` finds nothing. The key itself is not stored.
    """

    def __init__(self, scope: str = "", spoken: str | None = None, request: str = "") -> None:
        self.is_keyed = spoken is not None
        self._pk = "ONCE#" + hashlib.sha256(f"{scope}\n{spoken}".encode()).hexdigest()
        self._request = request
        self._found: str | None = None
        self._ended: str | None = None

    @property
    def token(self) -> str | None:
        """What tells the request from all others, and nothing of its key; `None` without one."""
        return self._pk if self.is_keyed else None

    def commit(self, tx: Transaction, result: _Result) -> _Result:
        """Commit the command with its entry and return the result.

        `ServiceUnavailableError` when the key has an entry already: then nothing was written, and `find` has it.
        """
        if self.is_keyed:
            now = int(time.time())
            item = _OnceItem(self._pk, request=self._request, result=result.model_dump_json())
            item.expires_at = now + SECONDS
            free = _OnceItem.pk.does_not_exist() | (_OnceItem.expires_at <= now)
            tx.put(item, free | (_OnceItem.result == self._ended) if self._ended else free, _taken())
        tx.commit()
        return result

    def keep(self, result: _Result) -> _Result:
        """Keep the result of a request that had nothing to write, and return it; the first one stays."""
        return self.commit(Transaction(), result) if self.is_keyed else result

    def demand_new(self) -> None:
        """Raise as `commit` would when the key has an entry: before the first of several transactions."""
        if self._entry() is not None:
            raise _taken()

    def is_answered(self) -> bool:
        """Whether the same request, by key and body, has an entry; one read when it has a key."""
        item = self._entry()
        return item is not None and item.request == self._request

    def renew(self) -> None:
        """Let what was found hold no longer: the request is decided anew, and what it comes to now is kept instead."""
        self._ended = self._found

    def find(self, model: type[_Result]) -> _Result | None:
        """Return what the request came to before, or `None`; one read when it has a key.

        `ConflictError` when the key came with another body.
        """
        item = self._entry()
        if item is None:
            return None
        self._found = item.result
        if item.request != self._request:
            raise ConflictError("IDEMPOTENCY_KEY_REUSED", "This Idempotency-Key came with another body before.")
        try:
            return model.model_validate_json(item.result)
        except ValidationError:  # kept by another release of ours
            raise ConflictError("IDEMPOTENCY_KEY_REUSED", "What this key came to cannot be told any more.") from None

    def _entry(self) -> _OnceItem | None:
        if not self.is_keyed:
            return None
        try:
            item = _OnceItem.get(self._pk, consistent_read=True)
        except _OnceItem.DoesNotExist:
            return None
        return item if item.expires_at > time.time() and item.result != self._ended else None


def _taken() -> ServiceUnavailableError:
    return ServiceUnavailableError("SERVICE_UNAVAILABLE", "The same request is being answered; repeat it.")
