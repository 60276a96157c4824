"""P13: pages of the samples viewer, of versions of a thousand, a hundred thousand and a million samples."""

import gc
import statistics
import time
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby, product
from typing import Any, NamedTuple
from urllib.parse import urlencode

from packhouse.access.model import Principal, Role, Workspace
from packhouse.api.paging import Cursors
from packhouse.aws.dynamo import Transaction
from packhouse.aws.objects import Objects
from packhouse.aws.warm import WarmObjects
from packhouse.builds.store import BuildStore
from packhouse.labels.store import LabelStore
from packhouse.pipeline.assets import MissingReason
from packhouse.pipeline.indexing import ShardIndex, ShardIndexer
from packhouse.pipeline.plan import UNIT_ROWS
from packhouse.pipeline.rows import Label, LabelRow, Point, encode_row
from packhouse.pipeline.splits import SPLITS
from tests.bench.figure import Figure, Run, Steps
from tests.bench.handlers import Handlers
from tests.bench.prepared import CAPABILITY, approved_pack, put_index, put_ready
from tests.bench.round_trips import CREDENTIALS, SILENT, deployed_variables
from tests.bench.wire import Wire, fresh_clients

SIZES = (1_000, 100_000, 1_000_000)
GOAL, READS = 1.5, 3
ROUNDS, WARM, LIMIT = 15, 5, 50
GROUP_ROWS, RARE_ROWS = 50, 10
NAMESPACE, PROJECT = "viewed", "match-day"
WORKSPACE = Workspace(NAMESPACE, PROJECT)
OWNER = Principal(principal_id="user-owner", memberships={NAMESPACE: Role.OWNER})
CAMERAS = ("broadcast", "tactical", "drone", None)
FILTERS: dict[str, dict[str, str]] = {
    "all": {},
    "a split": {"split": "val"},
    "a class": {"class": "ball"},
    "no class": {"class": ""},
    "a rare class": {"class": "rare"},
    "a camera type": {"camera_type": "drone"},
    "no camera type": {"camera_type": ""},
    "a class and a camera type": {"class": "ball", "camera_type": "drone"},
    "a split and a camera type": {"split": "val", "camera_type": "drone"},
}
OF_A_GROUP = "a group"
CACHES = COLD, WARMED = "cold", "warm"
Json = dict[str, Any]
APPS = ("catalog", "labels", "builds", "samples")
COLUMNS = ("samples with", "page", "caches", *(f"{size:,}: ms" for size in SIZES), "S3 reads", "ratios", "verdict")


@dataclass(frozen=True)
class Version:
    """A version of so many samples, and where those are that pass each filter: shard * `UNIT_ROWS` + row."""

    size: int
    at: str
    passing: Mapping[str, "array[int]"]

    @property
    def group(self) -> str:
        """A group in the middle."""
        return group_name(self.size // GROUP_ROWS // 2)


class Request(NamedTuple):
    """A page of the samples that pass a filter: the first one, one in the middle, or the last."""

    filtered: str
    page: str


class Taken(NamedTuple):
    """The seconds and the reads of S3 that one request took."""

    seconds: float
    reads: int


def measure(run: Run) -> Figure:
    """Time pages in process against the emulator's table and bucket."""
    stack, wire = run.stack, Wire()
    requests = [Request(*each) for each in product(FILTERS, ("first", "middle", "last"))]
    requests.append(Request(OF_A_GROUP, "first"))
    with run.steps("P13 viewer", 3 * len(SIZES) + ROUNDS) as bar:
        variables = {name: deployed_variables(stack, name) | SILENT for name in APPS}
        region = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": stack.endpoint}
        with fresh_clients(CREDENTIALS | region) as session:
            wire.listen(session)
            wire.answer_executions(session)
            handlers = Handlers(variables)
            versions = list(_iter_versions(handlers, variables["builds"], bar))
            viewer = Viewer(handlers, variables["samples"]["CURSOR_SECRET"], wire)
            gc.collect()
            gc.freeze()  # what the bench itself has made is no function's
            taken = _taken(viewer, versions, requests, bar)
    rows = [_row(request, caches, taken) for request, caches in product(requests, CACHES)]
    reads = max(each.reads for found in taken.values() for each in found)
    ratio = max(float(row[-2].rpartition(" ")[2]) for row in rows)
    return Figure(
        number="P13",
        title="Pages of the samples viewer",
        goal=f"a page of a version of 10^6 samples takes at most {GOAL}x one of 10^3, first to last, and any at most "
        f"{READS} reads of S3",
        basis=f"GET …/samples?limit={LIMIT} in process from the event to the answer, against the local emulator; "
        f"medians of {ROUNDS} rounds in which pages and, of each, sizes take turns; cold: the function has read "
        f"nothing before, warm: it has read this page, {WARM} calls a round; the rare class has {RARE_ROWS} samples in "
        "every version",
        columns=COLUMNS,
        rows=rows,
        met=all(row[-1] == "met" for row in rows),
        notes=[f"largest ratio of 10^6 to 10^3: {ratio:.2f}", f"most reads of S3: {reads}"],
    )


def group_name(number: int) -> str:
    return f"minute-{number:06d}"


def iter_rows(size: int) -> Iterator[tuple[str, LabelRow]]:
    """Yield the rows of a version in its order, each with the name of its shard."""
    labels = {name: [Label(class_=name, point=Point(0.5, 0.5))] for name in ("ball", "rare")}
    unit_groups = UNIT_ROWS // GROUP_ROWS
    for split, number in product(SPLITS, range(size // GROUP_ROWS)):
        if SPLITS[max(number % 10 - 7, 0)] != split:
            continue
        for row in range(number * GROUP_ROWS, (number + 1) * GROUP_ROWS):
            class_ = "rare" if row % (size // RARE_ROWS) == 0 else "" if row % 17 == 1 else "ball"
            found = LabelRow(sample_id=f"frame-{row:07d}", group=group_name(number), labels=labels.get(class_))
            found.camera_type = CAMERAS[row % len(CAMERAS)]
            yield f"{split}/{number // unit_groups:05d}", found


def passes(row: LabelRow, shard: str, wanted: Mapping[str, str]) -> bool:
    """Whether a row passes a filter."""
    classes = [label.class_ for label in row.labels or ()] or [""]
    return (
        wanted.get("split") in {None, shard.partition("/")[0]}
        and wanted.get("camera_type") in {None, row.camera_type or ""}
        and ("class" not in wanted or wanted["class"] in classes)
    )


def _iter_versions(handlers: Handlers, variables: Mapping[str, str], bar: Steps) -> Iterator[Version]:
    """Make a project with a pack, and of it a version of each size as its build would leave it."""
    handlers.call("POST", "/namespaces", OWNER, {"slug": NAMESPACE, "name": "Viewed"})
    at = f"/namespaces/{NAMESPACE}/projects"
    project_id = handlers.call("POST", at, OWNER, {"slug": PROJECT, "name": "Viewed"}).body["id"]
    handlers.app("labels")
    label_pack_id, tx = f"lp_VIEWED{0:020d}", Transaction()
    pack = approved_pack(WORKSPACE, project_id, label_pack_id, f"sha256:{0:064d}")
    LabelStore(variables["LABELS_TABLE"]).put_new_pack(tx, pack)
    tx.commit()
    data = Objects(variables["DATA_BUCKET"])
    for size in SIZES:
        body = {"capability": CAPABILITY, "label_pack_ids": [label_pack_id], "force": True}
        built = handlers.call("POST", "/api/v1/datasets/build", OWNER, body, str(WORKSPACE)).body
        store = BuildStore(variables["BUILDS_TABLE"])
        version = store.get(WORKSPACE, built["dataset_version_id"])
        passing = {name: array("Q") for name in FILTERS}
        bar.advance()
        put_index(data, version.prefix, _iter_shards(size, project_id, passing))
        bar.advance()
        put_ready(store, version, size)
        yield Version(size, f"/api/v1/datasets/{version.dataset_version_id}/samples", passing)
        bar.advance()


def _iter_shards(size: int, project_id: str, passing: Mapping[str, "array[int]"]) -> Iterator[ShardIndex]:
    for number, (name, rows) in enumerate(groupby(iter_rows(size), key=lambda named: named[0])):
        indexer = ShardIndexer(name, project_id)
        for place, (_, row) in enumerate(rows):
            indexer.add(row, encode_row(row), None, MissingReason.ASSET_NOT_GIVEN)
            for filtered, wanted in FILTERS.items():
                if passes(row, name, wanted):
                    passing[filtered].append(number * UNIT_ROWS + place)
        yield indexer.finish()


class Viewer:
    """Asks one function for pages: when it has read nothing, and then when it has."""

    def __init__(self, handlers: Handlers, cursor_secret: str, wire: Wire) -> None:
        self._handlers, self._wire = handlers, wire
        self._cursors = Cursors(cursor_secret)
        self._data: WarmObjects = handlers.app("samples")._data

    def iter_asked(self, version: Version, request: Request) -> Iterator[tuple[str, Taken]]:
        """Yield what a page took cold, and then warm, several times."""
        event, handler = self._handlers.event("GET", self._path(version, request), OWNER, None, str(WORKSPACE))
        WarmObjects.__init__(self._data, self._data.bucket)  # what was read is forgotten
        for caches in (COLD, *[WARMED] * WARM):
            self._wire.take()
            started = time.perf_counter()
            answer = handler(event, None)
            yield caches, Taken(time.perf_counter() - started, len(self._wire.take().of("s3")))
            if answer["statusCode"] != 200 or '"sample_id"' not in answer["body"]:
                raise AssertionError(answer["body"][:500])

    def _path(self, version: Version, request: Request) -> str:
        if request.filtered == OF_A_GROUP:
            return f"{version.at}?{urlencode({'limit': LIMIT, 'group': version.group})}"
        filters, passing = FILTERS[request.filtered], version.passing[request.filtered]
        last = -LIMIT if len(passing) >= LIMIT else -1
        place = {"first": 0, "middle": passing[len(passing) // 2], "last": passing[last]}[request.page]
        shard, row = divmod(place, UNIT_ROWS)
        bound = (f"{name}={value}" for name, value in sorted(filters.items()))
        dataset_version_id = version.at.split("/")[-2]
        cursor = self._cursors.seal({"shard": shard, "row": row}, "samples", str(WORKSPACE), dataset_version_id, *bound)
        return f"{version.at}?{urlencode({'limit': LIMIT, **filters, 'cursor': cursor})}"


Taking = dict[tuple[Request, str, int], list[Taken]]
"""What requests took: by what was asked, with which caches, and the size of the version."""


def _taken(viewer: Viewer, versions: list[Version], requests: list[Request], bar: Steps) -> Taking:
    taken: Taking = {}
    for _ in range(ROUNDS):
        for request, version in product(requests, versions):
            for caches, one in viewer.iter_asked(version, request):
                taken.setdefault((request, caches, version.size), []).append(one)
        bar.advance()
    return taken


def _row(request: Request, caches: str, taken: Taking) -> tuple[str, ...]:
    sides = [taken[request, caches, size] for size in SIZES]
    medians = [statistics.median(each.seconds for each in side) for side in sides]
    reads = [max(each.reads for each in side) for side in sides]
    ratios = [median / medians[0] for median in medians]
    verdict = "met" if ratios[-1] <= GOAL and max(reads) <= READS else "MISSED"
    times = (f"{seconds * 1000:.2f}" for seconds in medians)
    shown = " / ".join(map(str, reads)), " / ".join(f"{ratio:.2f}" for ratio in ratios[1:])
    return (request.filtered, request.page, caches, *times, *shown, verdict)
