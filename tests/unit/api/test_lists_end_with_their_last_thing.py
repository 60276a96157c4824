"""A list of whole pages ends with a full one: whatever the limit, each thing comes once and no page is empty."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.faults.world import World, opened
from tests.registry import BUILD, CANDIDATES, JOBS, PACKS, SERIES, VERSIONS, ball_rows

Json = dict[str, Any]
BALL = {"capability": "ball_detection"}
LIMITS = (1, 2, 3, 4, 5, 8, 9)
LISTS = {
    "packs": (f"{PACKS}?", 8),
    "packs of a capability": (f"{PACKS}?capability=ball_detection", 8),
    "packs by review": (f"{PACKS}?review_status=pending", 4),
    "revisions": (f"{PACKS}/{{pack}}/revisions?", 4),
    "series": (f"{SERIES}?", 8),
    "series by eligibility": (f"{SERIES}?eligibility_status=APPROVED", 4),
    "candidates": (f"{CANDIDATES}?capability=ball_detection", 8),
    "versions": (f"{VERSIONS}?", 4),
    "versions by status": (f"{VERSIONS}?status=queued&capability=ball_detection", 2),
    "jobs": (f"{JOBS}?", 8),
    "jobs of a kind": (f"{JOBS}?kind=label_ingest", 4),
    "packs that went in": (f"{VERSIONS}/{{queued}}/lineage?kind=included", 4),
    "packs that stayed out": (f"{VERSIONS}/{{queued}}/lineage?kind=excluded", 4),
    "samples left out": (f"{VERSIONS}/{{built}}/lineage?kind=left_out", 4),
    "audio files": (f"{VERSIONS}/{{calls}}/audio-files?", 8),
    "annotation sets": (f"{VERSIONS}/{{calls}}/annotation-sets?", 4),
    "changes of a set": (f"{VERSIONS}/{{calls}}/annotation-sets/{{edited}}/diff?against={{empty}}", 4),
}
"""Every list that pages by cursor, and of how many things it is; a page of one series is looked at apart."""


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with opened() as made:
        yield made


@pytest.fixture(scope="module")
def names(world: World) -> dict[str, str]:
    """Fill the lists; return the ids in their paths."""
    approved = [world.approved_pack(ball_rows(2, 2)) for _ in range(4)]  # all of the same four samples
    pending = [world.call("POST", PACKS, BALL | {"name": "empty"})["label_pack_id"] for _ in range(4)]
    for _ in range(4):
        world.call("POST", f"{PACKS}/{pending[0]}/revisions", {"upload": "presigned"})
    whole = BALL | {"label_pack_ids": approved + pending}
    queued = [world.call("POST", BUILD, whole | {"split": {"seed": seed}}) for seed in range(3)]
    world.call("POST", f"{JOBS}/{queued[0]['job_id']}/cancel", {})
    built = world.call("POST", BUILD, BALL | {"label_pack_ids": approved[:2], "name": "two of four"})
    world.run_job(built["job_id"])
    ids = (pending[0], queued[1]["dataset_version_id"], built["dataset_version_id"])
    return dict(zip(("pack", "queued", "built"), ids, strict=True)) | names_of_calls(world)


def names_of_calls(world: World) -> dict[str, str]:
    """Make a dataset of audio files with annotation sets; one has annotations, another none, one was deleted."""
    dataset = world.call("POST", "/namespaces/acme/projects/match-day/datasets", {"name": "calls"})["id"]
    at = f"{VERSIONS}/{dataset}"
    wanted = [{"uri": f"calls/{number}.wav", "duration_ms": 1_000} for number in range(8)]
    files = [world.call("POST", f"{at}/audio-files", body)["id"] for body in wanted]
    empty, edited, deleted, *_ = [world.call("POST", f"{at}/annotation-sets", {})["id"] for _ in range(5)]
    world.call("DELETE", f"{at}/annotation-sets/{deleted}")
    segment = {"artifact_type": "glitch", "start_ms": 0, "end_ms": 10}
    rows = [segment | {"audio_file_id": audio_file_id} for audio_file_id in files[:4]]
    world.call("POST", f"{at}/annotation-sets/{edited}/annotations/bulk", {"annotations": rows})
    return {"calls": dataset, "empty": empty, "edited": edited}


def pages_of(world: World, path: str, limit: int) -> tuple[list[Json], list[int]]:
    """Return the pages of a list to its end, and how many calls each of them took."""
    pages: list[Json] = []
    calls: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        answered = world.disturbed(None, "GET", f"{path}&limit={limit}" + (f"&cursor={cursor}" if cursor else ""))
        assert answered is not None
        assert answered.status == 200, answered.text
        pages.append(answered.body)
        calls.append(len(world.gate.operations))
        cursor = answered.body["next_cursor"]
    return pages, calls


def lengths(size: int, limit: int) -> list[int]:
    """Return how long the pages of a list are that has so many things."""
    return [limit] * (size // limit) + [size % limit] * (size % limit > 0)


@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("name", LISTS)
def test_each_thing_is_on_one_page_and_no_page_is_empty(
    world: World, names: dict[str, str], name: str, limit: int
) -> None:
    path, size = LISTS[name]
    (whole,), (cost,) = pages_of(world, path.format(**names), 200)
    pages, calls = pages_of(world, path.format(**names), limit)
    assert [len(page["items"]) for page in pages] == lengths(size, limit)
    assert [item for page in pages for item in page["items"]] == whole["items"]
    assert max(calls) <= cost


@pytest.mark.parametrize(("revisions", "decisions"), [(0, 0), (0, 2), (2, 0), (1, 1), (1, 3), (3, 1), (3, 3), (4, 2)])
def test_a_series_ends_with_its_last_decision(world: World, revisions: int, decisions: int) -> None:
    """The pack lies between its revisions and its decisions and counts as none of them; one page comes upon it."""
    pack = world.call("POST", PACKS, BALL | {"name": "a series"})["label_pack_id"]
    for _ in range(revisions):
        world.call("POST", f"{PACKS}/{pack}/revisions", {"upload": "presigned"})
    for number in range(decisions):
        world.call("POST", f"{PACKS}/{pack}/review", {"decision": ("approve", "revoke")[number % 2]})
    (whole,), (cost,) = pages_of(world, f"{SERIES}/{pack}?", 200)
    assert cost == 1
    for limit in range(1, revisions + decisions + 2):
        pages, calls = pages_of(world, f"{SERIES}/{pack}?", limit)
        shown = [page["revisions"] + page["history"] for page in pages]
        assert [len(page) for page in shown] == (lengths(revisions + decisions, limit) or [0])
        assert [one for page in shown for one in page] == whole["revisions"] + whole["history"]
        assert sum(calls) == 2 * len(pages) - 1
