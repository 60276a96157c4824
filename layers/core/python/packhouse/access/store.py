"""The `access` table: memberships under their principal, API keys under their id.

PRN#<sub>   / NS#<namespace>   a membership (index `members`: all of one namespace)
KEY#<id>    / META             an API key; its secret only as SHA-256 (index `members` under its project)
"""

from collections.abc import Iterator

from pynamodb.attributes import UnicodeAttribute
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model

from packhouse.access.model import ApiKey, Member, Role, Workspace
from packhouse.aws.dynamo import Transaction, bind
from packhouse.errors import ConflictError, NotFoundError, ServiceUnavailableError


class _Members(GlobalSecondaryIndex["_AccessItem"]):  # type: ignore[no-untyped-call]  # pynamodb
    class Meta:
        index_name = "members"
        projection = AllProjection()

    place = UnicodeAttribute(hash_key=True)
    pk = UnicodeAttribute(range_key=True)


class _AccessItem(Model):
    class Meta:
        table_name = ""

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    place = UnicodeAttribute(null=True)
    role = UnicodeAttribute(null=True)
    secret_sha256 = UnicodeAttribute(null=True)
    expires_at = UnicodeAttribute(null=True)
    revoked_at = UnicodeAttribute(null=True)
    body = UnicodeAttribute()
    members = _Members()


class StoredKey(ApiKey):
    """An API key with what the authorizer needs of it."""

    secret_sha256: str
    workspace: str


class AccessStore:
    """Memberships and API keys."""

    def __init__(self, table: str) -> None:
        bind(_AccessItem, table)

    def list_memberships(self, principal_id: str) -> dict[str, Role]:
        """Return the principal's role in each namespace; one read."""
        items = _AccessItem.query(f"PRN#{principal_id}", _AccessItem.sk.startswith("NS#"), consistent_read=True)
        return {item.sk.removeprefix("NS#"): Role(item.role) for item in items}

    def find_key(self, key_id: str) -> StoredKey | None:
        """Return an API key, revoked and expired ones too; one read."""
        try:
            item = _AccessItem.get(f"KEY#{key_id}", "META", consistent_read=True)
        except _AccessItem.DoesNotExist:
            return None
        stored = ApiKey.model_validate_json(item.body).model_dump() | {"revokedAt": item.revoked_at}
        return StoredKey(**stored, secret_sha256=item.secret_sha256, workspace=item.place)

    def iter_members(self, namespace: str) -> Iterator[Member]:
        """Yield the members of a namespace in order of their principal id."""
        for item in _AccessItem.members.query(namespace, _AccessItem.pk.startswith("PRN#")):
            yield Member.model_validate_json(item.body)

    def iter_keys(self, workspace: Workspace) -> Iterator[ApiKey]:
        """Yield the API keys of a project, oldest first."""
        for item in _AccessItem.members.query(str(workspace), _AccessItem.pk.startswith("KEY#")):
            stored = ApiKey.model_validate_json(item.body)
            yield stored.model_copy(update={"revokedAt": item.revoked_at})

    def put_member(self, tx: Transaction, namespace: str, member: Member) -> None:
        """Add the write of a membership, new or changed."""
        item = _AccessItem(f"PRN#{member.principalId}", f"NS#{namespace}", place=namespace, role=member.role.value)
        item.body = member.model_dump_json()
        tx.put(item)

    def demand_owner(self, tx: Transaction, namespace: str, principal_id: str) -> None:
        """Require that a principal is an owner of the namespace when the transaction takes effect."""
        gone = ConflictError("LAST_OWNER", f"{principal_id} is no owner any more; a namespace keeps one.")
        tx.check(_AccessItem, f"PRN#{principal_id}", f"NS#{namespace}", _AccessItem.role == Role.OWNER.value, gone)

    def delete_member(self, tx: Transaction, namespace: str, principal_id: str) -> None:
        """Add the removal of a membership."""
        absent = NotFoundError("MEMBER_NOT_FOUND", f"{principal_id} is no member of {namespace}.")
        tx.delete(_AccessItem(f"PRN#{principal_id}", f"NS#{namespace}"), _AccessItem.pk.exists(), absent)

    def put_key(self, tx: Transaction, workspace: Workspace, key: ApiKey, secret_sha256: str) -> None:
        """Add the write of a new API key."""
        item = _AccessItem(f"KEY#{key.id}", "META", place=str(workspace), secret_sha256=secret_sha256)
        item.expires_at = key.expiresAt
        item.body = key.model_dump_json(include=set(ApiKey.model_fields))
        taken = ServiceUnavailableError("SERVICE_UNAVAILABLE", "The key id is taken; repeat the request.")
        tx.put(item, _AccessItem.pk.does_not_exist(), taken)

    def revoke_key(self, workspace: Workspace, key_id: str, moment: str) -> None:
        """Revoke a key of the project; from the next request on it opens nothing."""
        tx = Transaction()
        tx.update(
            _AccessItem(f"KEY#{key_id}", "META"),
            [_AccessItem.revoked_at.set(_AccessItem.revoked_at | moment)],
            _AccessItem.place == str(workspace),
            NotFoundError("API_KEY_NOT_FOUND", f"There is no key {key_id} in {workspace}."),
        )
        tx.commit()
