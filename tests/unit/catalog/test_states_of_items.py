"""What is read together belongs together, and what an earlier release wrote can be changed."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from packhouse.access.model import Principal, Role
from packhouse.aws import dynamo
from tests.bench.handlers import Answered, Handlers
from tests.bench.template import filled_in, iter_functions
from tests.bench.wire import Wire

AT = "/namespaces/acme/projects/match-day"
OWNER = Principal(principal_id="user-owner", memberships={"acme": Role.OWNER})
Ask = Callable[..., Answered]


@pytest.fixture
def ask(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Requests of an owner, in a project of theirs."""
    wire.take()
    monkeypatch.setattr(time, "sleep", lambda _: None)  # the backoff between two looks
    variables = {function.name: filled_in(function, {}) for function in iter_functions() if function.name == "catalog"}
    handlers = Handlers(variables)

    def send(method: str, path: str, body: dict[str, Any] | None = None) -> Answered:
        return handlers.call(method, path, OWNER, body)

    send("POST", "/namespaces", {"slug": "acme", "name": "Acme"})
    assert send("POST", "/namespaces/acme/projects", {"slug": "match-day", "name": "Match day"}).status == 201
    return send


def items(partition: str) -> list[dict[str, Any]]:
    client: Any = dynamo.connection().client
    found = client.scan(TableName="CatalogTable")["Items"]
    return [item for item in found if item["pk"]["S"].startswith(partition)]


def put(item: dict[str, Any]) -> None:
    client: Any = dynamo.connection().client
    client.put_item(TableName="CatalogTable", Item=item)


def test_a_project_of_a_release_without_states_can_be_changed(ask: Ask) -> None:
    (item,) = items("PRJ#")
    body = json.loads(item["body"]["S"])
    del body["etag"], item["etag"]
    put(item | {"body": {"S": json.dumps(body)}})
    for description in ("once", "twice"):
        assert ask("PATCH", AT, {"description": description}).body["description"] == description
    assert ask("POST", f"{AT}/collections", {"name": "clips"}).status == 201


def test_a_change_of_nothing_changes_nothing(ask: Ask) -> None:
    ask("POST", f"{AT}/datasets", {"name": "one"})
    ask("POST", f"{AT}/collections", {"name": "clips"})
    before = items("")
    for path in (AT, f"{AT}/datasets/one", f"{AT}/collections/clips"):
        assert ask("PATCH", path, {}).status == 200
    assert items("") == before
    assert ask("PATCH", f"{AT}/datasets/other", {}).body["code"] == "DATASET_NOT_FOUND"


def test_members_of_two_states_are_never_shown_together(ask: Ask) -> None:
    ask("POST", f"{AT}/collections", {"name": "clips", "members": [f"node-{number:04d}" for number in range(1000)]})
    ask("POST", f"{AT}/collections/clips/members", {"add": ["other"]})
    (head,) = [item for item in items("PLACE#") if "members" in item]
    put(head | {"members_etag": {"S": "rev_of_another_write"}})
    for path in ("clips", "clips/members", "clips/members?page=6&pageSize=200"):
        assert ask("GET", f"{AT}/collections/{path}").body["code"] == "COLLECTION_CONFLICT"
    put(head)
    shown = ask("GET", f"{AT}/collections/clips/members?page=6&pageSize=200").body
    assert (shown["members"], shown["total"]) == (["other"], 1001)


def test_a_page_of_collections_asks_for_its_own_datasets_alone(ask: Ask, wire: Wire) -> None:
    for name in ("a", "b", "c"):
        ask("POST", f"{AT}/datasets", {"name": name})
        ask("POST", f"{AT}/collections", {"name": name, "dataset": name})
    ask("POST", f"{AT}/collections", {"name": "z"})
    wire.take()
    page = ask("GET", f"{AT}/collections?page=4&pageSize=1").body
    assert [(row["name"], row["dataset"]) for row in page["collections"]] == [("z", None)]
    assert wire.take().of("dynamodb") == ("Query",)
    page = ask("GET", f"{AT}/collections?page=2&pageSize=1").body
    assert [(row["name"], row["dataset"]) for row in page["collections"]] == [("b", "b")]
