"""A version in a project of its own, and its uses as the tests of frozen test sets take them and give them back."""

from typing import Any, NamedTuple

import httpx

from tests.containers import succeeded
from tests.registry import VERSIONS, Json, Pack, Project, Registry, own_rows

OUTSIDERS = {"stranger": (404, "PROJECT_NOT_FOUND")}


class House(NamedTuple):
    """A project, a pack in it, and a version of that pack."""

    project: Project
    pack: Pack
    version: str


def new_house(registry: Registry) -> House:
    project = registry.new_project()
    pack = project.new_approved_pack(own_rows())
    return House(project, pack, project.new_version(pack))


def taken(project: Project, version: str, purpose: str = "training", **more: Any) -> Json:
    """Take a use of a version and return it."""
    return succeeded(project.take_use(version, purpose, **more), 201)


def release(registry: Registry, project: Project, use: Json) -> None:
    succeeded(project.release_use(use["dataset_version_id"], use["use_id"]))


def asked(project: Project, method: str, path: str, caller: str, **content: Any) -> httpx.Response:
    """Send a request as a person, or with a key of the project's that may do all that a key can."""
    if caller != "key":
        return project.call(method, f"{VERSIONS}/{path}", caller, **content)
    headers = {"X-API-Key": project.new_key("read", "write", "export")}
    return project.call(method, f"{VERSIONS}/{path}", None, headers=headers, **content)
