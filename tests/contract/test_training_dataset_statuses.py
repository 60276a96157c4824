"""Contract D, "Lifecycle": what each of the seven statuses answers, and every way from one to another, over HTTP.

Statuses last for moments: to be looked at, a dataset's machine is started with a state that waits in front of the one
that would go on. What is waited in is the product's own work up to there; nothing is written into its tables.
"""

import json
import time

import pytest

from tests.registry import JOBS, Json, Project, fetched, problem
from tests.training import (
    BEFORE,
    IMPORTS,
    MACHINE,
    OPEN,
    PROFILES,
    TRAINING,
    RolloutProject,
    rollout,
    rollouts,
)

PAYLOAD = {"training_dataset_id", "status", "row_count", "awaits_confirmation", "job_id", "error", "code"}
ROW_COUNT = {"pending": 0, "preview": 4, "running": 4, "filtering": 3}
"""Of the rollouts at hand, once they are counted; at last of the rows that stay."""


@pytest.fixture
def labs(project: Project) -> RolloutProject:
    """Three rollouts that become rows, and one that does not."""
    labs = RolloutProject.new(project)
    labs.send([*rollouts(3), rollout("lost", status="failed")])
    return labs


def payload_of(labs: RolloutProject, dataset_id: str, status: str, http: int) -> Json:
    """Return the status payload, held to be the same wherever it is answered."""
    exported, head, payload = labs.export(dataset_id), labs.head(dataset_id), labs.status(dataset_id)
    assert payload.keys() == PAYLOAD
    assert payload["status"] == status
    assert (exported.status_code, exported.json()) == (http, payload)
    assert (head.status_code, head.content) == (http, b"")
    for answer in (exported, head):
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.headers["X-Dataset-Status"] == status
        assert ("Retry-After" in answer.headers) == (http == 202)
    return payload


def without_ndjson(labs: RolloutProject, dataset_id: str) -> None:
    """Hold a dataset to have no file that anybody could download."""
    problem(labs.call("GET", TRAINING, dataset_id, "files"), 409, "TRAINING_DATASET_NOT_READY")
    problem(labs.call("GET", TRAINING, dataset_id, "files", "default.ndjson"), 409, "TRAINING_DATASET_NOT_READY")
    for profile in PROFILES:
        assert labs.export(dataset_id, profile=profile).headers["Content-Type"] == "application/json"
    assert labs.shown(dataset_id)["sealed"] is None


def stood(labs: RolloutProject, job_id: str) -> tuple[str, str]:
    """Return how a job and its execution stand."""
    execution = labs.project.registry.execution(MACHINE, job_id)
    return labs.project.job(job_id)["status"], execution["status"]


# Of pending, preview, running, filtering: "202 Accepted with status payload."; of cancelled: "409 Conflict with …"


@pytest.mark.parametrize("status", OPEN)
def test_an_open_dataset_answers_202_and_a_cancelled_one_409(labs: RolloutProject, status: str) -> None:
    with labs.held(status) as made:
        payload = payload_of(labs, made, status, 202)
        assert payload["row_count"] == ROW_COUNT[status]
        assert (payload["error"], payload["code"], payload["awaits_confirmation"]) == (None, None, False)
        without_ndjson(labs, made)
        job_id = payload["job_id"]
        assert stood(labs, job_id) == ("queued" if status == "pending" else "running", "RUNNING")
        cancelled = labs.post(TRAINING, made, "cancel")
    payload = payload_of(labs, made, "cancelled", 409)
    assert payload == cancelled
    assert (payload["code"], payload["row_count"]) == ("JOB_CANCELLED", ROW_COUNT[status])
    assert payload["error"].startswith("Cancelled by key_")
    without_ndjson(labs, made)
    assert stood(labs, job_id) == ("cancelled", "ABORTED")
    assert labs.post(TRAINING, made, "cancel") == cancelled


def test_a_cancelled_dataset_stays_cancelled_whatever_its_machine_still_does(labs: RolloutProject) -> None:
    """A task that is under way when somebody cancels comes too late."""
    with labs.held("preview", 1) as made:
        labs.post(TRAINING, made, "cancel")
    time.sleep(2)
    assert payload_of(labs, made, "cancelled", 409)["code"] == "JOB_CANCELLED"


def test_it_is_cancelled_as_a_job_just_as_well(labs: RolloutProject) -> None:
    with labs.held("running") as made:
        labs.post(JOBS, labs.status(made)["job_id"], "cancel")
        assert payload_of(labs, made, "cancelled", 409)["code"] == "JOB_CANCELLED"


# Of ready: "200 OK with Content-Type: application/x-ndjson. Body streams one row per line."


def test_a_ready_dataset_answers_200_with_a_row_per_line(labs: RolloutProject) -> None:
    made = labs.new_ready()
    answer, head = labs.export(made), labs.head(made)
    assert (answer.status_code, head.status_code, head.content) == (200, 200, b"")
    told = ("X-Dataset-Status", "X-Dataset-Rows", "X-Dataset-Bytes", "X-Dataset-Sha256", "Repr-Digest", "ETag")
    for name in ("Content-Type", *told):
        assert answer.headers[name] == head.headers[name]
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    assert (answer.headers["X-Dataset-Status"], answer.headers["X-Dataset-Rows"]) == ("ready", "3")
    assert answer.headers["X-Dataset-Bytes"] == str(len(answer.content))
    assert [json.loads(line)["metadata"]["rollout_index"] for line in answer.text.splitlines()] == [0, 1, 2]
    payload = labs.status(made)
    assert (payload["status"], payload["row_count"], payload["error"], payload["code"]) == ("ready", 3, None, None)
    assert stood(labs, payload["job_id"]) == ("ready", "SUCCEEDED")
    problem(labs.call("POST", TRAINING, made, "cancel"), 409, "JOB_ENDED")


def test_its_files_are_the_rows_in_every_profile(labs: RolloutProject) -> None:
    """The profile of the export is the dataset's own unless another is named."""
    made = labs.new_ready(profile="openai-chat")
    files = {file["name"]: file for file in labs.get(TRAINING, made, "files")["items"]}
    assert files.keys() >= {f"{profile}.ndjson" for profile in PROFILES} | {"README.md", "manifest.json"}
    for profile in PROFILES:
        body = fetched(files[f"{profile}.ndjson"]["url"])
        assert labs.export(made, profile=profile).content == body
        assert labs.head(made, profile=profile).headers["X-Dataset-Sha256"] == files[f"{profile}.ndjson"]["sha256"]
    assert labs.rows(made) == [{"messages": row["messages"]} for row in labs.rows(made, profile="strip")]
    assert labs.export(made).content == labs.export(made, profile="openai-chat").content
    problem(labs.call("GET", TRAINING, made, "export", params={"profile": "yaml"}), 400, "INVALID_REQUEST")


# Of failed: "500 Internal Server Error with status payload including a stored error string."


def failed(labs: RolloutProject, dataset_id: str) -> tuple[str, str]:
    """Return code and sentence of a dataset that failed."""
    payload = payload_of(labs, dataset_id, "failed", 500)
    without_ndjson(labs, dataset_id)
    assert isinstance(payload["error"], str)
    assert payload["error"] == labs.shown(dataset_id)["error"]
    job = labs.project.job(payload["job_id"])
    assert (job["status"], job["error"]["code"]) == ("failed", payload["code"])
    problem(labs.call("POST", TRAINING, dataset_id, "cancel"), 409, "JOB_ENDED")
    return payload["code"], payload["error"]


def test_a_dataset_of_no_rollouts_fails_with_its_error(project: Project) -> None:
    labs = RolloutProject.new(project)
    code, _ = failed(labs, labs.new_failed())
    assert code == "NO_ROLLOUTS"


def test_a_dataset_of_which_no_row_stays_fails_with_its_error(labs: RolloutProject) -> None:
    """It says how many rollouts there were, and why each became no row."""
    made = labs.new_failed(scenario_ids=["sc_never_played"])
    code, error = failed(labs, made)
    assert code == "NO_ROWS_LEFT"
    assert "4 rollouts" in error
    assert labs.shown(made)["left_out"] == {"NOT_COMPLETED": 1, "SCENARIO_NOT_WANTED": 3}
    assert "1 NOT_COMPLETED" in error
    assert "3 SCENARIO_NOT_WANTED" in error


def test_a_dataset_whose_rollouts_were_lost_fails_with_its_error(labs: RolloutProject) -> None:
    (imported,) = labs.listed(IMPORTS)
    key = labs.lose(imported["import_id"])
    code, error = failed(labs, labs.new_failed())
    assert code == "SOURCE_CHANGED"
    assert key in error


# require_confirmation


def waiting(labs: RolloutProject, **body: object) -> str:
    """Make a dataset that waits for its confirmation, and return its id."""
    made = labs.create(require_confirmation=True, **body)
    payload = labs.wait_until(made, "preview")
    assert payload["awaits_confirmation"]
    while labs.project.job(payload["job_id"])["step"] != "AwaitConfirmation":
        time.sleep(0.05)
    return made


def test_it_goes_on_behind_the_preview_when_it_is_confirmed(labs: RolloutProject) -> None:
    """It waits as long as nobody does, with its first rows to be read."""
    made = waiting(labs)
    time.sleep(1)
    payload = payload_of(labs, made, "preview", 202)
    assert payload["awaits_confirmation"]
    assert stood(labs, payload["job_id"]) == ("running", "RUNNING")
    preview = labs.get(TRAINING, made, "preview")["items"]
    assert len(preview) == 3
    assert not labs.post(TRAINING, made, "confirm")["awaits_confirmation"]
    confirmed = labs.shown(made)
    assert confirmed["confirmed_at"]
    assert confirmed["confirmed_by"] == confirmed["created_by"]
    assert not labs.wait_until(made, "ready")["awaits_confirmation"]
    assert labs.rows(made) == preview
    assert labs.post(TRAINING, made, "confirm")["status"] == "ready"
    assert labs.shown(made)["confirmed_at"] == confirmed["confirmed_at"]


def test_one_confirmed_before_it_waits_does_not_wait(labs: RolloutProject) -> None:
    with labs.held("preview", 2, require_confirmation=True) as made:
        labs.post(TRAINING, made, "confirm")
        assert not labs.status(made)["awaits_confirmation"]
    labs.wait_until(made, "ready")


def test_one_that_waits_can_be_cancelled(labs: RolloutProject) -> None:
    made = waiting(labs)
    labs.post(TRAINING, made, "cancel")
    payload = payload_of(labs, made, "cancelled", 409)
    assert not payload["awaits_confirmation"]
    assert stood(labs, payload["job_id"]) == ("cancelled", "ABORTED")
    problem(labs.call("POST", TRAINING, made, "confirm"), 409, "JOB_ENDED")


def test_one_that_nobody_confirms_fails_in_the_end(labs: RolloutProject) -> None:
    with labs.impatient():
        made = waiting(labs)
        labs.wait_until(made, "failed")
    assert failed(labs, made)[0] == "NOT_CONFIRMED"
    problem(labs.call("POST", TRAINING, made, "confirm"), 409, "JOB_ENDED")


def test_only_a_preview_is_confirmed_and_only_where_it_is_asked_for(labs: RolloutProject) -> None:
    with labs.held("pending", require_confirmation=True) as made:
        problem(labs.call("POST", TRAINING, made, "confirm"), 409, "PREVIEW_NOT_READY")
        problem(labs.call("GET", TRAINING, made, "preview"), 409, "PREVIEW_NOT_READY")
        labs.post(TRAINING, made, "cancel")
    with labs.held("preview") as made:
        problem(labs.call("POST", TRAINING, made, "confirm"), 409, "CONFIRMATION_NOT_REQUIRED")
        assert len(labs.get(TRAINING, made, "preview")["items"]) == 3
        labs.post(TRAINING, made, "cancel")


def test_every_status_is_one_of_the_contracts() -> None:
    assert tuple(BEFORE) == OPEN


def test_datasets_are_listed_newest_first_and_by_status(labs: RolloutProject) -> None:
    made = [labs.new_ready(), labs.new_cancelled(), labs.new_failed(scenario_ids=["sc_never_played"]), labs.new_ready()]
    for limit in (1, 3, 200):
        assert [one["training_dataset_id"] for one in labs.listed(TRAINING, limit)] == made[::-1]
        ready = labs.listed(TRAINING, limit, status="ready")
        assert [one["training_dataset_id"] for one in ready] == [made[3], made[0]]
    assert [one["code"] for one in labs.listed(TRAINING, status="failed")] == ["NO_ROWS_LEFT"]
    assert labs.listed(TRAINING, status="running") == []
    shown = labs.shown(made[2])
    assert all(shown[name] == value for name, value in labs.listed(TRAINING)[1].items() if name != "recipe")
