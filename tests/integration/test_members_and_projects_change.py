"""Members, their roles and the last owner; a project's changes; a revoked key."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.registry import Registry, problem


@pytest.fixture
def namespace(registry: Registry) -> str:
    return registry.new_namespace(editor="editor")


def roles(registry: Registry, namespace: str) -> dict[str, str]:
    listed = registry.call("GET", f"/namespaces/{namespace}/members", "owner").json()
    assert listed["total"] == len(listed["members"])
    return {member["principalId"]: member["role"] for member in listed["members"]}


def test_a_member_is_given_a_role_and_taken_out(registry: Registry, namespace: str) -> None:
    assert roles(registry, namespace) == {"user-owner": "owner", "user-editor": "editor"}
    path = f"/namespaces/{namespace}/members/user-editor"
    assert registry.call("PUT", path, "owner", json={"role": "viewer"}).json()["role"] == "viewer"
    assert roles(registry, namespace)["user-editor"] == "viewer"
    assert registry.call("DELETE", path, "owner").json() == {"success": True}
    problem(registry.call("DELETE", path, "owner"), 404, "MEMBER_NOT_FOUND")
    problem(registry.call("GET", f"/namespaces/{namespace}", "editor"), 404, "NAMESPACE_NOT_FOUND")


def test_the_last_owner_stays(registry: Registry, namespace: str) -> None:
    path = f"/namespaces/{namespace}/members"
    problem(registry.call("DELETE", f"{path}/user-owner", "owner"), 409, "LAST_OWNER")
    problem(registry.call("PUT", f"{path}/user-owner", "owner", json={"role": "editor"}), 409, "LAST_OWNER")
    registry.call("PUT", f"{path}/user-editor", "owner", json={"role": "owner"})
    assert registry.call("DELETE", f"{path}/user-owner", "owner").status_code == 200
    assert registry.call("GET", path, "editor").json()["total"] == 1


def test_of_two_owners_who_take_each_other_out_one_stays(registry: Registry) -> None:
    for _ in range(5):
        namespace = registry.new_namespace(editor="owner")
        path = f"/namespaces/{namespace}/members"
        with ThreadPoolExecutor(2) as pool:
            answers = list(
                pool.map(
                    lambda pair, path=path: registry.call("DELETE", f"{path}/user-{pair[0]}", pair[1]),
                    [("owner", "editor"), ("editor", "owner")],
                )
            )
        statuses = sorted(answer.status_code for answer in answers)
        # The second may come so late that it is no member any more: then it sees nothing.
        assert statuses in ([200, 404], [200, 409])
        left = [person for person in ("owner", "editor") if registry.call("GET", path, person).status_code == 200]
        assert len(left) == 1


def test_a_project_changes_by_the_fields_that_are_given(registry: Registry, namespace: str) -> None:
    project = registry.new_project(namespace)
    path = f"/namespaces/{namespace}/projects"
    slug = project.workspace.partition("/")[2]
    before = registry.call("GET", f"{path}/{slug}", "owner").json()
    after = registry.call("PATCH", f"{path}/{slug}", "owner", json={"description": "One match day."}).json()
    assert after == before | {"description": "One match day.", "updatedAt": after["updatedAt"]}
    assert after["updatedAt"] > before["updatedAt"]
    assert registry.call("GET", path, "editor").json()["projects"] == [after]
    faults = problem(
        registry.call("PATCH", f"{path}/{slug}", "owner", json={"trainingUse": "maybe"}), 400, "INVALID_REQUEST"
    )
    assert [fault["loc"] for fault in faults["errors"]] == ["/trainingUse"]
    problem(registry.call("PATCH", f"{path}/nothing", "owner", json={"name": "x"}), 404, "PROJECT_NOT_FOUND")


def test_a_revoked_key_opens_nothing_more_and_is_still_listed(registry: Registry, namespace: str) -> None:
    project = registry.new_project(namespace)
    path = f"/namespaces/{namespace}/projects/{project.workspace.partition('/')[2]}/api-keys"
    made = registry.call("POST", path, "owner", json={"name": "a key", "scopes": ["read"]}).json()
    key = {"X-API-Key": made["key"]}
    assert registry.call("GET", "/api/v1/label-packs", None, headers=key).status_code == 200
    assert registry.call("DELETE", f"{path}/{made['id']}", "owner").json() == {"success": True}
    assert registry.call("GET", "/api/v1/label-packs", None, headers=key).status_code == 401
    (listed,) = registry.call("GET", path, "owner").json()["apiKeys"]
    assert listed["revokedAt"] is not None
    assert "key" not in listed
    problem(registry.call("DELETE", f"{path}/key_none", "owner"), 404, "API_KEY_NOT_FOUND")
