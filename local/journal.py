"""A journal of the emulator's DynamoDB writes: what was answered is still there after `kill -9`.

ministack keeps tables in memory and writes them out as one whole. Between two such snapshots each write is appended
here before it is answered, and replayed over the last snapshot at the next start. One lock makes a snapshot and the
cut of the journal one step. Writes go to the operating system at once and are not synced: the machine itself
failing is out of scope.
"""

import contextlib
import json
import logging
import re
import threading
from collections.abc import Callable, Iterator
from io import FileIO
from pathlib import Path
from typing import Any

logger = logging.getLogger("journal")

WRITES = ("_put_item", "_update_item", "_delete_item", "_batch_write_item", "_transact_write_items")
TTL_THREAD = "dynamodb-ttl-reaper"


class Journal:
    """Numbered files of writes; a snapshot names the first file that it does not contain."""

    def __init__(self, folder: Path, dynamodb: Any) -> None:
        self.folder, self.dynamodb = folder, dynamodb
        self.lock = threading.RLock()
        self.depth = 0
        self.wanted = 0
        self.number = max(self._numbers(), default=0)
        self.originals = {name: getattr(dynamodb, name) for name in WRITES}
        self.file = self._open()

    def _numbers(self) -> list[int]:
        return sorted(int(path.suffix[1:]) for path in self.folder.glob("dynamodb-journal.*"))

    def _path(self, number: int) -> Path:
        return self.folder / f"dynamodb-journal.{number}"

    def _open(self) -> FileIO:
        self.number += 1
        return self._path(self.number).open("ab", buffering=0)

    def append(self, write: str, data: dict[str, Any]) -> None:
        """Note one write that took effect."""
        account, region = self.dynamodb.get_account_id(), self.dynamodb.get_region()
        self.file.write(json.dumps([account, region, write, data]).encode() + b"\n")

    @contextlib.contextmanager
    def outermost(self) -> Iterator[bool]:
        """Hold the lock; true for a write that no other write contains."""
        with self.lock:
            self.depth += 1
            try:
                yield self.depth == 1
            finally:
                self.depth -= 1

    def install(self) -> None:
        """Put the journal in front of every write, of expiry, and of the snapshot."""
        for name in WRITES:
            setattr(self.dynamodb, name, self._journalled(name))
        self.dynamodb._remove_item = self._journalled_expiry(self.dynamodb._remove_item)
        snapshot, restore = self.dynamodb.get_state, self.dynamodb.load_persisted_state

        def cut() -> dict[str, Any]:
            with self.lock:
                state = snapshot()
                self.file.close()
                self.file = self._open()
                return {**state, "journal": self.number}

        def restored(data: Any) -> None:
            self.wanted = data.get("journal", 0)
            restore(data)

        self.dynamodb.get_state, self.dynamodb.load_persisted_state = cut, restored

    def _journalled(self, name: str) -> Callable[[dict[str, Any]], Any]:
        original = self.originals[name]

        def write(data: dict[str, Any]) -> Any:
            with self.outermost() as outermost:
                asked = json.loads(json.dumps(data)) if outermost else data
                answer = original(data)
                if outermost and answer[0] == 200:
                    self.append(name, asked)
                return answer

        return write

    def _journalled_expiry(self, remove: Any) -> Any:
        def expire(table: Any, partition: Any, sort: Any) -> Any:
            with self.lock:
                if threading.current_thread().name == TTL_THREAD:
                    item = table["items"][partition][sort]
                    key = {k["AttributeName"]: item[k["AttributeName"]] for k in table["KeySchema"]}
                    self.append("_delete_item", {"TableName": table["TableName"], "Key": key})
                return remove(table, partition, sort)

        return expire

    def replay(self) -> None:
        """Apply what the restored snapshot does not hold, in order."""
        for number in self._numbers():
            if self.wanted <= number < self.number:
                for line in self._path(number).read_bytes().splitlines():
                    self._apply(line)

    def _apply(self, line: bytes) -> None:
        try:
            account, region, write, data = json.loads(line)
        except json.JSONDecodeError:
            return  # the last line of a process that was killed while it wrote: never answered
        with self.dynamodb.request_scope(account, region), self.outermost():
            status, _, body = self.originals[write](data)
        if status != 200:
            logger.error("a journalled write could not be applied again: %s", body)

    def prune(self) -> None:
        """Drop the files that the snapshot on disk contains."""
        snapshot = self.folder / "dynamodb.json"
        if not snapshot.exists():
            return
        with snapshot.open("rb") as file:
            file.seek(max(0, snapshot.stat().st_size - 64))
            contained = re.search(rb'"journal": (\d+)}}\Z', file.read())
        for number in self._numbers():
            if contained and number < int(contained[1]):
                self._path(number).unlink()
