"""What a warm function has read of a bucket whose objects never change."""

from collections import OrderedDict
from collections.abc import Callable

from packhouse.aws.objects import Objects

KEPT_BYTES = 64 * 1024 * 1024
_ENTRY_BYTES = 512
"""What keeping something costs beside its own bytes."""

_Place = tuple[str, int, int]


class WarmObjects(Objects):
    """The objects of one bucket; what was read of them is not read again while it is among the last `most_bytes`.

    For objects that are written once alone: what has been read holds for ever.
    """

    def __init__(self, bucket: str, most_bytes: int = KEPT_BYTES) -> None:
        super().__init__(bucket)
        self._most = most_bytes
        self._kept: OrderedDict[_Place, bytes] = OrderedDict()
        self._bytes = 0

    def read(self, key: str) -> bytes:
        """Return a whole object, as `Objects` does."""
        return self._once((key, 0, 0), lambda: super(WarmObjects, self).read(key))

    def read_range(self, key: str, start: int, end: int) -> bytes:
        """Return a range of an object, as `Objects` does."""
        return self._once((key, start, end), lambda: super(WarmObjects, self).read_range(key, start, end))

    def _once(self, place: _Place, read: Callable[[], bytes]) -> bytes:
        if (kept := self._kept.get(place)) is not None:
            self._kept.move_to_end(place)
            return kept
        body = self._kept[place] = read()
        self._bytes += len(body) + _ENTRY_BYTES
        while self._bytes > self._most:
            _, longest_unread = self._kept.popitem(last=False)
            self._bytes -= len(longest_unread) + _ENTRY_BYTES
        return body
