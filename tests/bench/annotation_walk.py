"""The endpoints of audio files and annotation sets, each with the round trips that it cost and those it may cost.

Of a draft its edits are read beside its batches; what is published is one batch, and the edits are not asked for. A
batch is read through its index, and a single annotation of it through its ids as well. Writing one is three objects.
"""

from collections.abc import Iterator
from typing import Any

from packhouse.annotations.batches import BLOCK_ROWS
from tests.bench.prepared import NAMESPACE, PROJECT
from tests.bench.walk import COMMAND, DECISION, ONE, READ, TWO, Budget, Json, Spent, Walk

SETS = "/api/v1/datasets/{dataset_id}/annotation-sets"
ROWS = f"{SETS}/{{annotation_set_id}}/annotations"
DURATION_MS = 600_000
SEGMENTS = 3 * BLOCK_ROWS  # of one bulk

BULK = Budget(4, 3)
"""The head and the audio files; the chore that removes the batch if nothing comes of it; the batch; the transaction."""

PUBLISH = Budget(5, 4)
"""The set, and the transaction that shuts its gates; the set as nobody changes it any more, its edits, the transaction.

In S3 the batches are read, and the published one is written.
"""

PROMOTE = Budget(5, 2)
"""The set; what the dataset remembers; the label pack or the dataset's name; the audio files; the transaction."""

COPIED_DRAFT = Budget(5, 4)
"""The set, the chore, its edits and batches; what the dataset remembers; the transaction. The copy is one batch."""


def iter_annotations(walk: Walk) -> Iterator[Spent]:
    """Yield what every endpoint of audio files and annotation sets costs."""
    place = f"/namespaces/{NAMESPACE}/projects/{PROJECT}/datasets"
    dataset = walk.request(COMMAND, "POST", place, {"name": "calls"}, status=201)[1]
    at = f"/api/v1/datasets/{dataset['id']}"
    name = "GET /api/v1/datasets/{dataset_id}/audio-files, none there"
    yield walk.request(TWO, "GET", f"{at}/audio-files", name=name)[0]
    name = f"GET {SETS}, none there"
    yield walk.request(TWO, "GET", f"{at}/annotation-sets", name=name)[0]
    wanted = {"uri": "calls/17.wav", "duration_ms": DURATION_MS}
    spent, audio_file = walk.request(COMMAND, "POST", f"{at}/audio-files", wanted, status=201)
    yield spent
    name = "POST /api/v1/datasets/{dataset_id}/audio-files, URI taken"
    yield walk.request(COMMAND, "POST", f"{at}/audio-files", wanted, name=name, status=409)[0]
    yield walk.request(READ, "GET", f"{at}/audio-files")[0]
    yield walk.request(READ, "GET", f"{at}/audio-files/{audio_file['id']}")[0]
    spent, first = walk.request(DECISION, "POST", f"{at}/annotation-sets", {}, status=201)
    yield spent
    yield from _iter_edits(walk, f"{at}/annotation-sets/{first['id']}", audio_file["id"])
    yield from _iter_sets(walk, f"{at}/annotation-sets", first["id"])


def _iter_edits(walk: Walk, draft: str, audio_file_id: str) -> Iterator[Spent]:
    """Add, read, change and remove annotations of a draft: single ones, and those of a batch."""
    rows, row, route = f"{draft}/annotations", _segment(audio_file_id, 0), f"{ROWS}/{{annotation_id}}"
    spent, made = walk.request(DECISION, "POST", rows, row, status=201)
    yield spent
    yield walk.request(READ, "GET", f"{rows}/{made['id']}", name=f"GET {route}, added alone")[0]
    name = f"GET {ROWS}, of a draft without batches"
    yield walk.request(Budget(2), "GET", f"{rows}?limit=1", name=name)[0]
    bulk = {"annotations": [_segment(audio_file_id, number) for number in range(SEGMENTS)]}
    yield walk.request(BULK, "POST", f"{rows}/bulk", bulk, name=f"POST {ROWS}/bulk, {SEGMENTS:,}", status=201)[0]
    listed: Any
    name = f"GET {ROWS}, of a draft with a batch"
    spent, listed = walk.request(Budget(2, 2), "GET", f"{rows}?limit={SEGMENTS + 1}", name=name)
    yield spent
    of_batch = [one["id"] for one in listed if one["id"] != made["id"]]
    # The list before has read the index of the batch, which is kept.
    yield walk.request(Budget(1, 2), "GET", f"{rows}/{of_batch[0]}", name=f"GET {route}, of a batch")[0]
    for changed, removed, s3, what in (
        (made["id"], made["id"], 0, "added alone"),
        (of_batch[BLOCK_ROWS], of_batch[2 * BLOCK_ROWS], 2, "of a batch"),
    ):
        name, change = f"PATCH {route}, {what}", {"artifact_type": "other"}
        yield walk.request(Budget(3, s3), "PATCH", f"{rows}/{changed}", change, name=name)[0]
        yield walk.request(Budget(2, s3), "DELETE", f"{rows}/{removed}", name=f"DELETE {route}, {what}")[0]


def _iter_sets(walk: Walk, at: str, first: str) -> Iterator[Spent]:
    """Read, copy, publish, compare, promote and delete sets, from a draft that has a batch and edits on."""
    draft = f"{at}/{first}"
    yield walk.request(READ, "GET", at)[0]
    yield walk.request(READ, "GET", draft)[0]
    yield walk.request(DECISION, "PATCH", draft, {"extra_data": {"pass": 1}})[0]
    name = f"POST {SETS}, copy of a draft"
    spent, copy = walk.request(COPIED_DRAFT, "POST", at, {"copy_from": first}, name=name, status=201)
    yield spent
    yield walk.request(DECISION, "DELETE", f"{at}/{copy['id']}")[0]
    yield walk.request(PUBLISH, "POST", f"{draft}/publish", {})[0]
    name = f"POST {SETS}, copy of a published set"
    spent, copy = walk.request(Budget(3), "POST", at, {"copy_from": first}, name=name, status=201)
    yield spent
    name = f"GET {ROWS}, of a published set"
    yield walk.request(Budget(1, 2), "GET", f"{draft}/annotations?limit=100", name=name)[0]
    # The heads, and the edits of the draft; the one object that both sets have is read for each.
    yield walk.request(Budget(3, 2), "GET", f"{at}/{copy['id']}/diff?against={first}")[0]
    yield walk.request(ONE, "GET", f"{draft}/download")[0]
    for what in ("into a new pack", "into the pack there is"):
        name = f"POST {SETS}/{{annotation_set_id}}/promote, {what}"
        yield walk.request(PROMOTE, "POST", f"{draft}/promote", {}, name=name, status=202)[0]


def _segment(audio_file_id: str, number: int) -> Json:
    start = 40 * number
    return {"audio_file_id": audio_file_id, "artifact_type": "glitch", "start_ms": start, "end_ms": start + 100}
