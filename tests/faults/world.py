"""A registry of its own in this process: the real functions on moto's tables and buckets, one thread, nothing running.

Executions are noted, not run: a test runs the machine of a job when it wants to, and the sweeper like any task.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from moto import mock_aws

from packhouse.access.model import Principal, Role
from packhouse.aws import dynamo, objects
from packhouse.aws.clock import later, now
from packhouse.aws.objects import Objects, sha256_hex
from tests.bench.handlers import Answered, Handlers
from tests.bench.template import filled_in, iter_functions, iter_tables
from tests.bench.wire import fresh_clients
from tests.faults.buckets import Buckets
from tests.faults.buckets import Objects as Held
from tests.faults.executions import Executions
from tests.faults.gate import Gate, Killed
from tests.faults.kinds import Fault
from tests.faults.machine import Machine
from tests.faults.tables import answered_quickly, copied_quickly
from tests.faults.waits import Waits, no_waiting
from tests.registry import ball_rows
from tests.unit.conftest import BUCKETS, ENVIRONMENT

Json = dict[str, Any]
WORKSPACE, OTHER_WORKSPACE = "acme/match-day", "acme/training-ground"
OWNER = Principal(principal_id="user-owner", memberships={"acme": Role.OWNER})
DEVELOPER = Principal(principal_id="user-developer", memberships={"acme": Role.OWNER}, is_developer=True)
SUPPORT = Principal(principal_id="user-support", is_support=True)
PARAMETERS = {"JwksUrl": "http://127.0.0.1:9/jwks.json", "JwtIssuer": "https://issuer.test", "JwtAudience": "packhouse"}


ANNOTATIONS, CHORE = "AnnotationsTable", "CHORE"
KINDS = ("label_ingest", "dataset_build", "rollout_ingest", "training_export")
SETTLED_HOURS = (2, 4)
SILENT = {"POWERTOOLS_LOG_LEVEL": "CRITICAL"}


@dataclass(frozen=True)
class Memory:
    """Everything that a world held at one moment."""

    items: dict[str, Any]
    objects: Held
    executions: dict[str, str]
    tokens: dict[str, str]


class World:
    """Namespace `acme` with project `match-day`, and whatever a test adds."""

    def __init__(self, gate: Gate, executions: Executions, buckets: Buckets, waits: Waits) -> None:
        self.variables = {function.name: filled_in(function, PARAMETERS) | SILENT for function in iter_functions()}
        self.handlers = Handlers(self.variables)
        self.gate = gate
        self.executions = executions
        self.buckets = buckets
        self.waits = waits
        self.data = Objects(self.variables["plan_build"]["DATA_BUCKET"])
        self.uploads = Objects(self.variables["open_upload"]["UPLOADS_BUCKET"])
        self.machines = {kind: Machine(kind, self.invoke, self.data.read, executions) for kind in KINDS}
        self.call("POST", "/namespaces", {"slug": "acme", "name": "Acme"})
        self.call("POST", "/namespaces/acme/projects", {"slug": "match-day", "name": "Match day"})

    def request(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        headers: Mapping[str, str] | None = None,
        caller: Principal = OWNER,
        workspace: str = WORKSPACE,
    ) -> Answered:
        """Return whatever a request is answered."""
        return self.handlers.call(method, path, caller, body, workspace, headers)

    def call(self, method: str, path: str, body: Json | None = None, workspace: str = WORKSPACE) -> Json:
        """Return what a request of the owner is answered when it succeeds."""
        answered = self.request(method, path, body, workspace=workspace)
        if answered.status >= 400:
            raise AssertionError(answered.text)
        return answered.body

    def invoke(self, folder: str, payload: Json) -> Any:
        """Run a task once, on a payload that went through JSON as between states."""
        return self.handlers.app(folder).handler(json.loads(json.dumps(payload)), None)

    def job(self, job_id: str) -> tuple[str, Json]:
        """Return the kind of a job and what its machine is started with."""
        (item,) = self.items("BuildsTable", f"JOB#{job_id}")
        job = json.loads(item["body"]["S"])
        return job["kind"], job["execution_input"] | {"job_id": job_id}

    def run_job(self, job_id: str) -> Json:
        """Run the machine of a job to its end."""
        kind, payload = self.job(job_id)
        return self.machines[kind].run(payload)

    def uploaded_revision(self, rows: list[Json], workspace: str = WORKSPACE) -> str:
        """Create a pack with a revision that can be submitted; return the revision's path."""
        wanted = {"capability": "ball_detection", "name": "a pack"}
        pack = self.call("POST", "/api/v1/label-packs", wanted, workspace)
        path = f"/api/v1/label-packs/{pack['label_pack_id']}/revisions"
        return f"{path}/{self.call('POST', path, {'rows': rows}, workspace)['revision_id']}"

    def reviewed_revision(self, rows: list[Json], workspace: str = WORKSPACE) -> str:
        """Create an approved pack whose one revision is reviewed and no more; return the revision's path."""
        revision = self.uploaded_revision(rows, workspace)
        self.run_job(self.call("POST", f"{revision}/submit", None, workspace)["job_id"])
        self.call("POST", f"{revision}/eligibility", {"status": "REVIEWED"}, workspace)
        self.call("POST", f"{pack_of(revision)}/review", {"decision": "approve"}, workspace)
        return revision

    def approved_revision(self, rows: list[Json], workspace: str = WORKSPACE) -> str:
        """Create a pack that goes into every build; return the path of its one revision."""
        revision = self.reviewed_revision(rows, workspace)
        self.call("POST", f"{revision}/eligibility", {"status": "APPROVED"}, workspace)
        return revision

    def approved_pack(self, rows: list[Json], workspace: str = WORKSPACE) -> str:
        """Create a pack that goes into every build; return its id."""
        return pack_of(self.approved_revision(rows, workspace)).split("/")[4]

    def new_project(self) -> str:
        """Create a second project; return its workspace."""
        namespace, _, slug = OTHER_WORKSPACE.partition("/")
        self.call("POST", f"/namespaces/{namespace}/projects", {"slug": slug, "name": "Training ground"})
        return OTHER_WORKSPACE

    @cached_property
    def packs(self) -> list[str]:
        """Three approved packs; the last repeats two samples of the first, one with other labels."""
        rows = [ball_rows(groups=4, samples=3, prefix=prefix) for prefix in ("a", "b")]
        repeated = [dict(row) for row in rows[0][:2]]
        repeated[1]["labels"] = []
        return [self.approved_pack(each) for each in (*rows, [*repeated, *ball_rows(2, 2, "c")])]

    def build_body(self, **more: Any) -> Json:
        """Return the body of a build from the three packs."""
        return {"capability": "ball_detection", "label_pack_ids": self.packs, **more}

    def disturbed(
        self,
        fault: Fault | None,
        method: str,
        path: str,
        body: Json | None = None,
        headers: Mapping[str, str] | None = None,
        caller: Principal = OWNER,
        workspace: str = WORKSPACE,
    ) -> Answered | None:
        """Make a request that meets a fault; `None` when its process ended: nobody gets an answer then."""
        self.waits.begin()
        with self.gate.injecting(fault):
            try:
                return self.request(method, path, body, headers, caller, workspace)
            except Killed:
                return None

    def calls_of(self, method: str, path: str, body: Json | None = None) -> int:
        """Make a request and return how many calls it took."""
        answered = self.disturbed(None, method, path, body)
        assert answered is not None
        assert answered.status < 400, answered.text
        return len(self.gate.operations)

    def sweep(self, fault: Fault | None = None, later_seconds: int = 60) -> None:
        """Run the sweeper as if a minute had passed."""
        settle = self.handlers.app("sweep")._settle
        with self.gate.injecting(fault), suppress(Killed):
            replace(settle, clock=lambda: later(now(), later_seconds)).sweep()

    def sweep_sets(self, fault: Fault | None = None, later_seconds: int = 60) -> None:
        """Run the sweeper of annotation sets as if so much time had passed."""
        chores = self.handlers.app("sweep_sets")._chores

        def clock() -> str:
            return later(now(), later_seconds)

        with self.gate.injecting(fault), suppress(Killed):
            replace(chores, clock=clock, publishing=replace(chores.publishing, clock=clock)).sweep()

    def settle(self) -> None:
        """Run the sweepers until nothing is left for them: hours later, as what they do leaves something for later."""
        self.sweep()
        for hours in SETTLED_HOURS:
            if self.items(ANNOTATIONS, CHORE):
                self.sweep_sets(later_seconds=hours * 3600)

    def remember(self) -> Memory:
        """Return what there is now."""
        return Memory(self.gate.tables.remember(), self.buckets.remember(), *self.executions.remember())

    def recall(self, memory: Memory) -> None:
        """Make everything what it was; the processes that knew what came after are gone."""
        self.handlers = Handlers(self.variables)
        self.gate.tables.recall(memory.items)
        self.buckets.recall(memory.objects)
        self.executions.recall(memory.executions, memory.tokens)

    def everything(self) -> dict[str, list[Json]]:
        """Return the items of every table, as DynamoDB holds them."""
        return {name: self.items(name, "") for name in (table["TableName"] for table in iter_tables())}

    def items(self, table: str, prefix: str) -> list[Json]:
        """Return the items of a table whose partition begins so, as DynamoDB holds them; no call is made for it."""
        return list(self.gate.tables.peek(table, prefix))

    def objects(self, prefix: str) -> dict[str, str]:
        """Return the SHA-256 of every object below a prefix, by its name behind it; names in bodies lose it too."""
        keys = [facts.key for page in self.data.iter_facts(prefix) for facts in page]
        return {key.removeprefix(prefix): sha256_hex(self.data.read(key).replace(prefix.encode(), b"")) for key in keys}


def pack_of(revision: str) -> str:
    """Return the path of a revision's pack."""
    return revision.partition("/revisions")[0]


@contextmanager
def opened() -> Iterator[World]:
    """A world of its own in this process, as long as the block lasts; nothing in it waits."""
    buckets = Buckets()
    with ExitStack() as here:
        for quickly in (mock_aws(), buckets.keeping(), copied_quickly(), answered_quickly()):
            here.enter_context(quickly)
        waits, session = here.enter_context(no_waiting()), here.enter_context(fresh_clients(ENVIRONMENT))
        executions = Executions()
        gate = Gate(session, {"sfn": executions})
        client: Any = dynamo.connection().client
        for table in iter_tables():
            client.create_table(**table)
        for bucket in BUCKETS:
            objects.s3().create_bucket(Bucket=bucket)
        yield World(gate, executions, buckets, waits)
