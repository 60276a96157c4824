"""`/namespaces/{slug}/projects/{projectSlug}/datasets`."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from pydantic import Field

from packhouse.access.model import Action
from packhouse.api.app import answer, as_json
from packhouse.api.bodies import NoBody, RequestBody, never_null
from packhouse.api.endpoints import Call, Endpoints, Listed, Success
from packhouse.api.fields import PathName, Summary, Tag, json_at_most
from packhouse.api.paging import NoQuery, Page
from packhouse.datasets.model import Dataset, DatasetListed, DatasetShown
from packhouse.datasets.service import Datasets

_PATH = "/namespaces/{slug}/projects/{projectSlug}/datasets"

# Two hundred of the longest datasets make a page of 4 MB; a function answers 6 at most.
Tags = Annotated[list[Tag], Field(max_length=50)]


Metadata = Annotated[dict[str, Any], json_at_most(64)]


class DatasetRequest(RequestBody):
    """A new dataset; `metadata` is any JSON object of up to 64 KB and is returned as it was given."""

    name: PathName
    description: Summary | None = None
    tags: Tags = Field(default=[])
    metadata: Metadata | None = None


class DatasetChange(RequestBody):
    """What of a dataset changes; fields that are not given stay."""

    name: PathName | None = None
    description: Summary | None = None
    tags: Tags | None = None
    metadata: Metadata | None = None

    _given = never_null("name", "tags")


def register(api: Endpoints, datasets: Datasets) -> None:
    """Declare the endpoints."""

    @api.post(_PATH, Action.WRITE, status=201, refusals=("DATASET_EXISTS", "PROJECT_NOT_FOUND"))
    def create_dataset(call: Call[DatasetRequest]) -> Dataset:
        """Create a dataset."""
        return datasets.create(call.workspace, call.wanted.model_dump(), call.once)

    @api.get(_PATH, Action.READ, result=Listed(DatasetListed, "datasets"), refusals=("PROJECT_NOT_FOUND",))
    def list_datasets(call: Call[Page]) -> Response[str]:
        """List the datasets of a project by name."""
        rows, total = datasets.store.list_datasets(call.workspace, call.wanted.end)
        return answer(200, call.wanted.of("datasets", rows, total))

    @api.get(f"{_PATH}/{{name}}", Action.READ, result=DatasetShown, refusals=("DATASET_NOT_FOUND",))
    def get_dataset(call: Call[NoQuery]) -> Response[str]:
        """Get a dataset with its collections, each with its first thousand members.

        Of very many collections the last show fewer, so that the answer stays below 4 MB; `memberCount` tells.
        """
        dataset, heads = datasets.get(call.workspace, call.path["name"])
        rows = [
            f'{{"id":"{head.collection_id}","name":{as_json(head.name)},'
            f'"members":{head.members},"memberCount":{head.member_count}}}'
            for head in heads
        ]
        facts = dataset.model_dump_json(exclude={"etag"})
        return answer(200, f'{facts[:-1]},"collections":[{",".join(rows)}]}}', etag=dataset.etag)

    @api.patch(f"{_PATH}/{{name}}", Action.WRITE, refusals=("DATASET_NOT_FOUND", "DATASET_EXISTS", "DATASET_CONFLICT"))
    def update_dataset(call: Call[DatasetChange]) -> Dataset:
        """Change a dataset: only the fields that are given; another name renames it."""
        changes = call.wanted.model_dump(include=call.wanted.model_fields_set)
        return datasets.update(call.workspace, call.path["name"], changes, call.if_match)

    @api.delete(f"{_PATH}/{{name}}", Action.WRITE, if_match=True, refusals=("DATASET_NOT_FOUND", "DATASET_CONFLICT"))
    def delete_dataset(call: Call[NoBody]) -> Success:
        """Delete a dataset; its collections stand alone, and its name is free again."""
        datasets.delete(call.workspace, call.path["name"], call.if_match)
        return Success()
