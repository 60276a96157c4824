"""B1: candidates, preflight and builds where a project has ten thousand label packs."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from packhouse.access.model import Principal, Role, Workspace
from packhouse.aws import dynamo
from packhouse.aws.dynamo import Transaction
from packhouse.aws.objects import Objects
from packhouse.labels.store import LabelStore
from tests.bench.figure import Figure, Run, Steps
from tests.bench.handlers import Handlers
from tests.bench.prepared import CAPABILITY, approved_pack, put_source
from tests.bench.round_trips import CREDENTIALS, SILENT, deployed_variables
from tests.bench.wire import Wire, fresh_clients
from tests.registry import as_ndjson, ball_rows

PACKS, WITH_ROWS, ROWS = 10_000, 1_000, 100
NAMESPACE, PROJECT = "large", "match-day"
WORKSPACE = Workspace(NAMESPACE, PROJECT)
OWNER = Principal(principal_id="user-owner", memberships={NAMESPACE: Role.OWNER})
BUILD = "/api/v1/datasets/build"
COLUMNS = ("request", "seconds", "DynamoDB calls", "which", "S3 calls", "answer, KB")
Json = dict[str, Any]


def measure(run: Run) -> Figure:
    """Time and count requests over ten thousand packs, in process against the emulator's tables and buckets."""
    stack, wire = run.stack, Wire()
    with run.steps("B1 large builds", PACKS // 100 + 8) as bar:
        variables = {name: deployed_variables(stack, name) | SILENT for name in ("catalog", "builds", "labels")}
        everything = {name: value for told in variables.values() for name, value in told.items()}
        region = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": stack.endpoint}
        with fresh_clients(CREDENTIALS | region) as session:
            wire.listen(session)
            wire.answer_executions(session)
            handlers = Handlers(variables)
            ids = _lay(handlers, everything, bar)
            rows = list(_iter_rows(handlers, wire, ids, bar))
            notes = list(_iter_sizes(everything["BUILDS_TABLE"], Objects(everything["DATA_BUCKET"])))
    calls = {row[0]: int(row[2] or 0) for row in rows}
    return Figure(
        number="B1",
        title=f"Candidates and builds of {PACKS:,} label packs",
        goal=f"a build request of n packs costs 2 + ceil(n/100) = {2 + PACKS // 100} DynamoDB calls at most",
        basis=f"in process, one request after the other against the local emulator; {WITH_ROWS:,} of the packs "
        f"have {ROWS} rows in S3, StartExecution is answered in place of the service",
        columns=COLUMNS,
        rows=rows,
        met=calls[f"build, {PACKS:,} ids"] <= 2 + PACKS // 100,
        notes=notes,
    )


def _lay(handlers: Handlers, variables: Mapping[str, str], bar: Steps) -> list[str]:
    """Make the project and its packs, as an ingest and a review leave them."""
    handlers.call("POST", "/namespaces", OWNER, {"slug": NAMESPACE, "name": "Large"})
    project = handlers.call("POST", f"/namespaces/{NAMESPACE}/projects", OWNER, {"slug": PROJECT, "name": "Large"}).body
    handlers.app("labels")
    store, data = LabelStore(variables["LABELS_TABLE"]), Objects(variables["DATA_BUCKET"])
    ids = [f"lp_LARGE{number:021d}" for number in range(PACKS)]  # those of the round trips lie in the same table
    for start in range(0, PACKS, 100):
        tx = Transaction()
        for number in range(start, start + 100):
            content_hash = f"sha256:{number:064d}"
            if number < WITH_ROWS:
                upload = as_ndjson(ball_rows(groups=10, samples=ROWS // 10, prefix=f"m{number}"))
                content_hash = put_source(data, project["id"], ids[number], upload)
            store.put_new_pack(tx, approved_pack(WORKSPACE, project["id"], ids[number], content_hash, ROWS))
        tx.commit()
        bar.advance()
    return ids


def _iter_rows(handlers: Handlers, wire: Wire, ids: list[str], bar: Steps) -> Iterator[tuple[str, ...]]:
    def timed(name: str, method: str, path: str, body: Json | None = None) -> tuple[tuple[str, ...], Json]:
        wire.take()
        started = time.perf_counter()
        answered = handlers.call(method, path, OWNER, body, str(WORKSPACE))
        seconds = time.perf_counter() - started
        if answered.status >= 400:
            raise AssertionError(answered.text[:500])
        sent = wire.take()
        calls = Counter(sent.of("dynamodb"))
        which = " + ".join(f"{count} {name}" for name, count in calls.items())
        size = f"{len(answered.text) / 1000:.0f}"
        bar.advance()
        row = (name, f"{seconds:.2f}", str(calls.total()), which, str(len(sent.of("s3"))), size)
        return row, answered.body

    candidates = f"{BUILD}/candidates?capability={CAPABILITY}&limit=200"
    row, page = timed("candidates, first page of 200", "GET", candidates)
    yield row
    pages, began = 1, time.perf_counter()
    seen, judged = len(page["items"]), page
    while judged["next_cursor"]:
        row, judged = timed("", "GET", f"{candidates}&cursor={quote(judged['next_cursor'])}")
        pages, seen = pages + 1, seen + len(judged["items"])
    yield ("candidates, last page", *row[1:])
    if seen != PACKS:
        raise AssertionError(f"{seen} candidates")
    yield (f"candidates, all {pages} pages", f"{time.perf_counter() - began:.2f}", "", "", "", "")
    some: Json = {"capability": CAPABILITY, "label_pack_ids": ids[:WITH_ROWS]}
    body: Json = {"capability": CAPABILITY, "label_pack_ids": ids}
    yield timed(f"preflight, {WITH_ROWS:,} ids, {WITH_ROWS * ROWS:,} rows counted", "POST", f"{BUILD}/preflight", some)[
        0
    ]
    yield timed(f"preflight, {PACKS:,} ids, too many to count", "POST", f"{BUILD}/preflight", body)[0]
    row, built = timed(f"build, {PACKS:,} ids", "POST", BUILD, body)
    yield row
    yield timed(f"build, {PACKS:,} ids, the same again", "POST", BUILD, body)[0]
    lineage = f"/api/v1/datasets/{built['dataset_version_id']}/lineage?kind=included&limit=200"
    yield timed("lineage, first page of 200", "GET", lineage)[0]
    yield timed("list of versions", "GET", "/api/v1/datasets")[0]


def _iter_sizes(table: str, data: Objects) -> Iterator[str]:
    """Yield the sizes of the items that the builds wrote, and of the request's snapshot."""
    client: Any = dynamo.connection().client
    for kind in ("DSV#", "JOB#", "REUSE#", "COUNT#"):
        found = client.scan(
            TableName=table,
            FilterExpression="begins_with(pk, :kind)",
            ExpressionAttributeValues={":kind": {"S": kind}},
        )["Items"]
        sizes = [sum(len(name) + len(str(*value.values())) for name, value in item.items()) for item in found]
        yield f"largest item {kind}…: {max(sizes) / 1000:.1f} KB (400 KB is the most)"
    snapshots = [facts for page in data.iter_facts("projects/") for facts in page if "/snapshots/" in facts.key]
    yield f"snapshot of the request: {max(facts.bytes for facts in snapshots) / 1000:.0f} KB in S3"
