"""`/namespaces/{slug}/members` and `…/api-keys`."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from aws_lambda_powertools.event_handler import Response
from pydantic import AwareDatetime, Field, field_validator

from packhouse.access.model import Action, ApiKey, IssuedKey, Member, Role, Scope
from packhouse.access.service import Access
from packhouse.api.app import answer
from packhouse.api.bodies import NoBody, RequestBody
from packhouse.api.endpoints import Call, Endpoints, Listed, Success
from packhouse.api.fields import Name
from packhouse.api.paging import Page
from packhouse.aws.clock import timestamp
from packhouse.errors import Fault, RequestFaultsError

_MEMBERS = "/namespaces/{slug}/members"
_KEYS = "/namespaces/{slug}/projects/{projectSlug}/api-keys"
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


def register(api: Endpoints, access: Access) -> None:
    """Declare the endpoints."""

    @api.put(f"{_MEMBERS}/{{principalId}}", Action.OWN, refusals=("LAST_OWNER",))
    def set_member(call: Call[MemberRequest]) -> Member:
        """Make a principal a member, or change a member's role."""
        return access.set_member(call.workspace.namespace, _principal_id(call.path), call.wanted.role, call.caller)

    @api.get(_MEMBERS, Action.READ, result=Listed(Member, "members"))
    def list_members(call: Call[Page]) -> Response[str]:
        """List the members of a namespace by their principal ids."""
        members = [member.model_dump_json() for member in access.store.iter_members(call.workspace.namespace)]
        return answer(200, call.wanted.of("members", members, len(members)))

    @api.delete(f"{_MEMBERS}/{{principalId}}", Action.OWN, refusals=("MEMBER_NOT_FOUND", "LAST_OWNER"))
    def remove_member(call: Call[NoBody]) -> Success:
        """Take a membership away; it acts on the next request."""
        access.remove_member(call.workspace.namespace, _principal_id(call.path), call.caller)
        return Success()

    def issued(_: Call[KeyRequest], key: IssuedKey) -> Response[str]:
        return answer(201, access.issued(key))

    @api.post(_KEYS, Action.OWN, status=201, show=issued)
    def create_api_key(call: Call[KeyRequest]) -> IssuedKey:
        """Create an API key of a project; its secret is shown this once."""
        wanted = call.wanted
        expires_at = timestamp(wanted.expiresAt) if wanted.expiresAt else None
        return access.create_key(call.workspace, wanted.name, wanted.scopes, expires_at, call.caller, call.once)

    @api.get(_KEYS, Action.OWN, result=Listed(ApiKey, "apiKeys"))
    def list_api_keys(call: Call[Page]) -> Response[str]:
        """List the API keys of a project, oldest first, those that were revoked too."""
        keys = [key.model_dump_json() for key in access.store.iter_keys(call.workspace)]
        return answer(200, call.wanted.of("apiKeys", keys, len(keys)))

    @api.delete(f"{_KEYS}/{{keyId}}", Action.OWN, refusals=("API_KEY_NOT_FOUND",))
    def revoke_api_key(call: Call[NoBody]) -> Success:
        """Revoke an API key; from the next request on it opens nothing."""
        access.store.revoke_key(call.workspace, call.path["keyId"], access.clock())
        return Success()


def _principal_id(path: Mapping[str, str]) -> str:
    if not _PRINCIPAL_ID.fullmatch(path["principalId"]):
        raise RequestFaultsError([Fault("path principalId", "is not a principal's id")])
    return path["principalId"]
