"""A1: a draft of a hundred thousand annotations: bulk, pages from first to last, publishing, copying, comparing."""

import gc
import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from packhouse.access.model import Principal, Role, Workspace
from packhouse.aws import dynamo
from packhouse.catalog.rules import project_id
from packhouse.datasets.model import Dataset
from packhouse.datasets.store import DatasetStore
from tests.bench.figure import Figure, Run, Steps
from tests.bench.handlers import Handlers
from tests.bench.prepared import MOMENT
from tests.bench.round_trips import CREDENTIALS, SILENT, deployed_variables
from tests.bench.wire import Wire, fresh_clients

ROWS, BULK, FILES, FILE_MS = 100_000, 10_000, 50, 3_600_000
EDITS = 500
LIMITS, ROUNDS = (100, 1_000), 15
GOAL, MEMORY_GOAL_MB = 1.5, 128
WRITTEN, THREADS = 25, 16
WORKSPACE = Workspace("audio", "calls")
EDITOR = Principal(principal_id="user-editor", memberships={WORKSPACE.namespace: Role.EDITOR})
DATASET = "ds_01KPA1A0B2C4D6E8F0G2H4J6K8"
TYPES = ("glitch", "long_pause", "hallucination", "other")
COLUMNS = ("request", "seconds", "rows/s", "DynamoDB calls", "which", "S3 calls", "MB more")
Json = dict[str, Any]
Row = tuple[str, ...]


def bulk_of(audio_file_ids: Sequence[str], number: int) -> list[Json]:
    """Return the annotations of one bulk, spread over the audio files and over their time."""
    rows = []
    for row in range(number * BULK, (number + 1) * BULK):
        start = row * 7_919 % (FILE_MS - 2_000)
        rows.append({
            "audio_file_id": audio_file_ids[row % len(audio_file_ids)],
            "artifact_type": TYPES[row % 7 % len(TYPES)],
            "start_ms": start,
            "end_ms": start + 100 + row % 1_900,
            "confidence": row % 100 / 100,
        })
    return rows


def measure(run: Run) -> Figure:
    """Time, count and weigh requests in process against the emulator's tables and buckets."""
    stack, wire = run.stack, Wire()
    with run.steps("A1 annotation sets", ROWS // BULK + EDITS + len(LIMITS) * (ROUNDS + 3) + 8) as bar:
        variables = {"annotations": deployed_variables(stack, "annotations") | SILENT}
        region = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": stack.endpoint}
        with fresh_clients(CREDENTIALS | region) as session:
            wire.listen(session)
            bench = _Bench(Handlers(variables), wire, bar)
            _put_dataset(variables["annotations"]["CATALOG_TABLE"])
            drafted, draft = bench.draft()
            pages, ratio = bench.pages(draft)
            ended = bench.publish_and_after(draft)
            peer = bench.peer(variables["annotations"]["ANNOTATIONS_TABLE"])
    rows = [*drafted, *pages, *ended, peer]
    peak = max(float(row[-1]) for row in rows if row[-1])
    return Figure(
        number="A1",
        title=f"An annotation set of {ROWS:,} annotations",
        goal=f"pages take at most {GOAL}x as long at the end as at the beginning; no request takes more than "
        f"{MEMORY_GOAL_MB} MB; a bulk of {BULK:,} costs the DynamoDB calls of one of 10",
        basis=f"in process, one request after the other against the local emulator; {FILES} audio files; pages are "
        f"medians of {ROUNDS} rounds in which they take turns, of a draft of {ROWS // BULK} bulks and {EDITS:,} single "
        "edits, all of which the emulator looks through for each of them; the peer writes a row and an entry by id for "
        "each annotation",
        columns=COLUMNS,
        rows=rows,
        met=ratio <= GOAL and peak <= MEMORY_GOAL_MB and drafted[0][3] == drafted[1][3],
        notes=[f"largest ratio of a page to the first one: {ratio:.2f}", f"most memory of a request: {peak:.0f} MB"],
    )


def _put_dataset(table: str) -> None:
    dataset = Dataset(
        id=DATASET,
        name="calls",
        description=None,
        tags=(),
        projectId=project_id(WORKSPACE),
        metadata=None,
        createdAt=MOMENT,
        updatedAt=MOMENT,
        etag="rev_1",
    )
    tx = dynamo.Transaction()
    DatasetStore(table).put_dataset(tx, WORKSPACE, dataset)
    tx.commit()


class _Bench:
    """Requests, and what they cost."""

    def __init__(self, handlers: Handlers, wire: Wire, bar: Steps) -> None:
        self._handlers, self._wire, self._bar = handlers, wire, bar

    def call(self, method: str, path: str, body: Json | None = None) -> Any:
        path = f"/api/v1/datasets/{DATASET}/{path}"
        answered = self._handlers.call(method, path, EDITOR, body, str(WORKSPACE))
        if answered.status >= 400:
            raise AssertionError(answered.text[:500])
        return answered

    def row(self, name: str, run: Callable[[], object], rows: int = 0, *, weigh: bool = False) -> Row:
        """Return the row of what runs."""
        self._wire.take()
        before = _forgotten_peak_mb() if weigh else 0
        started = time.perf_counter()
        run()
        seconds = time.perf_counter() - started
        sent = self._wire.take()
        calls = Counter(sent.of("dynamodb"))
        which = " + ".join(f"{count} {operation}" for operation, count in calls.items())
        rate = f"{rows / seconds:,.0f}" if rows else ""
        weight = f"{_memory_mb('VmHWM') - before:.0f}" if weigh else ""
        self._bar.advance()
        return name, f"{seconds:.3f}", rate, str(calls.total()), which, str(len(sent.of("s3"))), weight

    def draft(self) -> tuple[list[Row], str]:
        """Make a draft; return what its bulks cost, and its path."""
        wanted = [{"uri": f"call-{number}.wav", "duration_ms": FILE_MS} for number in range(FILES)]
        ids = [self.call("POST", "audio-files", each).body["id"] for each in wanted]
        small = f"annotation-sets/{self.call('POST', 'annotation-sets').body['id']}"
        path = f"annotation-sets/{self.call('POST', 'annotation-sets').body['id']}"
        bulks = [bulk_of(ids, number) for number in range(ROWS // BULK)]

        def send(where: str, rows: list[Json]) -> Callable[[], object]:
            return lambda: self.call("POST", f"{where}/annotations/bulk", {"annotations": rows})

        taken = [self.row("bulk of 10", send(small, bulks[0][:10]), 10)]
        taken += [
            self.row(f"bulk of {BULK:,}, number {number}", send(path, rows), BULK, weigh=True)
            for number, rows in enumerate(bulks, start=1)
        ]
        listed = self.call("GET", f"{path}/annotations?limit=10000").body
        for row in listed[: EDITS // 2]:
            self.call("PATCH", f"{path}/annotations/{row['id']}", {"artifact_type": "other"})
            self._bar.advance()
        for row in bulks[0][: EDITS // 2]:
            self.call("POST", f"{path}/annotations", row)
            self._bar.advance()
        slowest = max(taken[1:], key=lambda row: float(row[1]))
        return [taken[0], taken[1], slowest], path

    def pages(self, path: str) -> tuple[list[Row], float]:
        """Return what pages cost from first to last, and the largest ratio to the first."""
        rows, ratios = [], []
        for limit in LIMITS:
            cursors = self._cursors(path, limit)
            places = {"first": cursors[0], "middle": cursors[len(cursors) // 2], "last": cursors[-1]}
            taken: dict[str, list[float]] = {name: [] for name in places}
            for _ in range(ROUNDS):
                for name, cursor in places.items():
                    taken[name].append(self._seconds(path, limit, cursor))
                self._bar.advance()
            medians = {name: statistics.median(each) for name, each in taken.items()}
            for name, cursor in places.items():
                counted = self.row(f"page of {limit:,}, {name}", partial(self._page, path, limit, cursor), limit)
                ratio = medians[name] / medians["first"]
                ratios.append(ratio)
                rows.append((f"{counted[0]} ({ratio:.2f}x)", f"{medians[name]:.4f}", *counted[2:]))
        return rows, max(ratios)

    def _page(self, path: str, limit: int, cursor: str) -> Any:
        at = f"&cursor={quote(cursor)}" if cursor else ""
        return self.call("GET", f"{path}/annotations?limit={limit}{at}")

    def _seconds(self, path: str, limit: int, cursor: str) -> float:
        gc.collect()
        started = time.perf_counter()
        self._page(path, limit, cursor)
        return time.perf_counter() - started

    def _cursors(self, path: str, limit: int) -> list[str]:
        """Return the cursors of all pages that are full, the first one empty."""
        cursors, link = [""], self._page(path, limit, "").headers["Link"]
        while link:
            cursors.append(link.partition("cursor=")[2].partition(">")[0])
            link = self._page(path, limit, cursors[-1]).headers.get("Link", "")
        return cursors[:-1]

    def publish_and_after(self, path: str) -> list[Row]:
        """Return what publishing, copying, comparing and promoting cost."""
        published = path.rpartition("/")[2]
        made: list[str] = []

        def copy() -> None:
            made.append(self.call("POST", "annotation-sets", {"copy_from": published}).body["id"])

        taken = [
            self.row("copy of the draft", copy, weigh=True),
            self.row("publish", partial(self.call, "POST", f"{path}/publish"), ROWS, weigh=True),
            self.row("copy of the published set", copy, weigh=True),
        ]
        row = self.call("GET", f"{path}/annotations?limit=1").body[0]
        one, diff = f"{made[1]}/annotations/{row['id']}", f"{made[1]}/diff?against={published}"
        change = partial(self.call, "PATCH", f"annotation-sets/{one}", {"end_ms": FILE_MS})
        compare = partial(self.call, "GET", f"annotation-sets/{diff}")
        taken.append(self.row("change one annotation of the copy", change))
        taken.append(self.row("compare the copy with it", compare, weigh=True))
        return taken

    def peer(self, table: str) -> Row:
        """Return what a bulk costs as items: one by place and one by id for each annotation."""
        client: Any = dynamo.connection().client
        facts = {"line": {"S": "x" * 250}}
        keys = [f"{kind}{number:010d}" for number in range(BULK) for kind in ("ROW#", "ID#")]
        items = [{"pk": {"S": "EDIT#peer"}, "sk": {"S": key}, **facts} for key in keys]

        def write(some: Sequence[Json]) -> None:
            client.batch_write_item(RequestItems={table: [{"PutRequest": {"Item": item}} for item in some]})

        def send() -> None:
            with ThreadPoolExecutor(THREADS) as pool:
                list(pool.map(write, (items[at : at + WRITTEN] for at in range(0, len(items), WRITTEN))))

        return self.row(f"peer: bulk of {BULK:,} as items, {THREADS} calls at a time", send, BULK)


def _forgotten_peak_mb() -> float:
    """Forget the most memory that the process had in use, and return what it has now."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")
    return _memory_mb("VmRSS")


def _memory_mb(name: str) -> float:
    """Return what the process has of memory: `VmRSS` is in use, `VmHWM` the most since that was forgotten."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024
