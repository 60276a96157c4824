"""Namespaces and projects, as contract C shows them (camelCase)."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class TrainingUse(StrEnum):
    """A project's policy: whether its label packs may go into training data at all."""

    ALLOWED = "allowed"
    OPTED_OUT = "opted_out"


class Namespace(BaseModel):
    """The outermost container; memberships are given here."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    id: str
    slug: str
    name: str
    createdAt: str  # noqa: N815
    createdBy: str  # noqa: N815


class Project(BaseModel):
    """A workspace (contract A) or space (contract C): where label packs and datasets live."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    id: str
    namespace: str
    slug: str
    name: str
    description: str | None
    trainingUse: TrainingUse  # noqa: N815
    createdAt: str  # noqa: N815
    updatedAt: str  # noqa: N815
    etag: str = ""  # new with every write; stands in the header
