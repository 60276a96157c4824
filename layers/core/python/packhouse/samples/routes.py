"""`/api/v1/datasets/{dataset_id}/samples` and `…/facets`: the samples of a version, read and never changed."""

import unicodedata
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from packhouse.access.model import Action
from packhouse.api.app import page
from packhouse.api.endpoints import Call, Endpoints, Listed
from packhouse.api.paging import Cursors, RequestQuery, Section
from packhouse.samples.model import Sample, SampleRow
from packhouse.samples.service import Samples

_VERSION = "/api/v1/datasets/{dataset_id}"
_MAX_AGE = 60
_REFUSED = ("DATASET_NOT_FOUND", "DATASET_NOT_READY")

_Named = Annotated[str, AfterValidator(lambda value: unicodedata.normalize("NFC", value))]
"""A name as label rows hold it; an empty one asks for samples without."""


class SampleFilters(RequestQuery):
    """Which samples belong together."""

    split: Literal["train", "val", "test"] | None = None
    class_: _Named | None = Field(default=None, alias="class")
    camera_type: _Named | None = None
    group: _Named | None = None


class SampleSection(SampleFilters, Section):
    """Which samples are listed, and which of these."""


class FacetQuery(RequestQuery):
    """Which groups are told of."""

    group_prefix: _Named = ""


def register(api: Endpoints, samples: Samples, cursors: Cursors) -> None:
    """Declare the endpoints."""

    @api.get(
        f"{_VERSION}/samples",
        Action.READ,
        result=Listed(SampleRow),
        max_age=_MAX_AGE,
        refusals=("INVALID_CURSOR", *_REFUSED),
    )
    def list_samples(call: Call[SampleSection]) -> dict[str, Any]:
        """List the samples of a dataset version: split by split, in the order in which they lie.

        A page looks at a bounded part of the version: it may be short, or empty where filters together are rare. The
        list ends where there is no `next_cursor`.
        """
        version_id = call.path["dataset_id"]
        items, cursor = cursors.turn(
            call.wanted,
            ("samples", str(call.workspace), version_id),
            lambda filters, after: samples.list_samples(call.workspace, version_id, filters, call.wanted.limit, after),
        )
        return page(items, cursor)

    @api.get(
        f"{_VERSION}/samples/{{sample_id}}",
        Action.READ,
        max_age=_MAX_AGE,
        refusals=("SAMPLE_NOT_FOUND", *_REFUSED),
    )
    def get_sample(call: Call[SampleFilters]) -> Sample:
        """Get a sample: its labels, its asset, what is drawn over it, and its neighbours among the filtered ones."""
        return samples.get_sample(
            call.workspace, call.path["dataset_id"], call.path["sample_id"], call.wanted.filters(), call.caller
        )

    @api.get(f"{_VERSION}/facets", Action.READ, max_age=_MAX_AGE, refusals=_REFUSED)
    def list_sample_facets(call: Call[FacetQuery]) -> dict[str, Any]:
        """List what the samples of a dataset version can be filtered by, each value with its counts."""
        return samples.list_facets(call.workspace, call.path["dataset_id"], call.wanted.group_prefix)
