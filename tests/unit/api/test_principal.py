"""Which project a call acts in, and what a caller learns of places that are not its own."""

from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from packhouse.access.model import Action, Principal, Role, Scope
from packhouse.api.principal import principal_of, require, workspace_of
from packhouse.errors import InvalidInputError, NotFoundError, PackhouseError, RequestFaultsError

EDITOR = Principal(principal_id="user-1", memberships={"acme": Role.EDITOR})
STRANGER = Principal(principal_id="user-2", memberships={"beta": Role.OWNER})
KEY = Principal(principal_id="key_1", key_workspace="acme/match-day", key_scopes=(Scope.READ,))


def event(caller: Principal, workspace: str | None = None, header: str = "X-Workspace") -> APIGatewayProxyEvent:
    headers = {} if workspace is None else {header: workspace}
    context: dict[str, Any] = {"authorizer": {"principal": caller.model_dump_json()}}
    return APIGatewayProxyEvent({"headers": headers, "requestContext": context})


def code(caller: Principal, workspace: str | None, action: Action = Action.READ) -> str:
    with pytest.raises(PackhouseError) as refused:
        workspace_of(event(caller, workspace), action)
    return f"{refused.value.status} {refused.value.code}"


INTERNAL = Principal(principal_id="p", is_developer=True, is_support=True)


@pytest.mark.parametrize("caller", [EDITOR, STRANGER, KEY, INTERNAL])
def test_the_principal_comes_over_as_the_authorizer_saw_it(caller: Principal) -> None:
    assert principal_of(event(caller)) == caller


@pytest.mark.parametrize("header", ["X-Workspace", "x-workspace", "X-WORKSPACE"])
def test_a_person_names_the_project(header: str) -> None:
    caller, workspace = workspace_of(event(EDITOR, "acme/match-day", header), Action.WRITE)
    assert (caller, workspace) == (EDITOR, ("acme", "match-day"))


def test_a_key_acts_in_its_own_project_named_or_not() -> None:
    for named in (None, "acme/match-day"):
        assert workspace_of(event(KEY, named), Action.READ)[1] == ("acme", "match-day")
    assert code(KEY, "acme/other") == "404 PROJECT_NOT_FOUND"
    assert code(KEY, None, Action.WRITE) == "403 FORBIDDEN"


def test_a_person_who_names_none_is_asked_to() -> None:
    assert code(EDITOR, None) == "400 WORKSPACE_REQUIRED"


@pytest.mark.parametrize(
    "workspace",
    [
        "acme", "/", "acme/", "/match-day", "acme/match/day", "//", "acme//match-day", "Acme/match-day",
        "acme/match day",
        " acme/match-day", "acme/match-day\n", "acme/é", "acme/..", "acme/" + "a" * 64, "acme/" + "a" * 3000,
        "acme\\match-day",
    ],
)  # fmt: skip
def test_a_name_of_another_form_is_a_fault(workspace: str) -> None:
    with pytest.raises(RequestFaultsError) as refused:
        workspace_of(event(EDITOR, workspace), Action.READ)
    assert [fault.loc for fault in refused.value.faults] == ["header X-Workspace"]


@pytest.mark.parametrize("action", list(Action))
def test_a_stranger_is_told_the_same_of_what_is_there_and_what_is_not(action: Action) -> None:
    assert code(STRANGER, "acme/match-day", action) == code(STRANGER, "acme/nothing", action) == "404 PROJECT_NOT_FOUND"
    assert code(Principal(principal_id="p"), "acme/match-day", action) == "404 PROJECT_NOT_FOUND"


def test_a_member_without_the_role_is_told_what_it_needs() -> None:
    with pytest.raises(PackhouseError) as refused:
        require(EDITOR, "acme", "match-day", Action.OWN)
    assert (refused.value.status, refused.value.detail) == (403, "This needs the role owner.")


def test_a_namespace_is_hidden_like_a_project() -> None:
    with pytest.raises(NotFoundError, match="NAMESPACE_NOT_FOUND"):
        require(STRANGER, "acme", None, Action.READ)
    with pytest.raises(NotFoundError, match="NAMESPACE_NOT_FOUND"):
        require(KEY, "acme", None, Action.READ)
    require(EDITOR, "acme", None, Action.READ)


def test_an_empty_header_names_no_project() -> None:
    with pytest.raises(InvalidInputError):
        workspace_of(event(EDITOR, ""), Action.READ)
