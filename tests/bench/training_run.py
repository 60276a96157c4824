"""One training dataset from uploads to its seal, each task in a process of its own, one after the other."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

import msgspec
import orjson

from packhouse.access.model import Principal, Role
from packhouse.aws.objects import Objects
from packhouse.jobs.store import JobStore
from packhouse.pipeline.exporting import LINEAGE
from packhouse.pipeline.files import NDJSON
from packhouse.pipeline.profiles import PROFILES
from packhouse.pipeline.rendering import RenderedUnit
from packhouse.rollouts.model import import_upload_key
from packhouse.training.model import training_prefix
from tests.bench.conversations import iter_lines
from tests.bench.figure import Run, Steps
from tests.bench.handlers import Handlers
from tests.bench.task_runs import Phase, TaskRuns

NAMESPACE = "rollouts"
OWNER = Principal(principal_id="user-owner", memberships={NAMESPACE: Role.OWNER})
IMPORTS = 4
AGAIN = 0.005
"""So much of each import comes again with the next one, under the same ids."""

TASKS = (
    "open_upload", "ingest_part", "seal_import", "plan_rows", "render_preview", "render_unit", "filter_rows",
    "export_profile", "seal_training_dataset",
)  # fmt: skip
EXPORTS = (*PROFILES, LINEAGE)
Json = dict[str, Any]


class TrainingRun:
    """A project with so many rollouts, and a training dataset of them."""

    def __init__(self, run: Run, handlers: Handlers, variables: Mapping[str, Mapping[str, str]], rows: int) -> None:
        self._run, self._handlers, self._variables = run, handlers, variables
        self._tasks = TaskRuns(variables)
        self.rows = rows
        self.project = f"p-{rows}"
        self.data = Objects(variables["ingest_part"]["DATA_BUCKET"])
        self._uploads = Objects(variables["ingest_part"]["UPLOADS_BUCKET"])
        self.units: list[RenderedUnit] = []
        self.prefix = ""
        self.filtered: Json = {}

    @property
    def phases(self) -> dict[str, Phase]:
        """What each task cost."""
        return self._tasks.phases

    def measure(self) -> None:
        """Go all the way; `phases` has what each task cost."""
        project = {"slug": self.project, "name": self.project}
        self._project_id = self._call("POST", f"/namespaces/{NAMESPACE}/projects", project)["id"]
        for lines in self._iter_uploads():
            self._ingest(lines)
        self._train()

    def _call(self, method: str, path: str, body: Json | None = None) -> Json:
        answered = self._handlers.call(method, path, OWNER, body, f"{NAMESPACE}/{self.project}")
        if answered.status >= 400:
            raise AssertionError(answered.text[:500])
        return answered.body

    def _map(self, bar: str, phase: str, function: str, payloads: list[Json]) -> None:
        with self._run.steps(f"T1 {self.rows:,} rows: {bar}", len(payloads)) as steps:
            for payload in payloads:
                self._tasks.run(phase, function, payload, lambda result: result["rows"])
                steps.advance()

    def _iter_uploads(self) -> Iterator[Iterator[bytes]]:
        """Yield the lines of each import."""
        lines, size = iter_lines(self.rows), self.rows // IMPORTS
        last: deque[bytes] = deque(maxlen=int(size * AGAIN))
        for _ in range(IMPORTS):
            again = list(last)
            yield _remembered([*again], islice(lines, size - len(again)), last)

    def _ingest(self, lines: Iterator[bytes]) -> None:
        imported = self._call("POST", "/api/v1/rollout-imports", {})
        with (
            self._run.steps(f"T1 {self.rows:,} rows: upload", self.rows // IMPORTS // 1000) as bar,
            self._uploads.writer(import_upload_key(self._project_id, imported["import_id"]), NDJSON) as upload,
        ):
            _write(upload.write, lines, bar)
        job = self._call("POST", f"/api/v1/rollout-imports/{imported['import_id']}/submit")
        payload = self._input(job["job_id"])
        opened = self._tasks.run("OpenUpload", "open_upload", payload, 0)
        facts = {name: payload[name] for name in ("job_id", "prefix", "upload_key")}
        units = [facts | unit for unit in orjson.loads(self.data.read(opened["units_key"]))]
        self._map("ingest", "IngestPart", "ingest_part", units)
        self._tasks.run("SealImport", "seal_import", payload | {"upload": opened}, lambda result: result["rollouts"])

    def _input(self, job_id: str) -> Json:
        """Return what the execution of a job begins with."""
        job = JobStore(self._variables["ingest_part"]["BUILDS_TABLE"]).get_any(job_id)
        return job.execution_input | {"job_id": job_id}

    def _train(self) -> None:
        dataset = self._call("POST", "/api/v1/training-datasets", {"name": "conversations"})
        self.prefix = training_prefix(self._project_id, dataset["training_dataset_id"])
        payload = self._input(dataset["job_id"])
        plan = self._tasks.run("PlanRows", "plan_rows", payload, lambda result: result["rollouts"])
        payload |= {"plan": plan}
        self._tasks.run("RenderPreview", "render_preview", payload, lambda result: result["rows"])
        facts = {name: payload[name] for name in ("job_id", "prefix", "training_dataset_id")} | {"units": plan["units"]}
        units = [facts | unit for unit in orjson.loads(self.data.read(plan["units_key"]))]
        self._map("render", "RenderUnit", "render_unit", units)
        bodies = self.data.iter_read(f"{self.prefix}rendered/{unit['unit']:05d}.json" for unit in units)
        self.units = [msgspec.json.decode(body, type=RenderedUnit) for body in bodies]
        rendered = sum(unit.rows for unit in self.units)
        with self._run.steps(f"T1 {self.rows:,} rows: filter, export, seal", 2 + len(EXPORTS)) as bar:
            self.filtered = self._tasks.run("FilterRows", "filter_rows", payload, rendered)
            bar.advance()
            for export in self.filtered["exports"]:
                self._tasks.run(
                    f"ExportProfile {export['unit']}", "export_profile", facts | export, self.filtered["rows"]
                )
                bar.advance()
            ended = payload | {"filtered": self.filtered}
            self._tasks.run("SealTrainingDataset", "seal_training_dataset", ended, self.filtered["rows"])


def _remembered(again: list[bytes], lines: Iterator[bytes], last: deque[bytes]) -> Iterator[bytes]:
    yield from again
    for line in lines:
        last.append(line)
        yield line


def _write(write: Callable[[bytes], None], lines: Iterator[bytes], bar: Steps) -> None:
    while block := b"".join(islice(lines, 1_000)):
        write(block)
        bar.advance()
