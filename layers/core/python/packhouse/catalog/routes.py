"""`/namespaces` and `/namespaces/{slug}/projects`."""

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from pydantic import field_validator

from packhouse.access.model import Action, Workspace
from packhouse.api.app import answer
from packhouse.api.bodies import RequestBody, read_body
from packhouse.api.fields import Name, Prose, Slug
from packhouse.api.paging import page_of, read_page
from packhouse.api.principal import principal_of, require
from packhouse.catalog.model import TrainingUse
from packhouse.catalog.service import Catalog
from packhouse.errors import ForbiddenError


class NamespaceRequest(RequestBody):
    """A new namespace."""

    slug: Slug
    name: Name


class ProjectRequest(RequestBody):
    """A new project."""

    slug: Slug
    name: Name
    description: Prose | None = None


class ProjectChange(RequestBody):
    """What of a project changes; fields that are not given stay."""

    name: Name | None = None
    description: Prose | None = None
    trainingUse: TrainingUse | None = None  # noqa: N815  contract C speaks camelCase

    @field_validator("name", "trainingUse")
    @classmethod
    def _given(cls, value: object) -> object:
        if value is None:
            raise ValueError("cannot be null")
        return value


def register(app: APIGatewayRestResolver, catalog: Catalog) -> None:
    """Add the routes to a resolver."""

    @app.post("/namespaces")
    def create_namespace() -> Response[str]:
        caller = principal_of(app.current_event)
        if caller.key_workspace is not None:
            raise ForbiddenError("FORBIDDEN", "An API key acts in its one project; a person creates namespaces.")
        wanted = read_body(app.current_event, NamespaceRequest)
        return answer(201, catalog.create_namespace(wanted.slug, wanted.name, caller))

    @app.get("/namespaces")
    def list_namespaces() -> Response[str]:
        page, page_size = read_page(app.current_event)
        mine = catalog.store.list_namespaces(principal_of(app.current_event).memberships)
        shown = [namespace.model_dump(mode="json") for namespace in mine]
        return answer(200, page_of("namespaces", shown, page, page_size))

    @app.get("/namespaces/<slug>")
    def get_namespace(slug: str) -> Response[str]:
        require(principal_of(app.current_event), slug, None, Action.READ)
        return answer(200, catalog.store.get_namespace(slug))

    @app.post("/namespaces/<slug>/projects")
    def create_project(slug: str) -> Response[str]:
        require(principal_of(app.current_event), slug, None, Action.OWN)
        wanted = read_body(app.current_event, ProjectRequest)
        return answer(201, catalog.create_project(Workspace(slug, wanted.slug), wanted.name, wanted.description))

    @app.get("/namespaces/<slug>/projects")
    def list_projects(slug: str) -> Response[str]:
        require(principal_of(app.current_event), slug, None, Action.READ)
        page, page_size = read_page(app.current_event)
        projects = [project.model_dump(mode="json") for project in catalog.store.list_projects(slug)]
        return answer(200, page_of("projects", projects, page, page_size))

    @app.patch("/namespaces/<slug>/projects/<projectSlug>")
    def update_project(slug: str, projectSlug: str) -> Response[str]:  # noqa: N803
        require(principal_of(app.current_event), slug, projectSlug, Action.OWN)
        wanted = read_body(app.current_event, ProjectChange)
        changes = wanted.model_dump(include=wanted.model_fields_set)
        return answer(200, catalog.update_project(Workspace(slug, projectSlug), changes))

    @app.get("/namespaces/<slug>/projects/<projectSlug>")
    def get_project(slug: str, projectSlug: str) -> Response[str]:  # noqa: N803  the path's own name
        require(principal_of(app.current_event), slug, projectSlug, Action.READ)
        return answer(200, catalog.store.get_project(Workspace(slug, projectSlug)))
