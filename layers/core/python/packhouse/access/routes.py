"""`/namespaces/{slug}/members` and `…/api-keys`."""

import re
from datetime import UTC, datetime, timedelta

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from pydantic import AwareDatetime, Field, field_validator

from packhouse.access.model import Action, Role, Scope, Workspace
from packhouse.access.service import Access
from packhouse.api.app import answer
from packhouse.api.bodies import NoBody, RequestBody, read_body
from packhouse.api.fields import Name
from packhouse.api.paging import page_of, read_page
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

    @app.get("/namespaces/<slug>/members")
    def list_members(slug: str) -> Response[str]:
        require(principal_of(app.current_event), slug, None, Action.READ)
        page, page_size = read_page(app.current_event)
        members = [member.model_dump(mode="json") for member in access.store.iter_members(slug)]
        return answer(200, page_of("members", members, page, page_size))

    @app.delete("/namespaces/<slug>/members/<principalId>")
    def remove_member(slug: str, principalId: str) -> Response[str]:  # noqa: N803
        caller = principal_of(app.current_event)
        require(caller, slug, None, Action.OWN)
        read_body(app.current_event, NoBody)
        access.remove_member(slug, principalId, caller)
        return answer(200, {"success": True})

    @app.get("/namespaces/<slug>/projects/<projectSlug>/api-keys")
    def list_api_keys(slug: str, projectSlug: str) -> Response[str]:  # noqa: N803
        require(principal_of(app.current_event), slug, projectSlug, Action.OWN)
        page, page_size = read_page(app.current_event)
        keys = [key.model_dump(mode="json") for key in access.store.iter_keys(Workspace(slug, projectSlug))]
        return answer(200, page_of("apiKeys", keys, page, page_size))

    @app.delete("/namespaces/<slug>/projects/<projectSlug>/api-keys/<keyId>")
    def revoke_api_key(slug: str, projectSlug: str, keyId: str) -> Response[str]:  # noqa: N803
        require(principal_of(app.current_event), slug, projectSlug, Action.OWN)
        read_body(app.current_event, NoBody)
        access.store.revoke_key(Workspace(slug, projectSlug), keyId, access.clock())
        return answer(200, {"success": True})

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
