"""Tokens and keys that are almost right: every one of them is 401."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from local import identity
from local.stack import Stack
from tests.registry import Registry

PATH = "/namespaces"
NOW = int(time.time())
OTHER_KEY = ec.generate_private_key(ec.SECP256R1())

ODD_CLAIMS: dict[str, dict[str, Any]] = {
    "expired beyond the leeway": {"exp": NOW - 60},
    "lives longer than a day": {"exp": NOW + 25 * 3600},
    "lives for ever": {"exp": 10**30},
    "expires at a string": {"exp": str(NOW + 600)},
    "expires at a fraction": {"exp": NOW + 600.5},
    "expires at true": {"exp": True},
    "no expiry": {"exp": None},
    "not yet valid": {"nbf": NOW + 3600},  # the suite takes minutes
    "issued in the future": {"iat": NOW + 3600},
    "another audience": {"aud": "someone-else"},
    "no audience": {"aud": None},
    "another issuer": {"iss": "https://elsewhere.test"},
    "nobody": {"sub": None},
    "an empty subject": {"sub": ""},
    "a subject with a slash": {"sub": "user/owner"},
    "a subject with a line break": {"sub": "user-owner\n"},
    "a subject that is a list": {"sub": ["user-owner"]},
    "a subject of another language": {"sub": "usér-owner"},
    "a developer in words": {"is_developer": "true"},
    "a developer in numbers": {"is_developer": 1},
}


def status(registry: Registry, headers: dict[str, str] | list[tuple[str, str]], **more: Any) -> int:
    return registry.http.get(PATH, headers=headers, **more).status_code


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def claims() -> dict[str, Any]:
    now = int(time.time())
    return {"iss": identity.ISSUER, "aud": identity.AUDIENCE, "sub": "user-owner", "iat": now, "exp": now + 600}


def test_an_ordinary_token_opens(registry: Registry) -> None:
    assert status(registry, registry.stack.headers("owner")) == 200


def test_a_token_just_past_its_end_is_within_the_leeway(registry: Registry) -> None:
    assert status(registry, bearer(identity.mint(registry.stack.state_dir, "owner", exp=int(time.time()) - 10))) == 200


@pytest.mark.parametrize("odd", ODD_CLAIMS)
def test_a_genuine_signature_does_not_save_odd_claims(registry: Registry, odd: str) -> None:
    ordinary = claims()
    wanted = {name: value for name, value in (ordinary | ODD_CLAIMS[odd]).items() if value is not None}
    key = identity.signing_key(registry.stack.state_dir)
    # PyJWT refuses to sign some of these, so the token is put together by hand.
    header = {"alg": "ES256", "typ": "JWT", "kid": identity.KEY_ID}
    signed = b".".join(encoded(part) for part in (header, wanted))
    signature = ECAlgorithm(ECAlgorithm.SHA256).sign(signed, key)
    token = (signed + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()
    assert status(registry, bearer(token)) == 401


def encoded(part: dict[str, Any]) -> bytes:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")


def unsigned(_: Stack) -> str:
    return jwt.encode(claims(), "", algorithm="none", headers={"kid": identity.KEY_ID})


def none_with_the_old_signature(stack: Stack) -> str:
    signature = stack.tokens["owner"].rpartition(".")[2]
    return b".".join((encoded({"alg": "none", "kid": identity.KEY_ID}), encoded(claims()), signature.encode())).decode()


def public_key_as_secret(stack: Stack) -> str:
    public = identity.signing_key(stack.state_dir).public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    signed = encoded({"alg": "HS256", "kid": identity.KEY_ID}) + b"." + encoded(claims())
    tag = base64.urlsafe_b64encode(hmac.digest(pem, signed, hashlib.sha256)).rstrip(b"=")
    return (signed + b"." + tag).decode()


def of_another_key(_: Stack) -> str:
    return jwt.encode(claims(), OTHER_KEY, algorithm="ES256", headers={"kid": identity.KEY_ID})


def of_an_unknown_kid(stack: Stack) -> str:
    key = identity.signing_key(stack.state_dir)
    return jwt.encode(claims(), key, algorithm="ES256", headers={"kid": "local-2"})


def without_a_kid(stack: Stack) -> str:
    return jwt.encode(claims(), identity.signing_key(stack.state_dir), algorithm="ES256")


def with_its_own_key_inside(_: Stack) -> str:
    embedded = json.loads(ECAlgorithm.to_jwk(OTHER_KEY.public_key()))
    return jwt.encode(claims(), OTHER_KEY, algorithm="ES256", headers={"kid": identity.KEY_ID, "jwk": embedded})


def with_a_link_to_its_key(_: Stack) -> str:
    headers = {"kid": "elsewhere", "jku": "https://elsewhere.test/jwks.json"}
    return jwt.encode(claims(), OTHER_KEY, algorithm="ES256", headers=headers)


def changed_after_signing(stack: Stack) -> str:
    header, _, signature = stack.tokens["stranger"].split(".")
    return f"{header}.{encoded(claims()).decode()}.{signature}"


def without_its_signature(stack: Stack) -> str:
    return stack.tokens["owner"].rpartition(".")[0] + "."


def longer_than_a_token_may_be(stack: Stack) -> str:
    return identity.mint(stack.state_dir, "owner", padding="x" * 8192)


FORGERIES = (
    unsigned,
    none_with_the_old_signature,
    public_key_as_secret,
    of_another_key,
    of_an_unknown_kid,
    without_a_kid,
    with_its_own_key_inside,
    with_a_link_to_its_key,
    changed_after_signing,
    without_its_signature,
    longer_than_a_token_may_be,
)


@pytest.mark.parametrize("forge", FORGERIES, ids=lambda forge: forge.__name__)
def test_a_forged_token_opens_nothing(registry: Registry, forge: Callable[[Stack], str]) -> None:
    assert status(registry, bearer(forge(registry.stack))) == 401


@pytest.mark.parametrize("token", ["x", "a.b", "a.b.c", "....", "{}", "phk_", "phk_x", "é.é.é", "phk_" + "9" * 3000])
def test_rubbish_opens_nothing(registry: Registry, token: str) -> None:
    for name, value in (("Authorization", f"Bearer {token}"), ("X-API-Key", token)):
        assert registry.http.get(PATH, headers={name.encode(): value.encode()}).status_code == 401


def test_other_schemes_open_nothing(registry: Registry) -> None:
    token = registry.stack.tokens["owner"]
    for value in (
        token,
        f"Basic {token}",
        f"Bearer  {token}",
        f"Bearer {token} {token}",
        f"Bearer {token},Bearer {token}",
    ):
        assert status(registry, {"Authorization": value}) == 401, value
    assert status(registry, {"Authorization": f"bearer {token}"}) == 200  # schemes have no case (RFC 9110 §11.1)
    assert status(registry, {"X-API-Key": token}) == 401


@pytest.fixture(scope="module")
def key(registry: Registry) -> str:
    path = f"/namespaces/{registry.new_project().workspace.replace('/', '/projects/')}/api-keys"
    return str(registry.call("POST", path, "owner", json={"name": "a key", "scopes": ["read"]}).json()["key"])


def test_two_credentials_open_nothing(registry: Registry, key: str) -> None:
    token = registry.stack.tokens["owner"]
    assert status(registry, {"X-API-Key": key}) == 200
    assert status(registry, {"X-API-Key": key, **bearer(token)}) == 401
    assert status(registry, [("Authorization", f"Bearer {token}"), ("Authorization", f"Bearer {token}")]) == 401


@pytest.mark.parametrize("name", ["token", "access_token", "api_key", "Authorization", "X-API-Key", "x-api-key"])
def test_a_credential_in_the_query_string_opens_nothing(registry: Registry, key: str, name: str) -> None:
    assert status(registry, {}, params={name: key}) == 401
    assert status(registry, {"X-API-Key": key}, params={name: key}) == 401


def test_a_key_with_one_character_changed_opens_nothing(registry: Registry, key: str) -> None:
    for place in (5, 20, len(key) - 1):
        changed = key[:place] + ("1" if key[place] == "0" else "0") + key[place + 1 :]
        assert status(registry, {"X-API-Key": changed}) == 401
    assert status(registry, {"X-API-Key": key.upper()}) == 401
    assert status(registry, {"X-API-Key": key[:-1]}) == 401


def test_the_secret_of_a_key_is_stored_nowhere(registry: Registry, key: str) -> None:
    table = registry.stack.client("dynamodb").scan(TableName="packhouse-local-access")
    assert key.rpartition("_")[2] not in json.dumps(table["Items"])


def test_the_probe_needs_no_credential(registry: Registry) -> None:
    assert httpx.get(f"{registry.stack.api_url}/api/v1/live").status_code == 200
