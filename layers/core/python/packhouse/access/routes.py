"""`/namespaces/{slug}/members` and `…/api-keys`."""

import re
from datetime import UTC, datetime, timedelta

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from pydantic import AwareDatetime, Field, field_validator

from packhouse.access.model import Action, Role, Scope, Workspace
from packhouse.access.service import Access
from packhouse.api.app import answer
from packhouse.api.bodies import RequestBody, read_body
from packhouse.api.fields import Name
from packhouse.api.principal import principal_of, require
from packhouse.aws.clock import timestamp
from packhouse.errors import Fault, RequestFaultsError

_PRINCIPAL_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:@|-]{0,127}")


LONGEST = timedelta(days=3660)


def _now() -> datetime:
    return datetime.now(UTC)


class MemberRequest(RequestBody):
    """A member's role."""

    role: Role


class KeyRequest(RequestBody):
    """A new API key: what it may do, and until when (for ever when absent)."""

    name: Name
    scopes: tuple[Scope, ...] = Field(min_length=1, max_length=3)
    expiresAt: AwareDatetime | None = None  # noqa: N815  contract C speaks camelCase

    @field_validator("expiresAt")
    @classmethod
    def _ahead(cls, value: datetime | None) -> datetime | None:
        if value is not None and not _now() < value < _now() + LONGEST:
            raise ValueError("must lie ahead, by ten years at most")
        return value


def register(app: APIGatewayRestResolver, access: Access) -> None:
    """Add the routes to a resolver."""

    @app.put("/namespaces/<slug>/members/<principalId>")
    def set_member(slug: str, principalId: str) -> Response[str]:  # noqa: N803  the path's own name
        caller = principal_of(app.current_event)
        require(caller, slug, None, Action.OWN)
        if not _PRINCIPAL_ID.fullmatch(principalId):
            raise RequestFaultsError([Fault("path principalId", "is not a principal's id")])
        wanted = read_body(app.current_event, MemberRequest)
        return answer(200, access.set_member(slug, principalId, wanted.role, caller))

    @app.post("/namespaces/<slug>/projects/<projectSlug>/api-keys")
    def create_api_key(slug: str, projectSlug: str) -> Response[str]:  # noqa: N803
        caller = principal_of(app.current_event)
        require(caller, slug, projectSlug, Action.OWN)
        wanted = read_body(app.current_event, KeyRequest)
        expires_at = timestamp(wanted.expiresAt) if wanted.expiresAt else None
        key, credential = access.create_key(
            Workspace(slug, projectSlug), wanted.name, wanted.scopes, expires_at, caller
        )
        return answer(201, key.model_dump(mode="json") | {"key": credential})
