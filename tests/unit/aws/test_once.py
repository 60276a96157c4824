"""What is kept under an idempotency key: with the command or not at all, for a day, for one body."""

import time

import pytest
from pydantic import BaseModel

from packhouse.aws.dynamo import Transaction
from packhouse.aws.once import SECONDS, Once, OnceTable
from packhouse.errors import ConflictError, ServiceUnavailableError
from tests.bench.wire import Wire
from tests.unit.aws.things import Thing, bound, states

TAKEN = ConflictError("DATASET_EXISTS", "taken")


class Made(BaseModel):
    """What a command made."""

    id: str


@pytest.fixture
def once(wire: Wire) -> Once:
    bound()
    OnceTable("IdempotencyTable")
    wire.take()
    return same()


def same(scope: str = "user-1 POST /things", key: str = "key-1", request: str = "a body") -> Once:
    return Once(scope, key, request)


def command(name: str) -> Transaction:
    tx = Transaction()
    tx.put(Thing(name, "META", state=name), Thing.pk.does_not_exist(), TAKEN)
    return tx


def test_the_entry_goes_with_the_command_in_one_call(once: Once, wire: Wire) -> None:
    assert once.commit(command("one"), Made(id="1")) == Made(id="1")
    assert [name for _, name in wire.take().calls] == ["TransactWriteItems"]
    assert same().find(Made) == Made(id="1")


def test_a_repeat_writes_nothing_whatever_it_would_have_made(once: Once) -> None:
    once.commit(command("one"), Made(id="1"))
    with pytest.raises(ServiceUnavailableError):
        same().commit(command("two"), Made(id="2"))
    assert states() == {"one": "one"}
    assert same().find(Made) == Made(id="1")


def test_a_refused_command_keeps_nothing(once: Once) -> None:
    command("one").commit()
    with pytest.raises(ConflictError, match="taken"):
        once.commit(command("one"), Made(id="1"))
    assert same().find(Made) is None
    assert once.commit(command("two"), Made(id="2")) == Made(id="2")


@pytest.mark.parametrize(
    "other", [{"scope": "user-2 POST /things"}, {"scope": "user-1 POST /others"}, {"key": "key-2"}]
)
def test_another_caller_request_or_key_is_another_request(once: Once, other: dict[str, str]) -> None:
    once.commit(command("one"), Made(id="1"))
    assert same(**other).find(Made) is None
    assert same(**other).commit(command("two"), Made(id="2")) == Made(id="2")


def test_a_key_with_another_body_is_refused(once: Once) -> None:
    once.commit(command("one"), Made(id="1"))
    with pytest.raises(ConflictError) as refused:
        same(request="another body").find(Made)
    assert refused.value.code == "IDEMPOTENCY_KEY_REUSED"


def test_a_key_is_free_again_after_a_day_whether_or_not_the_entry_is_gone(
    once: Once, monkeypatch: pytest.MonkeyPatch
) -> None:
    once.commit(command("one"), Made(id="1"))
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + SECONDS - 2)
    assert same().find(Made) == Made(id="1")
    monkeypatch.setattr(time, "time", lambda: now + SECONDS + 2)
    assert same().find(Made) is None
    assert same().commit(command("two"), Made(id="2")) == Made(id="2")
    assert same().find(Made) == Made(id="2")


def test_what_wrote_nothing_can_be_kept_too_and_the_first_stays(once: Once) -> None:
    assert once.keep(Made(id="1")) == Made(id="1")
    with pytest.raises(ServiceUnavailableError):
        same().keep(Made(id="2"))
    assert same().find(Made) == Made(id="1")


def test_the_first_of_several_transactions_is_held_back_by_an_entry(once: Once) -> None:
    once.demand_new()
    once.commit(command("one"), Made(id="1"))
    with pytest.raises(ServiceUnavailableError):
        same().demand_new()


def test_a_request_without_a_key_is_an_ordinary_one(once: Once, wire: Wire) -> None:
    del once
    plain = Once()
    plain.demand_new()
    assert plain.keep(Made(id="0")) == Made(id="0")
    assert plain.find(Made) is None
    assert wire.take().calls == []
    assert plain.commit(command("one"), Made(id="1")) == Made(id="1")
    assert Once().commit(command("two"), Made(id="2")) == Made(id="2")
