"""Uses, as contract A, "Frozen test set workflow", takes them for granted, one test each, over HTTP.

Quoted from it: "evaluation in frozen-required flows", "training cannot use", DATASET_IN_ACTIVE_USE.
"""

from datetime import datetime

import pytest

from tests.containers import succeeded
from tests.contract.uses import OUTSIDERS, House, asked, new_house, release, taken
from tests.registry import VERSIONS, Json, Registry, problem


@pytest.fixture(scope="module")
def settled(registry: Registry) -> House:
    """A version that is looked at, and that nobody freezes."""
    return new_house(registry)


@pytest.mark.parametrize("seconds", [None, 60, 7 * 24 * 3600])
def test_a_use_expires_by_itself(settled: House, seconds: int | None) -> None:
    use = taken(settled.project, settled.version, "evaluation", **({"ttl_seconds": seconds} if seconds else {}))
    begin, end = (datetime.fromisoformat(use[name]) for name in ("created_at", "expires_at"))
    assert (end - begin).total_seconds() == (seconds or 3600)
    assert use["use_id"].startswith("use_")
    assert (use["dataset_version_id"], use["workspace"]) == (settled.version, settled.project.workspace)
    assert (use["purpose"], use["created_by"]) == ("evaluation", "user-editor")


WRONG_USES: list[Json] = [
    *({"purpose": "evaluation", "ttl_seconds": seconds} for seconds in (59, 0, -1, 604_801, 60.5, "60", True, None)),
    *({"purpose": purpose} for purpose in ("testing", None, 1)),
    {"purpose": "training", "require_frozen": True},
    {"purpose": "evaluation", "require_frozen": 1},
    {"purpose": "evaluation", "frozen": True},
    {},
]


@pytest.mark.parametrize("body", WRONG_USES, ids=str)
def test_a_use_that_is_none_is_refused(settled: House, body: Json) -> None:
    answer = settled.project.call("POST", f"{VERSIONS}/{settled.version}/uses", json=body)
    assert problem(answer, 400, "INVALID_REQUEST")["errors"]


@pytest.mark.parametrize("purpose", ["training", "evaluation"])
def test_a_use_is_taken_by_whoever_may_export(settled: House, purpose: str) -> None:
    refused = {"viewer": (403, "FORBIDDEN"), "support": (403, "FORBIDDEN"), "developer": (403, "FORBIDDEN")}
    for caller in ("owner", "editor", "key", "viewer", "support", "developer", "stranger"):
        answer = asked(settled.project, "POST", f"{settled.version}/uses", caller, json={"purpose": purpose})
        if caller in (found := refused | OUTSIDERS):
            problem(answer, *found[caller])
        else:
            succeeded(answer, 201)


def test_a_use_is_given_back_by_whoever_may_take_one_and_by_ops(settled: House) -> None:
    for caller in ("owner", "editor", "key", "support", "developer"):
        use = taken(settled.project, settled.version)
        path = f"{settled.version}/uses/{use['use_id']}"
        problem(asked(settled.project, "DELETE", path, "viewer"), 403, "FORBIDDEN")
        problem(asked(settled.project, "DELETE", path, "stranger"), 404, "PROJECT_NOT_FOUND")
        assert succeeded(asked(settled.project, "DELETE", path, caller)) == {"success": True}
        problem(asked(settled.project, "DELETE", path, caller), 404, "USE_NOT_FOUND")


def test_a_use_is_of_its_version(settled: House) -> None:
    use, other = taken(settled.project, settled.version), settled.project.new_version()
    problem(settled.project.release_use(other, use["use_id"]), 404, "USE_NOT_FOUND")
    release(settled.project.registry, settled.project, use)
