"""The only ways a job's status moves, and what a late, repeated or foreign call finds."""

import pytest

from packhouse.access.model import Workspace
from packhouse.aws.dynamo import Transaction
from packhouse.catalog.model import Namespace, Project, TrainingUse
from packhouse.catalog.store import CatalogStore
from packhouse.errors import CODES, ConflictError, NotFoundError
from packhouse.jobs.model import Job, JobError, JobKind, JobStatus
from packhouse.jobs.service import Jobs
from packhouse.jobs.store import JobStore
from packhouse.task import machine_error
from tests.bench.wire import Wire

HERE = Workspace("acme", "match-day")
MOMENT = "2026-04-15T10:00:00.005Z"
NAMESPACE = Namespace(id="ns_1", slug="acme", name="Acme", createdAt=MOMENT, createdBy="user-1")
PROJECT = Project(
    id="prj_1",
    namespace="acme",
    slug="match-day",
    name="Match day",
    description=None,
    trainingUse=TrainingUse.ALLOWED,
    createdAt=MOMENT,
    updatedAt=MOMENT,
)
ERROR = JobError(code="UPLOAD_MISSING", detail="not there", unit="IngestParts 3")


def job(number: int = 1) -> Job:
    return Job(
        job_id=f"job_{number}",
        kind=JobKind.LABEL_INGEST,
        workspace=str(HERE),
        created_at=f"2026-04-15T10:00:0{number}.000Z",
        created_by="user-1",
        execution_input={"prefix": "projects/secret"},
    )


@pytest.fixture
def jobs(wire: Wire) -> JobStore:
    return JobStore("BuildsTable")


def put(jobs: JobStore, *queued: Job) -> None:
    tx = Transaction()
    for one in queued:
        jobs.put_new(tx, one)
    tx.commit()


def end(jobs: JobStore, status: JobStatus, error: JobError | None = None, moment: str = MOMENT) -> None:
    tx = Transaction()
    jobs.put_ended(tx, "job_1", status, moment, error)
    tx.commit()


def test_a_new_job_is_queued_and_open(jobs: JobStore) -> None:
    put(jobs, job())
    assert jobs.get(HERE, "job_1") == job()
    assert [one.job_id for one in jobs.iter_open()] == ["job_1"]
    with pytest.raises(ConflictError):
        put(jobs, job())


def test_open_jobs_come_oldest_first(jobs: JobStore) -> None:
    put(jobs, job(3), job(1), job(2))
    assert [one.job_id for one in jobs.iter_open()] == ["job_1", "job_2", "job_3"]


def test_a_job_of_another_project_is_not_there(jobs: JobStore) -> None:
    put(jobs, job())
    for place, job_id in ((Workspace("acme", "other"), "job_1"), (HERE, "job_2")):
        with pytest.raises(NotFoundError, match="JOB_NOT_FOUND"):
            jobs.get(place, job_id)
    assert jobs.get_any("job_1").job_id == "job_1"


def test_what_the_api_shows_is_all_but_the_execution_s_input() -> None:
    shown = job().shown()
    assert shown.keys() == Job.model_fields.keys() - {"execution_input"}
    assert (shown["status"], shown["kind"]) == ("queued", "label_ingest")
    assert "secret" not in repr(job())


def test_a_step_counts_its_units_and_no_more(jobs: JobStore) -> None:
    put(jobs, job())
    jobs.enter_step("job_1", "IngestParts", 2)
    for _ in range(5):
        jobs.count_unit("job_1", "IngestParts")
        jobs.count_unit("job_1", "OpenUpload")
    found = jobs.get(HERE, "job_1")
    assert (found.status, found.step, found.done, found.total) == (JobStatus.RUNNING, "IngestParts", 2, 2)
    jobs.enter_step("job_1", "SealRevision", 1)
    found = jobs.get(HERE, "job_1")
    assert (found.step, found.done, found.total) == ("SealRevision", 0, 1)


ENDS = [(JobStatus.READY, None), (JobStatus.FAILED, ERROR), (JobStatus.CANCELLED, None)]


@pytest.mark.parametrize(("status", "error"), ENDS)
def test_a_job_ends_once_and_then_moves_no_more(jobs: JobStore, status: JobStatus, error: JobError | None) -> None:
    put(jobs, job())
    jobs.enter_step("job_1", "IngestParts", 2)
    end(jobs, status, error)
    ended = jobs.get(HERE, "job_1")
    assert (ended.status, ended.error, ended.ended_at) == (status, error, MOMENT)
    assert list(jobs.iter_open()) == []
    with pytest.raises(ConflictError):
        jobs.enter_step("job_1", "SealRevision", 1)
    for other, its_error in ENDS:
        if other is not status:
            with pytest.raises(ConflictError):
                end(jobs, other, its_error)
    jobs.count_unit("job_1", "IngestParts")
    assert jobs.get(HERE, "job_1").status is status
    assert jobs.get(HERE, "job_1").ended_at == MOMENT


@pytest.mark.parametrize(("status", "error"), ENDS)
def test_the_same_end_again_is_accepted_and_changes_nothing(
    jobs: JobStore, status: JobStatus, error: JobError | None
) -> None:
    put(jobs, job())
    end(jobs, status, error)
    before = jobs.get(HERE, "job_1")
    end(jobs, status, error)
    assert jobs.get(HERE, "job_1") == before


def test_two_who_end_a_job_alike_are_told_which_of_them_did(jobs: JobStore) -> None:
    put(jobs, job())
    end(jobs, JobStatus.CANCELLED, ERROR)
    with pytest.raises(ConflictError, match="JOB_ENDED"):
        end(jobs, JobStatus.CANCELLED, ERROR, "2027-01-01T00:00:00.000Z")
    assert jobs.get(HERE, "job_1").ended_at == MOMENT


def test_a_job_that_is_ready_has_done_all(jobs: JobStore) -> None:
    put(jobs, job())
    jobs.enter_step("job_1", "IngestParts", 7)
    jobs.count_unit("job_1", "IngestParts")
    end(jobs, JobStatus.READY)
    assert jobs.get(HERE, "job_1").done == 7


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("States.Timeout", "TASK_TIMED_OUT"),
        ("ServiceUnavailableError", "SERVICE_UNAVAILABLE"),
        ("States.TaskFailed", "TASK_FAILED"),
        ("Lambda.Unknown", "TASK_FAILED"),
        ("", "TASK_FAILED"),
    ],
)
def test_what_the_machine_reports_becomes_a_listed_code(name: str, code: str) -> None:
    found = machine_error({"Error": name, "Cause": "secret-4711"})
    assert found.code == code
    assert code in CODES
    assert "secret-4711" not in found.detail
    assert machine_error({}).code == "TASK_FAILED"


def test_a_cancelled_job_is_looked_after_until_its_execution_is_known_to_be_stopped(jobs: JobStore) -> None:
    put(jobs, job())
    end(jobs, JobStatus.CANCELLED, ERROR)
    assert list(jobs.iter_open()) == []
    assert [one.job_id for one in jobs.iter_stopping()] == ["job_1"]
    for _ in range(2):
        jobs.note_stopped("job_1")
    assert list(jobs.iter_stopping()) == []
    assert jobs.get(HERE, "job_1").status is JobStatus.CANCELLED


def test_a_job_that_has_not_been_cancelled_is_not_noted_as_stopped(jobs: JobStore) -> None:
    put(jobs, job())
    jobs.note_stopped("job_1")
    assert [one.job_id for one in jobs.iter_open()] == ["job_1"]


def test_jobs_are_listed_newest_first_page_by_page_and_by_what_they_are(jobs: JobStore) -> None:
    put(jobs, *(job(number) for number in range(1, 6)))
    end(jobs, JobStatus.FAILED, ERROR)
    first, rest = jobs.list_jobs(HERE, {}, 2, None)
    assert rest is not None
    second, _ = jobs.list_jobs(HERE, {}, 3, rest)
    assert [one.job_id for one in first + second] == [f"job_{number}" for number in (5, 4, 3, 2, 1)]
    assert [one.job_id for one in jobs.list_jobs(HERE, {"status": "failed"}, 10, None)[0]] == ["job_1"]
    assert jobs.list_jobs(HERE, {"kind": "dataset_build"}, 10, None) == ([], None)
    queued, rest = jobs.list_jobs(HERE, {"status": "queued"}, 3, None)
    assert [one.job_id for one in queued] == ["job_5", "job_4", "job_3"]
    assert [one.job_id for one in jobs.list_jobs(HERE, {"status": "queued"}, 3, rest)[0]] == ["job_2"]
    assert jobs.list_jobs(Workspace("acme", "elsewhere"), {}, 10, None) == ([], None)


def test_only_a_list_of_nothing_takes_a_look_whether_there_is_the_project(jobs: JobStore, wire: Wire) -> None:
    catalog = CatalogStore("CatalogTable")
    listed = Jobs(jobs, catalog)
    with pytest.raises(NotFoundError, match="PROJECT_NOT_FOUND"):
        listed.list_jobs(HERE, {}, 10, None)
    made = [Transaction(), Transaction()]
    catalog.put_namespace(made[0], NAMESPACE)
    catalog.put_project(made[1], PROJECT)
    for tx in made:
        tx.commit()
    wire.take()
    assert listed.list_jobs(HERE, {}, 10, None) == ([], None)
    assert wire.take().of("dynamodb") == ("Query", "GetItem")
    put(jobs, job(1), job(2))
    wire.take()
    found, rest = listed.list_jobs(HERE, {}, 1, None)
    assert ([one.job_id for one in found], rest is None) == (["job_2"], False)
    assert listed.list_jobs(HERE, {"status": "failed"}, 10, rest) == ([], None)
    assert wire.take().of("dynamodb") == ("Query", "Query")
