"""The audit is added to and read back, newest first; what is in it is not written over."""

import json

import pytest

from packhouse.audit.model import AuditAction, AuditEntry
from packhouse.audit.store import AuditStore
from packhouse.aws.dynamo import Place, Transaction
from packhouse.errors import ConflictError
from tests.bench.wire import Wire


@pytest.fixture
def audit(wire: Wire) -> AuditStore:
    return AuditStore("AuditTable")


def entry(number: int, version: str = "dsv_1", code: str | None = None) -> AuditEntry:
    return AuditEntry(
        entry_id=f"aud_{number:04d}",
        dataset_version_id=version,
        action=AuditAction.USE,
        allowed=code is None,
        code=code,
        at="2026-04-16T08:00:00.000Z",
        by="user-joe",
        facts={"number": number},
    )


def put(audit: AuditStore, *entries: AuditEntry) -> None:
    for each in entries:
        tx = Transaction()
        audit.put(tx, each)
        tx.commit()


def pages(audit: AuditStore, version: str, limit: int) -> list[list[AuditEntry]]:
    found, after = [], None
    while True:
        rest: Place | None
        bodies, rest = audit.list_bodies(version, limit, after)
        found.append([AuditEntry.model_validate_json(body) for body in bodies])
        if rest is None:
            return found
        after = rest


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 6, 7])
def test_entries_are_paged_newest_first(wire: Wire, audit: AuditStore, limit: int) -> None:
    entries = [entry(number, code="FORBIDDEN" if number % 2 else None) for number in (3, 1, 5, 2, 4, 0)]
    put(audit, *entries, entry(9, "dsv_2"))
    wire.take()
    found = pages(audit, "dsv_1", limit)
    assert wire.take().of("dynamodb") == ("Query",) * len(found)
    assert [len(page) for page in found[:-1]] == [limit] * (len(found) - 1)
    assert found[-1]
    assert [each for page in found for each in page] == sorted(entries, key=lambda one: one.entry_id, reverse=True)


def test_a_version_that_nothing_was_tried_with_has_an_empty_page(audit: AuditStore) -> None:
    assert pages(audit, "dsv_1", 5) == [[]]


def test_an_entry_that_is_there_stays_and_what_came_with_the_other_is_not_written(audit: AuditStore) -> None:
    put(audit, entry(1))
    tx = Transaction()
    audit.put(tx, entry(1, code="FORBIDDEN"))
    audit.put(tx, entry(2))
    with pytest.raises(ConflictError) as refused:
        tx.commit()
    assert refused.value.code == "FREEZE_STATE_CONFLICT"
    (body,), _ = audit.list_bodies("dsv_1", 5, None)
    assert json.loads(body) == entry(1).model_dump(mode="json")
