"""A first namespace with a project, members and an API key, through the public API as its owner would.

Every call may find its work done: what is already there is taken as it is.
"""

import httpx

from local.process import LocalStackError
from local.stack import Stack

WORKSPACE = Stack.workspace
NAMESPACE, PROJECT = WORKSPACE.split("/")
MEMBERS = {"user-editor": "editor", "user-viewer": "viewer"}
SCOPES = ["read", "write", "export"]


def seed(stack: Stack) -> str:
    """Make sure that the demo's project exists; return its API key."""
    with httpx.Client(base_url=stack.api_url, headers=stack.headers("owner"), timeout=30) as owner:
        made(owner.post("/namespaces", json={"slug": NAMESPACE, "name": "Acme"}))
        for principal, role in MEMBERS.items():
            made(owner.put(f"/namespaces/{NAMESPACE}/members/{principal}", json={"role": role}))
        made(owner.post(f"/namespaces/{NAMESPACE}/projects", json={"slug": PROJECT, "name": "Match day"}))
        return api_key(stack, owner)


def made(answer: httpx.Response) -> httpx.Response:
    """Return the answer of a call whose result may exist already."""
    if not answer.is_success and answer.status_code != httpx.codes.CONFLICT:
        raise LocalStackError(f"{answer.request.method} {answer.url.path} → {answer.status_code}: {answer.text[:1000]}")
    return answer


def api_key(stack: Stack, owner: httpx.Client) -> str:
    """Return the key kept in the state folder, made on first use: the API shows it only once."""
    path = stack.state_dir / "api-key"
    if not path.exists():
        answer = made(owner.post(
            f"/namespaces/{NAMESPACE}/projects/{PROJECT}/api-keys", json={"name": "local", "scopes": SCOPES}
        ))
        key = answer.json()["key"]
        path.touch(mode=0o600)
        path.write_text(key)
    return path.read_text()
