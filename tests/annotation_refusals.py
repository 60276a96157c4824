"""Refusals of audio files, annotation sets and annotations: what brings each about.

Left out: `ANNOTATION_SET_FULL` and `LABEL_ROW_TOO_LONG`, which take hundreds of thousands of annotations, and
`ANNOTATION_SET_CONFLICT`, which takes races that are lost again and again.
"""

import uuid
from collections.abc import Callable
from typing import Any

import httpx

from tests.annotations import AUDIO_FILES, MINUTE_MS, SETS, AudioDataset, segment
from tests.annotations import ROWS as ANNOTATIONS
from tests.ground import Bring, Case, Ground, Told, told
from tests.registry import VERSIONS

NO_SET, NO_ROW, NO_CURSOR = "ast_nothing", "ann_nothing", {"cursor": "nothing"}
SegmentOf = Callable[[str], dict[str, Any]]
"""An annotation of an audio file, by its id."""


def new_calls(ground: Ground) -> AudioDataset:
    return AudioDataset.new(ground.project, f"calls {uuid.uuid4().hex[:12]}")


def in_dataset(method: str, *steps: str, **content: Any) -> Bring:
    return lambda ground: told(new_calls(ground).call(method, *steps, **content))


def in_no_dataset(method: str, *steps: str, **content: Any) -> Bring:
    return lambda ground: ground.ask(method, "/".join((VERSIONS, "ds_nothing", *steps)), **content)


def of_draft(method: str, *steps: str, **content: Any) -> Bring:
    """Send something about an empty draft."""

    def bring(ground: Ground) -> Told:
        calls = new_calls(ground)
        return told(calls.call(method, SETS, calls.new_set(), *steps, **content))

    return bring


def of_published(method: str, *steps: str, **content: Any) -> Bring:
    """Send something about a published set that is empty."""

    def bring(ground: Ground) -> Told:
        calls = new_calls(ground)
        return told(calls.call(method, SETS, calls.new_published(), *steps, **content))

    return bring


def in_published(method: str, **content: Any) -> Bring:
    """Send something about an annotation of a published set."""

    def bring(ground: Ground) -> Told:
        calls = new_calls(ground)
        draft = calls.new_set()
        made = calls.add(draft, segment(calls.new_audio_file("calls/17.wav"), 0, 1_000))
        calls.publish(draft)
        return told(calls.call(method, SETS, draft, ANNOTATIONS, made["id"], **content))

    return bring


def added(of: SegmentOf, *, published: bool = False, many: bool = False) -> Bring:
    """Add an annotation of a minute's audio file, alone or as a bulk of one."""

    def bring(ground: Ground) -> Told:
        calls = new_calls(ground)
        row = of(calls.new_audio_file("calls/17.wav"))
        known = calls.new_published() if published else calls.new_set()
        steps, body = (("bulk",), {"annotations": [row]}) if many else ((), row)
        return told(calls.call("POST", SETS, known, ANNOTATIONS, *steps, json=body))

    return bring


def fine(audio_file_id: str) -> dict[str, Any]:
    return segment(audio_file_id, 0, 1_000)


def audio_file_twice(ground: Ground) -> Told:
    calls = new_calls(ground)
    calls.new_audio_file("calls/17.wav")
    return told(calls.call("POST", AUDIO_FILES, json={"uri": "calls/17.wav", "duration_ms": 1}))


def into_a_pack_of_balls(ground: Ground) -> Told:
    calls = new_calls(ground)
    body = {"label_pack_id": ground.pack.label_pack_id}
    return told(calls.call("POST", SETS, calls.new_published(), "promote", json=body))


def compared_with_another_dataset(ground: Ground) -> Told:
    calls, foreign = new_calls(ground), new_calls(ground).new_set()
    return told(calls.call("GET", SETS, calls.new_set(), "diff", params={"against": foreign}))


def changed_meanwhile(send: Callable[[AudioDataset, str, dict[str, str]], httpx.Response]) -> Bring:
    """Send something on the condition that a draft is as it was before an annotation was added."""

    def bring(ground: Ground) -> Told:
        calls = new_calls(ground)
        audio_file_id, draft = calls.new_audio_file("calls/17.wav"), calls.new_set()
        seen = {"If-Match": calls.call("GET", SETS, draft).headers["ETag"]}
        calls.add(draft, fine(audio_file_id))
        return told(send(calls, draft, seen))

    return bring


A_FILE = {"uri": "calls/17.wav", "duration_ms": 1_000}
ANNOTATION_CASES = [
    Case("AUDIO_FILE_EXISTS", "409", "an audio file made known twice", audio_file_twice),
    Case("AUDIO_FILE_NOT_FOUND", "404", "no such audio file", in_dataset("GET", AUDIO_FILES, "aud_nothing")),
    Case("DATASET_NOT_FOUND", "404", "an audio file of no dataset", in_no_dataset("POST", AUDIO_FILES, json=A_FILE)),
    Case("DATASET_NOT_FOUND", "404", "audio files of no dataset", in_no_dataset("GET", AUDIO_FILES)),
    Case("DATASET_NOT_FOUND", "404", "an annotation set of no dataset", in_no_dataset("POST", SETS, json={})),
    Case("DATASET_NOT_FOUND", "404", "annotation sets of no dataset", in_no_dataset("GET", SETS)),
    Case("ANNOTATION_SET_NOT_FOUND", "404", "no such annotation set", in_dataset("GET", SETS, NO_SET)),
    Case("ANNOTATION_SET_NOT_FOUND", "404", "a copy of no set", in_dataset("POST", SETS, json={"copy_from": NO_SET})),
    Case("ANNOTATION_SET_NOT_FOUND", "404", "publishing of no set", in_dataset("POST", SETS, NO_SET, "publish")),
    Case("ANNOTATION_SET_NOT_FOUND", "404", "promotion of no set", in_dataset("POST", SETS, NO_SET, "promote")),
    Case("ANNOTATION_SET_NOT_FOUND", "404", "removal of no set", in_dataset("DELETE", SETS, NO_SET)),
    Case("ANNOTATION_SET_NOT_FOUND", "404", "annotations of no set", in_dataset("GET", SETS, NO_SET, ANNOTATIONS)),
    Case("ANNOTATION_SET_NOT_FOUND", "404", "a set compared with one of elsewhere", compared_with_another_dataset),
    Case("ANNOTATION_NOT_FOUND", "404", "no such annotation", of_draft("GET", ANNOTATIONS, NO_ROW)),
    Case("ANNOTATION_NOT_FOUND", "404", "removal of no annotation", of_draft("DELETE", ANNOTATIONS, NO_ROW)),
    Case("ANNOTATION_SET_PUBLISHED", "409", "a second publishing", of_published("POST", "publish")),
    Case("ANNOTATION_SET_PUBLISHED", "409", "removal of a published set", of_published("DELETE")),
    Case("ANNOTATION_SET_PUBLISHED", "409", "a note on a published set",
         of_published("PATCH", json={"extra_data": None})),
    Case("ANNOTATION_SET_PUBLISHED", "409", "an annotation for a published set", added(fine, published=True)),
    Case("ANNOTATION_SET_PUBLISHED", "409", "annotations for a published set", added(fine, published=True, many=True)),
    Case("ANNOTATION_SET_PUBLISHED", "409", "a change in a published set", in_published("PATCH", json={"end_ms": 2})),
    Case("ANNOTATION_SET_PUBLISHED", "409", "a removal from a published set", in_published("DELETE")),
    Case("ANNOTATION_SET_NOT_PUBLISHED", "409", "promotion of a draft", of_draft("POST", "promote")),
    Case("ANNOTATION_SET_NOT_PUBLISHED", "409", "download of a draft", of_draft("GET", "download")),
    Case("ANNOTATION_SET_EMPTY", "409", "promotion of an empty set", of_published("POST", "promote")),
    Case("LABEL_PACK_CAPABILITY_MISMATCH", "409", "promotion into a pack of balls", into_a_pack_of_balls),
    Case("LABEL_PACK_NOT_FOUND", "404", "promotion into no pack",
         of_published("POST", "promote", json={"label_pack_id": "lp_nothing"})),
    Case("INVALID_REQUEST", "400", "an annotation of no audio file", added(lambda _: fine("aud_nothing"))),
    Case("INVALID_REQUEST", "400", "an annotation beyond its audio file",
         added(lambda audio_file_id: segment(audio_file_id, 0, MINUTE_MS + 1))),
    Case("INVALID_REQUEST", "400", "an annotation that ends where it starts",
         added(lambda audio_file_id: segment(audio_file_id, 5, 5), many=True)),
    Case("INVALID_REQUEST", "400", "an annotation of an unknown type",
         added(lambda audio_file_id: segment(audio_file_id, 0, 1, "ball"))),
    Case("PRECONDITION_FAILED", "412", "publishing of a draft that was edited since",
         changed_meanwhile(lambda calls, draft, seen: calls.call("POST", SETS, draft, "publish", headers=seen))),
    Case("PRECONDITION_FAILED", "412", "removal of a draft that was edited since",
         changed_meanwhile(lambda calls, draft, seen: calls.call("DELETE", SETS, draft, headers=seen))),
    Case("INVALID_CURSOR", "400", "a cursor of no list of audio files",
         in_dataset("GET", AUDIO_FILES, params=NO_CURSOR)),
    Case("INVALID_CURSOR", "400", "a cursor of no list of annotation sets", in_dataset("GET", SETS, params=NO_CURSOR)),
    Case("INVALID_CURSOR", "400", "a cursor of no list of annotations",
         of_draft("GET", ANNOTATIONS, params=NO_CURSOR)),
]  # fmt: skip
