"""The one write path: what a failed condition means, which of several is told, and how a conflict is met."""

import json
import time
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError
from pynamodb.exceptions import TransactWriteError, UpdateError

from packhouse.aws import dynamo
from packhouse.aws.dynamo import CONFLICT_TRIES, Transaction, is_refused, read_together, text, update_alone
from packhouse.aws.faults import is_transient
from packhouse.errors import ConflictError, NotFoundError, PackhouseError, ServiceUnavailableError
from tests.bench.wire import Wire, canned
from tests.unit.aws.things import Thing, bound, cancellation, put, states

GONE, TAKEN = NotFoundError("JOB_NOT_FOUND", "gone"), ConflictError("BUILD_CONFLICT", "taken")
MISSING, WRONG = NotFoundError("DATASET_NOT_FOUND", "missing"), ConflictError("REVIEW_CONFLICT", "wrong")


@pytest.fixture
def things(wire: Wire) -> Wire:
    bound()
    wire.take()
    return wire


class Replies:
    """Answers writes, alone or together, and BatchGetItem with what is laid out, in turn; then lets them through."""

    def __init__(self) -> None:
        self.laid_out: list[tuple[int, dict[str, Any]]] = []
        self.asked: list[dict[str, Any]] = []
        client: Any = dynamo.connection().client
        for operation in ("TransactWriteItems", "BatchGetItem", "UpdateItem"):
            client.meta.events.register_first(f"before-send.dynamodb.{operation}", self._answer)

    def cancel(self, *reasons: Any) -> None:
        code, told = cancellation(*reasons)
        self.laid_out.append((400, {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "CancellationReasons": told}))

    def refuse(self, code: str, status: int = 400) -> None:
        self.laid_out.append((status, {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": code}))

    def _answer(self, request: Any, **_: object) -> AWSResponse | None:
        self.asked.append(json.loads(request.body))
        if not self.laid_out:
            return None
        status, body = self.laid_out.pop(0)
        return canned(request.url, status, body)


@pytest.fixture
def replies(things: Wire, monkeypatch: pytest.MonkeyPatch) -> Replies:
    monkeypatch.setattr(time, "sleep", lambda _: None)  # the backoff of botocore and of ours
    return Replies()


def everything() -> Transaction:
    """A transaction with one write of each kind, added in another order than that in which they are sent."""
    tx = Transaction()
    tx.update(Thing("updated", "META"), [Thing.state.set("new")], Thing.state == "old", WRONG)
    tx.put(Thing("put", "META", state="new"), Thing.pk.does_not_exist(), TAKEN)
    tx.delete(Thing("deleted", "META"), Thing.state == "old", MISSING)
    tx.check(Thing, "checked", "META", Thing.state == "old", GONE)
    return tx


def prepared(**changed: str | None) -> None:
    for name, state in ({"checked": "old", "deleted": "old", "updated": "old"} | changed).items():
        if state is not None:
            put(name, state)


def test_all_writes_take_effect_together(things: Wire) -> None:
    prepared()
    things.take()
    everything().commit()
    assert states() == {"checked": "old", "put": "new", "updated": "new"}
    assert things.of("dynamodb")[0] == "TransactWriteItems"


@pytest.mark.parametrize(
    ("changed", "refused"),
    [
        ({"checked": "x"}, GONE),
        ({"checked": None}, GONE),
        ({"deleted": "x"}, MISSING),
        ({"put": "x"}, TAKEN),
        ({"updated": None}, WRONG),
        ({"updated": "x", "put": "x"}, TAKEN),
        ({"updated": "x", "deleted": "x"}, MISSING),
        ({"updated": "x", "put": "x", "deleted": "x", "checked": "x"}, GONE),
    ],
)
def test_the_first_failed_condition_is_told_and_nothing_is_written(
    things: Wire, changed: dict[str, str | None], refused: PackhouseError
) -> None:
    prepared(**changed)
    before = states()
    with pytest.raises(type(refused)) as told:
        everything().commit()
    assert told.value is refused
    assert states() == before


def test_a_refusal_may_look_at_what_it_met(things: Wire) -> None:
    put("a", "taken by us")

    def own(found: dict[str, Any]) -> ConflictError | None:
        return None if text(found, "state") == "taken by us" else TAKEN

    tx = Transaction()
    tx.put(Thing("a", "META", state="again"), Thing.pk.does_not_exist(), own)
    tx.commit()
    assert states() == {"a": "taken by us"}
    put("a", "taken by another")
    tx = Transaction()
    tx.put(Thing("a", "META", state="again"), Thing.pk.does_not_exist(), own)
    with pytest.raises(ConflictError):
        tx.commit()


def test_a_conflict_is_repeated_under_the_same_token(replies: Replies) -> None:
    replies.cancel("None", "TransactionConflict")
    replies.cancel("TransactionConflict", "None")
    tx = Transaction()
    tx.put(Thing("a", "META"))
    tx.put(Thing("b", "META"))
    tx.commit()
    assert len(replies.asked) == 3
    assert len({asked["ClientRequestToken"] for asked in replies.asked}) == 1
    assert states().keys() == {"a", "b"}


def test_a_conflict_that_stays_is_unavailable(replies: Replies) -> None:
    for _ in range(CONFLICT_TRIES + 3):
        replies.cancel("TransactionConflict")
    tx = Transaction()
    tx.put(Thing("a", "META"))
    with pytest.raises(ServiceUnavailableError):
        tx.commit()
    assert len(replies.asked) == CONFLICT_TRIES


def test_a_token_is_kept_and_otherwise_fresh(replies: Replies) -> None:
    for token in ("derived-from-the-request", None, None):
        tx = Transaction(token)
        tx.put(Thing("a", "META"))
        tx.commit()
    tokens = [asked["ClientRequestToken"] for asked in replies.asked]
    assert tokens[0] == "derived-from-the-request"
    assert len(set(tokens)) == 3


def test_only_an_item_whose_condition_failed_is_told(replies: Replies) -> None:
    """A conflict on one item beside a failed condition on another: the refusal is the other's."""

    def never(found: dict[str, Any]) -> PackhouseError:
        raise AssertionError(f"asked about an item whose condition did not fail: {found}")

    replies.cancel("TransactionConflict", "ConditionalCheckFailed")
    tx = Transaction()
    tx.put(Thing("a", "META"), Thing.pk.does_not_exist(), never)
    tx.put(Thing("b", "META"), Thing.pk.does_not_exist(), TAKEN)
    with pytest.raises(ConflictError) as told:
        tx.commit()
    assert told.value is TAKEN


@pytest.mark.parametrize(
    ("reasons", "transient"),
    [
        (["ThrottlingError", "None"], True),
        (["None", "ProvisionedThroughputExceeded"], True),
        (["ThrottlingError", "TransactionConflict"], True),
        (["ValidationError", "None"], False),
        (["None", "ItemCollectionSizeLimitExceeded"], False),
    ],
)
def test_a_cancellation_without_a_failed_condition_is_judged_by_its_reasons(
    replies: Replies, reasons: list[str], transient: bool
) -> None:
    for _ in range(CONFLICT_TRIES):
        replies.cancel(*reasons)
    tx = Transaction()
    tx.put(Thing("a", "META"), Thing.pk.does_not_exist(), TAKEN)
    tx.put(Thing("b", "META"), Thing.pk.does_not_exist(), TAKEN)
    try:
        tx.commit()
    except TransactWriteError as error:
        judged = is_transient(error)
    except ServiceUnavailableError:
        judged = True
    assert judged == transient


@pytest.mark.parametrize(("code", "transient"), [("ThrottlingException", True), ("ValidationException", False)])
def test_a_refused_call_is_judged_by_its_code(replies: Replies, code: str, transient: bool) -> None:
    for _ in range(10):
        replies.refuse(code)
    tx = Transaction()
    tx.put(Thing("a", "META"))
    with pytest.raises(TransactWriteError) as raised:
        tx.commit()
    assert is_transient(raised.value) == transient


def test_reading_together_costs_one_call_for_every_hundred_keys_and_each_key_counts_once(things: Wire) -> None:
    for number in range(250):
        if number % 2:
            put(f"thing-{number}", str(number))
    things.take()
    keys = [(Thing, f"thing-{number}", "META") for number in range(250)]
    found = read_together([*keys, *keys[:40]])
    assert things.of("dynamodb") == ("BatchGetItem",) * 3
    assert {pk: item.state for (pk, _), item in found.items()} == {  # type: ignore[attr-defined]
        f"thing-{number}": str(number) for number in range(1, 250, 2)
    }
    assert read_together([]) == {}


def test_unprocessed_keys_are_asked_for_again(replies: Replies) -> None:
    put("a", "1")
    put("b", "2")
    left = {"AccessTable": {"ConsistentRead": True, "Keys": [{"pk": {"S": "b"}, "sk": {"S": "META"}}]}}
    first = {"AccessTable": [{"pk": {"S": "a"}, "sk": {"S": "META"}, "state": {"S": "1"}}]}
    replies.laid_out.append((200, {"Responses": first, "UnprocessedKeys": left}))
    found = read_together([(Thing, "a", "META"), (Thing, "b", "META")])
    assert sorted(pk for pk, _ in found) == ["a", "b"]
    assert replies.asked[1]["RequestItems"] == left


def test_keys_that_stay_unprocessed_are_no_missing_items(replies: Replies) -> None:
    left = {"AccessTable": {"ConsistentRead": True, "Keys": [{"pk": {"S": "a"}, "sk": {"S": "META"}}]}}
    for _ in range(CONFLICT_TRIES):
        replies.laid_out.append((200, {"Responses": {}, "UnprocessedKeys": left}))
    with pytest.raises(ServiceUnavailableError):
        read_together([(Thing, "a", "META")])


def test_a_throttled_read_is_transient(replies: Replies) -> None:
    for _ in range(10):
        replies.refuse("ThrottlingException")
    with pytest.raises(ClientError, match="ThrottlingException") as raised:
        read_together([(Thing, "a", "META")])
    assert is_transient(raised.value)


def test_a_change_beside_a_transaction_goes_after_it(replies: Replies) -> None:
    put("one", "old")
    for _ in range(CONFLICT_TRIES - 1):
        replies.refuse("TransactionConflictException")
    replies.asked.clear()
    thing = Thing("one", "META")
    update_alone(thing, [Thing.state.set("new")], Thing.pk.exists())
    assert (thing.state, states()) == ("new", {"one": "new"})
    assert len(replies.asked) == CONFLICT_TRIES


def test_a_change_that_transactions_never_let_through_is_worth_repeating(replies: Replies) -> None:
    put("one", "old")
    for _ in range(CONFLICT_TRIES):
        replies.refuse("TransactionConflictException")
    replies.asked.clear()
    with pytest.raises(UpdateError) as error:
        update_alone(Thing("one", "META"), [Thing.state.set("new")], Thing.pk.exists())
    assert is_transient(error.value)
    assert not is_refused(error.value)
    assert len(replies.asked) == CONFLICT_TRIES


def test_a_change_whose_condition_fails_is_not_repeated(replies: Replies) -> None:
    put("one", "other")
    replies.asked.clear()
    with pytest.raises(UpdateError) as error:
        update_alone(Thing("one", "META"), [Thing.state.set("new")], Thing.state == "old")
    assert is_refused(error.value)
    assert len(replies.asked) == 1
