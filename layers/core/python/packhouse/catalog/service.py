"""Use cases of the catalog: namespaces and the projects in them."""

from dataclasses import dataclass
from typing import Any

from packhouse.access.model import Member, Principal, Role, Workspace
from packhouse.access.store import AccessStore
from packhouse.aws.clock import Clock, NewId, new_id, now
from packhouse.aws.dynamo import Transaction, demand_state, while_stale
from packhouse.aws.once import Once
from packhouse.catalog.model import Namespace, Project, TrainingUse
from packhouse.catalog.rules import project_id
from packhouse.catalog.store import CatalogStore


@dataclass(frozen=True)
class Catalog:
    """Namespaces and projects."""

    store: CatalogStore
    members: AccessStore
    clock: Clock = now
    new_id: NewId = new_id

    def create_namespace(self, slug: str, name: str, caller: Principal, once: Once) -> Namespace:
        """Create a namespace whose first owner is the caller; both or neither."""
        moment = self.clock()
        namespace = Namespace(
            id=self.new_id("ns"), slug=slug, name=name, createdAt=moment, createdBy=caller.principal_id
        )
        tx = Transaction()
        self.store.put_namespace(tx, namespace)
        owner = Member(principalId=caller.principal_id, role=Role.OWNER, createdAt=moment)
        self.members.put_member(tx, slug, owner)
        return once.commit(tx, namespace)

    def create_project(self, workspace: Workspace, name: str, description: str | None, once: Once) -> Project:
        """Create a project in a namespace."""
        moment = self.clock()
        project = Project(
            id=project_id(workspace),
            namespace=workspace.namespace,
            slug=workspace.project,
            name=name,
            description=description,
            trainingUse=TrainingUse.ALLOWED,
            createdAt=moment,
            updatedAt=moment,
            etag=self.new_id("rev"),
        )
        tx = Transaction()
        self.store.put_project(tx, project)
        return once.commit(tx, project)

    def update_project(self, workspace: Workspace, changes: dict[str, Any], states: tuple[str, ...] | None) -> Project:
        """Change those of name, description and training use that are given."""

        def attempt() -> Project:
            seen = self.store.get_project(workspace)
            demand_state(seen.etag, states)
            if not changes:
                return seen
            changed = seen.model_copy(update=changes | {"updatedAt": self.clock(), "etag": self.new_id("rev")})
            tx = Transaction()
            self.store.put_changed(tx, seen, changed)
            tx.commit()
            return changed

        return while_stale(attempt)
