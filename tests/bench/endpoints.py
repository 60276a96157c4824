"""Every endpoint once, in the order of a first use, each with the round trips that it cost and those it may cost.

The budgets are those of the design (`storage.md`) where it states one; the others follow its rule that a command is one
read of what it decides on and one transaction. Round trips of the authorizer are its own.
"""

from collections.abc import Iterator, Mapping
from math import ceil

from packhouse.access.model import Principal
from packhouse.aws.objects import Objects
from packhouse.builds.store import BuildStore
from packhouse.labels.store import LabelStore
from tests.bench.annotation_walk import iter_annotations
from tests.bench.handlers import Handlers
from tests.bench.prepared import CAPABILITY, NAMESPACE, OTHER, PROJECT, SAMPLES, make_ready, put_packs
from tests.bench.training_walk import iter_training
from tests.bench.walk import COMMAND, DECISION, NONE, ONE, OWNER, READ, TWO, Budget, Json, Spent, Walk
from tests.bench.wire import Wire

DEVELOPER = Principal(principal_id="user-developer", is_developer=True)
LARGE = 5_000  # members of a collection
SAMPLES_PAGE = Budget(1, 3, stated=True)
FREEZE = Budget(4, 1)
"""The version; its state and the fence of each source project; what was trained in each; the transaction.

One query more for each version with the same packs that was trained lately. In S3 a look whether samples are indexed.
"""

TRAIN = Budget(3, 1)
"""The version; its state and the registry's fence; the transaction.

One query more where what is frozen has changed. In S3 the same look; where anything is frozen, the content of the
version and of each frozen one.
"""

CANCEL = Budget(4)
"""The job, what it is for (which the job alone says), the end of both in one transaction, a note behind the stop.

The note is a write of its own: until the execution was stopped, the sweeper must find that it is still to be stopped.
"""


def build_budget(packs: int, s3: int = 1) -> Budget:
    """A build request: the packs by the hundred, the transaction and one more; the snapshot in S3.

    What else is read (the project, a counter or a dataset, a version to stick to) rides in the packs' last call where
    it has room, and is the one more where it has none. A dataset's counter goes by the dataset's id and is read after.
    """
    return Budget(2 + ceil(packs / 100), s3, stated=True)


def reuse_budget(packs: int) -> Budget:
    """The same request again: the design grants no more calls to DynamoDB; the snapshot is there and looked at."""
    return build_budget(packs, 2)


def preflight_budget(packs: int) -> Budget:
    """A build without its transaction; what is frozen; the revision, statistics and sample keys of every pack in S3."""
    return Budget(build_budget(packs).dynamodb, 3 * packs)


def iter_spent(handlers: Handlers, wire: Wire, variables: Mapping[str, str], token: str) -> Iterator[Spent]:
    """Yield what every endpoint costs on empty tables. `variables` name the tables, `token` is anyone's JWT."""
    walk = Walk(handlers, wire)
    yield walk.request(NONE, "GET", "/api/v1/live")[0]
    yield walk.request(NONE, "GET", "/api/v1/openapi.json")[0]
    yield walk.page("/api/v1/docs")
    yield from _iter_access(walk, token)
    yield from _iter_labels(walk)
    yield from _iter_builds(walk, variables)
    yield from iter_annotations(walk)
    yield from iter_training(walk, variables)


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
    filters = f"capability={CAPABILITY}&review_status=pending"
    yield walk.request(READ, "GET", f"{at}?{filters}", name=f"GET {at}, filtered")[0]
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
    jobs_at = "/api/v1/jobs"
    yield walk.request(READ, "GET", jobs_at)[0]
    yield walk.request(READ, "GET", f"{jobs_at}?kind=label_ingest&status=queued", name=f"GET {jobs_at}, filtered")[0]
    yield walk.request(READ, "GET", f"{jobs_at}/{job['job_id']}")[0]
    yield from _iter_cancelled(walk, "ingest", job["job_id"])
    yield walk.request(DECISION, "POST", f"{pack_at}/review", {"decision": "approve"})[0]
    yield walk.request(DECISION, "POST", f"{revision_at}/eligibility", {"status": "REVIEWED"})[0]
    yield from _iter_series(walk, pack["label_pack_id"])


def _iter_series(walk: Walk, series_id: str) -> Iterator[Spent]:
    at = "/api/v1/label-review-series"
    yield walk.request(READ, "GET", at)[0]
    filters = f"capability={CAPABILITY}&review_status=approved&eligibility_status=REVIEWED"
    yield walk.request(READ, "GET", f"{at}?{filters}", name=f"GET {at}, filtered")[0]
    yield walk.request(READ, "GET", f"{at}/{series_id}")[0]


def _iter_cancelled(walk: Walk, kind: str, job_id: str) -> Iterator[Spent]:
    for budget, what in ((CANCEL, kind), (READ, f"{kind} again")):
        name = f"POST /api/v1/jobs/{{job_id}}/cancel, {what}"
        yield walk.request(budget, "POST", f"/api/v1/jobs/{job_id}/cancel", {}, name=name)[0]


def _iter_builds(walk: Walk, variables: Mapping[str, str]) -> Iterator[Spent]:
    data = Objects(variables["DATA_BUCKET"])
    ids = put_packs(LabelStore(variables["LABELS_TABLE"]), data)
    at = "/api/v1/datasets"
    of_packs: Json = {"capability": CAPABILITY}
    # The project's policy stands with the project alone.
    yield walk.request(Budget(2), "GET", f"{at}/build/candidates?capability={CAPABILITY}")[0]
    for count in (1, 99, 100):
        body = of_packs | {"label_pack_ids": ids[1 : count + 1]}
        name = f"POST {at}/build/preflight, {count} packs"
        yield walk.request(preflight_budget(count), "POST", f"{at}/build/preflight", body, name=name)[0]
    made = []
    for count in (1, 99, 100, 250):
        body = of_packs | {"label_pack_ids": ids[1 : count + 1], "name": f"build-{count}"}
        name = f"POST {at}/build, {count} packs"
        spent, built = walk.request(build_budget(count), "POST", f"{at}/build", body, name=name, status=202)
        yield spent
        yield walk.request(reuse_budget(count), "POST", f"{at}/build", body, name=f"{name}, reused", status=202)[0]
        made.append(built["dataset_version_id"])
    body = of_packs | {"label_pack_ids": ids[:2], "name": "two projects"}
    name = f"POST {at}/build, 2 packs of 2 projects"
    yield walk.request(build_budget(2), "POST", f"{at}/build", body, name=name, status=202)[0]
    for count in (2, 100):
        body = of_packs | {"label_pack_ids": ids[2 : count + 2], "dataset": "once"}
        name = f"POST {at}/build, {count} packs, in a dataset"
        yield walk.request(build_budget(count), "POST", f"{at}/build", body, name=name, status=202)[0]
    yield from _iter_versions(walk, BuildStore(variables["BUILDS_TABLE"]), data, made)
    yield from _iter_freezes(walk, f"{at}/{made[0]}", f"{at}/{made[-1]}")
    body = of_packs | {"label_pack_ids": ids[3:5], "split": {"sticky_to": made[0]}}
    name = f"POST {at}/build, 2 packs, splits kept"
    spent, built = walk.request(build_budget(2), "POST", f"{at}/build", body, name=name, status=202)
    yield spent
    yield from _iter_cancelled(walk, "build", built["job_id"])


def _iter_versions(walk: Walk, store: BuildStore, data: Objects, made: list[str]) -> Iterator[Spent]:
    """Read versions: the first of `made` is of one pack, the last of more packs than a version names itself."""
    at = "/api/v1/datasets"
    yield walk.request(READ, "GET", at)[0]
    filters = f"capability={CAPABILITY}&scope=workspace&status=queued"
    yield walk.request(READ, "GET", f"{at}?{filters}", name=f"GET {at}, filtered")[0]
    yield walk.request(READ, "GET", f"{at}/{made[-1]}")[0]
    for version_id in made:
        make_ready(store, data, version_id)
    named, route = f"{at}/{made[0]}/lineage", f"GET {at}/{{dataset_id}}/lineage"
    yield walk.request(READ, "GET", f"{named}?kind=included", name=f"{route}, 1 pack")[0]
    many = f"{at}/{made[-1]}/lineage?kind=included"
    yield walk.request(Budget(1, 1), "GET", many, name=f"{route}, 250 packs")[0]
    # What stayed out of which unit, the names of the sources, and the one unit that the page is of.
    yield walk.request(Budget(1, 3), "GET", f"{named}?kind=left_out", name=f"{route}, samples")[0]
    # Of each version its list of shards, and the one shard that the other has not.
    yield walk.request(Budget(2, 4), "GET", f"{at}/{made[-1]}/diff?against={made[0]}")[0]
    yield walk.request(READ, "GET", f"{at}/{made[-1]}/exports")[0]
    yield walk.request(READ, "GET", f"{at}/{made[-1]}/exports/train.ndjson.gz")[0]
    yield from _iter_samples(walk, made)


def _iter_samples(walk: Walk, made: list[str]) -> Iterator[Spent]:
    """Look at samples, each time of a version of which nothing was read, but for the second look at one."""
    first, second, third, fourth = (f"/api/v1/datasets/{version_id}" for version_id in made)
    route = "GET /api/v1/datasets/{dataset_id}/samples"
    yield walk.request(SAMPLES_PAGE, "GET", f"{first}/samples")[0]
    yield walk.request(Budget(1), "GET", f"{first}/samples", name=f"{route}, again")[0]
    yield walk.request(SAMPLES_PAGE, "GET", f"{second}/samples?group={made[1]}", name=f"{route}, of a group")[0]
    # Where its entry is, its block and its row; the summary only where a neighbour is in another block.
    yield walk.request(Budget(1, 3), "GET", f"{third}/samples/{SAMPLES[1]}")[0]
    yield walk.request(Budget(1, 2), "GET", f"{fourth}/facets")[0]


def _iter_freezes(walk: Walk, one: str, many: str) -> Iterator[Spent]:
    """Freeze and use a version of one pack, and one of more packs than a version names itself, that one among them."""
    at = "/api/v1/datasets/{dataset_id}"
    training, evaluation = {"purpose": "training"}, {"purpose": "evaluation"}
    name = f"POST {at}/uses, training, nothing frozen"
    spent, use = walk.request(TRAIN, "POST", f"{one}/uses", training, name=name, status=201)
    yield spent
    name = f"POST {at}/freeze, under a training use"  # the uses, and the transaction of the refusal
    busy = Budget(FREEZE.dynamodb + 1, 1)
    yield walk.request(busy, "POST", f"{one}/freeze", {}, name=name, status=409, caller=DEVELOPER)[0]
    yield walk.request(TWO, "DELETE", f"{one}/uses/{use['use_id']}")[0]
    name = f"POST {at}/freeze, trained before"
    yield walk.request(busy, "POST", f"{one}/freeze", {}, name=name, caller=DEVELOPER)[0]
    name = f"POST {at}/uses, training, of frozen packs"  # the list of what is frozen, the snapshot of the version
    refused = Budget(TRAIN.dynamodb + 1, 1)
    yield walk.request(refused, "POST", f"{many}/uses", training, name=name, status=403)[0]
    name = f"POST {at}/uses, training, of frozen packs again"
    yield walk.request(TRAIN, "POST", f"{many}/uses", training, name=name, status=403)[0]
    # The list of what is frozen is kept by each function for itself; the overlap is in the snapshot.
    yield walk.request(Budget(2, 1), "GET", many, name=f"GET {at}, what is frozen has changed")[0]
    yield walk.request(Budget(1, 1, stated=True), "GET", many, name=f"GET {at}, what is frozen has not changed")[0]
    frozen_alone = evaluation | {"require_frozen": True}
    name = f"POST {at}/uses, evaluation of a frozen one"
    yield walk.request(Budget(3), "POST", f"{one}/uses", frozen_alone, name=name, status=201)[0]
    name = f"POST {at}/uses, evaluation"
    yield walk.request(Budget(2), "POST", f"{many}/uses", evaluation, name=name, status=201)[0]
    yield walk.request(Budget(3), "POST", f"{one}/unfreeze", {"reason": "counted"}, caller=DEVELOPER)[0]
    name = f"POST {at}/freeze, 250 packs"  # all of them are in the snapshot
    yield walk.request(Budget(busy.dynamodb, 2), "POST", f"{many}/freeze", {}, name=name, caller=DEVELOPER)[0]
    yield walk.request(TWO, "GET", f"{one}/freeze-history", caller=DEVELOPER)[0]
