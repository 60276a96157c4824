"""Every endpoint once, in the order of a first use, each with the round trips that it cost and those it may cost.

The budgets are those of the design (`storage.md`) where it states one; the others follow its rule that a command is one
read of what it decides on and one transaction. Round trips of the authorizer are its own.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

from packhouse.access.model import Principal, Role, Workspace
from packhouse.aws.dynamo import Transaction
from packhouse.builds.store import BuildStore
from packhouse.labels.model import LabelPack, ReviewStatus, RevisionRef, ValidationStatus
from packhouse.labels.store import LabelStore
from tests.bench.handlers import Handlers
from tests.bench.wire import Wire

NAMESPACE, PROJECT, OTHER = "counted", "match-day", "second-day"
WORKSPACE = f"{NAMESPACE}/{PROJECT}"
OWNER = Principal(principal_id="user-owner", memberships={NAMESPACE: Role.OWNER})
CAPABILITY = "ball_detection"
MOMENT = "2026-04-15T10:00:00.005Z"
LARGE = 5_000  # members of a collection
PACKS = 251  # the first of them lies in another project
Json = dict[str, Any]


@dataclass(frozen=True)
class Budget:
    """The most calls that a request may cost; `stated` where the design names the number itself."""

    dynamodb: int
    s3: int = 0
    stated: bool = False


@dataclass(frozen=True)
class Spent:
    """What one request cost."""

    request: str
    route: str
    dynamodb: tuple[str, ...]
    s3: tuple[str, ...]
    budget: Budget

    @property
    def kept(self) -> bool:
        return len(self.dynamodb) <= self.budget.dynamodb and len(self.s3) <= self.budget.s3


NONE = Budget(0, stated=True)
READ = Budget(1, stated=True)
ONE, TWO = Budget(1, stated=True), Budget(2, stated=True)
COMMAND = Budget(1)
DECISION = Budget(2)


def build_budget(packs: int) -> Budget:
    """A build request: the packs by the hundred, the transaction and one more; the snapshot in S3."""
    return Budget(2 + ceil(packs / 100), 1, stated=True)


def reuse_budget(packs: int) -> Budget:
    """The same request again: the design grants no more calls to DynamoDB; the snapshot is there and looked at."""
    return Budget(build_budget(packs).dynamodb, 2, stated=True)


class Walk:
    """Requests one after the other; `spent` holds what each cost."""

    def __init__(self, handlers: Handlers, wire: Wire) -> None:
        self.handlers, self.wire = handlers, wire

    def request(
        self,
        budget: Budget,
        method: str,
        path: str,
        body: Json | None = None,
        *,
        name: str = "",
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[Spent, Json]:
        """Make one request, which must answer with the status, and return what it cost and said."""
        self.wire.take()
        answered = self.handlers.call(method, path, OWNER, body, WORKSPACE, headers)
        spent = self._spent(name, f"{method} {answered.route.path}", budget)
        if answered.status != status:
            raise AssertionError(f"{method} {path}: {answered.status} {answered.text[:500]}")
        return spent, answered.body

    def page(self, path: str) -> Spent:
        """Read a page, which answers no JSON and calls nothing."""
        self.wire.take()
        answered = self.handlers.call("GET", path)
        if answered.status != 200:
            raise AssertionError(answered.text[:500])
        return self._spent("", f"GET {answered.route.path}", NONE)

    def authorize(self, name: str, budget: Budget, headers: Mapping[str, str], *, refused: bool = False) -> Spent:
        """Let the authorizer judge a credential."""
        self.wire.take()
        try:
            self.handlers.authorize(headers)
        except self.handlers.app("authorizer").Unauthorized:
            if not refused:
                raise
        return self._spent(name, "authorizer", budget)

    def _spent(self, name: str, route: str, budget: Budget) -> Spent:
        sent = self.wire.take()
        return Spent(name or route, route, sent.of("dynamodb"), sent.of("s3"), budget)


def iter_spent(handlers: Handlers, wire: Wire, variables: Mapping[str, str], token: str) -> Iterator[Spent]:
    """Yield what every endpoint costs on empty tables. `variables` name the tables, `token` is anyone's JWT."""
    walk = Walk(handlers, wire)
    yield walk.request(NONE, "GET", "/api/v1/live")[0]
    yield walk.request(NONE, "GET", "/api/v1/openapi.json")[0]
    yield walk.page("/api/v1/docs")
    yield from _iter_access(walk, token)
    yield from _iter_labels(walk)
    yield from _iter_builds(walk, variables)


def _iter_access(walk: Walk, token: str) -> Iterator[Spent]:
    one = {"slug": NAMESPACE, "name": "Counted"}
    yield walk.request(COMMAND, "POST", "/namespaces", one, status=201)[0]
    yield walk.request(COMMAND, "POST", "/namespaces", one, name="POST /namespaces, slug taken", status=409)[0]
    yield walk.request(READ, "GET", "/namespaces")[0]
    at = f"/namespaces/{NAMESPACE}"
    yield walk.request(READ, "GET", at)[0]
    for slug in (PROJECT, OTHER):
        made = walk.request(COMMAND, "POST", f"{at}/projects", {"slug": slug, "name": slug}, status=201)[0]
    yield made
    yield walk.request(READ, "GET", f"{at}/projects/{PROJECT}")[0]
    yield walk.request(READ, "GET", f"{at}/projects")[0]
    yield walk.request(DECISION, "PATCH", f"{at}/projects/{PROJECT}", {"description": "One match day."})[0]
    yield from _iter_datasets(walk, f"{at}/projects/{PROJECT}")
    for person in ("user-editor", "user-leaver"):
        member = walk.request(COMMAND, "PUT", f"{at}/members/{person}", {"role": "editor"})[0]
    yield member
    yield walk.request(READ, "GET", f"{at}/members")[0]
    yield walk.request(COMMAND, "DELETE", f"{at}/members/user-leaver")[0]
    name = "DELETE …/members/{principalId}, oneself"
    yield walk.request(DECISION, "DELETE", f"{at}/members/{OWNER.principal_id}", name=name, status=409)[0]
    keys_at = f"{at}/projects/{PROJECT}/api-keys"
    wanted = {"name": "key", "scopes": ["read"]}
    spare = walk.request(COMMAND, "POST", keys_at, wanted, status=201)[1]
    yield walk.request(READ, "GET", keys_at)[0]
    yield walk.request(COMMAND, "DELETE", f"{keys_at}/{spare['id']}")[0]
    spent, key = walk.request(COMMAND, "POST", keys_at, wanted, status=201)
    yield spent
    yield walk.authorize("authorizer, JWT", READ, {"Authorization": f"Bearer {token}"})
    yield walk.authorize("authorizer, API key", READ, {"X-API-Key": key["key"]})
    wrong = {"X-API-Key": key["key"][:-64] + "0" * 64}
    yield walk.authorize("authorizer, wrong key", READ, wrong, refused=True)
    forged = {"Authorization": f"Bearer {token[:-8]}AAAAAAAA"}
    yield walk.authorize("authorizer, forged JWT", NONE, forged, refused=True)


def _iter_datasets(walk: Walk, project_at: str) -> Iterator[Spent]:
    at, one = f"{project_at}/datasets", {"name": "counted", "metadata": {"season": 2026}}
    yield walk.request(ONE, "POST", at, one, status=201)[0]
    yield walk.request(ONE, "POST", at, one, name="POST …/datasets, name taken", status=409)[0]
    yield walk.request(ONE, "GET", f"{at}?pageSize=200")[0]
    yield walk.request(TWO, "GET", f"{at}/counted")[0]
    yield walk.request(ONE, "PATCH", f"{at}/counted", {"tags": ["q1"]})[0]
    yield walk.request(TWO, "PATCH", f"{at}/counted", {"name": "renamed"}, name="PATCH …/datasets/{name}, renamed")[0]
    beside = f"{project_at}/collections"
    wanted = {"name": "in", "dataset": "renamed", "members": ["node-1", "node-2"]}
    alone = {"name": "alone", "members": ["node-1"]}
    name = "POST …/collections, standing alone"
    yield walk.request(COMMAND, "POST", beside, alone, name=name, status=201)[0]
    yield walk.request(DECISION, "POST", beside, wanted, name="POST …/collections, in a dataset", status=201)[0]
    # A dataset's name and whether it is there stand with the dataset alone: one more read, for all of a page.
    yield walk.request(Budget(2), "GET", beside)[0]
    yield walk.request(Budget(2), "GET", f"{beside}/in")[0]
    yield walk.request(Budget(4), "PATCH", f"{beside}/alone", {"dataset": "renamed"})[0]
    members = {"add": ["node-3"], "remove": ["node-1"]}
    yield walk.request(Budget(3), "POST", f"{beside}/in/members", members)[0]
    for start in range(0, LARGE, 1000):
        more = {"add": [f"node-{number:05d}" for number in range(start, start + 1000)]}
        name = "POST …/collections/{name}/members, beyond a thousand"
        spent = walk.request(Budget(4), "POST", f"{beside}/in/members", more, name=name)[0]
    yield spent
    yield walk.request(Budget(4), "GET", f"{beside}/in/members?page=20&pageSize=200")[0]
    name = "GET …/datasets/{name}, with a collection of 5,000"
    yield walk.request(TWO, "GET", f"{at}/renamed", name=name)[0]
    yield walk.request(Budget(3), "DELETE", f"{beside}/alone")[0]
    yield walk.request(TWO, "DELETE", f"{at}/renamed")[0]
    key = {"Idempotency-Key": "counted"}
    for budget, name in ((ONE, "POST …/datasets, under a key"), (TWO, "POST …/datasets, the same key again")):
        yield walk.request(budget, "POST", at, {"name": "once"}, name=name, status=201, headers=key)[0]


def _iter_labels(walk: Walk) -> Iterator[Spent]:
    at = "/api/v1/label-packs"
    spent, pack = walk.request(DECISION, "POST", at, {"capability": CAPABILITY, "name": "pack"}, status=201)
    yield spent
    yield walk.request(READ, "GET", at)[0]
    pack_at = f"{at}/{pack['label_pack_id']}"
    yield walk.request(READ, "GET", pack_at)[0]
    yield walk.request(READ, "GET", f"{at}/lp_none", name=f"GET {at}/{{label_pack_id}}, not there", status=404)[0]
    presigned = {"upload": "presigned"}
    name = "POST …/revisions, presigned"
    yield walk.request(DECISION, "POST", f"{pack_at}/revisions", presigned, name=name, status=201)[0]
    rows = {"rows": [{"sample_id": "a", "labels": []}]}
    inline = Budget(2, 1)
    name = "POST …/revisions, rows"
    spent, revision = walk.request(inline, "POST", f"{pack_at}/revisions", rows, name=name, status=201)
    yield spent
    yield walk.request(READ, "GET", f"{pack_at}/revisions")[0]
    revision_at = f"{pack_at}/revisions/{revision['revision_id']}"
    yield walk.request(READ, "GET", revision_at)[0]
    spent, job = walk.request(Budget(3, 1), "POST", f"{revision_at}/submit", {}, status=202)
    yield spent
    yield walk.request(READ, "GET", f"/api/v1/jobs/{job['job_id']}")[0]
    yield walk.request(DECISION, "POST", f"{pack_at}/review", {"decision": "approve"})[0]
    yield walk.request(DECISION, "POST", f"{revision_at}/eligibility", {"status": "REVIEWED"})[0]


def _iter_builds(walk: Walk, variables: Mapping[str, str]) -> Iterator[Spent]:
    ids = put_packs(LabelStore(variables["LABELS_TABLE"]))
    at = "/api/v1/datasets"
    for count in (1, 99, 100, 250):
        body = {"capability": CAPABILITY, "label_pack_ids": ids[1 : count + 1], "name": f"build-{count}"}
        name = f"POST {at}/build, {count} packs"
        spent, built = walk.request(build_budget(count), "POST", f"{at}/build", body, name=name, status=202)
        yield spent
        yield walk.request(reuse_budget(count), "POST", f"{at}/build", body, name=f"{name}, reused", status=202)[0]
    body = {"capability": CAPABILITY, "label_pack_ids": ids[:2], "name": "two projects"}
    name = f"POST {at}/build, 2 packs of 2 projects"
    yield walk.request(build_budget(2), "POST", f"{at}/build", body, name=name, status=202)[0]
    version_at = f"{at}/{built['dataset_version_id']}"
    yield walk.request(READ, "GET", version_at)[0]
    _make_ready(BuildStore(variables["BUILDS_TABLE"]), built["dataset_version_id"])
    yield walk.request(READ, "GET", f"{version_at}/exports")[0]
    yield walk.request(READ, "GET", f"{version_at}/exports/train.ndjson.gz")[0]


def put_packs(store: LabelStore) -> list[str]:
    """Write approved packs as an ingest and a review leave them; return their ids."""
    ids = [f"lp_{number:026d}" for number in range(PACKS)]
    for start in range(0, PACKS, 100):
        tx = Transaction()
        for number in range(start, min(start + 100, PACKS)):
            store.put_new_pack(tx, _approved_pack(ids[number], OTHER if number == 0 else PROJECT))
        tx.commit()
    return ids


def _approved_pack(label_pack_id: str, project: str) -> LabelPack:
    revision = RevisionRef(
        revision_id=label_pack_id.replace("lp_", "lpr_"),
        revision=1,
        validation_status=ValidationStatus.PASSED,
        content_hash="sha256:" + label_pack_id[3:].rjust(64, "0"),
        rows=1,
    )
    return LabelPack(
        label_pack_id=label_pack_id,
        workspace=f"{NAMESPACE}/{project}",
        project_id=f"prj_{project}",
        capability=CAPABILITY,
        name="counted",
        description=None,
        review_status=ReviewStatus.APPROVED,
        validation_status=ValidationStatus.PASSED,
        revisions=1,
        newest_approved=revision,
        newest_reviewed=revision,
        created_at=MOMENT,
        created_by="user-owner",
        updated_at=MOMENT,
    )


def _make_ready(store: BuildStore, dataset_version_id: str) -> None:
    version = store.get(Workspace(NAMESPACE, PROJECT), dataset_version_id)
    name = "train.ndjson.gz"
    sealed = {"manifest_hash": "sha256:0", "exports": [{"name": name, "key": name, "content_type": "application/gzip"}]}
    tx = Transaction()
    store.put_ready(tx, version, sealed, MOMENT)
    tx.commit()
