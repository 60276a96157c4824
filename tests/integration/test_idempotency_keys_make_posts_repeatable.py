"""`Idempotency-Key` on every POST that writes: the first answer again, nothing done twice, another body refused."""

import json
import uuid
from typing import Any

import httpx
import pytest

from packhouse.about.document import contexts
from tests.commands import (
    BUILD,
    CASES,
    PACKS,
    Command,
    Prepare,
    built,
    built_by_force,
    cancelled,
    cancelled_training_dataset,
    confirmed,
    new_collection,
    new_dataset,
    new_key,
    new_pack,
    presigned_revision,
    published,
    slug_of,
    submitted,
    submitted_import,
    unchanged_members,
)
from tests.containers import COLLECTIONS, DATASETS, Containers, succeeded
from tests.registry import Json, Project, Registry, problem

REPLAYED = "Idempotency-Replayed"


POSTS = [prepare for _, prepare in CASES]
BODILESS = (submitted, cancelled, published, submitted_import, confirmed, cancelled_training_dataset)
every_post = pytest.mark.parametrize("prepare", POSTS, ids=lambda case: case.__name__)
every_post_with_a_body = pytest.mark.parametrize(
    "prepare", [prepare for prepare in POSTS if prepare not in BODILESS], ids=lambda case: case.__name__
)


def new_key_of_a_caller() -> str:
    return uuid.uuid4().hex


def send(project: Project, command: Command, key: str | None, **more: Any) -> httpx.Response:
    """Send the command under an idempotency key; with another body, person or headers where they are named."""
    content = {"json": command.body, "person": command.person, **more}
    headers = {} if key is None else {"Idempotency-Key": key}
    return project.call("POST", command.path, headers=headers, **content)


def done(project: Project, command: Command, key: str | None, **more: Any) -> Json:
    """Return the answer of a command that was carried out, and not for the second time."""
    answer = send(project, command, key, **more)
    assert answer.is_success, answer.text
    assert REPLAYED not in answer.headers
    return shown(answer)


def replayed(project: Project, command: Command, key: str, **more: Any) -> Json:
    """Return the answer of a command that was carried out before."""
    answer = send(project, command, key, **more)
    assert answer.is_success, answer.text
    assert answer.headers[REPLAYED] == "true"
    return shown(answer)


def shown(answer: httpx.Response) -> Json:
    """Return status and body; a presigned URL is a fresh one each time."""
    body = answer.json()
    upload = body.pop("upload", {"url": ""})
    return {"status": answer.status_code, "body": json.dumps(body), "upload": upload["url"].partition("?")[0]}


def kept_of(project: Project) -> list[str]:
    """Return everything that the tables hold of a project, item by item."""
    client = project.registry.stack.client("dynamodb")
    tables = [name for page in client.get_paginator("list_tables").paginate() for name in page["TableNames"]]
    return [item for table in tables for item in items_of(project, table) if slug_of(project) in item]


def items_of(project: Project, table: str) -> list[str]:
    """Return all items of a table, of whichever project."""
    pages = project.registry.stack.client("dynamodb").get_paginator("scan").paginate(TableName=table)
    return sorted(json.dumps(item, sort_keys=True) for page in pages for item in page["Items"])


def settle(project: Project, made: Json) -> None:
    """Let the job that a command started, if any, come to its end: what it writes is not the repeat's."""
    job_id = json.loads(made["body"]).get("job_id")
    if job_id:
        project.job_at_its_end(job_id)


def test_every_post_that_writes_has_a_case() -> None:
    endpoints = [endpoint for context in contexts() for endpoint in context.endpoints]
    assert {path for path, _ in CASES} == {endpoint.path for endpoint in endpoints if endpoint.is_command}


@every_post
def test_a_repeat_is_given_the_first_answer_and_changes_nothing(project: Project, prepare: Prepare) -> None:
    command, key = prepare(project), new_key_of_a_caller()
    first = done(project, command, key)
    settle(project, first)
    before = kept_of(project)
    assert before
    for _ in range(2):
        assert replayed(project, command, key) == first
    assert kept_of(project) == before


@every_post_with_a_body
def test_the_key_with_another_body_is_refused_and_changes_nothing(project: Project, prepare: Prepare) -> None:
    command, key = prepare(project), new_key_of_a_caller()
    settle(project, done(project, command, key))
    before = kept_of(project)
    problem(send(project, command, key, json=command.other), 409, "IDEMPOTENCY_KEY_REUSED")
    assert kept_of(project) == before


def test_a_document_is_the_same_however_it_is_spelt(project: Project) -> None:
    command, key = new_dataset(project), new_key_of_a_caller()
    first = done(project, command, key)
    text = json.dumps(dict(reversed(command.body.items())), indent=2)
    headers = {"Idempotency-Key": key, "Content-Type": "application/json; charset=utf-8"}
    answer = project.call("POST", command.path, content=text, headers=headers)
    assert (answer.headers[REPLAYED], shown(answer)) == ("true", first)


def test_a_repeat_shows_what_was_and_not_what_is(project: Project) -> None:
    space, command, key = Containers(project), new_dataset(project), new_key_of_a_caller()
    first = done(project, command, key)
    space.change(DATASETS, "training-v2", description="changed since")
    assert replayed(project, command, key) == first
    space.delete(DATASETS, "training-v2")
    assert replayed(project, command, key) == first
    assert space.get(DATASETS)["total"] == 0


def test_a_repeated_key_has_the_same_secret_and_that_opens_a_door(project: Project) -> None:
    command, key = new_key(project), new_key_of_a_caller()
    first, again = (send(project, command, key).json() for _ in range(2))
    assert again == first
    headers = {"X-API-Key": first["key"]}
    assert project.registry.call("GET", PACKS, None, headers=headers).status_code == 200
    other = send(project, command, new_key_of_a_caller()).json()
    assert {other["id"], other["key"]} & {first["id"], first["key"]} == set()
    assert project.call("GET", command.path, "owner").json()["total"] == 2
    assert not [item for item in kept_of(project) if first["key"][-64:] in item]


def test_a_repeated_announcement_has_a_url_that_takes_the_upload(project: Project) -> None:
    command, key = presigned_revision(project), new_key_of_a_caller()
    first, again = (send(project, command, key).json() for _ in range(2))
    project.editor.put_signed(again["upload"], b"{}")
    assert again["revision_id"] == first["revision_id"]
    project.editor.post(f"{command.path}/{first['revision_id']}/submit")


def test_forced_builds_under_two_keys_are_two_and_under_one_are_one(project: Project) -> None:
    command = built_by_force(project)
    keys = [new_key_of_a_caller() for _ in range(2)]
    made = [send(project, command, key).json() for key in keys]
    assert made[0]["dataset_version_id"] != made[1]["dataset_version_id"]
    assert [send(project, command, key).json() for key in keys] == made


def test_a_build_that_found_an_earlier_one_is_repeated_as_that(project: Project) -> None:
    command, key = built(project), new_key_of_a_caller()
    made = done(project, command, None)
    settle(project, made)
    found = done(project, command, key)
    assert (found["status"], json.loads(found["body"])["outcome"]) == (200, "reused_success")
    assert replayed(project, command, key) == found


# A key is of one caller, one project and one endpoint.


def test_the_key_of_another_caller_is_another_key(project: Project) -> None:
    command, key = new_dataset(project), new_key_of_a_caller()
    done(project, command, key)
    problem(send(project, command, key, person="owner"), 409, "DATASET_EXISTS")
    made = done(project, command, key, person="owner", json={"name": "theirs"})
    assert json.loads(made["body"])["name"] == "theirs"
    assert Containers(project).get(DATASETS)["total"] == 2


def test_the_key_at_another_endpoint_is_another_key(project: Project) -> None:
    key = new_key_of_a_caller()
    commands = [prepare(project) for prepare in (new_collection, new_pack, unchanged_members)]
    made = [done(project, command, key) for command in commands]
    assert [replayed(project, command, key) for command in commands] == made


@pytest.mark.parametrize("prepare", [new_dataset, new_pack, new_key], ids=lambda case: case.__name__)
def test_the_key_in_another_project_is_another_key(project: Project, registry: Registry, prepare: Prepare) -> None:
    key, other = new_key_of_a_caller(), registry.new_project()
    commands = [(place, prepare(place)) for place in (project, other)]
    made = [done(place, command, key) for place, command in commands]
    assert made[0]["body"] != made[1]["body"]
    assert [replayed(place, command, key) for place, command in commands] == made


def test_the_key_for_another_thing_of_a_kind_is_another_key(project: Project) -> None:
    key, space = new_key_of_a_caller(), Containers(project)
    for name in ("one", "other"):
        space.new_collection(name)
        done(project, Command(space.at(COLLECTIONS, name, "members"), {"add": ["a"]}, {}), key)
    assert [space.get(COLLECTIONS, name)["members"] for name in ("one", "other")] == [["a"], ["a"]]


# What was refused changed nothing, so that it may be sent again.


def test_a_malformed_request_may_be_corrected_under_its_key(project: Project) -> None:
    command, key = new_dataset(project), new_key_of_a_caller()
    for body in ({}, {"name": "a/b"}):
        problem(send(project, command, key, json=body), 400, "INVALID_REQUEST")
    first = done(project, command, key)
    problem(send(project, command, key, json={}), 400, "INVALID_REQUEST")
    assert replayed(project, command, key) == first


def test_what_was_not_found_may_be_asked_again_under_its_key(project: Project) -> None:
    key, space = new_key_of_a_caller(), Containers(project)
    command = Command(space.at(COLLECTIONS), {"name": "clips", "dataset": "late"}, {})
    problem(send(project, command, key), 404, "DATASET_NOT_FOUND")
    space.new_dataset("late")
    first = done(project, command, key)
    assert replayed(project, command, key) == first


def test_what_was_taken_may_be_asked_again_under_its_key(project: Project) -> None:
    command, key, space = new_dataset(project), new_key_of_a_caller(), Containers(project)
    space.new_dataset("training-v2")
    for _ in range(2):
        problem(send(project, command, key), 409, "DATASET_EXISTS")
    space.delete(DATASETS, "training-v2")
    first = done(project, command, key)
    assert replayed(project, command, key) == first


def test_without_a_key_a_request_is_made_anew_each_time(project: Project) -> None:
    command = new_pack(project)
    assert done(project, command, None) != done(project, command, None)
    assert len(project.editor.get(PACKS)["items"]) == 2


@pytest.mark.parametrize("key", [b"", b"a b", b"a\tb", b"x" * 256, "é".encode(), b"\x7f"])
def test_a_key_is_1_to_255_visible_characters(project: Project, key: bytes) -> None:
    command = new_dataset(project)
    raw: Any = {"Idempotency-Key": key}
    answer = project.call("POST", command.path, json=command.body, headers=raw)
    (fault,) = problem(answer, 400, "INVALID_REQUEST")["errors"]
    assert fault["loc"] == "header Idempotency-Key"
    assert Containers(project).get(DATASETS)["total"] == 0


def test_the_longest_key_is_one(project: Project) -> None:
    command = new_dataset(project)
    for key in ("x" * 255, "!~" * 127):
        first = done(project, command, key)
        assert replayed(project, command, key) == first
        Containers(project).delete(DATASETS, "training-v2")


def test_a_post_that_writes_nothing_is_answered_anew_under_its_key(project: Project) -> None:
    pack, key, path = project.new_approved_pack().label_pack_id, new_key_of_a_caller(), f"{BUILD}/preflight"
    before = kept_of(project), items_of(project, "packhouse-local-idempotency")
    for packs in ([pack], [pack, "lp_none"], [pack]):
        body = {"capability": "ball_detection", "label_pack_ids": packs}
        found = json.loads(done(project, Command(path, body, {}), key)["body"])
        assert (found["requested_count"], found["included_count"]) == (len(packs), 1)
    assert (kept_of(project), items_of(project, "packhouse-local-idempotency")) == before
    assert before[0]
    (fault,) = problem(send(project, Command(path, body, {}), "a b"), 400, "INVALID_REQUEST")["errors"]
    assert fault["loc"] == "header Idempotency-Key"


def test_a_job_is_cancelled_once_whatever_the_key(project: Project) -> None:
    command = cancelled(project)
    first = done(project, command, new_key_of_a_caller())
    job = json.loads(first["body"])
    assert (job["status"], job["error"]["code"]) == ("cancelled", "JOB_CANCELLED")
    for key in (new_key_of_a_caller(), None):
        assert done(project, command, key, person="owner") == first


def test_a_change_is_no_post_and_is_made_each_time(project: Project) -> None:
    space, headers = Containers(project), {"Idempotency-Key": new_key_of_a_caller()}
    space.new_dataset("kept")
    answers = [space.call("PATCH", DATASETS, "kept", json={"tags": ["a"]}, headers=headers) for _ in range(2)]
    assert all(REPLAYED not in answer.headers for answer in answers)
    first, second = (succeeded(answer)["updatedAt"] for answer in answers)
    assert second > first
