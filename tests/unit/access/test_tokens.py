import time
from collections.abc import Iterator

import jwt
import pytest

from packhouse.access.tokens import LEEWAY_SECONDS, LONGEST_SECONDS, TOKEN_BYTES, TokenVerifier
from tests.unit.access.forgeries import FORGERIES
from tests.unit.access.issuer import AUDIENCE, ISSUER, KeyServer, claims, key_set, segment, token


@pytest.fixture(scope="module")
def server() -> Iterator[KeyServer]:
    with KeyServer() as running:
        yield running


@pytest.fixture(scope="module")
def tokens(server: KeyServer) -> TokenVerifier:
    return TokenVerifier(server.url, ISSUER, AUDIENCE)


@pytest.mark.parametrize("alg", ["RS256", "ES256", "EdDSA"])
def test_a_token_of_each_accepted_algorithm_holds(tokens: TokenVerifier, alg: str) -> None:
    found = tokens.find_claims(token(claims(sub="auth0|user-1", is_support=True), alg))
    assert found is not None
    assert (found.sub, found.is_support, found.is_developer) == ("auth0|user-1", True, False)


def test_there_are_at_least_sixty_forgeries() -> None:
    assert len(FORGERIES) >= 60


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_token_opens_nothing(tokens: TokenVerifier, name: str) -> None:
    assert tokens.find_claims(FORGERIES[name]()) is None


@pytest.mark.parametrize("alg", ["RS256", "ES256", "EdDSA"])
def test_a_token_with_any_bit_flipped_opens_nothing(tokens: TokenVerifier, alg: str) -> None:
    good = token(claims(), alg).split(".")
    for place, text in enumerate(good):
        body = jwt.utils.base64url_decode(text)
        for at in range(len(body)):
            flipped = bytearray(body)
            flipped[at] ^= 1 << at % 8
            changed = [*good]
            changed[place] = segment(bytes(flipped))
            assert tokens.find_claims(".".join(changed)) is None, (place, at)


def test_a_token_cut_short_anywhere_opens_nothing(tokens: TokenVerifier) -> None:
    good = token(claims())
    assert [length for length in range(len(good)) if tokens.find_claims(good[:length])] == []


@pytest.mark.parametrize(
    "changed",
    [
        {"exp": ("now", 10 - LEEWAY_SECONDS)},
        {"exp": ("now", LONGEST_SECONDS)},
        {"nbf": ("now", LEEWAY_SECONDS - 10)},
        {"nbf": ..., "iat": ...},
        {"aud": ["other", AUDIENCE]},
        {"sub": "a" * 128},
        {"sub": "0"},
        {"scope": "admin", "roles": ["owner"], "is_owner": True},
        {"padding": "p" * 5000},
    ],
)
def test_a_token_at_the_edge_of_what_is_allowed_holds(tokens: TokenVerifier, changed: dict[str, object]) -> None:
    now = int(time.time())
    claimed = {name: now + value[1] if isinstance(value, tuple) else value for name, value in changed.items()}
    assert tokens.find_claims(token(claims(**claimed))) is not None


def test_a_token_may_have_just_eight_kilobytes(tokens: TokenVerifier) -> None:
    fits = next(made for size in range(5000, 7000) if len(made := token(claims(p="p" * size))) >= TOKEN_BYTES - 2)
    assert TOKEN_BYTES - 2 <= len(fits) <= TOKEN_BYTES
    assert tokens.find_claims(fits) is not None
    assert tokens.find_claims(token(claims(p="p" * 7000))) is None


def test_keys_that_a_token_brings_along_are_ignored(tokens: TokenVerifier, server: KeyServer) -> None:
    brought = token(claims(), jku="http://127.0.0.1:9/jwks.json", jwk={"kty": "oct", "k": "AA"})
    assert tokens.find_claims(brought) is not None
    assert set(server.fetched) == {"/jwks.json"}


def test_unknown_kids_lead_to_one_fetch() -> None:
    with KeyServer() as server:
        tokens = TokenVerifier(server.url, ISSUER, AUDIENCE)
        for number in range(20):
            assert tokens.find_claims(token(claims(), kid=f"unknown-{number}")) is None
        assert tokens.find_claims(token(claims())) is not None
        assert len(server.fetched) <= 2


def test_a_key_set_that_cannot_be_fetched_is_no_verdict() -> None:
    with KeyServer() as server:
        url = server.url
    with pytest.raises(jwt.PyJWKClientConnectionError):
        TokenVerifier(url, ISSUER, AUDIENCE).find_claims(token(claims()))


SECRET_ONLY = {"keys": [{"kty": "oct", "k": "AA", "kid": "es256"}]}


@pytest.mark.parametrize("document", [{}, {"keys": []}, {"keys": "none"}, [], SECRET_ONLY])
def test_a_key_set_without_a_usable_key_opens_nothing(document: dict[str, object]) -> None:
    with KeyServer(lambda: document) as server:
        assert TokenVerifier(server.url, ISSUER, AUDIENCE).find_claims(token(claims())) is None


def test_a_key_that_left_the_set_opens_nothing_once_the_set_is_fetched_again() -> None:
    served = key_set()
    with KeyServer(lambda: served) as server:
        assert TokenVerifier(server.url, ISSUER, AUDIENCE).find_claims(token(claims())) is not None
        served = {"keys": [key for key in served["keys"] if key["kid"] != "es256"]}
        assert TokenVerifier(server.url, ISSUER, AUDIENCE).find_claims(token(claims())) is None
