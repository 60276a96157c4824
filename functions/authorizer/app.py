"""The Lambda authorizer of the API: a credential in, an allow policy with the principal out, 401 otherwise."""

from collections.abc import Mapping
from typing import Any

from packhouse.access.authorize import find_credential, find_principal
from packhouse.access.service import Access
from packhouse.access.store import AccessStore
from packhouse.access.tokens import TokenVerifier
from packhouse.settings import AuthorizerSettings

_settings = AuthorizerSettings.from_env()
_access = Access(AccessStore(_settings.access_table))
_tokens = TokenVerifier(_settings.jwks_url, _settings.jwt_issuer, _settings.jwt_audience)


class Unauthorized(Exception):  # noqa: N818  API Gateway turns exactly this message into 401
    """No credential, a bad one, or more than one."""


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer an API Gateway REQUEST authorization."""
    credential = find_credential(_all_values(event), event.get("queryStringParameters") or {})
    principal = find_principal(credential, _access, _tokens) if credential else None
    if principal is None:
        raise Unauthorized("Unauthorized")
    stage_arn = "/".join(event["methodArn"].split("/", 2)[:2])
    return {
        "principalId": principal.principal_id,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": f"{stage_arn}/*"}],
        },
        "context": {"principal": principal.model_dump_json()},
    }


def _all_values(event: Mapping[str, Any]) -> dict[str, list[str]]:
    single = {name: [value] for name, value in (event.get("headers") or {}).items()}
    return {name.lower(): values for name, values in (single | (event.get("multiValueHeaders") or {})).items()}
