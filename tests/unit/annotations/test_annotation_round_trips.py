"""What requests about annotation sets cost in calls, however many annotations there are."""

from collections import Counter

import pytest

from packhouse.annotations.model import SetKey
from tests.unit.annotations.studio import Json, Studio

Calls = tuple[int, int]
"""How many to DynamoDB, and how many to S3."""


class Asking:
    """Requests of a studio over HTTP, and what each takes."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self.sets = f"/api/v1/datasets/{studio.dataset_id}/annotation-sets"
        self.call("GET", self.sets)

    def call(self, method: str, path: str, body: Json | None = None, key: str | None = None) -> Calls:
        """Make a request of a warm function whose memory is of no use, and count its calls."""
        world = self.studio.world
        kept = world.handlers.app("annotations")._contents.objects
        kept.__init__(kept.bucket)
        headers = {"Idempotency-Key": key} if key else {}
        answered = world.disturbed(None, method, path, body, headers)
        assert answered is not None
        assert answered.status < 300, answered.text
        services = Counter(operation.partition(".")[0] for operation in world.gate.operations)
        assert set(services) <= {"dynamodb", "s3"}
        return services["dynamodb"], services["s3"]

    def path(self, key: SetKey) -> str:
        return f"{self.sets}/{key.id}"

    def bulk(self, key: SetKey, rows: int) -> Calls:
        body = [self.studio.row(start, start + 5, file=0) for start in range(rows)]
        return self.call("POST", f"{self.path(key)}/annotations/bulk", {"annotations": body})


@pytest.fixture
def asking(studio: Studio) -> Asking:
    return Asking(studio)


@pytest.fixture
def full(studio: Studio) -> SetKey:
    """A draft of several batches, and of edits."""
    key = studio.create()
    for number in range(5):
        studio.bulk(key, [studio.row(start, start + 5, number % 3) for start in range(number, 1_200, 2)])
    for row in studio.annotations(key)[::100]:
        studio.edits.remove(key, row.id, None)
    studio.add(key)
    return key


def test_a_set_is_made_by_a_read_and_a_transaction(asking: Asking) -> None:
    assert asking.call("POST", asking.sets) == (2, 0)
    assert asking.call("POST", asking.sets, {}) == (2, 0)


def test_sets_are_looked_at_by_one_query(asking: Asking, full: SetKey) -> None:
    for _ in range(12):
        asking.studio.create()
    assert asking.call("GET", asking.path(full)) == (1, 0)
    assert asking.call("GET", f"{asking.sets}?limit=5") == (1, 0)
    assert asking.call("GET", asking.sets) == (1, 0)


def test_an_annotation_is_added_by_two_calls(asking: Asking, full: SetKey) -> None:
    for key in (full, asking.studio.create()):
        assert asking.call("POST", f"{asking.path(key)}/annotations", asking.studio.row()) == (2, 0)


@pytest.mark.parametrize("is_edited", [False, True])
def test_an_annotation_is_changed_by_three_calls_and_removed_by_two(
    asking: Asking, full: SetKey, is_edited: bool
) -> None:
    studio = asking.studio
    one = next(row for row in studio.annotations(full) if row.start_ms > 100)
    path = f"{asking.path(full)}/annotations/{one.id}"
    if is_edited:
        studio.edits.change(full, one.id, {"end_ms": one.end_ms + 1}, None)
    # Where it was never edited it is looked for in five batches: index and ids of each, and the block that has it.
    most = 0 if is_edited else 2 * 5 + 1
    for method, body, dynamodb in (
        ("GET", None, 1),
        ("PATCH", {"start_ms": 7, "end_ms": 9}, 3),
        ("PATCH", {"confidence": 0.5}, 3),
        ("DELETE", None, 2),
    ):
        calls = asking.call(method, path, body)
        assert calls[0] == dynamodb, method
        assert calls[1] <= most, method
        most = most if method == "GET" else 0


def test_a_bulk_costs_the_same_whatever_its_rows(asking: Asking) -> None:
    key = asking.studio.create()
    found = {rows: asking.bulk(key, rows) for rows in (1, 10, 1_000, 1_990)}
    assert set(found.values()) == {(3, 3)}, found


def test_a_bulk_that_merges_costs_the_same_whatever_it_merges(asking: Asking) -> None:
    found: list[Counter[Calls]] = []
    for rows in (2, 200):
        key = asking.studio.create()
        found.append(Counter(asking.bulk(key, rows) for _ in range(24)))
    assert found[0] == found[1]
    assert found[0].pop((3, 3)) >= 16
    # Two transactions more, the batches that are read, 8 of them at most, and three objects more.
    assert all(dynamodb == 5 and 8 <= s3 <= 6 + 8 for dynamodb, s3 in found[0]), found[0]


def test_a_page_is_listed_by_two_calls_and_a_range_or_two_of_each_batch(asking: Asking, full: SetKey) -> None:
    rows = f"{asking.path(full)}/annotations"
    for query in ("limit=1", "limit=100", "limit=400", f"audio_file_id={asking.studio.files[1]}&limit=50"):
        dynamodb, s3 = asking.call("GET", f"{rows}?{query}")
        assert dynamodb == 2, query
        assert s3 <= 3 * 5, query
    assert asking.call("GET", rows)[0] == 2


def test_a_page_of_a_published_set_is_listed_by_one_call(asking: Asking, full: SetKey) -> None:
    asking.studio.publish(full)
    assert asking.call("GET", f"{asking.path(full)}/annotations?limit=100") == (1, 2)


@pytest.mark.parametrize("key", [None, "once"])
def test_publishing_costs_the_same_whatever_is_in_the_set(asking: Asking, full: SetKey, key: str | None) -> None:
    few = asking.studio.create()
    for number in range(5):
        asking.studio.bulk(few, [asking.studio.row(number, number + 1)])
    # Two queries and two transactions, and a query of what was edited. Five batches are read, three objects written.
    expected = (5, 5 + 3)
    found = [asking.call("POST", f"{asking.path(each)}/publish", None, key) for each in (few, full)]
    assert found == [expected, expected]


def test_a_published_set_is_copied_as_fast_as_an_empty_one_is_made(asking: Asking, full: SetKey) -> None:
    asking.studio.publish(full)
    assert asking.call("POST", asking.sets, {"copy_from": full.id}) == (3, 0)


def test_a_draft_is_copied_by_as_many_calls_whatever_is_in_it(asking: Asking, full: SetKey) -> None:
    few = asking.studio.create()
    for number in range(5):
        asking.studio.bulk(few, [asking.studio.row(number, number + 1)])
    found = [asking.call("POST", asking.sets, {"copy_from": each.id}) for each in (few, full)]
    assert found == [(5, 5 + 3)] * 2


@pytest.mark.parametrize("rows", [1, 700])
def test_a_draft_is_deleted_by_two_calls(asking: Asking, rows: int) -> None:
    key = asking.studio.create()
    asking.bulk(key, rows)
    assert asking.call("DELETE", asking.path(key)) == (2, 0)
