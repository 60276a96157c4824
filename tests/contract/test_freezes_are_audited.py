"""Contract A: "every allow/deny attempt is audited", "Full frozen-state audit history"; and a race that is not decided.

What is refused before a version is looked at is no attempt: a body or a place that is none, a caller who may not be
told that the project is there.
"""

import json
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import NamedTuple

import httpx
import pytest

from tests.registry import POLL_S, VERSIONS, Json, Project, Registry, own_rows, problem

REASON = "the benchmark of the season"
CONFLICT = "FREEZE_STATE_CONFLICT"
RACE_SECONDS, RACERS, TRAINED = 120, 4, 2_500


class Attempt(NamedTuple):
    """What is tried, by whom, and the code that it is refused with."""

    action: str
    by: str
    code: str | None
    send: Callable[[], httpx.Response]


class Script:
    """Attempts on one version, in the order in which they are made."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.pack = project.new_approved_pack(own_rows())
        self.version = project.new_version(self.pack)
        self.key = project.new_key("read", "write", "export")
        self.uses: list[str] = []

    def freeze(self, by: str, code: str | None = None) -> Attempt:
        return Attempt("freeze", by, code, lambda: self.project.freeze(self.version, by, reason=REASON))

    def unfreeze(self, by: str, code: str | None = None, reason: str = REASON) -> Attempt:
        return Attempt("unfreeze", by, code, lambda: self.project.unfreeze(self.version, by, reason=reason))

    def use(self, purpose: str, code: str | None = None, by: str = "editor", **more: bool) -> Attempt:
        def send() -> httpx.Response:
            answer = self.project.take_use(self.version, purpose, by, **more)
            self.uses += [answer.json()["use_id"]] if answer.is_success else []
            return answer

        return Attempt("use", by, code, send)

    def release(self, by: str, number: int, code: str | None = None) -> Attempt:
        return Attempt("release", by, code, lambda: self.project.release_use(self.version, self.uses[number], by))

    def attempts(self) -> list[Attempt]:
        return [
            self.unfreeze("developer", "DATASET_NOT_FROZEN"),
            self.use("evaluation", "DATASET_NOT_FROZEN", require_frozen=True),
            self.use("training"),
            self.freeze("editor", "FORBIDDEN"),
            self.freeze("support", "DATASET_IN_ACTIVE_USE"),
            self.freeze("developer", "DATASET_IN_ACTIVE_USE"),
            self.use("training", "FORBIDDEN", "viewer"),
            self.use("evaluation", "FORBIDDEN", "support"),
            self.release("viewer", 0, "FORBIDDEN"),
            self.release("editor", 0),
            self.release("support", 0, "USE_NOT_FOUND"),
            self.use("evaluation"),
            self.freeze("viewer", "FORBIDDEN"),
            self.freeze("support"),
            self.freeze("support", "DATASET_ALREADY_FROZEN"),
            self.use("training", "FROZEN_DATASET_TRAINING_FORBIDDEN"),
            self.use("evaluation", require_frozen=True),
            self.unfreeze("support", "UNFREEZE_PERMISSION_REQUIRED"),
            self.unfreeze("owner", "UNFREEZE_PERMISSION_REQUIRED", ""),
            self.unfreeze("developer", "UNFREEZE_REASON_REQUIRED", ""),
            self.unfreeze("developer", "UNFREEZE_REASON_REQUIRED", "  "),
            self.unfreeze("developer"),
            self.unfreeze("developer", "DATASET_NOT_FROZEN"),
            self.use("training"),
            self.release("developer", 3),
            self.freeze("owner", "FORBIDDEN"),
            self.freeze("developer"),
            self.release("owner", 1),
            self.unfreeze("editor", "UNFREEZE_PERMISSION_REQUIRED"),
            self.unfreeze("developer"),
        ]

    def attempts_over_another(self) -> list[Attempt]:
        """What is tried while another version of the same pack is frozen."""
        assert self.project.freeze(self.project.new_version(self.pack, force=True)).is_success
        return [self.use("training", "FROZEN_SOURCE_LEAKAGE_FORBIDDEN"), self.use("evaluation")]

    def read(self, caller: str) -> httpx.Response:
        path = f"{VERSIONS}/{self.version}/freeze-history"
        headers = {"X-API-Key": self.key} if caller == "key" else {}
        return self.project.call("GET", path, None if headers else caller, headers=headers)


class Played(NamedTuple):
    """A script that was played, and its attempts, oldest first."""

    script: Script
    attempts: list[Attempt]
    answers: list[Json]


@pytest.fixture(scope="module")
def played(registry: Registry) -> Played:
    script = Script(registry.new_project())
    attempts, answers = script.attempts(), []
    for number in range(2):
        for attempt in attempts if number == 0 else (more := script.attempts_over_another()):
            answer = attempt.send()
            body = answer.json()
            assert (attempt, None if answer.is_success else body["code"]) == (attempt, attempt.code)
            answers.append(body)
    return Played(script, attempts + more, answers)


def test_every_allow_and_deny_is_in_the_history_newest_first(played: Played) -> None:
    history = played.script.project.freeze_history(played.script.version)
    told = [(entry["action"], entry["by"], entry["allowed"], entry["code"]) for entry in history]
    made = [(found.action, f"user-{found.by}", found.code is None, found.code) for found in played.attempts]
    assert told == made[::-1]
    assert len(told) == 32
    assert len({entry["entry_id"] for entry in history}) == 32
    assert {entry["dataset_version_id"] for entry in history} == {played.script.version}
    moments = [entry["at"] for entry in history]
    assert moments == sorted(moments, reverse=True)


@pytest.mark.parametrize("limit", [1, 7, 16, 32, 33])
def test_the_history_is_paged_without_a_gap(played: Played, limit: int) -> None:
    path = f"{VERSIONS}/{played.script.version}/freeze-history"
    pages = list(played.script.project.iter_pages(path, limit, "support"))
    assert [len(page) for page in pages] == [limit] * (32 // limit) + [32 % limit] * (32 % limit > 0)
    assert [entry for page in pages for entry in page] == played.script.project.freeze_history(played.script.version)


def test_a_cursor_is_of_one_versions_history(played: Played) -> None:
    project, other = played.script.project, played.script.project.new_version()
    path = f"{VERSIONS}/{played.script.version}/freeze-history"
    cursor = project.call("GET", path, "support", params={"limit": "7"}).json()["next_cursor"]
    for where in (f"{VERSIONS}/{other}/freeze-history", VERSIONS):
        problem(project.call("GET", where, "support", params={"cursor": cursor}), 400, "INVALID_CURSOR")


def test_the_history_is_for_internal_ops(played: Played) -> None:
    for caller in ("developer", "support"):
        assert len(played.script.read(caller).json()["items"]) == 32
    for caller in ("owner", "editor", "viewer", "key"):
        problem(played.script.read(caller), 403, "FORBIDDEN")
    problem(played.script.read("stranger"), 404, "PROJECT_NOT_FOUND")


def test_an_entry_tells_what_it_is_about(played: Played) -> None:
    """The reason of a freeze and an unfreeze, what had seen its packs, which use, and what the refusal named."""
    facts = [entry["facts"] for entry in played.script.project.freeze_history(played.script.version)][::-1]
    assert facts[0] == {"reason": REASON}
    assert facts[1] == {"purpose": "evaluation", "require_frozen": True, "seconds": 3600}
    assert facts[2]["use_id"] == facts[9]["use_id"] == played.script.uses[0]
    assert (facts[4]["use_count"], facts[4]["uses"][0]["use_id"]) == (1, played.script.uses[0])
    assert facts[13]["reason"] == REASON
    assert facts[13]["prior_exposures"] == played.answers[13]["prior_exposures"]
    assert facts[20] == {"reason": ""}
    assert facts[30]["frozen_overlap"] == played.answers[30]["frozen_overlap"]


def test_a_repeat_under_its_key_is_no_attempt_of_its_own(project: Project) -> None:
    version = project.new_version()
    path, key = f"{VERSIONS}/{version}", {"Idempotency-Key": "once"}
    calls = [
        ("freeze", "support", {"reason": REASON}),
        ("unfreeze", "developer", {"reason": REASON}),
        ("uses", "editor", {"purpose": "training"}),
    ]
    for what, person, body in calls:
        first, *repeats = [project.call("POST", f"{path}/{what}", person, json=body, headers=key) for _ in range(3)]
        assert first.is_success
        for repeat in repeats:
            assert (repeat.text, repeat.headers["Idempotency-Replayed"]) == (first.text, "true")
    wanted = {"reason": REASON}
    again = project.call("POST", f"{path}/freeze", "support", json=wanted, headers=key)  # though a use is open
    assert again.json()["is_frozen_test_set"] is True
    assert project.version(version)["is_frozen_test_set"] is False
    assert [entry["action"] for entry in project.freeze_history(version)] == ["use", "unfreeze", "freeze"]


def test_a_use_that_has_ended_is_taken_anew_under_its_key(project: Project) -> None:
    """A lease that is gone is not told of twice."""
    version, key = project.new_version(), {"Idempotency-Key": "once"}

    def take() -> httpx.Response:
        return project.call("POST", f"{VERSIONS}/{version}/uses", json={"purpose": "training"}, headers=key)

    first, repeat = take(), take()
    assert (repeat.json(), repeat.headers["Idempotency-Replayed"]) == (first.json(), "true")
    assert project.release_use(version, first.json()["use_id"]).is_success
    second, repeat = take(), take()
    assert second.status_code == 201
    assert second.json()["use_id"] == repeat.json()["use_id"] != first.json()["use_id"]
    assert "Idempotency-Replayed" not in second.headers
    assert [entry["action"] for entry in project.freeze_history(version)] == ["use", "release", "use"]


def test_what_was_refused_under_a_key_may_be_asked_again(project: Project) -> None:
    version, key = project.new_version(), {"Idempotency-Key": "once"}
    use = project.take_use(version).json()["use_id"]

    def freeze() -> httpx.Response:
        return project.call("POST", f"{VERSIONS}/{version}/freeze", "support", json={}, headers=key)

    for _ in range(2):
        problem(freeze(), 409, "DATASET_IN_ACTIVE_USE")
    assert project.release_use(version, use).is_success
    assert freeze().json()["is_frozen_test_set"] is True
    codes = [entry["code"] for entry in project.freeze_history(version) if entry["action"] == "freeze"]
    assert codes == [None, "DATASET_IN_ACTIVE_USE", "DATASET_IN_ACTIVE_USE"]


def test_what_is_no_attempt_is_not_in_the_history(project: Project) -> None:
    version, elsewhere = project.new_version(), project.registry.new_project()
    problem(project.freeze(version, "stranger"), 404, "PROJECT_NOT_FOUND")
    problem(project.freeze(version, reason=5), 400, "INVALID_REQUEST")
    problem(elsewhere.freeze(version), 404, "DATASET_NOT_FOUND")
    problem(project.release_use(version, "use_none", "stranger"), 404, "PROJECT_NOT_FOUND")
    problem(project.take_use(version, "testing"), 400, "INVALID_REQUEST")
    assert project.freeze_history(version) == []


def remember_trainings(project: Project, version: str) -> None:
    """Let a project have a long history of training, which a freeze takes its time to look at."""
    assert project.take_use(version).is_success
    client, table = project.registry.stack.client("dynamodb"), "packhouse-local-evaluation"
    key = {"pk": {"S": f"FENCE#{project.project_id}"}, "sk": {"S": f"DSV#{version}"}}
    item = json.dumps(client.get_item(TableName=table, Key=key)["Item"])
    copies = [json.loads(item.replace(version, f"{version}{number:04d}")) for number in range(TRAINED)]
    for start in range(0, TRAINED, 25):
        wanted = [{"PutRequest": {"Item": copy}} for copy in copies[start : start + 25]]
        assert not client.batch_write_item(RequestItems={table: wanted})["UnprocessedItems"]


def test_while_others_begin_to_train_a_freeze_says_that_it_could_not_decide(registry: Registry) -> None:
    """FREEZE_STATE_CONFLICT: uses of another version of the project move what a freeze of this one looked at.

    Whichever way each request goes, it is answered as one of those that it may be; a freeze goes through in the end.
    """
    project = registry.new_project()
    version, other = project.new_version(), project.new_version()
    remember_trainings(project, other)
    over, frozen, used = Event(), Counter[str](), Counter[str]()

    def train() -> None:
        with Registry(registry.stack) as own:
            racer = Project(own, project.workspace, project.project_id)
            while not over.is_set():
                answer = racer.take_use(other)
                used[answer.json().get("code", str(answer.status_code))] += 1

    with ThreadPoolExecutor(RACERS) as pool:
        racing = [pool.submit(train) for _ in range(RACERS)]
        end = time.monotonic() + RACE_SECONDS
        try:
            while used.total() < 2 * RACERS and time.monotonic() < end:  # the emulator starts a worker for each
                time.sleep(POLL_S)
            while CONFLICT not in frozen and time.monotonic() < end:
                answer = project.freeze(version)
                frozen[answer.json().get("code", str(answer.status_code))] += 1
                if answer.is_success:
                    assert project.unfreeze(version, reason=REASON).is_success
        finally:
            over.set()
        for racer in racing:
            racer.result()
    assert frozen[CONFLICT] >= 1, frozen
    assert frozen.keys() <= {CONFLICT, "200", "SERVICE_UNAVAILABLE"}
    assert used.keys() <= {CONFLICT, "201", "SERVICE_UNAVAILABLE"}
    assert used["201"] >= 1
    assert project.freeze(version).is_success
    allowed = Counter(entry["allowed"] for entry in project.freeze_history(version) if entry["action"] == "freeze")
    assert allowed == {True: frozen["200"] + 1, False: frozen[CONFLICT]}
