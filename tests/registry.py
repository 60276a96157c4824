"""The deployed registry as tests speak to it: raw calls as any person, and projects with the ordinary way through.

The ordinary way goes through `local.demo.api.Api`, which raises `RefusedError` with the problem's code; refusals are
looked at through `Registry.call`, which answers whatever came.
"""

import gzip
import hashlib
import itertools
import json
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

import httpx

from local.demo.api import Api
from local.stack import Stack

POLL_S = 0.05
NAMESPACE = Stack.workspace.split("/", maxsplit=1)[0]
BUILD = "/api/v1/datasets/build"
PREFLIGHT = f"{BUILD}/preflight"
CANDIDATES = f"{BUILD}/candidates"
VERSIONS = "/api/v1/datasets"
PACKS = "/api/v1/label-packs"
SERIES = "/api/v1/label-review-series"
JOBS = "/api/v1/jobs"
MANIFEST = {"exports/manifest.json"}
Row = dict[str, Any]
Json = dict[str, Any]
LABELS: dict[str, Json] = {
    "ball_detection": {"class": "ball", "point": {"x": 0.5, "y": 0.5}},
    "player_detection": {"class": "player", "bbox": {"x": 0.1, "y": 0.1, "w": 0.2, "h": 0.3}},
    "audio_artifact_detection": {"class": "glitch", "segment": {"start_ms": 0, "end_ms": 20}},
}


def ball_rows(groups: int = 6, samples: int = 4, prefix: str = "m", **more: Any) -> list[Row]:
    """Return rows that a ball pack passes with: `samples` in each of `groups` groups; `more` fields in every row."""
    return [
        {
            "sample_id": f"{prefix}-{group:02d}-{sample:03d}",
            "group": f"{prefix}-minute-{group}",
            "camera_type": "broadcast",
            "labels": [{"class": "ball", "point": {"x": round(0.01 * (group + 1), 4), "y": round(0.02 * sample, 4)}}],
            **more,
        }
        for group, sample in itertools.product(range(groups), range(samples))
    ]


def own_rows(groups: int = 2, samples: int = 2, **more: Any) -> list[Row]:
    """Return rows that no other pack has: what is frozen protects equal rows in the whole registry."""
    return ball_rows(groups, samples, f"own-{uuid.uuid4().hex[:12]}", **more)


def rows_of(capability: str, samples: int = 6, **more: Any) -> list[Row]:
    """Return rows of any capability, each in a group of its own; `more` fields in every row."""
    label = LABELS[capability]
    return [
        {"sample_id": f"s-{number}", "group": f"g-{number}", "labels": [label], **more} for number in range(samples)
    ]


def as_ndjson(rows: Iterable[Row]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


@dataclass(frozen=True)
class Pack:
    """A label pack and the revision that a test made of it."""

    label_pack_id: str
    revision_id: str

    @property
    def path(self) -> str:
        return f"/api/v1/label-packs/{self.label_pack_id}"

    @property
    def revision_path(self) -> str:
        return f"{self.path}/revisions/{self.revision_id}"


class Registry:
    """The API of a deployed stack."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.http = httpx.Client(base_url=stack.api_url, timeout=60)
        self._apis: dict[tuple[str, str], Api] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()
        for api in self._apis.values():
            api.__exit__()

    def call(
        self,
        method: str,
        path: str,
        person: str | None = "editor",
        workspace: str | None = None,
        headers: Mapping[str, str] | None = None,
        **content: Any,
    ) -> httpx.Response:
        """Send one request as a person of the stack (or as nobody) and return whatever is answered."""
        sent = self.stack.headers(person) if person else {}
        if workspace:
            sent["X-Workspace"] = workspace
        return self.http.request(method, path, headers={**sent, **(headers or {})}, **content)

    def api(self, person: str, workspace: str) -> Api:
        """Return the API as a person uses it in a project; a refusal raises."""
        key = (person, workspace)
        if key not in self._apis:
            self._apis[key] = Api(self.stack.api_url, self.stack.tokens[person], workspace)
        return self._apis[key]

    def new_project(self, namespace: str = NAMESPACE) -> "Project":
        """Create a project with a name of its own; editor and viewer are members of the seeded namespace."""
        slug = f"test-{uuid.uuid4().hex[:12]}"
        owner = self.api("owner", f"{namespace}/{slug}")
        made = owner.post(f"/namespaces/{namespace}/projects", {"slug": slug, "name": "A test's project"})
        return Project(self, f"{namespace}/{slug}", made["id"])

    def new_namespace(self, **roles: str) -> str:
        """Create a namespace of the owner's and give other persons roles in it."""
        slug = f"ns-{uuid.uuid4().hex[:12]}"
        owner = self.api("owner", "")
        owner.post("/namespaces", {"slug": slug, "name": "A test's namespace"})
        for person, role in roles.items():
            self.give_role(slug, person, role)
        return slug

    def give_role(self, namespace: str, person: str, role: str) -> None:
        answer = self.call("PUT", f"/namespaces/{namespace}/members/user-{person}", "owner", json={"role": role})
        assert answer.status_code == httpx.codes.OK, answer.text

    @contextmanager
    def holding(self, machine: str, before: str, seconds: int) -> Iterator[None]:
        """Have executions that start meanwhile wait before a state; `machine` is an output's name without `Arn`.

        What is done to the job while it waits belongs inside the block.
        """
        machines, arn = self.stack.client("stepfunctions"), self.stack.outputs[f"{machine}Arn"]
        whole = machines.describe_state_machine(stateMachineArn=arn)["definition"]
        held = json.loads(whole)
        for state in (held, *held["States"].values()):
            for way in ("StartAt", "Next"):
                if state.get(way) == before:
                    state[way] = "Held"
        held["States"]["Held"] = {"Type": "Wait", "Seconds": seconds, "Next": before}
        machines.update_state_machine(stateMachineArn=arn, definition=json.dumps(held))
        try:
            yield
        finally:
            machines.update_state_machine(stateMachineArn=arn, definition=whole)

    def execution(self, machine: str, job_id: str) -> Json:
        """Return how a job's execution stands in Step Functions."""
        arn = self.stack.outputs[f"{machine}Arn"].replace(":stateMachine:", ":execution:")
        found: Json = self.stack.client("stepfunctions").describe_execution(executionArn=f"{arn}:{job_id}")
        return found


@dataclass(frozen=True)
class Project:
    """A project, and the ordinary way of labels through it."""

    registry: Registry
    workspace: str
    project_id: str

    @property
    def editor(self) -> Api:
        return self.registry.api("editor", self.workspace)

    def call(self, method: str, path: str, person: str | None = "editor", **content: Any) -> httpx.Response:
        """Send one request in this project and return whatever is answered."""
        return self.registry.call(method, path, person, self.workspace, **content)

    def new_pack(self, capability: str = "ball_detection", name: str = "a pack") -> str:
        made = self.editor.post("/api/v1/label-packs", {"capability": capability, "name": name})
        return str(made["label_pack_id"])

    def new_revision(self, label_pack_id: str, rows: list[Row]) -> str:
        """Create a revision of inline rows; it is not submitted yet."""
        made = self.editor.post(f"/api/v1/label-packs/{label_pack_id}/revisions", {"rows": rows})
        return str(made["revision_id"])

    def upload_revision(self, label_pack_id: str, body: bytes) -> str:
        """Create a revision and send its bytes to the presigned URL; it is not submitted yet."""
        wanted = {"upload": "presigned", "content_length": len(body), "sha256": sha256(body)}
        made = self.editor.post(f"/api/v1/label-packs/{label_pack_id}/revisions", wanted)
        self.editor.put_signed(made["upload"], body)
        return str(made["revision_id"])

    def submit(self, pack: Pack) -> str:
        """Submit and return the job's id, without waiting for it."""
        return str(self.editor.post(f"{pack.revision_path}/submit")["job_id"])

    def approve(self, pack: Pack) -> None:
        self.decide(pack, "approve")
        self.make_eligible(pack)

    def make_eligible(self, pack: Pack, *statuses: str) -> None:
        for status in statuses or ("REVIEWED", "APPROVED"):
            self.editor.post(f"{pack.revision_path}/eligibility", {"status": status})

    def new_pack_of(
        self,
        rows: list[Row] | None = None,
        decision: str | None = None,
        *eligibility: str,
        capability: str = "ball_detection",
    ) -> Pack:
        """Create a pack and submit it; wait until its validation has ended, however; decide over it as told."""
        label_pack_id = self.new_pack(capability)
        pack = Pack(label_pack_id, self.new_revision(label_pack_id, rows or ball_rows(2, 2)))
        self.job_at_its_end(self.submit(pack))
        if decision:
            self.decide(pack, decision)
        for status in eligibility:
            self.make_eligible(pack, status)
        return pack

    def decide(self, pack: Pack, decision: str) -> None:
        self.editor.post(f"{pack.path}/review", {"decision": decision})

    def choose_training_use(self, choice: str) -> None:
        namespace, slug = self.workspace.split("/")
        path = f"/namespaces/{namespace}/projects/{slug}"
        answer = self.registry.call("PATCH", path, "owner", json={"trainingUse": choice})
        assert answer.json().get("trainingUse") == choice, answer.text

    def new_key(self, *scopes: str) -> str:
        """Create an API key of the project and return it."""
        namespace, slug = self.workspace.split("/")
        wanted = {"name": "a key", "scopes": scopes}
        path = f"/namespaces/{namespace}/projects/{slug}/api-keys"
        return str(self.registry.call("POST", path, "owner", json=wanted).json()["key"])

    def spoil(self, pack: Pack) -> Callable[[], None]:
        """Take the bytes of a revision's first chunk away, as no caller could; return what puts them back."""
        key = f"projects/{self.project_id}/label-packs/{pack.label_pack_id}/{pack.revision_id}/chunks/00000.ndjson"
        place = {"Bucket": self.registry.stack.buckets["data"], "Key": key}
        s3 = self.registry.stack.client("s3")
        found = s3.get_object(**place, ChecksumMode="ENABLED")
        whole = {"Body": found["Body"].read()}
        whole |= {name: found[name] for name in ("ContentType", "ChecksumSHA256", "Metadata")}
        s3.delete_object(**place)

        def put_back() -> None:
            s3.put_object(**place, **whole)

        return put_back

    def new_approved_pack(self, rows: list[Row] | None = None, capability: str = "ball_detection") -> Pack:
        """Create a pack, submit, wait for its validation, approve it: it goes into every build of its capability."""
        label_pack_id = self.new_pack(capability)
        pack = Pack(label_pack_id, self.new_revision(label_pack_id, rows or ball_rows()))
        self.wait(self.submit(pack))
        self.approve(pack)
        return pack

    def wait(self, job_id: str) -> None:
        """Return when the job is ready; raise its error when it ended otherwise."""
        self.editor.wait(job_id, poll_s=POLL_S)

    def job(self, job_id: str) -> Json:
        return self.editor.get(f"/api/v1/jobs/{job_id}")

    def job_at_its_end(self, job_id: str) -> Json:
        """Return the job once it has ended, however it did."""
        return self.editor.wait_for_end(job_id, poll_s=POLL_S)

    def ask_build(self, *packs: Pack | str, person: str | None = "editor", **more: Any) -> httpx.Response:
        """Request a build and return whatever is answered."""
        return self.call("POST", BUILD, person, json=build_body(*packs, **more))

    def request_build(self, *packs: Pack | str, **more: Any) -> Json:
        return self.editor.post(BUILD, build_body(*packs, **more))

    def preflight(self, *packs: Pack | str, **more: Any) -> Json:
        return self.editor.post(PREFLIGHT, build_body(*packs, **more))

    def iter_pages(self, path: str, limit: int, person: str = "editor", **query: Any) -> Iterator[list[Json]]:
        """Yield the pages of a list to its end, as a person reads it.

        None but the first is empty where no filter lets little through.
        """
        reader = self.registry.api(person, self.workspace)
        cursor: str | None = ""
        while cursor is not None:
            more = {"cursor": cursor} if cursor else {}
            page = reader.get(path, limit=str(limit), **query, **more)
            assert page.keys() == {"items", "next_cursor"}
            assert len(page["items"]) <= limit
            assert page["items"] or query or not more
            cursor = page["next_cursor"]
            yield page["items"]

    def all_of(self, path: str, **query: Any) -> list[Json]:
        """Return a whole list."""
        return [item for page in self.iter_pages(path, 200, **query) for item in page]

    def build(self, *packs: Pack | str, **more: Any) -> Json:
        """Build, wait until it is ready, and return the version's detail view."""
        built = self.request_build(*packs, **more)
        self.wait(built["job_id"])
        return self.version(built["dataset_version_id"])

    def new_version(self, *packs: Pack, **more: Any) -> str:
        """Build packs, or one of rows that no other has, and return the version's id."""
        return str(self.build(*(packs or [self.new_approved_pack(own_rows())]), **more)["dataset_version_id"])

    def version(self, dataset_version_id: str) -> Json:
        return self.editor.get(f"/api/v1/datasets/{dataset_version_id}")

    def freeze(self, dataset_version_id: str, person: str | None = "support", **body: Any) -> httpx.Response:
        """Freeze a version and return whatever is answered."""
        return self.call("POST", f"{VERSIONS}/{dataset_version_id}/freeze", person, json=body)

    def unfreeze(self, dataset_version_id: str, person: str | None = "developer", **body: Any) -> httpx.Response:
        """Unfreeze a version and return whatever is answered."""
        return self.call("POST", f"{VERSIONS}/{dataset_version_id}/unfreeze", person, json=body)

    def take_use(
        self, dataset_version_id: str, purpose: str = "training", person: str | None = "editor", **more: Any
    ) -> httpx.Response:
        """Take a use of a version and return whatever is answered."""
        body = {"purpose": purpose, **more}
        return self.call("POST", f"{VERSIONS}/{dataset_version_id}/uses", person, json=body)

    def release_use(
        self, dataset_version_id: str, use_id: str, person: str | None = "editor", **more: Any
    ) -> httpx.Response:
        """Give a use back and return whatever is answered."""
        return self.call("DELETE", f"{VERSIONS}/{dataset_version_id}/uses/{use_id}", person, **more)

    def freeze_history(self, dataset_version_id: str, limit: int = 200) -> list[Json]:
        """Return all that was tried with a version, newest first, read in pages."""
        path = f"{VERSIONS}/{dataset_version_id}/freeze-history"
        return [entry for page in self.iter_pages(path, limit, "support") for entry in page]

    def exports(self, dataset_version_id: str) -> dict[str, Json]:
        listed = self.editor.get(f"/api/v1/datasets/{dataset_version_id}/exports")["items"]
        return {export["name"]: export for export in listed}

    def downloads(self, dataset_version_id: str) -> dict[str, bytes]:
        """Download every export through its presigned URL."""
        return {name: fetched(export["url"]) for name, export in self.exports(dataset_version_id).items()}


def build_body(*packs: Pack | str, **more: Any) -> Json:
    """Return the body of a build or preflight of packs, given as they are or by their ids."""
    ids = [pack.label_pack_id if isinstance(pack, Pack) else pack for pack in packs]
    return {"capability": "ball_detection", "label_pack_ids": ids, **more}


def fetched(url: str) -> bytes:
    answer = httpx.get(url, headers={"Accept-Encoding": "identity"}, timeout=60)
    assert answer.status_code == httpx.codes.OK, answer.text
    return answer.content


def assert_sealed(files: Mapping[str, bytes]) -> Json:
    """Hold files to what their manifest says of each, of a packed one's content; return the manifest."""
    manifest: Json = json.loads(files["manifest.json"])
    assert {export["path"] for export in manifest["exports"]} == {f"exports/{name}" for name in files} - MANIFEST
    for export in manifest["exports"]:
        body, told = files[export["path"].removeprefix("exports/")], "content_" if "content_sha256" in export else ""
        content = gzip.decompress(body) if told else body
        assert (len(content), sha256(content)) == (export[f"{told}bytes"], export[f"{told}sha256"]), export["path"]
    return manifest


def problem(answer: httpx.Response, status: int, code: str) -> Json:
    """Return the problem document of a refusal, held to the form that every error has."""
    assert (answer.status_code, answer.text and answer.json().get("code")) == (status, code), answer.text[:1000]
    assert answer.headers["content-type"] == "application/problem+json"
    body: Json = answer.json()
    assert body.keys() >= {"type", "title", "status", "code", "detail", "request_id"}
    assert body["status"] == status
    assert body["request_id"]
    return body
