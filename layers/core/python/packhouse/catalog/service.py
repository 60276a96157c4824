"""Use cases of the catalog: namespaces and the projects in them."""

from dataclasses import dataclass
from typing import Any

from packhouse.access.model import Member, Principal, Role, Workspace
from packhouse.access.store import AccessStore
from packhouse.aws.clock import Clock, NewId, new_id, now
from packhouse.aws.dynamo import Transaction
from packhouse.catalog.model import Namespace, Project, TrainingUse
from packhouse.catalog.store import CatalogStore


@dataclass(frozen=True)
class Catalog:
    """Namespaces and projects."""

    store: CatalogStore
    members: AccessStore
    clock: Clock = now
    new_id: NewId = new_id

    def create_namespace(self, slug: str, name: str, caller: Principal) -> Namespace:
        """Create a namespace whose first owner is the caller; both or neither."""
        moment = self.clock()
        namespace = Namespace(
            id=self.new_id("ns"), slug=slug, name=name, createdAt=moment, createdBy=caller.principal_id
        )
        tx = Transaction()
        self.store.put_namespace(tx, namespace)
        owner = Member(principalId=caller.principal_id, role=Role.OWNER, createdAt=moment)
        self.members.put_member(tx, slug, owner)
        tx.commit()
        return namespace

    def create_project(self, workspace: Workspace, name: str, description: str | None) -> Project:
        """Create a project in a namespace."""
        moment = self.clock()
        project = Project(
            id=self.new_id("prj"),
            namespace=workspace.namespace,
            slug=workspace.project,
            name=name,
            description=description,
            trainingUse=TrainingUse.ALLOWED,
            createdAt=moment,
            updatedAt=moment,
        )
        tx = Transaction()
        self.store.put_project(tx, project)
        tx.commit()
        return project

    def update_project(self, workspace: Workspace, changes: dict[str, Any]) -> Project:
        """Change those of name, description and training use that are given."""
        seen = self.store.get_project(workspace)
        changed = seen.model_copy(update=changes | {"updatedAt": self.clock()})
        tx = Transaction()
        self.store.put_changed(tx, seen, changed)
        tx.commit()
        return changed
