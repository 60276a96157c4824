"""Datasets, as contract C shows them (camelCase)."""

from typing import Any

from pydantic import BaseModel, ConfigDict


class Dataset(BaseModel):
    """A named container that groups collections."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    id: str
    name: str
    description: str | None
    tags: tuple[str, ...]
    projectId: str  # noqa: N815
    metadata: dict[str, Any] | None
    createdAt: str  # noqa: N815
    updatedAt: str  # noqa: N815
    etag: str  # new with every write; stands in the header


class CollectionShown(BaseModel):
    """A collection as its dataset shows it."""

    id: str
    name: str
    members: tuple[str, ...]
    memberCount: int  # noqa: N815


class DatasetListed(BaseModel):
    """A dataset as a list shows it."""

    id: str
    name: str
    description: str | None
    tags: tuple[str, ...]


class DatasetShown(DatasetListed):
    """A dataset with its collections."""

    projectId: str  # noqa: N815
    metadata: dict[str, Any] | None
    createdAt: str  # noqa: N815
    updatedAt: str  # noqa: N815
    collections: tuple[CollectionShown, ...]
