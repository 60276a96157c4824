"""F1: freezes and training uses of versions of ten thousand label packs, beside guard rows, one for each pack."""

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from packhouse.access.model import Principal, Role, Workspace
from packhouse.aws import dynamo
from packhouse.aws.clock import new_id
from packhouse.aws.dynamo import Transaction
from packhouse.aws.objects import Objects, sha256_hex
from packhouse.builds.model import LISTED_PACKS, DatasetVersion, IncludedPack, Scope, Snapshot
from packhouse.builds.store import BuildStore
from packhouse.pipeline.fingerprints import canonical
from tests.bench.figure import Figure, Run, Steps
from tests.bench.handlers import Handlers
from tests.bench.prepared import CAPABILITY, JSON, MOMENT
from tests.bench.round_trips import CREDENTIALS, SILENT, deployed_variables
from tests.bench.wire import Wire, fresh_clients

PACKS, PROJECTS, HASHES = 10_000, 3, 4_000
EARLIER, EARLIER_PACKS = 60, 100
WRITTEN, READ, THREADS = 25, 100, 16
WORKSPACE = Workspace("large", "match-day")
OPS = Principal(principal_id="user-ops", is_developer=True)
EDITOR = Principal(principal_id="user-editor", memberships={WORKSPACE.namespace: Role.EDITOR})
COLUMNS = ("request", "seconds", "DynamoDB calls", "which", "S3 calls")
Json = dict[str, Any]
Row = tuple[str, ...]


def included_packs(name: str, count: int) -> list[IncludedPack]:
    """Return so many packs of three projects, known by a name."""
    return [
        IncludedPack(
            label_pack_id=f"lp_{name.upper()}{number:0{26 - len(name)}d}",
            workspace=f"{WORKSPACE.namespace}/project-{number % PROJECTS}",
            project_id=f"prj_{number % PROJECTS:026d}",
            revision_id=f"lpr_{name.upper()}{number:0{26 - len(name)}d}",
            content_hash=f"sha256:{sha256_hex(f'{name} {number}'.encode())}",
            rows=1,
        )
        for number in range(count)
    ]


def put_version(store: BuildStore, data: Objects, included: Sequence[IncludedPack], hashes: int) -> str:
    """Write a version that is ready, of these packs and with so many hashes of its samples; return its id."""
    version_id = new_id("dsv")
    fingerprint = f"sha256:{sha256_hex(version_id.encode())}"
    version = DatasetVersion(
        dataset_version_id=version_id,
        version_id="v1",
        name=version_id,
        description=None,
        workspace=str(WORKSPACE),
        project_id=included[0].project_id,
        capability=CAPABILITY,
        scope=Scope.CROSS_WORKSPACE,
        job_id=new_id("job"),
        reuse_fingerprint=fingerprint,
        build_fingerprint=fingerprint,
        forced=True,
        split={},
        included_count=len(included),
        excluded_count=0,
        included=tuple(included[:LISTED_PACKS]),
        created_at=MOMENT,
        created_by=EDITOR.principal_id,
    )
    snapshot = Snapshot(included=tuple(included), excluded=(), split={})
    data.write_once(version.snapshot_key, canonical(snapshot.model_dump(mode="json", exclude_defaults=True)), JSON)
    shown = (hashlib.sha256(f"{version_id} {number}".encode()).digest()[:8] for number in range(hashes))
    data.write_once(f"{version.prefix}index/contents", b"".join(sorted(shown)), "application/octet-stream")
    queued, ready = Transaction(), Transaction()
    store.put_new(queued, version, 1)
    queued.commit()
    store.put_ready(ready, version, {"manifest_hash": fingerprint, "exports": []}, MOMENT)
    ready.commit()
    return version_id


def measure(run: Run) -> Figure:
    """Time and count requests in process against the emulator's tables and buckets."""
    stack, wire = run.stack, Wire()
    with run.steps("F1 freeze", EARLIER + 12) as bar:
        variables = {"freezes": deployed_variables(stack, "freezes") | SILENT}
        tables = variables["freezes"]
        region = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": stack.endpoint}
        with fresh_clients(CREDENTIALS | region) as session:
            wire.listen(session)
            handlers = Handlers(variables)
            handlers.app("freezes")
            timed = _Timed(handlers, wire, bar)
            store, data = BuildStore(tables["BUILDS_TABLE"]), Objects(tables["DATA_BUCKET"])
            rows = [*_iter_ours(timed, store, data), *_iter_guards(timed, tables["EVALUATION_TABLE"])]
            notes = list(_iter_sizes(tables["EVALUATION_TABLE"], tables["AUDIT_TABLE"]))
    calls = {row[0]: int(row[2]) for row in rows}
    return Figure(
        number="F1",
        title=f"Freeze of {PACKS:,} label packs",
        goal=f"a freeze or training use of {PACKS:,} label packs costs the DynamoDB calls that one of {PROJECTS} costs",
        basis=f"in process, one request after the other against the local emulator; the packs lie in {PROJECTS} "
        "projects; the peer writes one row for each pack and version before it commits, and reads as many before a use",
        columns=COLUMNS,
        rows=rows,
        met=all(
            calls[f"{name}, {PACKS:,} packs"] <= calls[f"{name}, {PROJECTS} packs"] for name in ("freeze", "train")
        ),
        notes=notes,
    )


class _Timed:
    """Requests, and what they cost."""

    def __init__(self, handlers: Handlers, wire: Wire, bar: Steps) -> None:
        self._handlers, self._wire, self._bar = handlers, wire, bar

    def row(self, name: str, run: Callable[[], object]) -> Row:
        """Return the row of what runs."""
        self._wire.take()
        started = time.perf_counter()
        run()
        seconds = time.perf_counter() - started
        sent = self._wire.take()
        calls = Counter(sent.of("dynamodb"))
        which = " + ".join(f"{count} {operation}" for operation, count in calls.items())
        self._bar.advance()
        return name, f"{seconds:.3f}", str(calls.total()), which, str(len(sent.of("s3")))

    def asked(self, name: str, version_id: str, verb: str, caller: Principal, body: Json) -> Row:
        """Return the row of a request that succeeds."""
        return self.row(name, lambda: self.call("POST", f"{version_id}/{verb}", caller, body))

    def call(self, method: str, path: str, caller: Principal, body: Json | None = None) -> Json:
        answered = self._handlers.call(method, f"/api/v1/datasets/{path}", caller, body, str(WORKSPACE))
        if answered.status >= 400:
            raise AssertionError(answered.text[:500])
        return answered.body


def _iter_ours(timed: _Timed, store: BuildStore, data: Objects) -> Iterator[Row]:
    few, many = included_packs("few", PROJECTS), included_packs("many", PACKS)
    training, unfreezing = {"purpose": "training"}, {"reason": "Measured."}
    sizes = ((few, f"{PROJECTS} packs"), (many, f"{PACKS:,} packs"))
    beside = {name: put_version(store, data, included_packs("beside", len(packs)), HASHES) for packs, name in sizes}
    for packs, name in sizes:
        test = put_version(store, data, packs, HASHES)
        yield timed.asked(f"freeze, {name}", test, "freeze", OPS, {})
        timed.call("POST", f"{beside[name]}/uses", EDITOR, training)  # the list of what is frozen is read and kept
        yield timed.asked(f"train, {name}", beside[name], "uses", EDITOR, training)
        yield timed.asked(f"unfreeze, {name}", test, "unfreeze", OPS, unfreezing)
    for number in range(EARLIER):
        used = put_version(store, data, many[number : number + EARLIER_PACKS], HASHES)
        use = timed.call("POST", f"{used}/uses", EDITOR, training)
        timed.call("DELETE", f"{used}/uses/{use['use_id']}", EDITOR)
        timed.row("", lambda: None)
    name = f"freeze, {PACKS:,} packs after {EARLIER} uses of {EARLIER_PACKS}"
    yield timed.asked(name, test, "freeze", OPS, {})


def _iter_guards(timed: _Timed, table: str) -> Iterator[Row]:
    for threads in (1, THREADS):
        peer = _Guards(dynamo.connection().client, table, threads)
        for run in (peer.freeze, peer.train, peer.unfreeze):
            yield timed.row(f"peer: {run.__name__}, {PACKS:,} guard rows, {threads} at a time", run)


class _Guards:
    """The peer: a guard row for each label pack and version, written before the commit and read before a use."""

    def __init__(self, client: Any, table: str, threads: int) -> None:
        self._client, self._table, self._threads = client, table, threads
        packs = included_packs("many", PACKS)
        self._keys = [{"pk": {"S": f"SRC#{pack.label_pack_id}"}, "sk": {"S": "FRZ#dsv"}} for pack in packs]
        self._fences = [{"pk": {"S": f"PEER#{project}"}, "sk": {"S": "META"}} for project in range(PROJECTS)]

    def freeze(self) -> None:
        self._read(self._fences)
        self._in_parts(self._write, WRITTEN)
        for fence in self._fences:
            sought = {":pk": fence["pk"]}
            self._client.query(
                TableName=self._table, KeyConditionExpression="pk = :pk", ExpressionAttributeValues=sought
            )
        self._commit()

    def train(self) -> None:
        self._read(self._fences)
        self._in_parts(self._read, READ)
        self._commit()

    def unfreeze(self) -> None:
        self._commit()
        self._in_parts(self._remove, WRITTEN)

    def _read(self, some: Sequence[Json]) -> None:
        self._client.batch_get_item(RequestItems={self._table: {"Keys": some, "ConsistentRead": True}})

    def _write(self, some: Sequence[Json]) -> None:
        written = [{"PutRequest": {"Item": {**key, "status": {"S": "FREEZING"}}}} for key in some]
        self._client.batch_write_item(RequestItems={self._table: written})

    def _remove(self, some: Sequence[Json]) -> None:
        self._client.batch_write_item(RequestItems={self._table: [{"DeleteRequest": {"Key": key}} for key in some]})

    def _commit(self) -> None:
        self._client.transact_write_items(TransactItems=[self._moved(fence) for fence in self._fences])

    def _moved(self, fence: Json) -> Json:
        one = {":one": {"N": "1"}}
        update = {"TableName": self._table, "Key": fence, "UpdateExpression": "ADD epoch :one"}
        return {"Update": update | {"ExpressionAttributeValues": one}}

    def _in_parts(self, send: Callable[[Sequence[Json]], None], size: int) -> None:
        with ThreadPoolExecutor(self._threads) as pool:
            list(pool.map(send, (self._keys[at : at + size] for at in range(0, len(self._keys), size))))


def _iter_sizes(*tables: str) -> Iterator[str]:
    """Yield the size of the largest item of each table."""
    client: Any = dynamo.connection().client
    for table in tables:
        pages = client.get_paginator("scan").paginate(TableName=table)
        items = [item for page in pages for item in page["Items"]]
        sizes = {item_bytes(item): item["pk"]["S"].partition("#")[0] for item in items}
        yield f"largest item of {table}: {max(sizes):,} bytes, {sizes[max(sizes)]}… (400 KB is the most)"


def item_bytes(item: Json) -> int:
    """Return the bytes of an item as DynamoDB counts them, near enough: names and values."""
    return sum(len(name) + len(str(*value.values()).encode()) for name, value in item.items())
