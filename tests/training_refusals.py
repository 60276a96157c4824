"""Refusals of rollouts, their imports and training datasets: what brings each about.

Left out: `IMPORT_CONFLICT` and `TRAINING_DATASET_CONFLICT`, which take races, and why a single rollout becomes no row,
which is counted and refuses nothing.
"""

from collections.abc import Callable
from typing import Any

from tests.ground import Bring, Case, Ground, Told, failure, told
from tests.training import IMPORTS, ROLLOUTS, TRAINING, RolloutProject, rollout, rollouts

NO_IMPORT, NO_ROLLOUT, NO_DATASET = "rim_nothing", "ro_nothing", "trd_nothing"
NO_CURSOR = {"cursor": "nothing"}
Make = Callable[[RolloutProject], str]
"""Makes a training dataset and returns its id."""


def new_labs(ground: Ground) -> RolloutProject:
    """Return a project of its own, with a few rollouts."""
    labs = RolloutProject.new(ground.registry.new_project())
    labs.send(rollouts(3))
    return labs


def asked(method: str, path: str, **content: Any) -> Bring:
    return lambda ground: ground.ask(method, path, **content)


def in_no_project(path: str) -> Bring:
    return lambda ground: told(ground.registry.call("GET", path, "editor", "acme/nothing-here"))


def sent(*rows: Any) -> Bring:
    return asked("POST", ROLLOUTS, json={"rollouts": rows})


def wanted(**body: Any) -> Bring:
    return asked("POST", TRAINING, json={"name": "a dataset", **body})


def of(make: Make, method: str, *steps: str, **content: Any) -> Bring:
    """Send something about a training dataset."""

    def bring(ground: Ground) -> Told:
        labs = new_labs(ground)
        return told(labs.call(method, TRAINING, make(labs), *steps, **content))

    return bring


def of_none(method: str, *steps: str) -> Bring:
    return asked(method, "/".join((TRAINING, NO_DATASET, *steps)))


def while_pending(method: str, *steps: str) -> Bring:
    """Send something about a training dataset of which nothing is rendered yet, and that waits for a confirmation."""

    def bring(ground: Ground) -> Told:
        labs = new_labs(ground)
        with labs.held("pending", require_confirmation=True) as made:
            found = told(labs.call(method, TRAINING, made, *steps))
            labs.post(TRAINING, made, "cancel")
        return found

    return bring


def ended(make: Make) -> Bring:
    """Return how the job of a training dataset ended."""

    def bring(ground: Ground) -> Told:
        labs = new_labs(ground)
        return failure(labs.project, labs.status(make(labs))["job_id"])

    return bring


def ready(labs: RolloutProject) -> str:
    return labs.new_ready()


def cancelled(labs: RolloutProject) -> str:
    return labs.new_cancelled(require_confirmation=True)


def unconfirmed(labs: RolloutProject) -> str:
    with labs.impatient():
        return labs.new_failed(require_confirmation=True)


def of_lost_rollouts(labs: RolloutProject) -> str:
    labs.lose(labs.listed(IMPORTS)[0]["import_id"])
    return labs.new_failed()


def of_nothing(ground: Ground) -> Told:
    labs = RolloutProject.new(ground.registry.new_project())
    return failure(labs.project, labs.status(labs.new_failed())["job_id"])


def excluding(make: Make) -> Bring:
    """Ask for a training dataset that excludes another one."""

    def bring(ground: Ground) -> Told:
        labs = new_labs(ground)
        return told(labs.call("POST", TRAINING, json={"name": "x", "exclude_overlap_with": [make(labs)]}))

    return bring


def excluding_a_strangers(ground: Ground) -> Told:
    foreign = new_labs(ground).new_ready()
    return told(new_labs(ground).call("POST", TRAINING, json={"name": "x", "exclude_overlap_with": [foreign]}))


def opted_out(ground: Ground) -> Told:
    labs = new_labs(ground)
    labs.project.choose_training_use("opted_out")
    return told(labs.call("POST", TRAINING, json={"name": "x"}))


def submitted_twice(ground: Ground) -> Told:
    labs = new_labs(ground)
    return told(labs.call("POST", IMPORTS, labs.take_in(rollouts(2))["import_id"], "submit"))


def submitted_inline(ground: Ground) -> Told:
    labs = new_labs(ground)
    return told(labs.call("POST", IMPORTS, labs.listed(IMPORTS)[0]["import_id"], "submit"))


def without_bytes(ground: Ground) -> Told:
    labs = new_labs(ground)
    return told(labs.call("POST", IMPORTS, labs.post(IMPORTS, status=201)["import_id"], "submit"))


def other_bytes(ground: Ground) -> Told:
    """The announced length is signed and S3 holds a client to it: the bytes are put there past the signature."""
    labs = new_labs(ground)
    made = labs.post(IMPORTS, status=201, content_length=1_000)["import_id"]
    stack = ground.registry.stack
    key = f"projects/{labs.project.project_id}/rollout-imports/{made}/upload.ndjson"
    stack.client("s3").put_object(Bucket=stack.buckets["uploads"], Key=key, Body=b"shorter")
    return told(labs.call("POST", IMPORTS, made, "submit"))


def faulty_lines(ground: Ground) -> Told:
    labs = new_labs(ground)
    return failure(labs.project, labs.take_in(b"no rollout\n")["job_id"])


TRAINING_CASES = [
    Case("INVALID_REQUEST", "400", "a rollout of no events", sent(rollout("mute", []))),
    Case("INVALID_REQUEST", "400", "an operator who writes the token of silence",
         sent(rollout("written", [{"type": "operator_message", "content": "<no_response/>"}]))),
    Case("INVALID_REQUEST", "400", "no rollouts", sent()),
    Case("INVALID_REQUEST", "400", "501 rollouts", sent(*rollouts(501))),
    Case("INVALID_REQUEST", "400", "a rollout sent twice in a request", sent(rollout("same"), rollout("same"))),
    Case("ROLLOUT_NOT_FOUND", "404", "no such rollout", asked("GET", f"{ROLLOUTS}/{NO_ROLLOUT}")),
    Case("IMPORT_NOT_FOUND", "404", "no such import", asked("GET", f"{IMPORTS}/{NO_IMPORT}")),
    Case("IMPORT_NOT_FOUND", "404", "submission of no import", asked("POST", f"{IMPORTS}/{NO_IMPORT}/submit")),
    Case("IMPORT_ALREADY_SUBMITTED", "409", "an import submitted twice", submitted_twice),
    Case("IMPORT_ALREADY_SUBMITTED", "409", "submission of what came in a request", submitted_inline),
    Case("UPLOAD_MISSING", "409", "an import submitted without its bytes", without_bytes),
    Case("UPLOAD_MISMATCH", "409", "an import of other bytes than announced", other_bytes),
    Case("ROLLOUTS_INVALID", "job", "lines that are no rollouts", faulty_lines),
    Case("INVALID_REQUEST", "400", "a training dataset without a name", asked("POST", TRAINING, json={})),
    Case("INVALID_REQUEST", "400", "an unknown profile", wanted(profile="yaml")),
    Case("INVALID_REQUEST", "400", "an unknown way to look for duplicates", wanted(dedupe="fuzzy")),
    Case("INVALID_REQUEST", "400", "a limit of no score", wanted(min_scores={"beauty_score": 1})),
    Case("INVALID_REQUEST", "400", "no scenario at all", wanted(scenario_ids=[])),
    Case("WORKSPACE_TRAINING_OPT_OUT", "409", "a training dataset of a project that opted out", opted_out),
    Case("TRAINING_DATASET_NOT_FOUND", "404", "exclusion of no training dataset",
         wanted(exclude_overlap_with=[NO_DATASET])),
    Case("TRAINING_DATASET_NOT_FOUND", "404", "exclusion of another project's dataset", excluding_a_strangers),
    Case("TRAINING_DATASET_NOT_READY", "409", "exclusion of a cancelled dataset", excluding(cancelled)),
    Case("TRAINING_DATASET_NOT_FOUND", "404", "no such training dataset", of_none("GET")),
    Case("TRAINING_DATASET_NOT_FOUND", "404", "status of no training dataset", of_none("GET", "status")),
    Case("TRAINING_DATASET_NOT_FOUND", "404", "preview of no training dataset", of_none("GET", "preview")),
    Case("TRAINING_DATASET_NOT_FOUND", "404", "confirmation of no training dataset", of_none("POST", "confirm")),
    Case("TRAINING_DATASET_NOT_FOUND", "404", "cancel of no training dataset", of_none("POST", "cancel")),
    Case("TRAINING_DATASET_NOT_FOUND", "404", "export of no training dataset", of_none("GET", "export")),
    Case("TRAINING_DATASET_NOT_FOUND", "404", "files of no training dataset", of_none("GET", "files")),
    Case("TRAINING_DATASET_NOT_FOUND", "404", "a file of no training dataset", of_none("GET", "files", "README.md")),
    Case("TRAINING_DATASET_NOT_READY", "409", "files of a cancelled dataset", of(cancelled, "GET", "files")),
    Case("TRAINING_DATASET_NOT_READY", "409", "a file of a cancelled dataset",
         of(cancelled, "GET", "files", "README.md")),
    Case("EXPORT_NOT_FOUND", "404", "no such file", of(ready, "GET", "files", "nothing.ndjson")),
    Case("INVALID_REQUEST", "400", "an export in no profile", of(ready, "GET", "export", params={"profile": "yaml"})),
    Case("PREVIEW_NOT_READY", "409", "a preview before it is rendered", while_pending("GET", "preview")),
    Case("PREVIEW_NOT_READY", "409", "a confirmation before there is a preview", while_pending("POST", "confirm")),
    Case("CONFIRMATION_NOT_REQUIRED", "409", "a confirmation that nobody waits for", of(ready, "POST", "confirm")),
    Case("JOB_ENDED", "409", "a confirmation of a cancelled dataset", of(cancelled, "POST", "confirm")),
    Case("JOB_ENDED", "409", "cancel of a training dataset that is ready", of(ready, "POST", "cancel")),
    Case("JOB_CANCELLED", "job", "a cancelled training dataset", ended(cancelled)),
    Case("NOT_CONFIRMED", "job", "a preview that nobody confirms", ended(unconfirmed)),
    Case("NO_ROLLOUTS", "job", "a training dataset of no rollouts", of_nothing),
    Case("NO_ROWS_LEFT", "job", "a training dataset of no scenario that was played",
         ended(lambda labs: labs.new_failed(scenario_ids=["sc_never_played"]))),
    Case("SOURCE_CHANGED", "job", "rollouts that were lost", ended(of_lost_rollouts)),
    Case("INVALID_CURSOR", "400", "a cursor of no list of rollouts", asked("GET", ROLLOUTS, params=NO_CURSOR)),
    Case("INVALID_CURSOR", "400", "a cursor of no list of imports", asked("GET", IMPORTS, params=NO_CURSOR)),
    Case("INVALID_CURSOR", "400", "a cursor of no list of training datasets", asked("GET", TRAINING, params=NO_CURSOR)),
    Case("PROJECT_NOT_FOUND", "404", "rollouts of no project", in_no_project(ROLLOUTS)),
    Case("PROJECT_NOT_FOUND", "404", "imports of no project", in_no_project(IMPORTS)),
    Case("PROJECT_NOT_FOUND", "404", "training datasets of no project", in_no_project(TRAINING)),
]  # fmt: skip
