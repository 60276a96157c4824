"""`/api/v1/datasets/{dataset_id}/annotation-sets` and what is in them."""

from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from aws_lambda_powertools.event_handler import Response
from pydantic import Field, StringConstraints

from packhouse.access.model import Action
from packhouse.annotations.edits import Edits
from packhouse.annotations.model import (
    BULK_ROWS,
    LONGEST_PAGE,
    Added,
    Annotation,
    AnnotationSet,
    Download,
    Promotion,
    SetDiff,
    SetKey,
    Unannotated,
)
from packhouse.annotations.promotions import Promotions
from packhouse.annotations.publishing import Publishing
from packhouse.annotations.rules import ARTIFACT_TYPES, state_of
from packhouse.annotations.service import AnnotationSets
from packhouse.api.app import accepted, answer, page
from packhouse.api.bodies import NoBody, RequestBody, never_null
from packhouse.api.endpoints import Call, Endpoints, Listed, Success
from packhouse.api.fields import json_at_most
from packhouse.api.paging import Cursors, NoQuery, RequestQuery, Section, Whole
from packhouse.audio.model import LONGEST_MS

_SETS = "/api/v1/datasets/{dataset_id}/annotation-sets"
_SET = f"{_SETS}/{{annotation_set_id}}"
_ROWS = f"{_SET}/annotations"
_ROW = f"{_ROWS}/{{annotation_id}}"
_NO_SET = "ANNOTATION_SET_NOT_FOUND"
_NO_ROW = (_NO_SET, "ANNOTATION_NOT_FOUND")
_EDITED = (_NO_SET, "ANNOTATION_SET_PUBLISHED", "ANNOTATION_SET_CONFLICT")

_Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
_Type = Literal[ARTIFACT_TYPES]  # type: ignore[valid-type]  # the capability's classes, and nothing beside them
_Start = Annotated[int, Field(ge=0, le=LONGEST_MS)]
_End = Annotated[int, Field(ge=1, le=LONGEST_MS)]
_Confidence = Annotated[float, Field(ge=0, le=1)]
_Extra = Annotated[dict[str, Any], json_at_most(8)]


class SetBody(RequestBody):
    """A new set: empty, or a copy; `extra_data` is any JSON object of up to 8 KB, such as what changes in it."""

    copy_from: _Id | None = None
    extra_data: _Extra | None = None


class SetChange(RequestBody):
    """What of a draft changes."""

    extra_data: _Extra | None


class AnnotationBody(RequestBody):
    """A new annotation: `0 ≤ start_ms < end_ms ≤ duration_ms` of its audio file."""

    audio_file_id: _Id
    artifact_type: _Type
    start_ms: _Start
    end_ms: _End
    confidence: _Confidence | None = None


class BulkBody(RequestBody):
    """Annotations that come together, all or none."""

    annotations: list[AnnotationBody] = Field(min_length=1, max_length=BULK_ROWS)


class AnnotationChange(RequestBody):
    """What of an annotation changes; fields that are not given stay."""

    artifact_type: _Type | None = None
    start_ms: _Start | None = None
    end_ms: _End | None = None
    confidence: _Confidence | None = None

    _given = never_null("artifact_type", "start_ms", "end_ms")


class PromotionBody(RequestBody):
    """Which label pack a set goes to, and what becomes of audio files that it says nothing of."""

    label_pack_id: _Id | None = None
    unannotated: Unannotated = Unannotated.LEFT_OUT


class RowsQuery(RequestQuery):
    """How many annotations of a set, of which audio file, and from which cursor on."""

    limit: Whole = Field(default=LONGEST_PAGE, ge=1, le=LONGEST_PAGE)
    cursor: str | None = None
    audio_file_id: _Id | None = None


class SetDiffQuery(RequestQuery):
    """The set that another one is compared with, what was before; how many changes, and from which cursor on."""

    against: _Id
    limit: Whole = Field(default=50, ge=1, le=1_000)
    cursor: str | None = None


def register(
    api: Endpoints,
    sets: AnnotationSets,
    edits: Edits,
    publishing: Publishing,
    promotions: Promotions,
    cursors: Cursors,
) -> None:
    """Declare the endpoints."""

    @api.post(
        _SETS,
        Action.WRITE,
        status=201,
        show=lambda call, made: answer(201, made, {"Location": _SETS.format(**call.path) + f"/{made.id}"}),
        refusals=("DATASET_NOT_FOUND", _NO_SET, "ANNOTATION_SET_CONFLICT", "ANNOTATION_SET_FULL"),
    )
    def create_annotation_set(call: Call[SetBody]) -> AnnotationSet:
        """Create the next annotation set of a dataset, a draft; empty, or with what is in the set `copy_from`.

        The annotations of a copy keep their ids. A draft is copied as it was at one moment: if somebody edits it
        meanwhile, nothing is made. Sets outlive their dataset: one that is deleted has no new ones.
        """
        wanted = call.wanted
        return sets.create(
            call.workspace, call.path["dataset_id"], wanted.copy_from, wanted.extra_data, call.caller, call.once
        )

    @api.get(_SETS, Action.READ, result=Listed(AnnotationSet), refusals=("INVALID_CURSOR", "DATASET_NOT_FOUND"))
    def list_annotation_sets(call: Call[Section]) -> dict[str, Any]:
        """List the annotation sets of a dataset by version."""
        dataset_id, limit = call.path["dataset_id"], call.wanted.limit
        items, cursor = cursors.turn(
            call.wanted,
            ("annotation-sets", str(call.workspace), dataset_id),
            lambda _, after: sets.list_sets(call.workspace, dataset_id, limit, after),
        )
        return page(items, cursor, exclude={"etag"})

    @api.get(_SET, Action.READ, refusals=(_NO_SET,))
    def get_annotation_set(call: Call[NoQuery]) -> AnnotationSet:
        """Get an annotation set; the statistics are those of its publishing, and null before."""
        return sets.get(_key(call))

    @api.patch(_SET, Action.WRITE, refusals=_EDITED)
    def update_annotation_set(call: Call[SetChange]) -> AnnotationSet:
        """Change what a draft says of itself."""
        return sets.note(_key(call), call.wanted.extra_data, call.if_match)

    @api.delete(_SET, Action.WRITE, if_match=True, refusals=_EDITED)
    def delete_annotation_set(call: Call[NoBody]) -> Success:
        """Delete a draft with all that is in it. Its number is not given again; a published set stays."""
        sets.delete(_key(call), call.if_match)
        return Success()

    @api.post(f"{_SET}/publish", Action.WRITE, if_match=True, refusals=_EDITED)
    def publish_annotation_set(call: Call[NoBody]) -> AnnotationSet:
        """Publish a draft, for good: its statistics are computed, and nothing in it changes any more.

        Every annotation that was answered before is in it, none that comes later. With `If-Match` it is published only
        as it was read then.
        """
        return publishing.publish(_key(call), call.if_match, call.caller, call.once)

    @api.post(
        f"{_SET}/promote",
        Action.WRITE,
        status=202,
        show=lambda _, promoted: accepted(promoted.model_dump(mode="json"), promoted.job_id),
        refusals=(
            _NO_SET,
            "DATASET_NOT_FOUND",
            "LABEL_PACK_NOT_FOUND",
            "ANNOTATION_SET_NOT_PUBLISHED",
            "ANNOTATION_SET_CONFLICT",
            "LABEL_PACK_CAPABILITY_MISMATCH",
            "LABEL_ROW_TOO_LONG",
            "ANNOTATION_SET_EMPTY",
            "REVIEW_CONFLICT",
        ),
    )
    def promote_annotation_set(call: Call[PromotionBody]) -> Promotion:
        """Promote a published set into a label pack: a new revision, one row an audio file, ingested by a job.

        Without `label_pack_id` it goes to the pack that a set of this dataset went to last, or to a new one.
        """
        wanted = call.wanted
        return promotions.promote(_key(call), wanted.label_pack_id, wanted.unannotated, call.caller, call.once)

    @api.get(f"{_SET}/diff", Action.READ, refusals=("INVALID_CURSOR", _NO_SET))
    def diff_annotation_sets(call: Call[SetDiffQuery]) -> SetDiff:
        """Compare an annotation set with another one of the dataset, `against`: what was added, removed, changed."""
        wanted, key = call.wanted, _key(call)
        bound = ("annotation-diff", str(call.workspace), key.dataset_id, key.id, wanted.against)
        after = cursors.open(wanted.cursor, *bound) or {"place": ""}
        found, last = sets.diff(key, wanted.against, wanted.limit, after["place"])
        return found.model_copy(update={"next_cursor": cursors.seal({"place": last} if last else None, *bound)})

    @api.get(f"{_SET}/download", Action.EXPORT, refusals=(_NO_SET, "ANNOTATION_SET_NOT_PUBLISHED"))
    def download_annotation_set(call: Call[NoQuery]) -> Download:
        """Get the published object of a set, NDJSON in the order of its annotations, with a URL that downloads it."""
        return sets.download(_key(call))

    _register_rows(api, sets, edits, cursors)


def _register_rows(api: Endpoints, sets: AnnotationSets, edits: Edits, cursors: Cursors) -> None:
    @api.get(_ROWS, Action.READ, result=list[Annotation], refusals=("INVALID_CURSOR", _NO_SET))
    def list_annotations(call: Call[RowsQuery]) -> Response[str]:
        """List the annotations of a set, of each audio file by start; the rest is behind the `Link` of `rel="next"`.

        Its target is relative to the request's own URL. An answer ends at 4 MB, however many are asked for. What is
        moved in a draft while it is listed may come twice or not at all; a published set never changes.
        """
        wanted, key = call.wanted, _key(call)
        bound = ("annotations", str(call.workspace), key.dataset_id, key.id, wanted.audio_file_id or "")
        after = cursors.open(wanted.cursor, *bound) or {"place": ""}
        within = f"{wanted.audio_file_id}#" if wanted.audio_file_id else ""
        lines, last = sets.list_annotations(key, wanted.limit, after["place"], within)
        body = f"[{b','.join(lines).decode()}]"
        if last is None:
            return answer(200, body)
        cursor = cursors.seal({"place": last}, *bound)
        following = urlencode({"limit": wanted.limit, **wanted.filters(), "cursor": cursor})
        return answer(200, body, {"Link": f'<?{following}>; rel="next"'})

    def with_state(status: int) -> Any:
        return lambda _, annotation: answer(status, annotation, etag=state_of(annotation))

    @api.post(_ROWS, Action.WRITE, status=201, show=with_state(201), refusals=(*_EDITED, "ANNOTATION_SET_FULL"))
    def create_annotation(call: Call[AnnotationBody]) -> Annotation:
        """Add an annotation to a draft."""
        return edits.add(_key(call), call.wanted.model_dump(), call.caller, call.once)

    @api.post(f"{_ROWS}/bulk", Action.WRITE, status=201, refusals=(*_EDITED, "ANNOTATION_SET_FULL"))
    def create_annotations(call: Call[BulkBody]) -> Added:
        """Add up to 10,000 annotations to a draft, all of them or none."""
        rows = [row.model_dump() for row in call.wanted.annotations]
        return edits.add_many(_key(call), rows, call.caller, call.once)

    @api.get(_ROW, Action.READ, show=with_state(200), refusals=_NO_ROW)
    def get_annotation(call: Call[NoQuery]) -> Annotation:
        """Get an annotation of a set."""
        return edits.get(_key(call), call.path["annotation_id"])

    @api.patch(_ROW, Action.WRITE, show=with_state(200), refusals=(*_EDITED, "ANNOTATION_NOT_FOUND"))
    def update_annotation(call: Call[AnnotationChange]) -> Annotation:
        """Change an annotation of a draft: only the fields that are given."""
        changes = call.wanted.model_dump(include=call.wanted.model_fields_set)
        return edits.change(_key(call), call.path["annotation_id"], changes, call.if_match)

    @api.delete(_ROW, Action.WRITE, if_match=True, refusals=(*_EDITED, "ANNOTATION_NOT_FOUND"))
    def delete_annotation(call: Call[NoBody]) -> Success:
        """Remove an annotation from a draft."""
        edits.remove(_key(call), call.path["annotation_id"], call.if_match)
        return Success()


def _key(call: Call[Any]) -> SetKey:
    return SetKey(call.workspace, call.path["dataset_id"], call.path["annotation_set_id"])
