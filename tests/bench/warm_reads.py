"""P3 and P4: what a warm read computes, against the least that any reader of the same bytes must.

Replies are canned where botocore hands a request to the socket, so no time but this process's own is measured: the CPU
time of a call, its log line included. Both sides take turns, and each figure is the median of its rounds.
"""

import contextlib
import gc
import io
import itertools
import json
import statistics
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import orjson
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSPreparedRequest, AWSRequest, AWSResponse
from botocore.credentials import Credentials
from moto import mock_aws
from pynamodb.attributes import ListAttribute, MapAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.connection import Connection
from pynamodb.models import Model

from packhouse.access.model import Principal, Role
from packhouse.aws import dynamo
from tests.bench.figure import Figure, Run, Steps
from tests.bench.handlers import Handlers
from tests.bench.template import filled_in, iter_functions, iter_tables
from tests.bench.wire import Wire, fresh_clients

ROUNDS, CALLS = 15, 60
READ_GOAL, LIST_GOAL, NESTED_GOAL = 1.4, 3.0, 8.0
LISTED, DESCRIPTION = 100, 900  # 100 items of 1 KB
OWNER = Principal(principal_id="user-owner", memberships={"acme": Role.OWNER})
WORKSPACE = "acme/match-day"
AT = "/namespaces/acme/projects/match-day"
PARAMETERS = {"JwksUrl": "http://127.0.0.1:9/jwks.json", "JwtIssuer": "https://issuer.test", "JwtAudience": "packhouse"}
ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
READING = ("GetItem", "BatchGetItem", "Query")
Json = dict[str, Any]
Call = Callable[[], object]


class Replies:
    """Keeps what a call was answered, or answers it all over again without a socket."""

    def __init__(self, session: Any) -> None:
        self._kept: list[bytes] = []
        self._next: Iterator[bytes] | None = None
        self.listen(session)

    def listen(self, session: Any) -> None:
        """Answer the clients of this session too."""
        session.register("before-send.dynamodb", self._answer)

    def record(self, client: Any) -> None:
        """Keep what this client is answered from now on."""
        for operation in READING:
            client.meta.events.register(f"after-call.dynamodb.{operation}", self._keep)

    def of(self, call: Call) -> list[bytes]:
        """Make a call for real and return the replies that it got."""
        self._kept = []
        call()
        return self._kept

    @contextlib.contextmanager
    def again(self, replies: Sequence[bytes]) -> Iterator[None]:
        """Answer every request with these, one after the other, for ever."""
        self._next = itertools.cycle(replies)
        try:
            yield
        finally:
            self._next = None

    def _answer(self, request: AWSPreparedRequest, **_: object) -> AWSResponse | None:
        if self._next is None:
            return None
        body = next(self._next)
        headers: Any = {"content-type": "application/x-amz-json-1.0", "x-amz-crc32": str(zlib.crc32(body))}
        return AWSResponse(request.url, 200, headers, _Raw(body))

    def _keep(self, parsed: Json, **_: object) -> None:
        reply = {name: value for name, value in parsed.items() if name != "ResponseMetadata"}
        self._kept.append(json.dumps(reply, separators=(",", ":")).encode())


class _Raw(io.BytesIO):
    def stream(self, *_: object, **__: object) -> Iterator[bytes]:
        yield self.read()


class _Nested(MapAttribute[str, Any]):
    id = UnicodeAttribute()
    name = UnicodeAttribute()
    tags = ListAttribute[Any]()
    metadata = MapAttribute[str, Any]()  # type: ignore[no-untyped-call]  # pynamodb
    size = NumberAttribute()


class _NestedItem(Model):
    class Meta:
        table_name = "CatalogTable"
        region = "us-east-1"

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    body = _Nested()  # type: ignore[no-untyped-call]  # pynamodb


READS = {
    "project": AT,
    "label pack": "/api/v1/label-packs/{label_pack_id}",
    "dataset with its collections": f"{AT}/datasets/dataset-000",
    "collection": f"{AT}/collections/alone",
    "training dataset's status": "/api/v1/training-datasets/{training_dataset_id}/status",
    "list": f"{AT}/datasets?pageSize={LISTED}",
}


class Reader:
    """Warm reads in one process. `paths` and `replies` are those of a catalog as it was once."""

    def __init__(self, session: Any) -> None:
        self.replies = Replies(session)
        self.client: Any = dynamo.connection().client
        self.plain = Connection(region="us-east-1")
        self.replies.listen(self.plain.session)
        self._handlers = Handlers({function.name: filled_in(function, PARAMETERS) for function in iter_functions()})

    def ask(self, path: str, body: Json) -> Json:
        """Make something that reads find."""
        answered = self._handlers.call("POST", path, OWNER, body, WORKSPACE)
        if answered.status >= 400:
            raise AssertionError(answered.text)
        return answered.body

    def read(self, path: str) -> Call:
        """Return a warm read of a path, from the event on."""
        event, handler = self._handlers.event("GET", path, OWNER, None, WORKSPACE)
        return lambda: handler(event, None)

    def bare_get(self) -> object:
        """One `get_item`, whose reply is empty."""
        client: Any = self.plain.client
        return client.get_item(TableName="CatalogTable", Key={"pk": {"S": "x"}, "sk": {"S": "y"}})


def _recorded() -> dict[str, tuple[str, list[bytes]]]:
    """Return path and replies of each read, of a project with a hundred datasets of 1 KB."""
    with mock_aws(), _quiet() as reader:
        for table in iter_tables():
            reader.client.create_table(**table)
        reader.ask("/namespaces", {"slug": "acme", "name": "Acme"})
        reader.ask("/namespaces/acme/projects", {"slug": "match-day", "name": "Match day"})
        pack = reader.ask("/api/v1/label-packs", {"capability": "ball_detection", "name": "a pack"})
        for number in range(LISTED):
            described = {"name": f"dataset-{number:03d}", "description": "d" * DESCRIPTION, "tags": ["q1", "front"]}
            reader.ask(f"{AT}/datasets", described)
        reader.ask(f"{AT}/collections", {"name": "alone", "members": ["node-1"]})
        coach = reader.ask("/api/v1/training-datasets", {"name": "coach"})
        reader.replies.record(reader.client)
        paths = {name: path.format_map(pack | coach) for name, path in READS.items()}
        return {name: (path, reader.replies.of(reader.read(path))) for name, path in paths.items()}


@contextlib.contextmanager
def _quiet() -> Iterator[Reader]:
    with fresh_clients(ENVIRONMENT) as session, contextlib.redirect_stdout(io.StringIO()):
        Wire().answer_executions(session)
        yield Reader(session)


def measure_reads(run: Run) -> Figure:
    """P3: reads by id, each against as many bare `get_item` as it makes calls."""
    rows, met = [], True
    recorded = {name: found for name, found in _recorded().items() if name != "list"}
    with _quiet() as reader, run.steps("P3 warm reads", len(recorded) * ROUNDS) as bar:
        for name, (path, replies) in recorded.items():
            ours, floor = _medians(reader.replies, [(reader.read(path), replies), (reader.bare_get, [b"{}"])], bar)
            ratio = ours / (floor * len(replies))
            is_one = len(replies) == 1
            met = met and (ratio <= READ_GOAL or not is_one)
            verdict = ("met" if ratio <= READ_GOAL else "MISSED") if is_one else "-"
            rows.append((name, f"{ours * 1000:.2f}", f"{floor * 1000:.2f}", str(len(replies)), f"{ratio:.2f}", verdict))
    return Figure(
        number="P3",
        title="Warm reads by id",
        goal=f"a warm read of one call costs at most {READ_GOAL}x one bare get_item with an empty reply",
        basis=f"CPU time from the event to the answer, log line included, replies canned; {ROUNDS} rounds of {CALLS} "
        "calls in turns, medians; reads of two calls are set against two bare ones and have no goal",
        columns=("read", "CPU ms", "one get_item, CPU ms", "calls", "ratio", "verdict"),
        rows=rows,
        met=met,
    )


def measure_lists(run: Run) -> Figure:
    """P4: a list of 100 items of 1 KB, against the least that reads the same reply and against nested maps."""
    path, replies = _recorded()["list"]
    with _quiet() as reader, run.steps("P4 lists", ROUNDS) as bar:
        nested = _nested_reply()
        table = _NestedItem._get_connection()
        reader.plain.add_meta_table(table.get_meta_table())
        table.connection = reader.plain
        sides: list[tuple[Call, Sequence[bytes]]] = [
            (reader.read(path), replies),
            (lambda: _floor(replies[0]), replies),
            (_read_nested, [nested]),
            (lambda: _floor(nested), [nested]),
        ]
        ours, own, maps, floor = _medians(reader.replies, sides, bar)
    rows = [
        ("the endpoint", *_figures(ours, floor, len(replies[0])), f"{maps / ours:.1f}"),
        ("the floor: nested maps as they came", *_figures(floor, floor, len(nested)), f"{maps / floor:.1f}"),
        ("nested pynamodb maps, to JSON", *_figures(maps, floor, len(nested)), "1.0"),
        ("the endpoint's reply as it came", *_figures(own, floor, len(replies[0])), f"{maps / own:.1f}"),
    ]
    return Figure(
        number="P4",
        title=f"A list of {LISTED} items of 1 KB",
        goal=f"at most {LIST_GOAL}x the hand-made floor, and {NESTED_GOAL}x less than nested pynamodb maps",
        basis=f"GET …/datasets?pageSize={LISTED} from the event to the answer, log line included; the floor signs one "
        f"request, checks the crc32 of a reply of nested maps and decodes it; {ROUNDS} rounds in turns, medians "
        "of CPU time",
        columns=("side", "CPU ms", "reply bytes", "x its floor", "times faster than nested maps"),
        rows=rows,
        met=ours <= LIST_GOAL * floor and maps >= NESTED_GOAL * ours,
    )


def _medians(replies: Replies, sides: Sequence[tuple[Call, Sequence[bytes]]], bar: Steps) -> list[float]:
    """Return the CPU seconds of one call of each side."""
    rounds: list[list[float]] = [[] for _ in sides]
    gc.collect()
    gc.freeze()  # what the bench itself has loaded is no function's
    for turn in range(ROUNDS + 1):
        for kept, (call, canned) in zip(rounds, sides, strict=True):
            with replies.again(canned):
                started = time.process_time()
                for _ in range(CALLS):
                    call()
                kept.append((time.process_time() - started) / CALLS)
        if turn:
            bar.advance()
    return [statistics.median(kept[1:]) for kept in rounds]


def _floor(reply: bytes) -> object:
    request = AWSRequest("POST", "https://dynamodb.us-east-1.amazonaws.com/", data=b'{"TableName":"CatalogTable"}')
    SigV4Auth(Credentials("test", "test"), "dynamodb", "us-east-1").add_auth(request)
    zlib.crc32(reply)
    return orjson.loads(reply)


def _nested_reply() -> bytes:
    body = {
        "id": "ds_01J00000000000000000000000",
        "name": "dataset",
        "tags": ["q1", "front"],
        "size": 1,
        "metadata": {f"f{number:02d}": number if number % 2 else "d" * 8 for number in range(DESCRIPTION // 16)},
    }
    items = [_NestedItem("P", f"{number:03d}", body=body).serialize() for number in range(LISTED)]
    return json.dumps({"Items": items, "Count": LISTED, "ScannedCount": LISTED}, separators=(",", ":")).encode()


def _read_nested() -> str:
    return json.dumps([item.body.as_dict() for item in _NestedItem.query("P")])  # type: ignore[no-untyped-call]


def _figures(seconds: float, floor: float, size: int) -> tuple[str, str, str]:
    return f"{seconds * 1000:.2f}", str(size), f"{seconds / floor:.2f}"
