"""The words of access: roles, scopes, the principal of a call, the workspace it acts in."""

from enum import StrEnum
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict


class Role(StrEnum):
    """What a member of a namespace may do, from least to most."""

    VIEWER = "viewer"
    EDITOR = "editor"
    OWNER = "owner"


class Scope(StrEnum):
    """What an API key may do in its one project."""

    READ = "read"
    WRITE = "write"
    EXPORT = "export"


class Action(StrEnum):
    """What an endpoint needs its caller to be allowed; `SEE` is no more than to know of the place."""

    SEE = "see"
    READ = "read"
    WRITE = "write"
    EXPORT = "export"
    OWN = "own"


class Workspace(NamedTuple):
    """A project by its two slugs; contract A's `workspace`."""

    namespace: str
    project: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.project}"


class Principal(BaseModel):
    """Who is calling, as the authorizer found out: a person with a JWT, or an API key of one project."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    principal_id: str
    memberships: dict[str, Role] = {}
    is_developer: bool = False
    is_support: bool = False
    key_workspace: str | None = None
    key_scopes: tuple[Scope, ...] = ()

    @property
    def is_internal(self) -> bool:
        """Internal Ops: may read every project."""
        return self.is_developer or self.is_support


class Member(BaseModel):
    """One principal's role in one namespace."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    principalId: str  # noqa: N815  contract C speaks camelCase
    role: Role
    createdAt: str  # noqa: N815


class ApiKey(BaseModel):
    """An API key as its project's owners see it; the secret is not part of it."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    id: str
    name: str
    scopes: tuple[Scope, ...]
    expiresAt: str | None  # noqa: N815
    revokedAt: str | None = None  # noqa: N815
    createdAt: str  # noqa: N815
    createdBy: str  # noqa: N815


class IssuedKey(ApiKey):
    """An API key as its one answer shows it, with the credential."""

    key: str  # until it is answered, the nonce that its secret is made of
