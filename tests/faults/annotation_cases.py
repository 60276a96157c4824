"""Audio files, annotation sets and what is in them as use cases: what has to be there, and the request."""

from typing import Any, NamedTuple

from tests.faults.kinds import CRASHES, Kind
from tests.faults.single_faults import Request, UseCase
from tests.faults.world import World

Json = dict[str, Any]
PROJECT = "/namespaces/acme/projects/match-day"
PACKS = "/api/v1/label-packs"
BATCHES_BEFORE_A_MERGE = 8
MANY = 2_000
FILE_MS = 60_000


class Draft(NamedTuple):
    """A set of a dataset with two audio files."""

    dataset: str
    path: str
    audio_files: tuple[str, ...]

    @property
    def id(self) -> str:
        return self.path.split("/")[-1]

    @property
    def sets(self) -> str:
        return f"{self.dataset}/annotation-sets"

    @property
    def rows(self) -> str:
        return f"{self.path}/annotations"

    @property
    def shown_at(self) -> tuple[str, ...]:
        return (self.path, self.rows)

    def row(self, start_ms: int, artifact_type: str = "glitch", audio_file: int = 0) -> Json:
        """Return an annotation as it is sent."""
        said = {"artifact_type": artifact_type, "start_ms": start_ms, "end_ms": start_ms + 25, "confidence": 0.5}
        return {"audio_file_id": self.audio_files[audio_file], **said}

    def many(self, count: int, first: int = 0) -> Json:
        """Return a bulk of annotations, half of them on each audio file."""
        return {"annotations": [self.row(first + 10 * number, "long_pause", number % 2) for number in range(count)]}


def dataset(world: World, name: str = "calls") -> tuple[str, tuple[str, ...]]:
    """Return the path of a new dataset and its two audio files."""
    made = f"/api/v1/datasets/{world.call('POST', f'{PROJECT}/datasets', {'name': name})['id']}"
    wanted = [{"uri": f"calls/{number}.wav", "duration_ms": FILE_MS, "group": None} for number in range(2)]
    return made, tuple(world.call("POST", f"{made}/audio-files", each)["id"] for each in wanted)


def draft(world: World, name: str = "calls") -> Draft:
    """Return an empty draft of a new dataset."""
    made, audio_files = dataset(world, name)
    return Draft(made, f"{made}/annotation-sets/{_new_set(world, made)}", audio_files)


def _new_set(world: World, made: str, **wanted: Any) -> str:
    created: str = world.call("POST", f"{made}/annotation-sets", wanted)["id"]
    return created


def edited(world: World) -> tuple[Draft, list[str]]:
    """Return a draft with two batches and edits, and the ids that its first batch had, by place."""
    there = draft(world)
    world.call("POST", f"{there.rows}/bulk", there.many(6))
    listed: Any = world.call("GET", there.rows)
    ids = [row["id"] for row in listed]
    world.call("POST", f"{there.rows}/bulk", there.many(3, 30_000))
    world.call("POST", there.rows, there.row(20_000))
    world.call("PATCH", f"{there.rows}/{ids[0]}", {"artifact_type": "other"})
    world.call("PATCH", f"{there.rows}/{ids[1]}", {"start_ms": 40_000, "end_ms": 40_100})
    world.call("DELETE", f"{there.rows}/{ids[2]}")
    return there, ids


def published(world: World) -> Draft:
    """Return a published set that had batches and edits."""
    there, _ = edited(world)
    world.call("POST", f"{there.path}/publish")
    return there


def _create_audio_file(world: World) -> Request:
    made, _ = dataset(world)
    wanted = {"uri": "calls/another.wav", "duration_ms": 1_500, "group": "caller 7"}
    return Request("POST", f"{made}/audio-files", wanted, (f"{made}/audio-files",))


def _create_set(world: World) -> Request:
    made, _ = dataset(world)
    return Request("POST", f"{made}/annotation-sets", {"extra_data": {"why": "New."}}, (f"{made}/annotation-sets",))


def _create_next_set(world: World) -> Request:
    there = draft(world)
    return Request("POST", there.sets, {}, (there.sets,))


def _copy(there: Draft) -> Request:
    return Request("POST", there.sets, {"copy_from": there.id}, (there.sets, there.rows))


def _copy_published(world: World) -> Request:
    return _copy(published(world))


def _copy_draft(world: World) -> Request:
    return _copy(edited(world)[0])


def _update_set(world: World) -> Request:
    there = draft(world)
    return Request("PATCH", there.path, {"extra_data": {"why": "Changed."}}, (there.sets,))


def _delete_draft(world: World) -> Request:
    there, _ = edited(world)
    return Request("DELETE", there.path, None, (there.sets,))


def _publish(world: World) -> Request:
    there, _ = edited(world)
    return Request("POST", f"{there.path}/publish", None, there.shown_at)


def _publish_as_seen(world: World) -> Request:
    wanted = _publish(world)
    tag = world.request("GET", wanted.path.removesuffix("/publish")).headers["ETag"]
    return Request("POST", wanted.path, None, wanted.shown_at, if_match=tag)


def _publish_empty(world: World) -> Request:
    there = draft(world)
    return Request("POST", f"{there.path}/publish", None, there.shown_at)


def _promote(world: World) -> Request:
    there = published(world)
    return Request("POST", f"{there.path}/promote", {"unannotated": "empty"}, (there.sets, PACKS))


def _promote_again(world: World) -> Request:
    """Another set of the dataset went to a label pack before."""
    there = published(world)
    world.run_job(world.call("POST", f"{there.path}/promote", {})["job_id"])
    following = f"{there.sets}/{_new_set(world, there.dataset, copy_from=there.id)}"
    world.call("POST", f"{following}/publish")
    return Request("POST", f"{following}/promote", {}, (there.sets, PACKS))


def _promote_into_given(world: World) -> Request:
    there = published(world)
    pack = world.call("POST", PACKS, {"capability": "audio_artifact_detection", "name": "a pack"})
    return Request("POST", f"{there.path}/promote", {"label_pack_id": pack["label_pack_id"]}, (there.sets, PACKS))


def _add(world: World) -> Request:
    there = draft(world)
    return Request("POST", there.rows, there.row(100), there.shown_at)


def _added(world: World) -> tuple[Draft, str]:
    there = draft(world)
    return there, f"{there.rows}/{world.call('POST', there.rows, there.row(100))['id']}"


def _change_added(world: World) -> Request:
    there, row = _added(world)
    return Request("PATCH", row, {"artifact_type": "other", "confidence": None}, there.shown_at)


def _move_added(world: World) -> Request:
    there, row = _added(world)
    return Request("PATCH", row, {"start_ms": 50, "end_ms": 60}, there.shown_at)


def _remove_added(world: World) -> Request:
    there, row = _added(world)
    return Request("DELETE", row, None, there.shown_at)


def _of_batch(world: World, number: int, changes: Json | None) -> Request:
    there, ids = edited(world)
    row = f"{there.rows}/{ids[number]}"
    return Request("PATCH" if changes else "DELETE", row, changes, there.shown_at)


def _change_of_batch(world: World) -> Request:
    return _of_batch(world, 4, {"confidence": 0.25})


def _move_of_batch(world: World) -> Request:
    return _of_batch(world, 4, {"start_ms": 45_000, "end_ms": 45_010})


def _move_edited(world: World) -> Request:
    return _of_batch(world, 0, {"start_ms": 45_000, "end_ms": 45_010})


def _move_back(world: World) -> Request:
    there, ids = edited(world)
    row = f"{there.rows}/{ids[1]}"
    return Request("PATCH", row, {"start_ms": 20, "end_ms": 45}, there.shown_at)


def _remove_of_batch(world: World) -> Request:
    return _of_batch(world, 3, None)


def _remove_moved(world: World) -> Request:
    return _of_batch(world, 1, None)


def _bulk(there: Draft, count: int) -> Request:
    return Request("POST", f"{there.rows}/bulk", there.many(count, 5), there.shown_at)


def _add_few(world: World) -> Request:
    return _bulk(edited(world)[0], 3)


def _add_many(world: World) -> Request:
    return _bulk(draft(world), MANY)


def _add_and_merge(world: World) -> Request:
    """The set has so many batches that some become one first; rows of theirs were edited."""
    there = draft(world)
    for number in range(BATCHES_BEFORE_A_MERGE):
        world.call("POST", f"{there.rows}/bulk", there.many(1 + number, 1 + 1_000 * number))
    listed: Any = world.call("GET", there.rows)
    world.call("DELETE", f"{there.rows}/{listed[0]['id']}")
    world.call("PATCH", f"{there.rows}/{listed[1]['id']}", {"start_ms": 45_000, "end_ms": 45_010})
    return _bulk(there, 3)


_DATASET = "/api/v1/datasets/{dataset_id}"
_SETS = f"{_DATASET}/annotation-sets"
_SET = f"{_SETS}/{{annotation_set_id}}"
_ROWS = f"{_SET}/annotations"
_ROW = f"{_ROWS}/{{annotation_id}}"
_GONE, _NO_SET = ("ANNOTATION_NOT_FOUND",), ("ANNOTATION_SET_NOT_FOUND",)
_LONG = (Kind.TIMEOUT_AFTER, *CRASHES)

ANNOTATION_CASES = (
    UseCase("create audio file", f"POST {_DATASET}/audio-files", _create_audio_file),
    UseCase("create annotation set", f"POST {_SETS}", _create_set),
    UseCase("create another annotation set", f"POST {_SETS}", _create_next_set),
    UseCase("copy published set", f"POST {_SETS}", _copy_published),
    UseCase("copy draft with edits", f"POST {_SETS}", _copy_draft, transactions=2),
    UseCase("update annotation set", f"PATCH {_SET}", _update_set),
    UseCase("delete draft", f"DELETE {_SET}", _delete_draft, _NO_SET),
    UseCase("publish set", f"POST {_SET}/publish", _publish, transactions=2),
    UseCase("publish set as seen", f"POST {_SET}/publish", _publish_as_seen, transactions=2, kinds=_LONG),
    UseCase("publish empty set", f"POST {_SET}/publish", _publish_empty, transactions=2, kinds=_LONG),
    UseCase("promote into a new pack", f"POST {_SET}/promote", _promote),
    UseCase("promote into the known pack", f"POST {_SET}/promote", _promote_again, kinds=_LONG),
    UseCase("promote into a given pack", f"POST {_SET}/promote", _promote_into_given, kinds=_LONG),
    UseCase("add annotation", f"POST {_ROWS}", _add),
    UseCase("change annotation", f"PATCH {_ROW}", _change_added),
    UseCase("move annotation", f"PATCH {_ROW}", _move_added),
    UseCase("remove annotation", f"DELETE {_ROW}", _remove_added, _GONE),
    UseCase("change annotation of a batch", f"PATCH {_ROW}", _change_of_batch),
    UseCase("move annotation of a batch", f"PATCH {_ROW}", _move_of_batch),
    UseCase("move changed annotation of a batch", f"PATCH {_ROW}", _move_edited),
    UseCase("move annotation back", f"PATCH {_ROW}", _move_back, kinds=_LONG),
    UseCase("remove annotation of a batch", f"DELETE {_ROW}", _remove_of_batch, _GONE),
    UseCase("remove moved annotation", f"DELETE {_ROW}", _remove_moved, _GONE, kinds=_LONG),
    UseCase("add few annotations", f"POST {_ROWS}/bulk", _add_few, transactions=2),
    UseCase("add 2,000 annotations", f"POST {_ROWS}/bulk", _add_many, transactions=2, kinds=_LONG),
    UseCase("add annotations and merge", f"POST {_ROWS}/bulk", _add_and_merge, transactions=4, kinds=_LONG),
)
