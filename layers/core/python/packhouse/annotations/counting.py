"""What a set comes to: how many annotations, and how much time they cover. Pure."""

from collections import Counter

from packhouse.annotations.batches import Span
from packhouse.annotations.model import Statistics


class Union:
    """The length of the union of half-open segments `[start, end)`, in milliseconds, which come in order of starts."""

    def __init__(self) -> None:
        self.covered_ms = 0
        self._end = 0

    def add(self, start_ms: int, end_ms: int) -> None:
        """Add a segment that begins no earlier than those before it.

        >>> union = Union()
        >>> union.add(0, 10); union.add(5, 8); union.add(9, 12); union.add(20, 21)
        >>> union.covered_ms
        13
        """
        begin = max(start_ms, self._end)
        if end_ms > begin:
            self.covered_ms += end_ms - begin
            self._end = end_ms

    def restart(self) -> None:
        """Begin anew at 0 on another audio file; what is covered is added up."""
        self._end = 0


class Counting:
    """Counts a set's annotations while they go by in order of places: of each audio file all together, by start."""

    def __init__(self) -> None:
        self._files = 0
        self._file = ""
        self._all = Union()
        self._by_type: dict[str, Union] = {}
        self._counts: Counter[str] = Counter()

    def add(self, segment: Span) -> None:
        """Count one annotation."""
        if segment.audio_file_id != self._file:
            self._file = segment.audio_file_id
            self._files += 1
            for union in (self._all, *self._by_type.values()):
                union.restart()
        self._counts[segment.artifact_type] += 1
        self._all.add(segment.start_ms, segment.end_ms)
        self._by_type.setdefault(segment.artifact_type, Union()).add(segment.start_ms, segment.end_ms)

    def statistics(self) -> Statistics:
        """Return what was counted; types by name."""
        return Statistics(
            total_annotations=self._counts.total(),
            total_positive_duration_ms=self._all.covered_ms,
            annotations_by_type=dict(sorted(self._counts.items())),
            duration_ms_by_type={name: union.covered_ms for name, union in sorted(self._by_type.items())},
            audio_files=self._files,
        )
