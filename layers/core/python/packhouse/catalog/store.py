"""The `catalog` table.

NS#<slug>             / META   a namespace
PRJ#<ns>/<project>    / !      a project; its datasets follow in the same partition (index `by_namespace`)

The table holds datasets and collections too: `packhouse.datasets.store`, `packhouse.collections.store`.
"""

from collections.abc import Iterable

from pynamodb.attributes import UnicodeAttribute
from pynamodb.expressions.condition import Condition
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model

from packhouse.access.model import Workspace
from packhouse.aws.dynamo import Found, Key, StaleError, Transaction, bind, read_together
from packhouse.catalog.model import Namespace, Project
from packhouse.errors import ConflictError, NotFoundError


class _ByNamespace(GlobalSecondaryIndex["_CatalogItem"]):  # type: ignore[no-untyped-call]  # pynamodb
    class Meta:
        index_name = "by_namespace"
        projection = AllProjection()

    namespace = UnicodeAttribute(hash_key=True)
    pk = UnicodeAttribute(range_key=True)


class _CatalogItem(Model):
    class Meta:
        table_name = ""

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    namespace = UnicodeAttribute(null=True)
    etag = UnicodeAttribute(null=True)
    body = UnicodeAttribute()
    by_namespace = _ByNamespace()


_PROJECT = "!"


def _project_pk(workspace: Workspace) -> str:
    return f"PRJ#{workspace}"


class CatalogStore:
    """Namespaces and projects."""

    def __init__(self, table: str) -> None:
        bind(_CatalogItem, table)

    def put_namespace(self, tx: Transaction, namespace: Namespace) -> None:
        """Add the write of a new namespace; its slug must be free."""
        item = _CatalogItem(f"NS#{namespace.slug}", "META", body=namespace.model_dump_json())
        taken = ConflictError("NAMESPACE_EXISTS", f"The namespace {namespace.slug} exists already.")
        tx.put(item, _CatalogItem.pk.does_not_exist(), taken)

    def get_namespace(self, slug: str) -> Namespace:
        """Return a namespace; one read."""
        try:
            return Namespace.model_validate_json(_CatalogItem.get(f"NS#{slug}", "META", consistent_read=True).body)
        except _CatalogItem.DoesNotExist:
            raise NotFoundError("NAMESPACE_NOT_FOUND", f"There is no namespace {slug}.") from None

    def list_namespaces(self, slugs: Iterable[str]) -> list[Namespace]:
        """Return those of the named namespaces that exist, by slug; one read for up to 100."""
        found = read_together([(_CatalogItem, f"NS#{slug}", "META") for slug in slugs])
        namespaces = [
            Namespace.model_validate_json(item.body) for item in found.values() if isinstance(item, _CatalogItem)
        ]
        return sorted(namespaces, key=lambda namespace: namespace.slug)

    def put_project(self, tx: Transaction, project: Project) -> None:
        """Add the write of a new project: its namespace must exist and its slug be free in it."""
        workspace = Workspace(project.namespace, project.slug)
        tx.check(
            _CatalogItem,
            f"NS#{project.namespace}",
            "META",
            _CatalogItem.pk.exists(),
            NotFoundError("NAMESPACE_NOT_FOUND", f"There is no namespace {project.namespace}."),
        )
        item = _CatalogItem(_project_pk(workspace), _PROJECT, namespace=project.namespace, etag=project.etag)
        item.body = project.model_dump_json()
        taken = ConflictError("PROJECT_EXISTS", f"The project {workspace} exists already.")
        tx.put(item, _CatalogItem.pk.does_not_exist(), taken)

    def get_project(self, workspace: Workspace) -> Project:
        """Return a project; one read."""
        try:
            item = _CatalogItem.get(_project_pk(workspace), _PROJECT, consistent_read=True)
        except _CatalogItem.DoesNotExist:
            raise NotFoundError("PROJECT_NOT_FOUND", f"There is no project {workspace}.") from None
        return Project.model_validate_json(item.body)

    def list_projects(self, namespace: str) -> list[Project]:
        """Return the projects of a namespace by slug, as an index sees them (a moment late); one query a megabyte."""
        return [Project.model_validate_json(item.body) for item in _CatalogItem.by_namespace.query(namespace)]

    def demand_project(self, tx: Transaction, workspace: Workspace) -> None:
        """Require that a project is there when the transaction takes effect."""
        missing = NotFoundError("PROJECT_NOT_FOUND", f"There is no project {workspace}.")
        tx.check(_CatalogItem, _project_pk(workspace), _PROJECT, _CatalogItem.pk.exists(), missing)

    def demand_same(self, tx: Transaction, seen: Project) -> None:
        """Require that a project is still as it was seen when the transaction takes effect."""
        workspace = Workspace(seen.namespace, seen.slug)
        tx.check(_CatalogItem, _project_pk(workspace), _PROJECT, _as_seen(seen), _changed_meanwhile())

    def put_changed(self, tx: Transaction, seen: Project, changed: Project) -> None:
        """Add the change of a project that is still as it was seen."""
        tx.update(
            _CatalogItem(_project_pk(Workspace(seen.namespace, seen.slug)), _PROJECT),
            [_CatalogItem.body.set(changed.model_dump_json()), _CatalogItem.etag.set(changed.etag)],
            _as_seen(seen),
            _changed_meanwhile(),
        )

    def project_key(self, workspace: Workspace) -> Key:
        """Return the project's key, for reads together with other items."""
        return _CatalogItem, _project_pk(workspace), _PROJECT

    def projects_in(self, found: Found) -> dict[str, Project]:
        """Return the projects among items that were read together, by their workspace."""
        items = [item for item in found.values() if isinstance(item, _CatalogItem)]
        projects = [Project.model_validate_json(item.body) for item in items]
        return {f"{project.namespace}/{project.slug}": project for project in projects}


def _as_seen(project: Project) -> Condition:
    return _CatalogItem.etag == project.etag if project.etag else _CatalogItem.etag.does_not_exist()


def _changed_meanwhile() -> StaleError:
    return StaleError("PROJECT_CONFLICT", "The project changed at the same moment; read it again and repeat.")
