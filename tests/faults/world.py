"""A registry of its own in this process: the real functions on moto's tables and buckets, one thread, nothing running.

Executions are noted, not run: a test runs the machine of a job when it wants to, and the sweeper like any task.
"""

import json
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from typing import Any

from packhouse.access.model import Principal, Role
from packhouse.aws import dynamo
from packhouse.aws.clock import later, now
from packhouse.aws.objects import Objects, sha256_hex
from tests.bench.handlers import Answered, Handlers
from tests.bench.template import filled_in, iter_functions
from tests.faults.executions import Executions
from tests.faults.gate import Gate, Kill, Killed
from tests.faults.machine import Machine
from tests.registry import ball_rows

Json = dict[str, Any]
WORKSPACE = "acme/match-day"
OWNER = Principal(principal_id="user-owner", memberships={"acme": Role.OWNER})
PARAMETERS = {"JwksUrl": "http://127.0.0.1:9/jwks.json", "JwtIssuer": "https://issuer.test", "JwtAudience": "packhouse"}


class World:
    """Namespace `acme` with project `match-day`, and whatever a test adds."""

    def __init__(self, gate: Gate, executions: Executions) -> None:
        self.variables = {function.name: filled_in(function, PARAMETERS) for function in iter_functions()}
        self.handlers = Handlers(self.variables)
        self.gate = gate
        self.executions = executions
        self.data = Objects(self.variables["plan_build"]["DATA_BUCKET"])
        self.machines = {
            kind: Machine(kind, self.invoke, self.data.read) for kind in ("label_ingest", "dataset_build")
        }
        self.call("POST", "/namespaces", {"slug": "acme", "name": "Acme"})
        self.call("POST", "/namespaces/acme/projects", {"slug": "match-day", "name": "Match day"})

    def request(self, method: str, path: str, body: Json | None = None) -> Answered:
        """Return whatever a request of the owner is answered."""
        return self.handlers.call(method, path, OWNER, body, WORKSPACE)

    def call(self, method: str, path: str, body: Json | None = None) -> Json:
        """Return what a request of the owner is answered when it succeeds."""
        answered = self.request(method, path, body)
        if answered.status >= 400:
            raise AssertionError(answered.text)
        return answered.body

    def invoke(self, folder: str, payload: Json) -> Any:
        """Run a task once, on a payload that went through JSON as between states."""
        return self.handlers.app(folder).handler(json.loads(json.dumps(payload)), None)

    def run_job(self, job_id: str) -> Json:
        """Run the machine of a job to its end."""
        (item,) = self.items("BuildsTable", f"JOB#{job_id}")
        job = json.loads(item["body"]["S"])
        return self.machines[job["kind"]].run(job["execution_input"] | {"job_id": job_id})

    def uploaded_revision(self, rows: list[Json]) -> str:
        """Create a pack with a revision that can be submitted; return the revision's path."""
        pack = self.call("POST", "/api/v1/label-packs", {"capability": "ball_detection", "name": "a pack"})
        path = f"/api/v1/label-packs/{pack['label_pack_id']}/revisions"
        return f"{path}/{self.call('POST', path, {'rows': rows})['revision_id']}"

    def approved_pack(self, rows: list[Json]) -> str:
        """Create a pack that goes into every build; return its id."""
        revision = self.uploaded_revision(rows)
        self.run_job(self.call("POST", f"{revision}/submit")["job_id"])
        for status in ("REVIEWED", "APPROVED"):
            self.call("POST", f"{revision}/eligibility", {"status": status})
        self.call("POST", revision.partition("/revisions")[0] + "/review", {"decision": "approve"})
        return revision.split("/")[4]

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

    def killed(self, kill: Kill | None, method: str, path: str, body: Json | None = None) -> Answered | None:
        """Make a request whose function is killed at one of its calls; nobody gets an answer then."""
        with self.gate.killing(kill):
            try:
                return self.request(method, path, body)
            except Killed:
                return None

    def calls_of(self, method: str, path: str, body: Json | None = None) -> int:
        """Make a request and return how many calls it took."""
        answered = self.killed(None, method, path, body)
        assert answered is not None
        assert answered.status < 400, answered.text
        return len(self.gate.operations)

    def sweep(self, kill: Kill | None = None, later_seconds: int = 60) -> None:
        """Run the sweeper as if a minute had passed."""
        settle = self.handlers.app("sweep")._settle
        with self.gate.killing(kill), suppress(Killed):
            replace(settle, clock=lambda: later(now(), later_seconds)).sweep()

    def items(self, table: str, prefix: str) -> list[Json]:
        """Return the items of a table whose partition begins so, as DynamoDB holds them."""
        client: Any = dynamo.connection().client
        found = client.scan(TableName=table, ConsistentRead=True)["Items"]
        return [item for item in found if item["pk"]["S"].startswith(prefix)]

    def objects(self, prefix: str) -> dict[str, str]:
        """Return the SHA-256 of every object below a prefix, by its name behind it; names in bodies lose it too."""
        keys = [facts.key for page in self.data.iter_facts(prefix) for facts in page]
        return {
            key.removeprefix(prefix): sha256_hex(self.data.read(key).replace(prefix.encode(), b"")) for key in keys
        }
