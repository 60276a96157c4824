"""An API key: made by owners, shown once, bound to one project, by its scopes, until it expires."""

import pytest

from tests.registry import Project, problem

PACKS = "/api/v1/label-packs"


def test_a_key_is_shown_once_and_reads_its_own_project_only(project: Project, shared_project: Project) -> None:
    path = f"/namespaces/acme/projects/{project.workspace.partition('/')[2]}/api-keys"
    made = project.call("POST", path, "owner", json={"name": "reader", "scopes": ["read"]}).json()
    assert made["key"].startswith(f"phk_{made['id']}_")
    key = {"X-API-Key": made["key"]}
    registry = project.registry
    assert registry.call("GET", PACKS, None, headers=key).status_code == 200
    assert registry.call("GET", PACKS, None, headers={"Authorization": f"Bearer {made['key']}"}).status_code == 200
    problem(registry.call("GET", PACKS, None, shared_project.workspace, headers=key), 404, "PROJECT_NOT_FOUND")
    body = {"capability": "ball_detection", "name": "a"}
    problem(registry.call("POST", PACKS, None, headers=key, json=body), 403, "FORBIDDEN")


@pytest.mark.parametrize(
    "expires_at",
    ["0001-01-01T00:00:00+14:00", "2020-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "tomorrow", "2030-01-01T00:00:00"],
)
def test_a_key_expires_ahead_of_now(project: Project, expires_at: str) -> None:
    path = f"/namespaces/acme/projects/{project.workspace.partition('/')[2]}/api-keys"
    answer = project.call("POST", path, "owner", json={"name": "a", "scopes": ["read"], "expiresAt": expires_at})
    assert problem(answer, 400, "INVALID_REQUEST")["errors"][0]["loc"] == "/expiresAt"
