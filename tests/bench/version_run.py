"""One version from uploads to its seal: both machines as they are defined, each task in a process of its own."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import Any

import msgspec
import orjson

from packhouse.access.model import Principal, Role
from packhouse.aws.objects import Objects
from packhouse.jobs.store import JobStore
from packhouse.labels.model import upload_key
from packhouse.pipeline.build import Shard
from packhouse.pipeline.files import NDJSON
from tests.bench.figure import Run
from tests.bench.handlers import Handlers
from tests.bench.label_packs import CAPABILITY, iter_lines, put_pictures
from tests.bench.task_process import Cost
from tests.bench.task_runs import Phase, TaskRuns
from tests.faults.machine import Machine

NAMESPACE = "versions"
OWNER = Principal(principal_id="user-owner", memberships={NAMESPACE: Role.OWNER})
MACHINES = {
    "label_ingest": ("open_upload", "ingest_part", "seal_revision"),
    "dataset_build": (
        "plan_build", "build_shard", "evaluate_quality", "materialize_shard", "settle_materialization",
        "export_format", "seal_version",
    ),
}  # fmt: skip
"""The functions of each machine, but for the one that its failures end in."""

LINES = 1_000
PACKS = "/api/v1/label-packs"
Json = dict[str, Any]


class VersionRun:
    """A project with so many packs of player rows, and a version of them all."""

    def __init__(
        self, run: Run, handlers: Handlers, variables: Mapping[str, Mapping[str, str]], packs: int, rows: int
    ) -> None:
        self._run, self._handlers, self._variables = run, handlers, variables
        self.packs, self.rows = packs, rows
        self._project = f"v-{rows}"
        self._tasks = TaskRuns(variables)
        self.data = Objects(variables["ingest_part"]["DATA_BUCKET"])
        self._uploads = Objects(variables["ingest_part"]["UPLOADS_BUCKET"])
        self._machines = {name: Machine(name, self._invoke, self.data.read) for name in MACHINES}
        self.prefix = ""
        self.manifest: Json = {}

    @property
    def phases(self) -> dict[str, Phase]:
        """What each task cost."""
        return self._tasks.phases

    def costs_of(self, machine: str) -> dict[str, Cost]:
        """Return what the functions of a machine cost, all runs of each together."""
        costs = {function: Cost() for function in MACHINES[machine]}
        for name, phase in self.phases.items():
            if (function := _function_of(name)) in costs:
                costs[function].add(phase.whole)
        return costs

    def cost_of(self, machine: str) -> Cost:
        """Return what all executions of a machine cost."""
        together = Cost()
        for cost in self.costs_of(machine).values():
            together.add(cost)
        return together

    def runs_of(self, machine: str) -> int:
        """Return how many tasks the executions of a machine ran."""
        return sum(len(phase.costs) for name, phase in self.phases.items() if _function_of(name) in MACHINES[machine])

    def transitions(self, machine: str) -> int:
        """Return how many state transitions the executions of a machine came to."""
        return self._machines[machine].transitions

    def measure(self) -> None:
        """Go all the way; `phases` has what each task cost."""
        project = {"slug": self._project, "name": self._project}
        project_id = self._call("POST", f"/namespaces/{NAMESPACE}/projects", project)["id"]
        with self._steps("pictures", 1):
            put_pictures(self.data, project_id, self.packs)
        with self._steps("ingest", 4 * self.packs):
            packs = [self._ingest(project_id, number) for number in range(self.packs)]
        with self._steps("build, materialize, export, seal", 0):
            self._build(packs)

    def iter_shards(self) -> Iterator[tuple[Shard, bytes]]:
        """Yield the version's shards in its order, each with its bytes."""
        listed = msgspec.json.decode(self.data.read(f"{self.prefix}built.json"))["shards"]
        for shard in msgspec.convert(listed, list[Shard]):
            yield shard, self.data.read_sealed(f"{self.prefix}shards/{shard.name}.ndjson", shard.sha256)

    @contextmanager
    def _steps(self, title: str, steps: int) -> Iterator[None]:
        with self._run.steps(f"V1 {self.rows:,} rows: {title}", steps) as self._bar:
            yield

    def _call(self, method: str, path: str, body: Json | None = None) -> Json:
        answered = self._handlers.call(method, path, OWNER, body, f"{NAMESPACE}/{self._project}")
        if answered.status >= 400:
            raise AssertionError(answered.text[:500])
        return answered.body

    def _ingest(self, project_id: str, number: int) -> str:
        """Upload a pack's rows, ingest them, approve them; return the pack's id."""
        made = self._call("POST", PACKS, {"capability": CAPABILITY, "name": f"match {number}"})
        pack = f"{PACKS}/{made['label_pack_id']}"
        revision = self._call("POST", f"{pack}/revisions", {"upload": "presigned"})
        key = upload_key(project_id, revision["label_pack_id"], revision["revision_id"])
        lines = iter_lines(number, self.rows // self.packs)
        with self._uploads.writer(key, NDJSON) as upload:
            while block := b"".join(islice(lines, LINES)):
                upload.write(block)
        at = f"{pack}/revisions/{revision['revision_id']}"
        self._execute("label_ingest", self._call("POST", f"{at}/submit")["job_id"])
        self._call("POST", f"{pack}/review", {"decision": "approve"})
        for status in ("REVIEWED", "APPROVED"):
            self._call("POST", f"{at}/eligibility", {"status": status})
        return str(revision["label_pack_id"])

    def _build(self, packs: list[str]) -> None:
        built = self._call("POST", "/api/v1/datasets/build", {"capability": CAPABILITY, "label_pack_ids": packs})
        self.prefix = self._execute("dataset_build", built["job_id"])["prefix"]
        self.manifest = orjson.loads(self.data.read(f"{self.prefix}manifest.json"))

    def _execute(self, machine: str, job_id: str) -> Json:
        """Run the execution of a job; its input is what the job's execution begins with."""
        job = JobStore(self._variables["ingest_part"]["BUILDS_TABLE"]).get_any(job_id)
        payload = job.execution_input | {"job_id": job_id}
        self._machines[machine].run(payload)
        return payload

    def _invoke(self, function: str, payload: Json) -> Json:
        if function == "record_failure":
            raise AssertionError(payload["failure"])
        name = "".join(word.capitalize() for word in function.split("_"))
        phase = f"{name} {payload['format']} {payload['split']}" if function == "export_format" else name
        result = self._tasks.run(phase, function, payload, lambda result: self._rows(function, payload, result))
        self._bar.advance()
        return result

    def _rows(self, function: str, payload: Json, result: Json) -> int:
        if function == "materialize_shard":
            return int(payload["shard"]["rows"])
        if function == "open_upload":
            return 0
        return int(result.get("rows", self.rows))


def _function_of(phase: str) -> str:
    """Return the folder of the function that a phase runs: `ExportFormat ndjson train` is `export_format`."""
    name = phase.partition(" ")[0]
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
