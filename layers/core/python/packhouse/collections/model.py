"""Collections, as contract C shows them (camelCase)."""

from pydantic import BaseModel, ConfigDict


class CollectionFacts(BaseModel):
    """What a collection is, apart from its members.

    `place` is where its first members are kept: the id of the dataset that it was last put in, or its own id. A dataset
    that is deleted takes its id with it for ever, so its collections stand alone from that moment on.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    id: str
    name: str
    description: str | None
    project_id: str
    place: str
    member_count: int
    created_at: str
    updated_at: str
    etag: str
    members_etag: str
    """New with every write of members; the item of the first ones bears it too, so that no read mixes two states."""

    @property
    def dataset_id(self) -> str | None:
        """The dataset it was last put in; whether that is there still, only its own item tells."""
        return None if self.place == self.id else self.place


class Collection(BaseModel):
    """A named list of member ids; `members` are the first thousand of `memberCount`, in the order of their bytes."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    id: str
    name: str
    description: str | None
    dataset: str | None
    projectId: str  # noqa: N815
    members: tuple[str, ...]
    memberCount: int  # noqa: N815
    createdAt: str  # noqa: N815
    updatedAt: str  # noqa: N815
    etag: str


class CollectionListed(BaseModel):
    """A collection as a list shows it."""

    id: str
    name: str
    description: str | None
    dataset: str | None
    memberCount: int  # noqa: N815
