"""The authorizer's decision: from the headers of a request to its principal, at the cost of one DynamoDB read."""

from collections.abc import Mapping

from packhouse.access.model import Principal
from packhouse.access.service import KEY_PREFIX, Access
from packhouse.access.tokens import TokenVerifier


def find_credential(headers: Mapping[str, list[str]], query: Mapping[str, object]) -> str | None:
    """Return the one credential of a request, or `None` when there is none, more than one, or one in the query string.

    `headers` by lower-case name, each with all its values.

    >>> find_credential({"authorization": ["Bearer abc"]}, {})
    'abc'
    >>> find_credential({"authorization": ["Bearer abc"], "x-api-key": ["phk_1"]}, {}) is None
    True
    """
    if {name.lower() for name in query} & {"authorization", "access_token", "token", "api_key", "x-api-key"}:
        return None
    given = [("authorization", value) for value in headers.get("authorization", [])]
    given += [("x-api-key", value) for value in headers.get("x-api-key", [])]
    if len(given) != 1:
        return None
    header, value = given[0]
    if header == "x-api-key":
        return value if value.startswith(KEY_PREFIX) else None
    scheme, _, credential = value.partition(" ")
    return credential if scheme.lower() == "bearer" and credential and " " not in credential else None


def find_principal(credential: str, access: Access, tokens: TokenVerifier) -> Principal | None:
    """Return who the credential belongs to, with memberships or scopes, or `None` when it opens nothing."""
    if credential.startswith(KEY_PREFIX):
        return access.find_key_principal(credential)
    claims = tokens.find_claims(credential)
    if claims is None:
        return None
    return Principal(
        principal_id=claims.sub,
        memberships=access.store.list_memberships(claims.sub),
        is_developer=claims.is_developer,
        is_support=claims.is_support,
    )
