"""Rollouts and training datasets of a project as tests reach them: with an API key, any answer looked at."""

import json
import random
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from typing import Any, Self

import httpx

from tests.containers import succeeded
from tests.registry import POLL_S, Json, Project, Row, as_ndjson, problem, sha256

ROLLOUTS = "/api/v1/rollouts"
IMPORTS = "/api/v1/rollout-imports"
TRAINING = "/api/v1/training-datasets"
MACHINE = "TrainingExportMachine"
SILENCE = {"type": "operator_no_response"}
NO_RESPONSE = "<no_response/>"
OPEN = ("pending", "preview", "running", "filtering")
ENDS = {"ready", "cancelled", "failed"}
PROFILES = ("default", "openai-chat", "reasoning_content", "inline-think", "strip")
BEFORE = {"pending": "PlanRows", "preview": "ConfirmationGate", "running": "FilterRows", "filtering": "ExportRows"}
"""The state of the machine in front of which a training dataset has this status and keeps it."""

NAMED = ("rollout_id", "scenario_id", "agent_template_id")
_SYLLABLES = [first + second for first, second in product("bdfglmnprstv", "aeiou")]
_WORDS = [first + second for first, second in product(_SYLLABLES, _SYLLABLES)]


def talk(seed: object, words: int = 24) -> str:
    """Return a sentence that no other seed has, nor anything near it."""
    chosen = random.Random(str(seed)).choices(_WORDS, k=words)  # noqa: S311  no secret
    return " ".join(chosen).capitalize() + "."


def said(content: str) -> Row:
    return {"type": "persona_message", "content": content}


def answered(content: str, thinking: str | None = None) -> Row:
    block = "" if thinking is None else f"<thinking>{thinking}</thinking>"
    return {"type": "operator_message", "content": block + content}


def skipped(days: float) -> Row:
    return {"type": "time_skip", "days": days}


def rollout(name: object, events: Iterable[Row] | None = None, **more: Any) -> Row:
    """Return a rollout of a name of its own: what is said in it, if it is not given, is said in no other."""
    spoken = [said(talk(f"{name}?")), answered(talk(name), "Steady."), skipped(3), said("All fine."), SILENCE]
    return {
        "rollout_id": f"r-{name}",
        "scenario_id": "sc_marathon",
        "agent_template_id": "agt_coach",
        "rollout_index": 0,
        "temperature": 0.7,
        "status": "completed",
        "events": spoken if events is None else list(events),
    } | more


def rollouts(count: int, prefix: str = "", words: int = 24, **more: Any) -> list[Row]:
    """Return rollouts that are no duplicates of each other, of one scenario, with indexes from 0."""
    return [
        rollout(f"{prefix}{at}", [said("And now?"), answered(talk(f"{prefix}{at}", words))], rollout_index=at, **more)
        for at in range(count)
    ]


@dataclass(frozen=True)
class RolloutProject:
    """A project of rollouts, and the key that every call is made with."""

    project: Project
    api_key: str

    @classmethod
    def new(cls, project: Project) -> Self:
        return cls(project, project.new_key("read", "write", "export"))

    def call(self, method: str, *steps: str, headers: Mapping[str, str] | None = None, **more: Any) -> httpx.Response:
        """Send one request and return whatever is answered; a redirect is not followed."""
        sent = {"Authorization": f"Bearer {self.api_key}", **(headers or {})}
        return self.project.registry.call(method, "/".join(steps), None, headers=sent, **more)

    def get(self, *steps: str, **query: Any) -> Json:
        return succeeded(self.call("GET", *steps, params=query))

    def post(self, *steps: str, status: int = 200, **body: Any) -> Json:
        return succeeded(self.call("POST", *steps, json=body), status)

    def send(self, rows: list[Row]) -> Json:
        """Send rollouts in a request and return their import."""
        return self.post(ROLLOUTS, status=201, rollouts=rows)

    def upload(self, body: bytes, **announced: Any) -> str:
        """Create an import and send its bytes to the presigned URL; it is not submitted yet."""
        made = self.post(IMPORTS, status=201, **announced)
        self.project.editor.put_signed(made["upload"], body)
        return str(made["import_id"])

    def take_in(self, rows: list[Row] | bytes) -> Json:
        """Upload rollouts, submit them, and return the import once it is judged."""
        body = rows if isinstance(rows, bytes) else as_ndjson(rows)
        made = self.upload(body, content_length=len(body), sha256=sha256(body))
        self.project.job_at_its_end(self.post(IMPORTS, made, "submit", status=202)["job_id"])
        return self.get(IMPORTS, made)

    def iter_pages(self, path: str, limit: int, **query: Any) -> Iterator[list[Json]]:
        """Yield the pages of a list to its end."""
        cursor: str | None = ""
        while cursor is not None:
            page = self.get(path, limit=limit, **query, **({"cursor": cursor} if cursor else {}))
            assert page.keys() == {"items", "next_cursor"}
            assert len(page["items"]) <= limit
            cursor = page["next_cursor"]
            yield page["items"]

    def listed(self, path: str, limit: int = 200, **query: Any) -> list[Json]:
        """Return a whole list."""
        return [item for page in self.iter_pages(path, limit, **query) for item in page]

    def create(self, **body: Any) -> str:
        """Ask for a training dataset and return its id, without waiting for it."""
        made = self.post(TRAINING, status=202, **({"name": "a dataset", **body}))
        return str(made["training_dataset_id"])

    def status(self, dataset_id: str) -> Json:
        return self.get(TRAINING, dataset_id, "status")

    def shown(self, dataset_id: str) -> Json:
        return self.get(TRAINING, dataset_id)

    def wait_until(self, dataset_id: str, *statuses: str, seconds: float = 120) -> Json:
        """Return the status payload once it has one of the statuses; one that ends otherwise is an error."""
        until = time.monotonic() + seconds
        while (payload := self.status(dataset_id))["status"] not in statuses:
            assert payload["status"] not in ENDS, payload
            assert time.monotonic() < until, payload
            time.sleep(POLL_S)
        return payload

    def new_ready(self, **body: Any) -> str:
        """Make a training dataset and return its id when it is ready."""
        made = self.create(**body)
        self.wait_until(made, "ready")
        return made

    def new_failed(self, **body: Any) -> str:
        made = self.create(**body)
        self.wait_until(made, "failed")
        return made

    def new_cancelled(self, **body: Any) -> str:
        """Make a training dataset that is cancelled before anything is read."""
        with self.held("pending", **body) as made:
            self.post(TRAINING, made, "cancel")
        return made

    @contextmanager
    def held(self, status: str, seconds: int = 30, **body: Any) -> Iterator[str]:
        """Make a training dataset whose machine stops for a while where it has a status; yield its id there."""
        with self.project.registry.holding(MACHINE, BEFORE[status], seconds):
            made = self.create(**body)
            self.wait_until(made, status)
            yield made

    @contextmanager
    def impatient(self) -> Iterator[None]:
        """Have machines that start meanwhile wait a second for what they wait seven days for."""
        stack = self.project.registry.stack
        machines, arn = stack.client("stepfunctions"), stack.outputs[f"{MACHINE}Arn"]
        whole = machines.describe_state_machine(stateMachineArn=arn)["definition"]
        hasty = json.loads(whole)
        hasty["States"]["AwaitConfirmation"]["TimeoutSeconds"] = 1
        machines.update_state_machine(stateMachineArn=arn, definition=json.dumps(hasty))
        try:
            yield
        finally:
            machines.update_state_machine(stateMachineArn=arn, definition=whole)

    def lose(self, import_id: str) -> str:
        """Take an import's rollouts away, as no caller could; return the key that they had."""
        stack = self.project.registry.stack
        key = f"projects/{self.project.project_id}/rollout-imports/{import_id}/chunks/00000.ndjson"
        stack.client("s3").delete_object(Bucket=stack.buckets["data"], Key=key)
        return key

    def export(self, dataset_id: str, **query: str) -> httpx.Response:
        """Ask for a dataset's rows and return whatever is answered."""
        return self.call("GET", TRAINING, dataset_id, "export", params=query)

    def head(self, dataset_id: str, **query: str) -> httpx.Response:
        return self.call("HEAD", TRAINING, dataset_id, "export", params=query)

    def lines(self, dataset_id: str, **query: str) -> list[bytes]:
        """Return the lines of a dataset that is small enough to be the body of an answer."""
        answer = self.export(dataset_id, **query)
        assert answer.status_code == httpx.codes.OK, answer.text[:1000]
        assert answer.content.endswith(b"\n")
        return answer.content.split(b"\n")[:-1]

    def rows(self, dataset_id: str, **query: str) -> list[Json]:
        return [json.loads(line) for line in self.lines(dataset_id, **query)]

    def row_of(self, sent: Row, **body: Any) -> Json:
        """Send one rollout and return the row that it becomes."""
        self.send([sent])
        (row,) = self.rows(self.new_ready(scenario_ids=[sent["scenario_id"]], **body))
        return row

    def pointers(self, rows: list[Row]) -> dict[str, str]:
        """Send rollouts that are refused; return the faults by where they are."""
        refused = problem(self.call("POST", ROLLOUTS, json={"rollouts": rows}), 400, "INVALID_REQUEST")
        return {fault["loc"]: fault["reason"] for fault in refused["errors"]}


def texts(row: Json) -> list[str]:
    """Return what is said in a row."""
    return [message["content"] for message in row["messages"]]
