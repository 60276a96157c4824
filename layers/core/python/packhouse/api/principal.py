"""The caller of a request: the principal that the authorizer passed on, and the workspace it acts in."""

import re

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from packhouse.access.model import Action, Principal, Workspace
from packhouse.access.rules import permit
from packhouse.api.fields import SLUG
from packhouse.errors import Fault, ForbiddenError, InvalidInputError, NotFoundError, RequestFaultsError

_SLUG = re.compile(SLUG)


def principal_of(event: APIGatewayProxyEvent) -> Principal:
    """Return who is calling; the authorizer put it into the request's context as one JSON string."""
    return Principal.model_validate_json(event.raw_event["requestContext"]["authorizer"]["principal"])


def require(principal: Principal, namespace: str, project: str | None, action: Action) -> None:
    """Raise unless the principal may take the action: 404 when it may not even know of the place, else 403."""
    permission = permit(principal, namespace, project, action)
    if permission.allowed:
        return
    if permission.visible:
        raise ForbiddenError("FORBIDDEN", permission.reason)
    if project is None:
        raise NotFoundError("NAMESPACE_NOT_FOUND", f"There is no namespace {namespace}.")
    raise NotFoundError("PROJECT_NOT_FOUND", f"There is no project {namespace}/{project}.")


def workspace_of(event: APIGatewayProxyEvent, action: Action) -> tuple[Principal, Workspace]:
    """Return the caller and the project that an `/api/v1` call acts in, once the action is allowed there."""
    principal = principal_of(event)
    named = event.headers.get("X-Workspace")
    workspace = named or principal.key_workspace
    if workspace is None:
        raise InvalidInputError("WORKSPACE_REQUIRED", "Name the project in X-Workspace: <namespace>/<project>.")
    namespace, _, project = workspace.partition("/")
    if not (_SLUG.fullmatch(namespace) and _SLUG.fullmatch(project)):
        raise RequestFaultsError([Fault("header X-Workspace", "must be <namespace>/<project>, two slugs")])
    require(principal, namespace, project, action)
    return principal, Workspace(namespace, project)
