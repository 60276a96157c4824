"""Calls as one persona: requests, pages, signed URLs and jobs, each refusal with its code.

Left out: what is called in which order (`walk`).
"""

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, Self

import httpx

TIMEOUT_S = 60.0
POLL_S = 0.25
STALLED_AFTER_S = 300.0
ENDS = {"ready", "failed", "cancelled"}


class RefusedError(Exception):
    """A call that was not answered as asked; carries the problem's code and a sentence a person can read."""

    def __init__(self, code: str, detail: str, status: int = 0) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.status = status


class Api:
    """The API as one persona sees it in one workspace; safe to share between threads."""

    def __init__(self, api_url: str, token: str, workspace: str) -> None:
        headers = {"Authorization": f"Bearer {token}", "X-Workspace": workspace}
        self._client = httpx.Client(base_url=api_url, headers=headers, timeout=TIMEOUT_S)
        # A signed URL is its own credential, and S3 refuses a request that brings a second one.
        self._signed = httpx.Client(headers={"Accept-Encoding": "identity"}, timeout=TIMEOUT_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()
        self._signed.close()

    def get(self, path: str, **params: str) -> dict[str, Any]:
        """Read one resource."""
        found: dict[str, Any] = _answer(_sent(self._client, "GET", path, params=params))
        return found

    def find(self, path: str) -> dict[str, Any] | None:
        """Read one resource, or None where there is none (404)."""
        try:
            return self.get(path)
        except RefusedError as refusal:
            if refusal.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Send a JSON body, an empty object if none is given."""
        made: dict[str, Any] = _answer(_sent(self._client, "POST", path, json=body or {}))
        return made

    def patch(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Change what the body names."""
        changed: dict[str, Any] = _answer(_sent(self._client, "PATCH", path, json=body))
        return changed

    def list_rows(self, path: str) -> list[dict[str, Any]]:
        """Read a list that is answered as it is, to its end."""
        rows, url = [], httpx.URL(path)
        while True:
            answer = _sent(self._client, "GET", str(url))
            rows += _answer(answer)
            if "next" not in answer.links:
                return rows
            url = url.join(answer.links["next"]["url"])

    def iter_items(self, path: str, **params: str) -> Iterator[dict[str, Any]]:
        """Read a list to its end, page by page, in its own order."""
        cursor: str | None = ""
        while cursor is not None:
            page = self.get(path, **params, **({"cursor": cursor} if cursor else {}))
            yield from page["items"]
            cursor = page.get("next_cursor")

    def put_signed(self, upload: Mapping[str, Any], body: bytes) -> None:
        """Upload a body as the presigned `upload` says, with exactly its headers."""
        sent = _sent(self._signed, upload["method"], upload["url"], content=body, headers=upload["headers"])
        if not sent.is_success:
            raise _refusal(sent)

    def hash_signed(self, url: str, write: Callable[[bytes], object]) -> tuple[int, str]:
        """Download a presigned URL, write it block by block, and return its length in bytes and its sha256."""
        count, digest = 0, hashlib.sha256()
        try:
            with self._signed.stream("GET", url) as answer:
                if not answer.is_success:
                    answer.read()
                    raise _refusal(answer)
                for block in answer.iter_raw():
                    count += len(block)
                    digest.update(block)
                    write(block)
        except httpx.TransportError as fault:
            raise _unreachable("GET", url, fault) from fault
        return count, digest.hexdigest()

    def wait(
        self, job_id: str, on_news: Callable[[dict[str, Any]], None] = lambda job: None, poll_s: float = POLL_S
    ) -> None:
        """Poll a job until it is ready and tell `on_news` each time it has moved; a job that ends otherwise raises."""
        job = self.wait_for_end(job_id, on_news, poll_s)
        if job["status"] != "ready":
            raise _job_refusal(job_id, job)

    def wait_for_end(
        self, job_id: str, on_news: Callable[[dict[str, Any]], None] = lambda job: None, poll_s: float = POLL_S
    ) -> dict[str, Any]:
        """Poll a job until it has ended, however it did, and return it; one that stands still too long raises."""
        seen: dict[str, Any] = {}
        moved_at = time.monotonic()
        while True:
            job = self.get(f"/api/v1/jobs/{job_id}")
            if job != seen:
                seen, moved_at = job, time.monotonic()
                on_news(job)
            if job["status"] in ENDS:
                return job
            if time.monotonic() - moved_at > STALLED_AFTER_S:
                raise RefusedError("JOB_STALLED", f"{job_id} stands at {job['step']} since {STALLED_AFTER_S:.0f} s")
            time.sleep(poll_s)


def _sent(client: httpx.Client, method: str, url: str, **content: Any) -> httpx.Response:
    try:
        return client.request(method, url, **content)
    except httpx.TransportError as fault:
        raise _unreachable(method, url, fault) from fault


def _answer(answer: httpx.Response) -> Any:
    if not answer.is_success:
        raise _refusal(answer)
    return answer.json()


def _refusal(answer: httpx.Response) -> RefusedError:
    """Read the refusal from a problem document, or from whatever text stands in its place (S3 and gateways)."""
    where = f"({answer.request.method} {answer.request.url.path}, {answer.status_code})"
    try:
        problem = answer.json()
        faults = "; ".join(f"{fault['loc']}: {fault['reason']}" for fault in problem.get("errors") or [])
        detail = " ".join(filter(None, (problem["detail"], faults, where)))
        return RefusedError(problem["code"], detail, answer.status_code)
    except (ValueError, LookupError, TypeError, AttributeError):
        return RefusedError(f"HTTP_{answer.status_code}", f"{answer.text[:200]} {where}", answer.status_code)


def _unreachable(method: str, url: str, fault: httpx.TransportError) -> RefusedError:
    return RefusedError("UNREACHABLE", f"{method} {url.partition('?')[0]}: {fault or type(fault).__name__}")


def _job_refusal(job_id: str, job: Mapping[str, Any]) -> RefusedError:
    error = job.get("error") or {}
    unit = f", unit {error['unit']}" if error.get("unit") else ""
    detail = error.get("detail") or "no detail given"
    return RefusedError(error.get("code") or "JOB_CANCELLED", f"{detail} ({job_id}, step {job.get('step')}{unit})")
