"""What a principal may do, decided without looking anything up."""

from dataclasses import dataclass

from packhouse.access.model import Action, Principal, Role, Scope, Workspace

_ROLE_NEEDED = {
    Action.SEE: Role.VIEWER,
    Action.READ: Role.VIEWER,
    Action.WRITE: Role.EDITOR,
    Action.EXPORT: Role.EDITOR,
    Action.OWN: Role.OWNER,
}
_RANK = {Role.VIEWER: 0, Role.EDITOR: 1, Role.OWNER: 2}


@dataclass(frozen=True)
class Permission:
    """Whether an action is allowed; when not, whether the caller may know that the thing exists, and the reason."""

    allowed: bool
    visible: bool
    reason: str = ""


def permit(principal: Principal, namespace: str, project: str | None, action: Action) -> Permission:
    """Decide whether the principal may take the action in the namespace (or in one project of it).

    A principal without membership does not see the namespace at all. Internal Ops read every project. An API key sees
    its own project only and is never internal Ops, nor an owner.
    """
    if principal.key_workspace is not None:
        return _permit_key(principal, namespace, project, action)
    role = principal.memberships.get(namespace)
    if role is not None and _RANK[role] >= _RANK[_ROLE_NEEDED[action]]:
        return Permission(allowed=True, visible=True)
    if principal.is_internal and action in {Action.SEE, Action.READ}:
        return Permission(allowed=True, visible=True)
    if role is not None or principal.is_internal:
        return Permission(allowed=False, visible=True, reason=f"This needs the role {_ROLE_NEEDED[action]}.")
    return Permission(allowed=False, visible=False)


def _permit_key(principal: Principal, namespace: str, project: str | None, action: Action) -> Permission:
    if project is None or str(Workspace(namespace, project)) != principal.key_workspace:
        return Permission(allowed=False, visible=False)
    if action is Action.OWN:
        return Permission(allowed=False, visible=True, reason="An API key cannot do what owners do.")
    if action is Action.SEE or Scope(action.value) in principal.key_scopes:
        return Permission(allowed=True, visible=True)
    return Permission(allowed=False, visible=True, reason=f"The API key lacks the scope {action.value}.")
