"""What is in sets: batches in S3 and the edits since, read as one stream in order of places.

A reader looks at the head first and at the edits then. Batches that have been merged into another, and the edits of a
set that has been published, are kept for an hour: whoever reads is done by then. A draft that somebody edits meanwhile
is read as it goes by: an annotation that is moved just then may come at both places, or at none. What must be of one
moment (a copy, a published set) is read where nobody writes, or held to the gates.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from packhouse.annotations.batches import (
    BLOCK_ROWS,
    BatchIndex,
    Edit,
    Indexing,
    Row,
    find_number,
    is_id,
    iter_lines,
    line_in,
    merged,
    place_of,
    read_index,
    read_rows,
    read_span,
)
from packhouse.annotations.model import PAGE_BYTES, Annotation, Batch, Head, SetKey
from packhouse.annotations.store import AnnotationStore, Kept
from packhouse.aws.dynamo import read_together
from packhouse.aws.objects import Objects
from packhouse.errors import NotFoundError, UnitFailedError
from packhouse.pipeline.files import NDJSON

_BLOCKS_AT_ONCE = 4
_EDITS_AT_ONCE = 1_000


@dataclass(frozen=True)
class Contents:
    """Reads and writes the annotations of sets."""

    store: AnnotationStore
    objects: Objects

    def iter_all(self, head: Head) -> Iterator[Row]:
        """Yield every annotation of a set by place; of each batch once its bytes are known to be the written ones."""
        return merged([self._iter_batch(batch) for batch in head.batches], self._edits(head))

    def _iter_batch(self, batch: Batch) -> Iterator[Row]:
        digest = hashlib.sha256()

        def hashed() -> Iterator[bytes]:
            for block in self.objects.stream(batch.key):
                digest.update(block)
                yield block

        yield from read_rows(iter_lines(hashed()))
        if digest.hexdigest() != batch.sha256:
            raise UnitFailedError("SOURCE_CHANGED", f"The bytes of {batch.key} are not those that were written.")

    def iter_batches(self, batches: Iterable[Batch]) -> Iterator[Row]:
        """Yield what is in some batches by place, whatever was edited since."""
        return merged([self._iter_batch(batch) for batch in batches], iter(()))

    def _edits(self, head: Head, start: str = "", end: str = "~", at_once: int | None = None) -> Iterator[Edit]:
        return iter(()) if head.is_published else self.store.iter_edits(head.id, start, end, at_once)

    def page(self, head: Head, limit: int, after: str, within: str = "") -> tuple[list[bytes], str | None]:
        """Return the lines of the next annotations behind a place, and the place of the last if there are more.

        As many as `limit` and 4 MB allow; with `within`, only of places that begin so.
        """
        begin, end = max(after, within), f"{within}~"
        blocks = min(_BLOCKS_AT_ONCE, 1 + limit // BLOCK_ROWS)
        streams = [self._iter_from(batch, begin, blocks) for batch in head.batches]
        lines: list[bytes] = []
        last, size = after, 0
        for place, line in merged(streams, self._edits(head, begin, end, max(limit + 1, _EDITS_AT_ONCE))):
            if place <= after:
                continue
            if not place.startswith(within):
                break
            if len(lines) == limit or size + len(line) > PAGE_BYTES:
                return lines, last
            lines.append(line)
            last, size = place, size + len(line) + 1
        return lines, None

    def _iter_from(self, batch: Batch, place: str, blocks: int) -> Iterator[Row]:
        for first, behind in self._index(batch).blocks_from(place, blocks):
            rows = read_rows(self.objects.read_range(batch.key, first, behind).splitlines())
            yield from (row for row in rows if row.place >= place)

    def _index(self, batch: Batch) -> BatchIndex:
        return read_index(self.objects.read(f"{batch.key}.index"))

    def find(self, key: SetKey, annotation_id: str) -> tuple[Head, Kept]:
        """Return an annotation of a set, with the head; one read. Where it was never edited, its batch is looked for.

        That is up to two ranges of S3 for every batch, the newest first, and the block that it is in.

        `NotFoundError` where there is none.
        """
        found = read_together([self.store.head_key(key), self.store.id_key(key, annotation_id)])
        head = self.store.head_in(found, key)
        is_edited, kept = self.store.edit_in(found, key, annotation_id)
        if (head.is_published or not is_edited) and is_id(annotation_id):
            kept = next(filter(None, (self._find_in(batch, annotation_id) for batch in reversed(head.batches))), None)
        if kept is None:
            raise NotFoundError("ANNOTATION_NOT_FOUND", f"There is no annotation {annotation_id} in {key.id}.")
        return head, kept

    def _find_in(self, batch: Batch, annotation_id: str) -> Kept | None:
        index = self._index(batch)
        entries = index.entries_of(annotation_id)
        if entries is None:
            return None
        row = find_number(self.objects.read_range(f"{batch.key}.ids", *entries), annotation_id)
        if row is None:
            return None
        line = line_in(self.objects.read_range(batch.key, *index.block_of(row)), row)
        place = place_of(read_span(line))
        return Kept(line, place, batch_place=place, is_edited=False)

    def write(self, key: str, rows: Iterable[Row], look: Callable[[bytes], object] | None = None) -> Batch:
        """Write a batch, its index and its ids; `look` sees each line. The same rows are the same bytes."""
        indexing = Indexing()
        with self.objects.writer(key, NDJSON) as writer:
            for row in rows:
                if look is not None:
                    look(row.line)
                writer.write(indexing.add(row))
        index, ids = indexing.sealed()
        self.objects.write_once(f"{key}.index", index, "application/json")
        self.objects.write_once(f"{key}.ids", ids, "application/octet-stream")
        return Batch(key=key, rows=indexing.rows, bytes=writer.bytes, sha256=writer.sha256)

    def remove(self, keys: Iterable[str]) -> None:
        """Remove batches that no set names any more."""
        self.objects.remove([f"{key}{end}" for key in keys for end in ("", ".index", ".ids")])


def annotation_of(line: bytes) -> Annotation:
    """Return an annotation from its line."""
    return Annotation.model_validate_json(line)
