"""Use cases of access: who a credential belongs to, members of a namespace, keys of a project."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

from packhouse.access.model import IssuedKey, Member, Principal, Role, Scope, Workspace
from packhouse.access.store import AccessStore
from packhouse.aws.clock import Clock, NewId, new_id, now
from packhouse.aws.dynamo import Transaction
from packhouse.aws.objects import sha256_hex
from packhouse.aws.once import Once
from packhouse.errors import ConflictError

KEY_PREFIX = "phk_"
_CREDENTIAL = re.compile(KEY_PREFIX + r"(key_[0-9A-HJKMNP-TV-Z]{26})_([0-9a-f]{64})")


@dataclass(frozen=True)
class Access:
    """Members and keys."""

    store: AccessStore
    issue_secret: str | None = None
    clock: Clock = now
    new_id: NewId = new_id

    def find_key_principal(self, credential: str) -> Principal | None:
        """Return the principal of `phk_<key id>_<secret>`, or `None` when it opens nothing (now)."""
        form = _CREDENTIAL.fullmatch(credential)
        if form is None:
            return None
        key_id, secret = form.groups()
        key = self.store.find_key(key_id)
        # The comparison runs for unknown keys too, so that its time tells nothing.
        genuine = hmac.compare_digest(sha256_hex(secret.encode()), key.secret_sha256 if key else sha256_hex(b""))
        if key is None or not genuine or key.revokedAt or (key.expiresAt and key.expiresAt <= self.clock()):
            return None
        return Principal(principal_id=key.id, key_workspace=key.workspace, key_scopes=key.scopes)

    def set_member(self, namespace: str, principal_id: str, role: Role, caller: Principal) -> Member:
        """Give a principal a role in the namespace."""
        member = Member(principalId=principal_id, role=role, createdAt=self.clock())
        tx = Transaction()
        if role is not Role.OWNER:
            self._keep_an_owner(tx, namespace, principal_id, caller)
        self.store.put_member(tx, namespace, member)
        tx.commit()
        return member

    def remove_member(self, namespace: str, principal_id: str, caller: Principal) -> None:
        """Take a principal's membership away; it acts on the next request."""
        tx = Transaction()
        self._keep_an_owner(tx, namespace, principal_id, caller)
        self.store.delete_member(tx, namespace, principal_id)
        tx.commit()

    def _keep_an_owner(self, tx: Transaction, namespace: str, principal_id: str, caller: Principal) -> None:
        """Tie the loss of a role to another owner who stays: of two who lower each other, one write is refused."""
        stays = caller.principal_id
        if principal_id == stays:
            owners = (member for member in self.store.iter_members(namespace) if member.role is Role.OWNER)
            stays = next((owner.principalId for owner in owners if owner.principalId != principal_id), "")
        if not stays:
            raise ConflictError("LAST_OWNER", f"{principal_id} is the last owner of {namespace}.")
        self.store.demand_owner(tx, namespace, stays)

    def create_key(
        self,
        workspace: Workspace,
        name: str,
        scopes: tuple[Scope, ...],
        expires_at: str | None,
        caller: Principal,
        once: Once,
    ) -> IssuedKey:
        """Make an API key of the project. Its `key` is a nonce, of which `issued` makes the credential."""
        nonce = secrets.token_hex(32)
        key = IssuedKey(
            id=self.new_id("key"),
            name=name,
            scopes=scopes,
            expiresAt=expires_at,
            createdAt=self.clock(),
            createdBy=caller.principal_id,
            key=nonce,
        )
        tx = Transaction()
        self.store.put_key(tx, workspace, key, sha256_hex(self._secret(nonce).encode()))
        return once.commit(tx, key)

    def issued(self, key: IssuedKey) -> IssuedKey:
        """Return a new key with its credential.

        Nothing that is stored tells the secret: it is an HMAC of the nonce, which nobody has a day later, under a
        secret that is in no table.
        """
        return key.model_copy(update={"key": f"{KEY_PREFIX}{key.id}_{self._secret(key.key)}"})

    def _secret(self, nonce: str) -> str:
        if self.issue_secret is None:
            raise ValueError("no secret to issue keys with")
        return hmac.digest(self.issue_secret.encode(), nonce.encode(), hashlib.sha256).hex()
