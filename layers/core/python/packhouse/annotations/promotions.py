"""Promotion: a published set becomes a revision of a label pack, which goes the way of every other one.

A row is an audio file with the spans that the set has on it. Its group is the audio file's own, or the audio file
itself. What confidence annotations have stays with the set: label rows know none.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from typing import NamedTuple

from packhouse.access.model import Principal
from packhouse.annotations.batches import Span, read_span
from packhouse.annotations.contents import Contents
from packhouse.annotations.model import CAPABILITY, Head, Promotion, SetKey, Unannotated
from packhouse.annotations.service import demand_published
from packhouse.annotations.store import AnnotationStore
from packhouse.audio.model import AudioFile
from packhouse.audio.store import AudioStore
from packhouse.aws.clock import NewId, new_id
from packhouse.aws.dynamo import Transaction, while_stale
from packhouse.aws.once import Once
from packhouse.catalog.rules import project_id
from packhouse.datasets.store import DatasetStore
from packhouse.errors import ConflictError, UnitFailedError
from packhouse.jobs.model import Job
from packhouse.labels.model import LabelPack, upload_key
from packhouse.labels.service import Labels
from packhouse.pipeline.files import NDJSON
from packhouse.pipeline.rows import LINE_BYTES, Label, LabelRow, Segment, encode_row


@dataclass(frozen=True)
class Promotions:
    """Published sets on their way into label packs."""

    store: AnnotationStore
    audio: AudioStore
    datasets: DatasetStore
    contents: Contents
    labels: Labels
    new_id: NewId = new_id

    def promote(
        self, key: SetKey, label_pack_id: str | None, unannotated: Unannotated, caller: Principal, once: Once
    ) -> Promotion:
        """Make a published set the next revision of a label pack, and start its ingest.

        Of the given pack, else of the one that a set of this dataset went to last, else of a new one.
        """
        head = demand_published(key, self.store.get_head(key))
        once.demand_new()
        revision_id = self.new_id("lpr")

        def attempt() -> tuple[Promotion, Job]:
            root = self.store.get_root(key.workspace, key.dataset_id)
            pack, seen = self._pack(key, label_pack_id or root.label_pack_id, caller)
            where = upload_key(pack.project_id, pack.label_pack_id, revision_id)
            uploaded = self._upload(where, key, head, unannotated)
            tx = Transaction()
            revision, job = self.labels.add_submitted(
                tx, pack, seen, revision_id, uploaded.bytes, uploaded.sha256, caller
            )
            if root.label_pack_id != pack.label_pack_id:
                grown = replace(root, label_pack_id=pack.label_pack_id)
                self.store.put_root(tx, key.workspace, key.dataset_id, root, grown)
            promotion = Promotion(
                annotation_set_id=key.id,
                label_pack_id=pack.label_pack_id,
                revision_id=revision_id,
                revision=revision.revision,
                rows=uploaded.rows,
                job_id=job.job_id,
            )
            return once.commit(tx, promotion), job

        promotion, job = while_stale(attempt)
        self.labels.start(job)
        return promotion

    def _pack(self, key: SetKey, label_pack_id: str | None, caller: Principal) -> tuple[LabelPack, int | None]:
        if label_pack_id is None:
            name = self.datasets.get_name(project_id(key.workspace), key.dataset_id)
            return self.labels.new_pack(key.workspace, CAPABILITY, name, None, caller), None
        pack, seen = self.labels.store.get_pack(key.workspace, label_pack_id)
        if pack.capability != CAPABILITY:
            detail = f"The label pack {label_pack_id} is of {pack.capability}; annotation sets go into {CAPABILITY}."
            raise ConflictError("LABEL_PACK_CAPABILITY_MISMATCH", detail)
        return pack, seen

    def _upload(self, where: str, key: SetKey, head: Head, unannotated: Unannotated) -> "_Uploaded":
        """Write the label rows to where an upload lands."""
        spans = (read_span(line) for _, line in self.contents.iter_all(head))
        audio_files = self.audio.iter_all(key.dataset_id)
        rows = 0
        with self.labels.uploads.writer(where, NDJSON) as writer:
            for row in label_rows(spans, audio_files, unannotated, head.published_at or ""):
                line = encode_row(row)
                if len(line) > LINE_BYTES:
                    detail = f"The audio file {row.sample_id} has too many annotations for one label row."
                    raise ConflictError("LABEL_ROW_TOO_LONG", detail)
                writer.write(line + b"\n")
                rows += 1
        if rows == 0:
            raise ConflictError("ANNOTATION_SET_EMPTY", "There is no annotation in the set, so nothing to be promoted.")
        return _Uploaded(rows, writer.bytes, writer.sha256)


class _Uploaded(NamedTuple):
    rows: int
    bytes: int
    sha256: str


def label_rows(
    spans: Iterable[Span], audio_files: Iterable[AudioFile], unannotated: Unannotated, published_at: str
) -> Iterator[LabelRow]:
    """Yield a label row for each audio file; spans come by audio file and start, audio files by id.

    Files without a span are those that the dataset had when the set was published. `UnitFailedError` where a span is of
    a file that is not given: no label is left out without a word.
    """
    annotated = groupby(spans, key=lambda span: span.audio_file_id)
    current = next(annotated, None)
    for audio_file in audio_files:
        labels: list[Label] | None = None
        if current is not None and current[0] == audio_file.id:
            labels = [_label(span) for span in current[1]]
            current = next(annotated, None)
        elif unannotated is Unannotated.LEFT_OUT or audio_file.created_at > published_at:
            continue
        elif unannotated is Unannotated.EMPTY:
            labels = []
        yield LabelRow(
            sample_id=audio_file.id,
            group=audio_file.group or audio_file.id,
            asset=audio_file.uri,
            labels=labels,
        )
    if current is not None:
        raise UnitFailedError("SOURCE_CHANGED", f"The audio file {current[0]} of the set is not there.")


def _label(span: Span) -> Label:
    return Label(class_=span.artifact_type, segment=Segment(start_ms=span.start_ms, end_ms=span.end_ms))
