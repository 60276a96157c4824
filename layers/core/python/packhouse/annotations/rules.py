"""Pure decisions over annotation sets."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from packhouse.access.model import Workspace
from packhouse.annotations.model import (
    BATCH_ROWS_ALL,
    CAPABILITY,
    Annotation,
    AnnotationSet,
    Batch,
    Chore,
    ChoreKind,
    Gate,
    Head,
    SetKey,
    SetState,
    SetStatus,
    Statistics,
)
from packhouse.audio.model import AudioFile
from packhouse.catalog.rules import CROCKFORD, crockford, project_id
from packhouse.errors import Fault
from packhouse.pipeline.capabilities import CAPABILITIES

ARTIFACT_TYPES = CAPABILITIES[CAPABILITY].classes
BATCHES = 8
"""A set of so many batches has some of them merged before the next one."""

_IN_BATCHES = "batches/"


def following(newest: str | None, fresh: str) -> str:
    """Return an id that sorts behind the newest one: the fresh one, or what comes next where clocks disagree.

    >>> following("ast_01J0000000000000000000000Z", "ast_01J00000000000000000000000")
    'ast_01J00000000000000000000010'
    """
    if newest is None or fresh > newest:
        return fresh
    prefix, _, digits = newest.partition("_")
    number = sum(CROCKFORD.index(digit) << 5 * place for place, digit in enumerate(reversed(digits)))
    return f"{prefix}_{crockford(number + 1)}"


def segment_faults(rows: Iterable[tuple[str, Mapping[str, Any]]], audio_files: Mapping[str, AudioFile]) -> list[Fault]:
    """Return what is wrong with annotations beyond their form, each by a JSON pointer.

    `rows` are given with the pointer of each; a segment is `0 ≤ start_ms < end_ms ≤ duration_ms` of a known file.
    """
    faults = []
    for pointer, row in rows:
        audio_file = audio_files.get(row["audio_file_id"])
        if audio_file is None:
            faults.append(Fault(f"{pointer}/audio_file_id", f"{row['audio_file_id']} is no audio file of this dataset"))
        elif row["end_ms"] > audio_file.duration_ms:
            faults.append(Fault(f"{pointer}/end_ms", f"the audio file ends at {audio_file.duration_ms}"))
        if row["end_ms"] <= row["start_ms"]:
            faults.append(Fault(f"{pointer}/end_ms", f"must be greater than start_ms, {row['start_ms']}"))
    return faults


def total(head: Head, gates: Iterable[Gate]) -> int:
    """Return how many annotations a set has."""
    return head.batch_rows + sum(gate.rows for gate in gates)


def set_state(head: Head, gates: Iterable[Gate]) -> str:
    """Return what tells one state of a set from others: it moves with every write of it."""
    return f"{head.revision}-{sum(gate.writes for gate in gates)}"


def state_of(annotation: Annotation) -> str:
    """Return what tells one state of an annotation from others."""
    return hashlib.sha256(annotation.model_dump_json().encode()).hexdigest()[:16]


def shown(head: Head, gates: Sequence[Gate]) -> AnnotationSet:
    """Return a set as callers see it; one that is being published is a draft until it is."""
    known: dict[str, Any] = {"status": SetStatus.DRAFT, "total_annotations": total(head, gates)}
    if head.is_published and head.statistics is not None:
        (batch,) = head.batches
        known = head.statistics.model_dump(include=_OF_STATISTICS)
        known |= {"status": SetStatus.PUBLISHED, "rows_sha256": batch.sha256, "rows_bytes": batch.bytes}
    return AnnotationSet(**head.model_dump(include=_OF_HEAD), **known, etag=set_state(head, gates))


_OF_STATISTICS = set(Statistics.model_fields) & set(AnnotationSet.model_fields)
_OF_HEAD = set(Head.model_fields) & set(AnnotationSet.model_fields)


def shut_by(head: Head, principal_id: str, token: str | None, chore: Chore) -> Head:
    """Return a draft as it is from when it begins to be published: nobody writes to it any more."""
    changes = {"published_by": principal_id, "publish_token": token, "publishing": chore}
    return head.model_copy(update={**changes, "state": SetState.PUBLISHING, "revision": head.revision + 1})


def published(head: Head, batch: Batch, statistics: Statistics, moment: str) -> Head:
    """Return the set as it is once it is published: one batch, which is the published object."""
    return head.model_copy(
        update={
            "state": SetState.PUBLISHED,
            "revision": head.revision + 1,
            "batches": (batch,),
            "statistics": statistics,
            "published_at": moment,
            "publishing": None,
        }
    )


def with_batches(head: Head, batches: Iterable[Batch]) -> Head:
    """Return the set with these batches, as it is after one more write of its head; an empty one is none."""
    filled = tuple(batch for batch in batches if batch.rows)
    return head.model_copy(update={"batches": filled, "revision": head.revision + 1})


def has_room(rows_there: int, rows: int) -> bool:
    """Whether the batches of a set may hold so many annotations more."""
    return rows_there + rows <= BATCH_ROWS_ALL


def batch_key(workspace: Workspace, batch_id: str) -> str:
    """Return where a batch lies; it is of no set until one names it.

    Batches are the objects that are removed again: they lie apart, where one rule of the bucket and of a role is of
    them alone.
    """
    return f"{_IN_BATCHES}{project_id(workspace)}/{batch_id}.ndjson"


def published_key(head: Head) -> str:
    """Return where the published object of a set lies, which nobody removes."""
    return f"projects/{head.project_id}/annotation-sets/{head.id}/annotations.ndjson"


def removable(batches: Iterable[Batch]) -> tuple[str, ...]:
    """Return the keys of those batches that are a set's own: a published object stays, whoever copied it."""
    return tuple(batch.key for batch in batches if batch.key.startswith(_IN_BATCHES))


def new_chore(kind: ChoreKind, key: SetKey, due: str, chore_id: str, keys: tuple[str, ...] = ()) -> Chore:
    """Return something that is left to be done for a set from `due` on."""
    return Chore(
        id=chore_id,
        kind=kind,
        due=due,
        annotation_set_id=key.id,
        dataset_id=key.dataset_id,
        workspace=str(key.workspace),
        keys=keys,
    )


def to_merge(batches: Sequence[Batch]) -> tuple[Batch, ...]:
    """Return the batches that become one before the next is added; none while they are few.

    A batch stays as it is while it is larger than all smaller ones together, so that rows are mostly written anew when
    what they are in doubles; where every one is, the smaller half is merged.

    >>> sizes = (5_000, 40, 30, 20, 10, 9, 8, 7)
    >>> merged = to_merge([Batch(key=str(rows), rows=rows, bytes=0, sha256="") for rows in sizes])
    >>> [batch.rows for batch in merged]
    [40, 30, 20, 10, 9, 8, 7]
    """
    if len(batches) < BATCHES:
        return ()
    by_size = sorted(batches, key=lambda batch: -batch.rows)
    left = sum(batch.rows for batch in by_size)
    for number, batch in enumerate(by_size):
        left -= batch.rows
        if batch.rows <= left:
            return tuple(by_size[number:])
    return tuple(by_size[len(by_size) // 2 :])
