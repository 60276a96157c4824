"""Who may do what: the whole matrix of role, action, internal flags and key scopes, written out and by property."""

from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packhouse.access.model import Action, Principal, Role, Scope
from packhouse.access.rules import permit

S, R, W, X, OWN = Action.SEE, Action.READ, Action.WRITE, Action.EXPORT, Action.OWN
ROLES = (None, *Role)
HERE = ("acme", "match-day")

# role, is_developer, is_support → the actions allowed; whatever is not allowed is 403, or 404 where nothing is visible
TABLE = [
    (None, False, False, set()),
    (None, False, True, {S, R}),
    (None, True, False, {S, R}),
    (None, True, True, {S, R}),
    (Role.VIEWER, False, False, {S, R}),
    (Role.VIEWER, False, True, {S, R}),
    (Role.VIEWER, True, False, {S, R}),
    (Role.VIEWER, True, True, {S, R}),
    (Role.EDITOR, False, False, {S, R, W, X}),
    (Role.EDITOR, False, True, {S, R, W, X}),
    (Role.EDITOR, True, False, {S, R, W, X}),
    (Role.EDITOR, True, True, {S, R, W, X}),
    (Role.OWNER, False, False, {S, R, W, X, OWN}),
    (Role.OWNER, False, True, {S, R, W, X, OWN}),
    (Role.OWNER, True, False, {S, R, W, X, OWN}),
    (Role.OWNER, True, True, {S, R, W, X, OWN}),
]


def person(role: Role | None, *, developer: bool = False, support: bool = False, namespace: str = "acme") -> Principal:
    memberships = {namespace: role} if role else {}
    return Principal(principal_id="u", memberships=memberships, is_developer=developer, is_support=support)


def key(*scopes: Scope, workspace: str = "acme/match-day") -> Principal:
    return Principal(principal_id="key_1", key_workspace=workspace, key_scopes=scopes)


def test_the_table_is_whole() -> None:
    assert {row[:3] for row in TABLE} == set(product(ROLES, (False, True), (False, True)))


@pytest.mark.parametrize("project", ["match-day", None])
@pytest.mark.parametrize(("role", "developer", "support", "allowed"), TABLE)
def test_a_person_may_do_what_the_table_says(
    role: Role | None, developer: bool, support: bool, allowed: set[Action], project: str | None
) -> None:
    caller = person(role, developer=developer, support=support)
    found = {action: permit(caller, "acme", project, action) for action in Action}
    assert {action for action in Action if found[action].allowed} == allowed
    visible = role is not None or developer or support
    assert {permission.visible for permission in found.values()} == {visible}
    assert all(bool(permission.reason) == (visible and not permission.allowed) for permission in found.values())


@pytest.mark.parametrize("scopes", [(), *((scope,) for scope in Scope), tuple(Scope)])
def test_a_key_may_do_what_its_scopes_say_and_never_what_owners_do(scopes: tuple[Scope, ...]) -> None:
    allowed = {action for action in Action if permit(key(*scopes), *HERE, action).allowed}
    assert {action.value for action in allowed} == {scope.value for scope in scopes} | {S.value}
    assert all(permit(key(*scopes), *HERE, action).visible for action in Action)


SLUGS = st.sampled_from(["acme", "beta", "match-day", "acme/match", "day", "", "a/b", "match"])
PRINCIPALS = st.builds(
    Principal,
    principal_id=st.just("p"),
    memberships=st.dictionaries(SLUGS, st.sampled_from(Role)),
    is_developer=st.booleans(),
    is_support=st.booleans(),
    key_workspace=st.none() | st.builds("{}/{}".format, SLUGS, SLUGS),
    key_scopes=st.lists(st.sampled_from(Scope)).map(tuple),
)


@given(SLUGS, st.none() | SLUGS, st.sampled_from(Action), st.dictionaries(SLUGS, st.sampled_from(Role)))
def test_a_stranger_sees_nothing(
    namespace: str, project: str | None, action: Action, memberships: dict[str, Role]
) -> None:
    elsewhere = {name: role for name, role in memberships.items() if name != namespace}
    found = permit(Principal(principal_id="p", memberships=elsewhere), namespace, project, action)
    assert (found.allowed, found.visible, found.reason) == (False, False, "")


@given(PRINCIPALS, SLUGS, st.none() | SLUGS, st.sampled_from(Action))
def test_a_key_sees_its_own_project_only_whatever_else_it_says(
    principal: Principal, namespace: str, project: str | None, action: Action
) -> None:
    found = permit(principal, namespace, project, action)
    if principal.key_workspace is not None and found.visible:
        assert project is not None
        assert principal.key_workspace == f"{namespace}/{project}"
        assert action is not Action.OWN or not found.allowed


@given(PRINCIPALS, SLUGS, st.none() | SLUGS, st.sampled_from(Action))
def test_what_is_allowed_is_visible(principal: Principal, namespace: str, project: str | None, action: Action) -> None:
    found = permit(principal, namespace, project, action)
    assert found.visible or not found.allowed


@given(SLUGS, st.none() | SLUGS, st.booleans(), st.booleans())
def test_a_greater_role_may_do_all_that_a_lesser_may(
    namespace: str, project: str | None, developer: bool, support: bool
) -> None:
    callers = [person(role, developer=developer, support=support, namespace=namespace) for role in ROLES]
    allowed = [
        {action for action in Action if permit(caller, namespace, project, action).allowed} for caller in callers
    ]
    assert all(lesser <= greater for lesser, greater in pairwise(allowed))
