"""A dataset of audio files and its annotation sets as tests reach them: with an API key, any answer looked at."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urljoin

import httpx

from tests.containers import Containers, succeeded
from tests.registry import Json, Project, Row, sha256

SETS, AUDIO_FILES, ROWS = "annotation-sets", "audio-files", "annotations"
MINUTE_MS = 60_000
TYPES = ("glitch", "long_pause", "hallucination", "other")
COPIED = ("audio_file_id", "artifact_type", "start_ms", "end_ms", "confidence")


def segment(
    audio_file_id: str, start_ms: int, end_ms: int, artifact_type: str = "glitch", confidence: float | None = None
) -> Row:
    """Return an annotation as it is sent."""
    given = (audio_file_id, artifact_type, start_ms, end_ms, confidence)
    return dict(zip(COPIED, given, strict=True))


def seconds(audio_file_id: str, count: int, artifact_type: str = "glitch") -> list[Row]:
    """Return annotations of a tenth of a second, one a second."""
    return [segment(audio_file_id, 1_000 * at, 1_000 * at + 100, artifact_type) for at in range(count)]


def without_ids(rows: Iterable[Row]) -> list[Row]:
    """Return what is copied of annotations."""
    return [{name: row[name] for name in COPIED} for row in rows]


@dataclass(frozen=True)
class AudioDataset:
    """A dataset of a project's, and the key that every call is made with."""

    project: Project
    dataset_id: str
    api_key: str

    @classmethod
    def new(cls, project: Project, name: str = "calls") -> Self:
        made = Containers(project).new_dataset(name)
        return cls(project, made["id"], project.new_key("read", "write", "export"))

    def call(
        self, method: str, *steps: str, headers: Mapping[str, str] | None = None, **content: Any
    ) -> httpx.Response:
        """Send one request below the dataset and return whatever is answered."""
        path = "/".join(("/api/v1/datasets", self.dataset_id, *steps))
        sent = {"X-API-Key": self.api_key, **(headers or {})}
        return self.project.registry.call(method, path, None, headers=sent, **content)

    def get(self, *steps: str, **query: Any) -> Any:
        return succeeded(self.call("GET", *steps, params=query))

    def post(self, *steps: str, status: int = 201, **body: Any) -> Json:
        return succeeded(self.call("POST", *steps, json=body), status)

    def new_audio_file(self, uri: str, duration_ms: int = MINUTE_MS, **more: Any) -> str:
        return str(self.post(AUDIO_FILES, uri=uri, duration_ms=duration_ms, **more)["id"])

    def new_audio_files(self, count: int, duration_ms: int = MINUTE_MS) -> list[str]:
        known = len(self.get(AUDIO_FILES, limit=200)["items"])
        return [self.new_audio_file(f"calls/{known + number:03d}.wav", duration_ms) for number in range(count)]

    def new_set(self, rows: list[Row] | None = None, **body: Any) -> str:
        """Create a draft, with annotations in it if any are given, and return its id."""
        made = str(self.post(SETS, **body)["id"])
        if rows:
            self.bulk(made, rows)
        return made

    def new_published(self, rows: list[Row] | None = None, **body: Any) -> str:
        made = self.new_set(rows, **body)
        self.publish(made)
        return made

    def add(self, annotation_set_id: str, row: Row) -> Json:
        return self.post(SETS, annotation_set_id, ROWS, **row)

    def bulk(self, annotation_set_id: str, rows: list[Row]) -> Json:
        return self.post(SETS, annotation_set_id, ROWS, "bulk", annotations=rows)

    def publish(self, annotation_set_id: str) -> Json:
        return succeeded(self.call("POST", SETS, annotation_set_id, "publish"))

    def promote(self, annotation_set_id: str, **body: Any) -> Json:
        """Promote a set and wait until the revision's validation has ended, however."""
        promoted = self.post(SETS, annotation_set_id, "promote", status=202, **body)
        self.project.job_at_its_end(promoted["job_id"])
        return promoted

    def shown(self, annotation_set_id: str) -> Json:
        found: Json = self.get(SETS, annotation_set_id)
        return found

    def iter_pages(self, annotation_set_id: str, **query: Any) -> Iterator[list[Row]]:
        """Yield the pages of a set's annotations, each behind the `Link` of the one before."""
        answer = self.call("GET", SETS, annotation_set_id, ROWS, params=query)
        urls = {str(answer.url)}
        while True:
            assert answer.status_code == httpx.codes.OK, answer.text[:1000]
            yield answer.json()
            if "next" not in answer.links:
                return
            url = urljoin(str(answer.url), answer.links["next"]["url"])
            assert url not in urls
            urls.add(url)
            answer = self.project.registry.http.get(url, headers={"X-API-Key": self.api_key})

    def rows(self, annotation_set_id: str, **query: Any) -> list[Row]:
        """Return all annotations of a set."""
        return [row for page in self.iter_pages(annotation_set_id, **query) for row in page]

    def listed(self) -> list[tuple[int, str, int]]:
        """Return version, status and how many annotations of every set, as they are listed."""
        return [(one["version"], one["status"], one["total_annotations"]) for one in self.get(SETS)["items"]]

    def objects_of(self, annotation_set_id: str) -> dict[str, str]:
        """Return the SHA-256 of every object that was written for a published set, by its key."""
        s3, bucket = self.project.registry.stack.client("s3"), self.project.registry.stack.buckets["data"]
        prefix = f"projects/{self.project.project_id}/annotation-sets/{annotation_set_id}/"
        keys = [found["Key"] for found in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])]
        return {key: sha256(s3.get_object(Bucket=bucket, Key=key)["Body"].read()) for key in keys}
