"""Collections, in the `catalog` table.

COLS#<ns>/<project> / !            how many collections the project has
COLS#<ns>/<project> / C#<name>     a collection without its members
PLACE#<place>       / C#<name>     its first members; the place is a dataset's id, or the collection's own
MEMBERS#<id>        / S#<member>   a segment of its other members, from this one on
MEMBERS#<id>        / !            a deleted collection: what it was

Every write of members is one transaction with the collection's item, whose `etag` guards head and segments; reads of
several of these items belong together when the head bears the `members_etag` of the collection's item.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.models import Model

from packhouse.access.model import Workspace
from packhouse.aws.dynamo import Key, StaleError, Transaction, as_json, bind, read_together
from packhouse.collections.model import CollectionFacts
from packhouse.errors import ConflictError, NotFoundError


class _CollectionItem(Model):
    class Meta:
        table_name = ""

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    id = UnicodeAttribute(null=True)
    description = UnicodeAttribute(null=True)
    project_id = UnicodeAttribute(null=True)
    place = UnicodeAttribute(null=True)
    members = UnicodeAttribute(null=True)  # JSON, as it is answered
    member_count = NumberAttribute(null=True)
    created_at = UnicodeAttribute(null=True)
    updated_at = UnicodeAttribute(null=True)
    etag = UnicodeAttribute(null=True)
    members_etag = UnicodeAttribute(null=True)
    collections = NumberAttribute(null=True)
    body = UnicodeAttribute(null=True)


@dataclass(frozen=True)
class Head:
    """The first members of a collection, as JSON."""

    collection_id: str
    name: str
    members: str
    member_count: int


_FIRST = "!"
_NAMES = "C#"
_SEGMENTS = "S#"


def _stale() -> StaleError:
    return StaleError("COLLECTION_CONFLICT", "The collection changed at the same moment; read it again and repeat.")


def _pk(workspace: Workspace) -> str:
    return f"COLS#{workspace}"


def _place_pk(place: str) -> str:
    return f"PLACE#{place}"


def _members_pk(collection_id: str) -> str:
    return f"MEMBERS#{collection_id}"


class CollectionStore:
    """The collections of projects, and their members."""

    def __init__(self, table: str) -> None:
        bind(_CollectionItem, table)

    def count(self, tx: Transaction, workspace: Workspace, more: int) -> None:
        """Add that the project has so many collections more; what is counted is in the same transaction."""
        tx.update(_CollectionItem(_pk(workspace), _FIRST), [_CollectionItem.collections.add(more)])

    def put_new(self, tx: Transaction, workspace: Workspace, facts: CollectionFacts) -> None:
        """Add the write of a collection under a name that must be free."""
        taken = ConflictError("COLLECTION_EXISTS", f"{workspace} has a collection {facts.name} already.")
        tx.put(_item(workspace, facts), _CollectionItem.pk.does_not_exist(), taken)

    def put(self, tx: Transaction, workspace: Workspace, facts: CollectionFacts, seen: CollectionFacts) -> None:
        """Add the change of a collection that is still as it was seen, under the same name."""
        tx.put(_item(workspace, facts), _CollectionItem.etag == seen.etag, _stale())

    def delete(self, tx: Transaction, workspace: Workspace, seen: CollectionFacts) -> None:
        """Add the removal of a collection's name, if it is still as it was seen."""
        tx.delete(_CollectionItem(_pk(workspace), _NAMES + seen.name), _CollectionItem.etag == seen.etag, _stale())

    def put_head(self, tx: Transaction, facts: CollectionFacts, members: tuple[str, ...]) -> None:
        """Add the write of the first members; the collection's own item, written with it, guards it."""
        item = _CollectionItem(_place_pk(facts.place), _NAMES + facts.name, id=facts.id)
        item.members_etag = facts.members_etag
        item.members, item.member_count = as_json(members), facts.member_count
        tx.put(item)

    def delete_head(self, tx: Transaction, seen: CollectionFacts) -> None:
        """Add the removal of the first members from their place."""
        tx.delete(_CollectionItem(_place_pk(seen.place), _NAMES + seen.name), _CollectionItem.id == seen.id, _stale())

    def put_segment(self, tx: Transaction, collection_id: str, members: tuple[str, ...]) -> None:
        """Add the write of a segment."""
        tx.put(_CollectionItem(_members_pk(collection_id), _SEGMENTS + members[0], members=as_json(members)))

    def delete_segment(self, tx: Transaction, collection_id: str, first: str) -> None:
        """Add the removal of a segment."""
        item = _CollectionItem(_members_pk(collection_id), _SEGMENTS + first)
        tx.delete(item, _CollectionItem.pk.exists(), _stale())

    def put_deleted(self, tx: Transaction, seen: CollectionFacts, members: tuple[str, ...]) -> None:
        """Add what a deleted collection was; its other members stay where they are."""
        item = _CollectionItem(_members_pk(seen.id), _FIRST, body=seen.model_dump_json(), members=as_json(members))
        tx.put(item, _CollectionItem.pk.does_not_exist(), _stale())

    def get(self, workspace: Workspace, name: str) -> CollectionFacts:
        """Return a collection without its members; one read."""
        try:
            return _facts(_CollectionItem.get(_pk(workspace), _NAMES + name, consistent_read=True))
        except _CollectionItem.DoesNotExist:
            raise NotFoundError("COLLECTION_NOT_FOUND", f"There is no collection {name} in {workspace}.") from None

    def list_facts(self, workspace: Workspace, end: int) -> tuple[list[CollectionFacts], int]:
        """Return the first `end` collections by name, and how many there are; one query a megabyte."""
        rows = _CollectionItem.query(_pk(workspace), limit=end + 1, consistent_read=True)
        first = next(rows, None)
        return [_facts(item) for item in rows], 0 if first is None else int(first.collections)

    def head_key(self, facts: CollectionFacts) -> Key:
        """Return the key of the first members, for reads together with other items."""
        return _CollectionItem, _place_pk(facts.place), _NAMES + facts.name

    def read_head(self, facts: CollectionFacts) -> tuple[str, ...]:
        """Return the first members of a collection as it was seen; one read. `StaleError` when they have changed."""
        return self.head_in(read_together([self.head_key(facts)]), facts)

    def head_in(self, found: dict[tuple[str, str], Model], facts: CollectionFacts) -> tuple[str, ...]:
        """Return the first members among items that were read together; `StaleError` when they have changed."""
        item = found.get(self.head_key(facts)[1:])
        if not isinstance(item, _CollectionItem) or item.members_etag != facts.members_etag:
            raise _stale()
        return tuple(json.loads(item.members))

    def demand_same(self, workspace: Workspace, seen: CollectionFacts) -> None:
        """Raise `StaleError` unless the members are those of the collection as it was seen; one read."""
        if self.get(workspace, seen.name).members_etag != seen.members_etag:
            raise _stale()

    def iter_heads(self, dataset_id: str) -> Iterator[Head]:
        """Yield the collections of a dataset by name, each with its first members; one query a megabyte."""
        rows = _CollectionItem.query(_place_pk(dataset_id), _CollectionItem.sk.startswith(_NAMES), consistent_read=True)
        for item in rows:
            yield Head(item.id, item.sk.removeprefix(_NAMES), item.members, int(item.member_count))

    def iter_segments(self, collection_id: str) -> Iterator[tuple[str, ...]]:
        """Yield the segments of a collection in the order of their members; one query a megabyte."""
        rows = _CollectionItem.query(
            _members_pk(collection_id), _CollectionItem.sk.startswith(_SEGMENTS), consistent_read=True
        )
        for item in rows:
            yield tuple(json.loads(item.members))


def _item(workspace: Workspace, facts: CollectionFacts) -> _CollectionItem:
    item = _CollectionItem(_pk(workspace), _NAMES + facts.name, id=facts.id, etag=facts.etag)
    item.members_etag = facts.members_etag
    item.project_id, item.place, item.description = facts.project_id, facts.place, facts.description
    item.member_count, item.created_at, item.updated_at = facts.member_count, facts.created_at, facts.updated_at
    return item


def _facts(item: _CollectionItem) -> CollectionFacts:
    return CollectionFacts(
        id=item.id,
        name=item.sk.removeprefix(_NAMES),
        description=item.description,
        project_id=item.project_id,
        place=item.place,
        member_count=int(item.member_count),
        created_at=item.created_at,
        updated_at=item.updated_at,
        etag=item.etag,
        members_etag=item.members_etag,
    )
