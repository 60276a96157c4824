"""`/namespaces` and `/namespaces/{slug}/projects`."""

from aws_lambda_powertools.event_handler import Response

from packhouse.access.model import Action, Workspace
from packhouse.api.app import answer, as_json
from packhouse.api.bodies import RequestBody, never_null
from packhouse.api.endpoints import Call, Endpoints, Listed
from packhouse.api.fields import Name, Prose, Slug
from packhouse.api.paging import NoQuery, Page
from packhouse.catalog.model import Namespace, Project, TrainingUse
from packhouse.catalog.service import Catalog
from packhouse.errors import ForbiddenError

_PROJECT = "/namespaces/{slug}/projects/{projectSlug}"


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

    _given = never_null("name", "trainingUse")


def register(api: Endpoints, catalog: Catalog) -> None:
    """Declare the endpoints."""

    @api.post("/namespaces", None, status=201, refusals=("NAMESPACE_EXISTS", "FORBIDDEN"))
    def create_namespace(call: Call[NamespaceRequest]) -> Namespace:
        """Create a namespace; the caller becomes its owner."""
        if call.caller.key_workspace is not None:
            raise ForbiddenError("FORBIDDEN", "An API key acts in its one project; a person creates namespaces.")
        return catalog.create_namespace(call.wanted.slug, call.wanted.name, call.caller, call.once)

    @api.get("/namespaces", None, result=Listed(Namespace, "namespaces"))
    def list_namespaces(call: Call[Page]) -> Response[str]:
        """List the namespaces that the caller is a member of."""
        mine = [found.model_dump_json() for found in catalog.store.list_namespaces(call.caller.memberships)]
        return answer(200, call.wanted.of("namespaces", mine, len(mine)))

    @api.get("/namespaces/{slug}", Action.READ)
    def get_namespace(call: Call[NoQuery]) -> Namespace:
        """Get a namespace."""
        return catalog.store.get_namespace(call.workspace.namespace)

    @api.post("/namespaces/{slug}/projects", Action.OWN, status=201, refusals=("PROJECT_EXISTS",))
    def create_project(call: Call[ProjectRequest]) -> Project:
        """Create a project in a namespace."""
        workspace = Workspace(call.workspace.namespace, call.wanted.slug)
        return catalog.create_project(workspace, call.wanted.name, call.wanted.description, call.once)

    @api.get("/namespaces/{slug}/projects", Action.READ, result=Listed(Project, "projects"))
    def list_projects(call: Call[Page]) -> Response[str]:
        """List the projects of a namespace by slug."""
        found = catalog.store.list_projects(call.workspace.namespace)
        projects = [as_json(project) for project in found]
        return answer(200, call.wanted.of("projects", projects, len(projects)))

    @api.get(_PROJECT, Action.READ, refusals=("PROJECT_NOT_FOUND",))
    def get_project(call: Call[NoQuery]) -> Project:
        """Get a project."""
        return catalog.store.get_project(call.workspace)

    @api.patch(_PROJECT, Action.OWN, refusals=("PROJECT_NOT_FOUND", "PROJECT_CONFLICT"))
    def update_project(call: Call[ProjectChange]) -> Project:
        """Change a project: only the fields that are given."""
        changes = call.wanted.model_dump(include=call.wanted.model_fields_set)
        return catalog.update_project(call.workspace, changes, call.if_match)
