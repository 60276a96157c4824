"""The datasets and collections of a project as tests reach them: any name in a path, any answer looked at."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from tests.registry import Json, Project

DATASETS, COLLECTIONS = "datasets", "collections"


def succeeded(answer: httpx.Response, status: int = 200) -> Json:
    """Return the body of an answer that is no refusal."""
    assert answer.status_code == status, answer.text[:1000]
    body: Json = answer.json()
    return body


@dataclass(frozen=True)
class Containers:
    """The API below a project."""

    project: Project

    @property
    def path(self) -> str:
        return "/namespaces/{}/projects/{}".format(*self.project.workspace.split("/"))

    def at(self, *steps: str) -> str:
        """Return the path of what is named; names are percent-encoded."""
        return "/".join((self.path, *(quote(step, safe="") for step in steps)))

    def call(self, method: str, *steps: str, person: str | None = "editor", **content: Any) -> httpx.Response:
        """Send one request and return whatever is answered."""
        return self.project.registry.call(method, self.at(*steps), person, **content)

    def get(self, *steps: str, **query: Any) -> Json:
        return succeeded(self.call("GET", *steps, params=query))

    def new_dataset(self, name: str, **more: Any) -> Json:
        return succeeded(self.call("POST", DATASETS, json={"name": name, **more}), 201)

    def new_collection(self, name: str, **more: Any) -> Json:
        return succeeded(self.call("POST", COLLECTIONS, json={"name": name, **more}), 201)

    def change(self, *steps: str, **changes: Any) -> Json:
        return succeeded(self.call("PATCH", *steps, json=changes))

    def delete(self, *steps: str) -> Json:
        return succeeded(self.call("DELETE", *steps))

    def change_members(self, name: str, add: Iterable[str] = (), remove: Iterable[str] = ()) -> Json:
        wanted = {"add": list(add), "remove": list(remove)}
        return succeeded(self.call("POST", COLLECTIONS, name, "members", json=wanted))

    def iter_pages(self, listed: str, *steps: str, size: int) -> Iterator[Json]:
        """Yield the pages of a list of so many things each, to the last."""
        number, pages = 1, 1
        while number <= pages:
            page = self.get(*steps, page=number, pageSize=size)
            assert len(page[listed]) <= size
            pages = page["totalPages"]
            number += 1
            yield page

    def all_of(self, listed: str, *steps: str, size: int = 200) -> list[Any]:
        """Return a whole list."""
        return [one for page in self.iter_pages(listed, *steps, size=size) for one in page[listed]]
