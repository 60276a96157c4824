"""A role allows what its function's code can come to, and nothing beside it.

The emulator asks for no permission, so a call without one fails on AWS alone, and one that is never made stays unseen.
"""

import json
import re

import pytest

from tests.contract.reach import ONCE_TABLE, Action, reached
from tests.contract.sources import as_list, folders, functions


def allowed(folder: str) -> set[Action]:
    """Return what the template allows a function."""
    statements = [part for policy in functions()[folder]["Policies"] for part in policy.get("Statement", [])]
    return {
        (action, subject(resource))
        for statement in statements
        for action in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
    }


def subject(resource: object) -> str:
    """Return what a resource of a statement is, as `reach` names it."""
    text = json.dumps(resource)
    found = re.search(r"\w+(?:Table|Bucket)", text)
    if found is None:
        assert ":states:" in text
        return "execution"
    index = re.search(r"Table\.Arn}(/index/[\w*]+)", text)
    return found.group() + (index[1] if index else "")


@pytest.mark.parametrize("folder", folders())
def test_a_role_allows_exactly_what_its_function_can_come_to(folder: str) -> None:
    """To list a bucket also means to be told 404, not 403, of a missing object: whoever reads objects needs it."""
    needed = reached(folder)
    needed |= {("s3:ListBucket", bucket) for action, bucket in needed if action == "s3:GetObject"}
    given = allowed(folder)
    assert {"missing": sorted(needed - given), "unused": sorted(given - needed)} == {"missing": [], "unused": []}


def test_what_is_reached_is_found_through_every_kind_of_port() -> None:
    """Guards the reading itself: known calls of known functions."""
    assert ("dynamodb:Query", "LabelsTable/index/by_workspace") in reached("labels")
    assert ("dynamodb:ConditionCheckItem", "CatalogTable") in reached("catalog")
    assert ("dynamodb:BatchGetItem", "LabelsTable") in reached("builds")
    assert ("s3:AbortMultipartUpload", "DataBucket") in reached("export_format")
    assert ("s3:PutObject", "UploadsBucket") in reached("labels")
    assert ("dynamodb:DeleteItem", "BuildsTable") in reached("sweep")
    assert ("states:DescribeExecution", "execution") in reached("sweep")
    assert ("dynamodb:PutItem", "AccessTable") in reached("access")
    assert ("dynamodb:BatchWriteItem", "AnnotationsTable") in reached("sweep_sets")
    assert ("s3:DeleteObject", "DataBucket") in reached("sweep_sets")
    assert ("dynamodb:GetItem", "LabelsTable") in reached("annotations")
    assert ("s3:PutObject", "UploadsBucket") in reached("annotations")


def test_who_answers_no_requests_keeps_nothing_of_them() -> None:
    """The same use case is handed a `Once` with a key by an endpoint, and one without by the sweeper."""
    kept = {"dynamodb:GetItem", "dynamodb:PutItem"}
    told = {folder: {action for action, where in reached(folder) if where == ONCE_TABLE} for folder in folders()}
    assert (told["annotations"], told["sweep_sets"]) == (kept, set())
