"""What refusals are brought about on, how each is told, and what a case of one is."""

from collections.abc import Callable
from typing import Any, NamedTuple

import httpx

from tests.registry import BUILD, JOBS, Json, Pack, Project, Registry, ball_rows, build_body

MACHINE = "DatasetBuildMachine"


class Told(NamedTuple):
    """How a refusal was told: its code, where (an HTTP status, `job`, `exclusion`), and its sentence."""

    code: str
    where: str
    detail: str


class Ground:
    """A registry and a project on it with an approved pack: what most cases start from."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.project = registry.new_project()
        self.pack = self.project.new_approved_pack()

    def ask(self, method: str, path: str, person: str | None = "editor", **content: Any) -> Told:
        """Send one request in the project and return its refusal."""
        return told(self.project.call(method, path, person, **content))

    def ask_build(self, *packs: Pack | str, path: str = BUILD, person: str = "editor", **more: Any) -> Told:
        """Request a build, of the approved pack if none is named, and return its refusal."""
        return self.ask("POST", path, person, json=build_body(*(packs or (self.pack,)), **more))

    def exclusion(self, pack: Pack | str) -> Told:
        """Return why a pack stays out of a build beside the approved one."""
        built = self.project.request_build(self.pack, pack)
        (out,) = built["excluded_label_pack_ids"]
        return Told(out["reason_code"], "exclusion", f"{out['label_pack_id']} in a build that was {built['outcome']}")

    def unready(self) -> str:
        """Return a version that is not built, and never will be."""
        with self.registry.holding(MACHINE, "PlanBuild", 20):
            built = self.project.request_build(self.pack, force=True)
            self.project.editor.post(f"{JOBS}/{built['job_id']}/cancel")
        return str(built["dataset_version_id"])

    def ended_build(self, *packs: Pack, **more: Any) -> Told:
        """Build and return how the job failed."""
        return failure(self.project, self.project.request_build(*packs, **more)["job_id"])

    def foreign_pack(self, role: str | None) -> Pack:
        """Return an approved pack of a namespace in which the editor now has another role, or none."""
        namespace = self.registry.new_namespace(editor="editor")
        pack = self.registry.new_project(namespace).new_approved_pack(ball_rows(1, 2))
        if role:
            self.registry.give_role(namespace, "editor", role)
        else:
            self.registry.call("DELETE", f"/namespaces/{namespace}/members/user-editor", "owner")
        return pack


def told(answer: httpx.Response) -> Told:
    """Return a refusal as it was answered; what was answered otherwise is one that nobody expects."""
    body: Json = answer.json()
    faults = "; ".join(f"{fault['loc']}: {fault['reason']}" for fault in body.get("errors", ()))
    return Told(str(body.get("code")), str(answer.status_code), " ".join(filter(None, (body.get("detail"), faults))))


def failure(project: Project, job_id: str) -> Told:
    """Return how a job ended, once it has."""
    job = project.job_at_its_end(job_id)
    error: Json = job["error"] or {}
    return Told(str(error.get("code")), "job", f"{error.get('detail')} ({job['status']})")


Bring = Callable[[Ground], Told]
"""Brings a refusal about and returns how it was told."""


class Case(NamedTuple):
    """A code, where it must be told, and what brings it about."""

    code: str
    where: str
    name: str
    bring: Bring
