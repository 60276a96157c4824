"""Which header values count as one credential, and who an API key belongs to."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packhouse.access.authorize import find_credential, find_principal
from packhouse.access.model import IssuedKey, Principal, Role, Scope, Workspace
from packhouse.access.service import Access
from packhouse.access.store import AccessStore
from packhouse.access.tokens import TokenVerifier
from packhouse.aws.clock import later, timestamp
from packhouse.aws.once import Once
from tests.bench.wire import Wire
from tests.unit.access.issuer import AUDIENCE, ISSUER, KeyServer, claims, token

WORKSPACE = Workspace("acme", "match-day")
OWNER = Principal(principal_id="user-owner", memberships={"acme": Role.OWNER})
MOMENT = timestamp(datetime(2026, 4, 15, 10, tzinfo=UTC))
Headers = dict[str, list[str]]


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({"authorization": ["Bearer abc"]}, "abc"),
        ({"authorization": ["bearer abc"]}, "abc"),
        ({"authorization": ["BEARER phk_1_2"]}, "phk_1_2"),
        ({"x-api-key": ["phk_1_2"]}, "phk_1_2"),
        ({"authorization": ["Bearer abc"], "x-workspace": ["a/b"], "accept": ["*/*"]}, "abc"),
        ({}, None),
        ({"authorization": []}, None),
        ({"authorization": [""]}, None),
        ({"authorization": ["Bearer"]}, None),
        ({"authorization": ["Bearer "]}, None),
        ({"authorization": ["Bearer  abc"]}, None),
        ({"authorization": ["Bearer abc "]}, None),
        ({"authorization": ["Bearer a b"]}, None),
        ({"authorization": [" Bearer abc"]}, None),
        ({"authorization": ["Bearer\tabc"]}, None),
        ({"authorization": ["Basic YTpi"]}, None),
        ({"authorization": ["Token abc"]}, None),
        ({"authorization": ["abc"]}, None),
        ({"authorization": ["phk_1_2"]}, None),
        ({"authorization": ["Bearer abc", "Bearer abc"]}, None),
        ({"authorization": ["Bearer abc", ""]}, None),
        ({"authorization": ["Bearer abc"], "x-api-key": ["phk_1_2"]}, None),
        ({"authorization": ["Basic YTpi"], "x-api-key": ["phk_1_2"]}, None),
        ({"x-api-key": ["phk_1_2", "phk_1_2"]}, None),
        ({"x-api-key": [""]}, None),
        ({"x-api-key": ["abc"]}, None),
        ({"x-api-key": ["Bearer phk_1_2"]}, None),
        ({"x-api-key": ["PHK_1_2"]}, None),
        ({"cookie": ["authorization=Bearer abc"]}, None),
        ({"proxy-authorization": ["Bearer abc"]}, None),
    ],
)
def test_exactly_one_header_in_its_form_is_a_credential(headers: Headers, found: str | None) -> None:
    assert find_credential(headers, {}) == found


QUERY_NAMES = ["access_token", "token", "api_key", "authorization", "X-API-Key", "Access_Token", "TOKEN"]


@pytest.mark.parametrize("name", QUERY_NAMES)
def test_a_credential_in_the_query_string_spoils_the_one_in_the_header(name: str) -> None:
    assert find_credential({"authorization": ["Bearer abc"]}, {name: "abc"}) is None
    assert find_credential({}, {name: "abc"}) is None


@given(st.lists(st.sampled_from(["Bearer abc", "phk_1_2", "", "Basic x"])), st.lists(st.sampled_from(["phk_1_2", "x"])))
def test_two_headers_are_never_a_credential(bearers: list[str], keys: list[str]) -> None:
    found = find_credential({"authorization": bearers, "x-api-key": keys}, {"limit": "5"})
    assert found is None or (len(bearers) + len(keys) == 1 and found in {"abc", "phk_1_2"})


class _Clock:
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.moment = MOMENT

    def __call__(self) -> str:
        return self.moment


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


@pytest.fixture
def access(wire: Wire, clock: _Clock) -> Access:
    return Access(AccessStore("AccessTable"), "a secret of the tests", clock=clock)


def issue(
    access: Access, workspace: Workspace, name: str, scopes: tuple[Scope, ...], expires_at: str | None
) -> IssuedKey:
    """Make a key and return it as its one answer shows it."""
    return access.issued(access.create_key(workspace, name, scopes, expires_at, OWNER, Once()))


def test_a_key_opens_its_project_with_its_scopes(access: Access) -> None:
    key = issue(access, WORKSPACE, "ci", (Scope.READ, Scope.EXPORT), None)
    credential = key.key
    found = access.find_key_principal(credential)
    scopes = (Scope.READ, Scope.EXPORT)
    assert found == Principal(principal_id=key.id, key_workspace="acme/match-day", key_scopes=scopes)
    assert not found.is_internal
    assert not found.memberships


def test_a_key_is_shown_once_and_its_secret_stored_nowhere(access: Access, wire: Wire) -> None:
    credential = issue(access, WORKSPACE, "ci", (Scope.READ,), None).key
    secret = credential.rpartition("_")[2]
    stored = access.store.find_key(credential.removeprefix("phk_").rpartition("_")[0])
    assert stored is not None
    assert secret not in stored.model_dump_json()
    assert len(secret) == 64


def test_every_change_of_a_key_opens_nothing(access: Access) -> None:
    good = issue(access, WORKSPACE, "ci", (Scope.READ,), None).key
    assert access.find_key_principal(good) is not None
    for at in range(len("phk_"), len(good)):
        other = "0" if good[at] != "0" else "1"
        assert access.find_key_principal(good[:at] + other + good[at + 1 :]) is None, at
    for length in range(len("phk_"), len(good)):
        assert access.find_key_principal(good[:length]) is None, length


def test_the_secret_of_one_key_does_not_open_another(access: Access) -> None:
    one = issue(access, WORKSPACE, "one", (Scope.READ,), None).key
    two = issue(access, WORKSPACE, "two", (Scope.READ,), None).key
    assert access.find_key_principal(f"{one.rpartition('_')[0]}_{two.rpartition('_')[2]}") is None


@pytest.mark.parametrize(
    "credential",
    [
        "phk_",
        "phk__",
        "phk___",
        "phk_key",
        "phk_key_",
        "phk__secret",
        "phk_KEY#x_y",
        "phk_PRN#user_x",
        "phk_key_01ARZ3NDEKTSV4RRFFQ69G5FAV_" + "0" * 64,
        "phk_ü_ü",
        "phk_\x00_\x00",
        "phk_" + "k" * 4000 + "_0",
        "phk_key_" + "0" * 26 + "_" + "0" * 100_000,
        "phk_\ud800_\ud800",
    ],
)
def test_what_is_no_key_opens_nothing(access: Access, credential: str) -> None:
    assert access.find_key_principal(credential) is None


def test_what_has_not_the_form_of_a_key_costs_no_read(access: Access, wire: Wire) -> None:
    wire.take()
    for credential in ("phk_" + "k" * 4000 + "_0", "phk_key_1_2", "phk_PRN#user_" + "0" * 64):
        assert access.find_key_principal(credential) is None
    assert wire.calls == []


def test_a_revoked_key_opens_nothing_from_then_on(access: Access) -> None:
    key = issue(access, WORKSPACE, "ci", (Scope.READ,), None)
    credential = key.key
    access.store.revoke_key(WORKSPACE, key.id, MOMENT)
    assert access.find_key_principal(credential) is None


def test_a_key_expires_at_its_moment(access: Access, clock: _Clock) -> None:
    credential = issue(access, WORKSPACE, "ci", (Scope.READ,), later(MOMENT, 60)).key
    clock.moment = later(MOMENT, 59)
    assert access.find_key_principal(credential) is not None
    clock.moment = later(MOMENT, 60)
    assert access.find_key_principal(credential) is None


def test_a_person_comes_with_memberships_and_flags(access: Access) -> None:
    for namespace in ("acme", "beta"):
        access.set_member(namespace, OWNER.principal_id, Role.OWNER, OWNER)
    access.set_member("acme", "user-1", Role.EDITOR, OWNER)
    access.set_member("beta", "user-1", Role.VIEWER, OWNER)
    access.set_member("beta", "user-10", Role.OWNER, OWNER)
    with KeyServer() as server:
        verifier = TokenVerifier(server.url, ISSUER, AUDIENCE)
        found = find_principal(token(claims(sub="user-1", is_support=True)), access, verifier)
        stranger = find_principal(token(claims(sub="user-2")), access, verifier)
        assert find_principal(token(claims(exp=1)), access, verifier) is None
    memberships = {"acme": Role.EDITOR, "beta": Role.VIEWER}
    assert found == Principal(principal_id="user-1", memberships=memberships, is_support=True)
    assert stranger == Principal(principal_id="user-2")


def test_a_key_is_looked_up_as_a_key_only(access: Access, wire: Wire) -> None:
    unknown = f"phk_key_{'0' * 26}_{'0' * 64}"
    wire.take()
    assert find_principal(unknown, access, TokenVerifier("http://127.0.0.1:9/", ISSUER, AUDIENCE)) is None
    assert wire.of("dynamodb") == ("GetItem",)
