"""Three collections of 5,000 members each outlive their dataset, wherever its removal is cut off."""

from typing import Any

from tests.faults.kinds import iter_crashes
from tests.faults.world import World

Json = dict[str, Any]
AT = "/namespaces/acme/projects/match-day"
MEMBERS = [f"node-{number:05d}" for number in range(5_000)]
NAMES = ("edge-cases", "front-camera-clips", "good-detections")


def all_members(world: World, name: str) -> list[str]:
    pages = [
        world.call("GET", f"{AT}/collections/{name}/members?page={page}&pageSize=200")["members"]
        for page in range(1, 26)
    ]
    return [member for page in pages for member in page]


def standing_alone(world: World) -> Json:
    found = world.call("GET", f"{AT}/collections")
    return {row["name"]: (row["dataset"], row["memberCount"]) for row in found["collections"]}


def test_a_removal_that_is_killed_anywhere_and_repeated_leaves_three_standalone_collections(world: World) -> None:
    world.call("POST", f"{AT}/datasets", {"name": "training-v2"})
    for name in NAMES:
        world.call("POST", f"{AT}/collections", {"name": name, "dataset": "training-v2"})
        for start in range(0, len(MEMBERS), 1_000):
            world.call("POST", f"{AT}/collections/{name}/members", {"add": MEMBERS[start : start + 1_000]})
    shown = world.call("GET", f"{AT}/datasets/training-v2")["collections"]
    assert [(row["name"], row["members"], row["memberCount"]) for row in shown] == [
        (name, MEMBERS[:1_000], 5_000) for name in NAMES
    ]
    before = world.remember()
    calls = world.calls_of("DELETE", f"{AT}/datasets/training-v2")
    assert calls == 2
    for fault in iter_crashes(calls):
        world.recall(before)
        assert world.disturbed(fault, "DELETE", f"{AT}/datasets/training-v2") is None
        assert world.request("DELETE", f"{AT}/datasets/training-v2").status in {200, 404}
        assert world.request("GET", f"{AT}/datasets/training-v2").status == 404
        assert standing_alone(world) == dict.fromkeys(NAMES, (None, 5_000))
        assert all(all_members(world, name) == MEMBERS for name in NAMES)
        again = world.call("POST", f"{AT}/datasets", {"name": "training-v2"})
        assert again["name"] == "training-v2"
        assert world.call("GET", f"{AT}/datasets/training-v2")["collections"] == []
        moved = world.request("PATCH", f"{AT}/collections/{NAMES[0]}", {"dataset": "training-v2"})
        assert (moved.status, moved.body["dataset"]) == (200, "training-v2")
