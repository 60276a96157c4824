"""`/namespaces/{slug}/projects/{projectSlug}/collections`."""

from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from pydantic import Field, model_validator

from packhouse.access.model import Action
from packhouse.api.app import answer, as_json
from packhouse.api.bodies import NoBody, RequestBody, never_null
from packhouse.api.endpoints import Call, Endpoints, Listed, Success
from packhouse.api.fields import MemberId, PathName, Summary
from packhouse.api.paging import NoQuery, Page
from packhouse.collections.model import Collection, CollectionListed
from packhouse.collections.service import Collections

MEMBERS = 1_000
_PATH = "/namespaces/{slug}/projects/{projectSlug}/collections"
_CHANGED = ("COLLECTION_NOT_FOUND", "COLLECTION_CONFLICT")

Members = Annotated[list[MemberId], Field(max_length=MEMBERS)]


class CollectionRequest(RequestBody):
    """A new collection, in a dataset or standing alone, with its first members."""

    name: PathName
    description: Summary | None = None
    dataset: PathName | None = None
    members: Members = Field(default=[])


class CollectionChange(RequestBody):
    """What of a collection changes; `dataset` puts it into one, or with `null` out of it."""

    name: PathName | None = None
    description: Summary | None = None
    dataset: PathName | None = None

    _given = never_null("name")


class MembersChange(RequestBody):
    """Members to add and to remove; those that are there already, or are not there, stay so."""

    add: Members = Field(default=[])
    remove: Members = Field(default=[])

    @model_validator(mode="after")
    def _clear(self) -> "MembersChange":
        if both := set(self.add) & set(self.remove):
            raise ValueError(f"{min(both)!r} is to be added and removed")
        return self


def register(api: Endpoints, collections: Collections) -> None:
    """Declare the endpoints."""

    @api.post(_PATH, Action.WRITE, status=201, refusals=("COLLECTION_EXISTS", "DATASET_NOT_FOUND", "PROJECT_NOT_FOUND"))
    def create_collection(call: Call[CollectionRequest]) -> Collection:
        """Create a collection."""
        wanted = call.wanted
        return collections.create(
            call.workspace, wanted.name, wanted.description, wanted.dataset, wanted.members, call.once
        )

    @api.get(_PATH, Action.READ, result=Listed(CollectionListed, "collections"), refusals=("PROJECT_NOT_FOUND",))
    def list_collections(call: Call[Page]) -> Response[str]:
        """List the collections of a project by name."""
        page = call.wanted
        rows, total = collections.list_facts(call.workspace, page.start, page.end)
        return answer(200, page.shown("collections", [row.model_dump_json() for row in rows], total))

    @api.get(f"{_PATH}/{{name}}", Action.READ, refusals=("COLLECTION_NOT_FOUND",))
    def get_collection(call: Call[NoQuery]) -> Collection:
        """Get a collection with its first thousand members."""
        return collections.get(call.workspace, call.path["name"])

    @api.patch(f"{_PATH}/{{name}}", Action.WRITE, refusals=(*_CHANGED, "COLLECTION_EXISTS", "DATASET_NOT_FOUND"))
    def update_collection(call: Call[CollectionChange]) -> Collection:
        """Change a collection: only the fields that are given; `dataset` moves it."""
        changes = call.wanted.model_dump(include=call.wanted.model_fields_set)
        return collections.update(call.workspace, call.path["name"], changes, call.if_match)

    @api.delete(f"{_PATH}/{{name}}", Action.WRITE, if_match=True, refusals=_CHANGED)
    def delete_collection(call: Call[NoBody]) -> Success:
        """Delete a collection; its name is free again."""
        collections.delete(call.workspace, call.path["name"], call.if_match)
        return Success()

    @api.post(f"{_PATH}/{{name}}/members", Action.WRITE, refusals=_CHANGED)
    def change_collection_members(call: Call[MembersChange]) -> Collection:
        """Add members to a collection and remove members from it; each is there once."""
        wanted = call.wanted
        return collections.change_members(call.workspace, call.path["name"], wanted.add, wanted.remove, call.once)

    @api.get(f"{_PATH}/{{name}}/members", Action.READ, result=Listed(str, "members"), refusals=_CHANGED)
    def list_collection_members(call: Call[Page]) -> Response[str]:
        """List the members of a collection in the order of their bytes."""
        members, total = collections.list_members(call.workspace, call.path["name"], call.wanted.end)
        return answer(200, call.wanted.of("members", [as_json(member) for member in members], total))
