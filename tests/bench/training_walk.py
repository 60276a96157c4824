"""The endpoints of rollouts and training datasets, each with the round trips that it cost and those it may cost.

A rollout has no item: a list of them is one query for the imports and ranges of their chunks. A training dataset is one
item, whatever is asked of it.
"""

from collections.abc import Iterator, Mapping

from packhouse.access.model import Workspace
from packhouse.aws.objects import Objects
from packhouse.rollouts.model import import_upload_key
from packhouse.training.store import TrainingStore
from tests.bench.prepared import NAMESPACE, PROJECT, make_training_ready, show_preview
from tests.bench.walk import COMMAND, DECISION, ONE, READ, TWO, Budget, Json, Spent, Walk

ROLLOUTS, IMPORTS, TRAINING = "/api/v1/rollouts", "/api/v1/rollout-imports", "/api/v1/training-datasets"
DATASET = f"{TRAINING}/{{training_dataset_id}}"

INLINE = Budget(1, 5)
"""The transaction; in S3 the chunk, its statistics, keys and facts, and what is hashed of the import."""

CONFIRM = Budget(3)
"""The dataset; its confirmation; the dataset once more: its machine may have begun to wait in between."""

CANCEL = Budget(5)
"""The dataset, its job, the end of both, a note behind the stop; the dataset as it is shown."""


def iter_training(walk: Walk, variables: Mapping[str, str]) -> Iterator[Spent]:
    """Yield what every endpoint of rollouts and training datasets costs."""
    data, uploads = Objects(variables["DATA_BUCKET"]), Objects(variables["UPLOADS_BUCKET"])
    store = TrainingStore(variables["TRAINING_TABLE"])
    for path in (ROLLOUTS, IMPORTS, TRAINING):
        yield walk.request(TWO, "GET", path, name=f"GET {path}, none there")[0]
    yield from _iter_rollouts(walk)
    yield from _iter_imports(walk, uploads)
    yield from _iter_asked(walk, store, data)
    yield from _iter_ready(walk, store, data)


def _iter_rollouts(walk: Walk) -> Iterator[Spent]:
    spent, imported = walk.request(INLINE, "POST", ROLLOUTS, {"rollouts": list(map(_rollout, range(3)))}, status=201)
    yield spent
    yield walk.request(Budget(1, 1), "GET", ROLLOUTS)[0]
    name = f"GET {ROLLOUTS}, the next page"
    cursor = walk.request(Budget(1, 1), "GET", f"{ROLLOUTS}?limit=1")[1]["next_cursor"]
    yield walk.request(Budget(1, 1), "GET", f"{ROLLOUTS}?limit=1&cursor={cursor}", name=name)[0]
    # A byte in front of it says whether a rollout begins there.
    yield walk.request(Budget(1, 2, stated=True), "GET", f"{ROLLOUTS}/{imported['ids'][1]}")[0]


def _iter_imports(walk: Walk, uploads: Objects) -> Iterator[Spent]:
    spent, imported = walk.request(COMMAND, "POST", IMPORTS, {}, status=201)
    yield spent
    yield walk.request(READ, "GET", IMPORTS)[0]
    yield walk.request(READ, "GET", f"{IMPORTS}?validation_status=pending", name=f"GET {IMPORTS}, filtered")[0]
    at = f"{IMPORTS}/{imported['import_id']}"
    yield walk.request(READ, "GET", at)[0]
    key = import_upload_key(imported["project_id"], imported["import_id"])
    uploads.overwrite(key, b"{}\n", "application/x-ndjson")
    yield walk.request(Budget(2, 1), "POST", f"{at}/submit", {}, status=202)[0]


def _iter_asked(walk: Walk, store: TrainingStore, data: Objects) -> Iterator[Spent]:
    """Ask for a training dataset, poll it, confirm and cancel it."""
    wanted = {"name": "coach", "require_confirmation": True}
    spent, made = walk.request(DECISION, "POST", TRAINING, wanted, status=202)
    yield spent
    at = f"{TRAINING}/{made['training_dataset_id']}"
    yield walk.request(READ, "GET", TRAINING)[0]
    yield walk.request(READ, "GET", f"{TRAINING}?status=pending", name=f"GET {TRAINING}, filtered")[0]
    yield walk.request(READ, "GET", at)[0]
    yield walk.request(ONE, "GET", f"{at}/status")[0]
    name = f"GET {DATASET}/export, not ready"
    yield walk.request(ONE, "GET", f"{at}/export", name=name, status=202)[0]
    show_preview(store, data, store.get(Workspace(NAMESPACE, PROJECT), made["training_dataset_id"]))
    yield walk.request(Budget(1, 2), "GET", f"{at}/preview")[0]
    yield walk.request(CONFIRM, "POST", f"{at}/confirm", {})[0]
    yield walk.request(CANCEL, "POST", f"{at}/cancel", {})[0]


def _iter_ready(walk: Walk, store: TrainingStore, data: Objects) -> Iterator[Spent]:
    """Download a training dataset that an answer holds, and one that it does not."""
    made = walk.request(DECISION, "POST", TRAINING, {"name": "coach"}, status=202)[1]
    make_training_ready(store, data, made["training_dataset_id"])
    at = f"{TRAINING}/{made['training_dataset_id']}"
    yield walk.request(ONE, "GET", f"{at}/status", name=f"GET {DATASET}/status, ready")[0]
    yield walk.lines(Budget(1, 1), "GET", f"{at}/export")
    name = f"GET {DATASET}/export, above 5 MB"
    yield walk.lines(ONE, "GET", f"{at}/export?profile=strip", name=name, status=307)
    yield walk.lines(ONE, "HEAD", f"{at}/export")
    yield walk.request(READ, "GET", f"{at}/files")[0]
    yield walk.request(READ, "GET", f"{at}/files/default.ndjson")[0]
    body = {"name": "another", "exclude_overlap_with": [made["training_dataset_id"]]}
    name = f"POST {TRAINING}, apart from another"
    yield walk.request(Budget(3), "POST", TRAINING, body, name=name, status=202)[0]


def _rollout(number: int) -> Json:
    said: Json = {"type": "persona_message", "content": "And now?"}
    return {
        "rollout_id": f"run-{number}",
        "scenario_id": "sc_marathon",
        "agent_template_id": "agt_coach",
        "rollout_index": number,
        "temperature": 0.7,
        "status": "completed",
        "events": [said, {"type": "operator_message", "content": "Hold pace."}],
    }
