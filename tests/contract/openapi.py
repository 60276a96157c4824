"""The OpenAPI document: as the code says it, as docs/openapi.json keeps it, and as answers are held to it.

    PYTHONPATH=layers/core/python python -m tests.contract.openapi      write docs/openapi.json anew
"""

import functools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from local import ROOT
from packhouse.about.document import describe
from tests.contract.sources import Json

KEPT = ROOT / "docs" / "openapi.json"
PROBLEM = "application/problem+json"
NDJSON = "application/x-ndjson"
METHODS = {"get", "head", "put", "post", "delete", "patch"}

Route = tuple[str, str]


@dataclass(frozen=True)
class Document:
    """An OpenAPI document, wherever it was read."""

    whole: Json

    @property
    def text(self) -> str:
        """The document as it is kept: indented, so that a change of the API is read line by line."""
        return json.dumps(self.whole, ensure_ascii=False, indent=2) + "\n"

    @property
    def operations(self) -> dict[Route, Json]:
        """The operations by method and path."""
        return {
            (method.upper(), path): operation
            for path, methods in self.whole["paths"].items()
            for method, operation in methods.items()
            if method in METHODS
        }

    def resolved(self, thing: Json) -> Json:
        """Return what a reference stands for, or the thing itself."""
        while "$ref" in thing:
            found = self.whole
            for step in thing["$ref"].removeprefix("#/").split("/"):
                found = found[step]
            thing = found
        return thing

    def iter_faults(self, schema: Json, value: Any, *, closed: bool = True) -> Iterator[str]:
        """Yield what a value is at odds with its schema in; to a `closed` one also a field that is not told."""
        whole = {**schema, "components": {"schemas": self.whole["components"]["schemas"]}}
        for fault in Draft202012Validator(_shut(whole) if closed else whole).iter_errors(value):
            yield f"{fault.json_path}: {fault.message}"

    def iter_faults_of_answer(self, route: Route, status: int, content_type: str, body: str) -> Iterator[str]:
        """Yield what an answer has that the document does not tell of the operation, or lacks."""
        responses = self.operations[route]["responses"]
        if str(status) not in responses:
            yield f"{status} is not told"
            return
        content = self.resolved(responses[str(status)]).get("content", {})
        if not body and (route[0] == "HEAD" or not content):
            return
        if content_type not in content:
            yield f"{content_type} is not told of {status}"
        elif content_type.endswith("json"):
            closed = content_type != PROBLEM
            for part in body.removesuffix("\n").split("\n") if content_type == NDJSON else [body]:
                yield from self.iter_faults(content[content_type]["schema"], json.loads(part), closed=closed)


def _shut(schema: Any) -> Any:
    """Return a schema whose objects with named fields have no others."""
    if isinstance(schema, list):
        return [_shut(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: _shut(value) for key, value in schema.items()}
    named = schema.get("type") == "object" and "properties" in inner
    return {"additionalProperties": False, **inner} if named else inner


@functools.cache
def described() -> Document:
    """Return the document of the code."""
    return Document(describe())


def main() -> None:
    """Write the document."""
    KEPT.write_text(described().text)


if __name__ == "__main__":
    main()
