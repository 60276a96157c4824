"""Versions: what went in and what did not, what changed between two, where groups stay, whose number comes next."""

import json

import pytest

from tests.containers import DATASETS, Containers
from tests.registry import BUILD, PREFLIGHT, VERSIONS, Json, Pack, Project, Registry, ball_rows, build_body, problem

CLASSES = ("player", "goalkeeper", "referee")
BOX = {"x": 0.1, "y": 0.1, "w": 0.1, "h": 0.1}
NAMES = ("train", "val", "test")
MACHINE = "DatasetBuildMachine"
UNCHANGED: Json = {"count": 0, "first": []}


@pytest.fixture(scope="module")
def house(registry: Registry) -> Project:
    return registry.new_project()


@pytest.fixture(scope="module")
def pack(house: Project) -> Pack:
    return house.new_approved_pack(ball_rows(10, 3))


def player_rows(groups: int, prefix: str = "p") -> list[Json]:
    """Return rows of groups of unlike sizes and classes, each naming the split of its group."""
    return [
        {
            "sample_id": f"{prefix}-{group}-{number}",
            "group": f"{prefix}-{group}",
            "split": NAMES[group % 3],
            "labels": [
                {"class": CLASSES[(group + label) % 3], "bbox": BOX | {"w": 0.01 * (number + 1)}}
                for label in range(group % 4)
            ],
        }
        for group in range(groups)
        for number in range(group + 1)
    ]


def splits_of(project: Project, version: Json) -> dict[str, str]:
    """Return the split of every group, as the version's files have it."""
    files = project.downloads(version["dataset_version_id"])
    found: dict[str, str] = {}
    for name, body in files.items():
        for row in map(json.loads, body.splitlines() if name.endswith(".ndjson") else ()):
            split = name.removesuffix(".ndjson")
            assert found.setdefault(row["group"], split) == split
    return found


def lineage(project: Project, version: Json, kind: str, limit: int) -> list[Json]:
    path = f"{VERSIONS}/{version['dataset_version_id']}/lineage"
    return [one for page in project.iter_pages(path, limit, kind=kind) for one in page]


def diff(project: Project, after: Json, before: Json) -> Json:
    path = f"{VERSIONS}/{after['dataset_version_id']}/diff"
    found = project.editor.get(path, against=before["dataset_version_id"])
    compared = (found["dataset_version_id"], found["against"])
    assert compared == (after["dataset_version_id"], before["dataset_version_id"])
    return found


# Lineage


def test_lineage_is_paged_in_the_order_of_the_ids(project: Project) -> None:
    packs = [project.new_approved_pack(ball_rows(2, 2, prefix)) for prefix in "abc"]
    unapproved = [project.new_pack() for _ in range(3)]
    version = project.build(*reversed(packs), *unapproved)
    for limit in (1, 2, 200):
        included = lineage(project, version, "included", limit)
        assert [one["label_pack_id"] for one in included] == sorted(one.label_pack_id for one in packs)
        assert included == version["sources"]["included"]
        excluded = [{"label_pack_id": name, "reason_code": "LABEL_PACK_NOT_APPROVED"} for name in sorted(unapproved)]
        assert lineage(project, version, "excluded", limit) == excluded
        assert lineage(project, version, "left_out", limit) == []


def test_rows_that_stayed_out_name_the_source_that_was_kept(project: Project) -> None:
    """Of equal rows the first pack's is kept, of unequal ones the newest revision's."""
    rows = ball_rows(3, 2)
    first = project.new_approved_pack(rows)
    second = project.new_approved_pack([rows[0], dict(rows[1], labels=[]), rows[4], *ball_rows(1, 1, "z")])
    version = project.build(first, second)
    assert version["stats"]["left_out"] == {"DUPLICATE_SAMPLE": 2, "CONFLICTING_SAMPLE": 1}
    expected = {
        (rows[0]["sample_id"], "DUPLICATE_SAMPLE", second.label_pack_id, first.label_pack_id),
        (rows[4]["sample_id"], "DUPLICATE_SAMPLE", second.label_pack_id, first.label_pack_id),
        (rows[1]["sample_id"], "CONFLICTING_SAMPLE", first.label_pack_id, second.label_pack_id),
    }
    revisions = {one.label_pack_id: one.revision_id for one in (first, second)}
    whole = lineage(project, version, "left_out", 200)
    for limit in (1, 2):
        assert lineage(project, version, "left_out", limit) == whole
    facts = ("sample_id", "reason_code", "label_pack_id", "kept_label_pack_id")
    assert {tuple(one[fact] for fact in facts) for one in whole} == expected
    assert [one["sample_id"] for one in whole] == sorted(one["sample_id"] for one in whole)
    for one in whole:
        assert one["revision_id"] == revisions[one["label_pack_id"]]
        assert one["kept_revision_id"] == revisions[one["kept_label_pack_id"]]


def test_lineage_of_a_version_that_is_being_built(project: Project) -> None:
    source = project.new_approved_pack()
    with project.registry.holding(MACHINE, "PlanBuild", 1):
        built = project.request_build(source)
        assert [one["label_pack_id"] for one in lineage(project, built, "included", 1)] == [source.label_pack_id]
        path = f"{VERSIONS}/{built['dataset_version_id']}/lineage"
        refused = problem(project.call("GET", path, params={"kind": "left_out"}), 409, "DATASET_NOT_READY")
    assert refused["job_id"] == built["job_id"]
    project.wait(built["job_id"])


def test_a_lineage_cursor_is_of_one_version_and_kind(house: Project, pack: Pack) -> None:
    versions = [house.build(pack, "lp_a", "lp_b", split={"seed": seed}) for seed in (1, 2)]
    paths = [f"{VERSIONS}/{version['dataset_version_id']}/lineage" for version in versions]
    cursor = house.editor.get(paths[0], kind="excluded", limit="1")["next_cursor"]
    for path, kind in ((paths[1], "excluded"), (paths[0], "included")):
        problem(house.call("GET", path, params={"kind": kind, "cursor": cursor}), 400, "INVALID_CURSOR")
    problem(house.call("GET", paths[0]), 400, "INVALID_REQUEST")
    problem(house.call("GET", f"{VERSIONS}/dsv_nothing/lineage", params={"kind": "included"}), 404, "DATASET_NOT_FOUND")


# Differences


def test_a_diff_counts_rows_and_labels_that_changed(project: Project) -> None:
    rows = player_rows(6)
    label_pack_id = project.new_pack("player_detection")
    versions = []
    changed = dict(rows[-1], labels=[*rows[-1]["labels"], {"class": "referee", "bbox": BOX}])
    added = {"sample_id": "new", "group": "new", "split": "val", "labels": None}
    for body in (rows, [*rows[3:-1], changed, added]):
        one = Pack(label_pack_id, project.new_revision(label_pack_id, body))
        project.wait(project.submit(one))
        project.approve(one)
        versions.append(project.build(one, capability="player_detection", split={"strategy": "predefined"}))
    before, after = versions
    found = diff(project, after, before)
    assert found["rows"] == {
        "added": {"count": 1, "first": [{"sample_id": "new", "split": "val"}]},
        "removed": {"count": 3, "first": [{"sample_id": row["sample_id"], "split": row["split"]} for row in rows[:3]]},
        "relabelled": {"count": 1, "first": [{"sample_id": changed["sample_id"], "split": changed["split"]}]},
        "moved": UNCHANGED,
    }
    counted = [version["stats"]["classes"] for version in versions]
    for one in found["classes"]:
        for what in ("samples", "labels"):
            was, now = (classes.get(one["class"], {}).get(what, 0) for classes in counted)
            assert one[what] == {"before": was, "after": now, "delta": now - was}
    assert {one["class"]: one["labels"]["delta"] for one in found["classes"]}["referee"] == 1
    back = diff(project, before, after)["rows"]
    assert (back["added"]["count"], back["removed"]["count"], back["relabelled"]["count"]) == (3, 1, 1)


def test_a_diff_names_the_splits_that_rows_moved_between(house: Project, pack: Pack) -> None:
    before = house.build(pack)
    after = house.build(pack, split={"ratio": {"train": 1}})
    was = splits_of(house, before)
    found = diff(house, after, before)["rows"]
    moved = {row["sample_id"]: row["split"] for row in rows_in(house, before) if row["split"] != "train"}
    assert set(was.values()) == set(NAMES)
    assert found["moved"] == {
        "count": len(moved),
        "first": [{"sample_id": name, "from": moved[name], "to": "train"} for name in sorted(moved)],
    }
    assert (found["added"], found["removed"], found["relabelled"]) == (UNCHANGED, UNCHANGED, UNCHANGED)


def rows_in(project: Project, version: Json) -> list[Json]:
    """Return sample ids and splits as the version's files have them."""
    files = project.downloads(version["dataset_version_id"])
    return [
        {"sample_id": json.loads(line)["sample_id"], "split": name}
        for name in NAMES
        for line in files.get(f"{name}.ndjson", b"").splitlines()
    ]


def test_a_version_against_itself_or_its_forced_twin_has_not_changed(house: Project, pack: Pack) -> None:
    first, twin = house.build(pack), house.build(pack, force=True)
    for other in (first, twin):
        found = diff(house, first, other)
        assert found["rows"] == dict.fromkeys(("added", "removed", "relabelled", "moved"), UNCHANGED)
        assert [one["labels"]["delta"] for one in found["classes"]] == [0]


def test_a_diff_needs_two_versions_that_are_ready(house: Project, pack: Pack, project: Project) -> None:
    ready = house.build(pack)["dataset_version_id"]
    with house.registry.holding(MACHINE, "PlanBuild", 1):
        built = house.request_build(pack, force=True)
        for one, other in ((built["dataset_version_id"], ready), (ready, built["dataset_version_id"])):
            answer = house.call("GET", f"{VERSIONS}/{one}/diff", params={"against": other})
            assert problem(answer, 409, "DATASET_NOT_READY")["job_id"] == built["job_id"]
    for one, other in ((ready, "dsv_nothing"), ("dsv_nothing", ready)):
        problem(house.call("GET", f"{VERSIONS}/{one}/diff", params={"against": other}), 404, "DATASET_NOT_FOUND")
    problem(project.call("GET", f"{VERSIONS}/{ready}/diff", params={"against": ready}), 404, "DATASET_NOT_FOUND")
    problem(house.call("GET", f"{VERSIONS}/{ready}/diff"), 400, "INVALID_REQUEST")
    house.wait(built["job_id"])


# Splits


@pytest.mark.parametrize("strategy", ["group_quota", "stratified_group", "group_hash"])
def test_groups_stay_in_the_splits_of_the_version_stuck_to(house: Project, pack: Pack, strategy: str) -> None:
    first = house.build(pack, split={"strategy": "group_hash", "seed": 3})
    more = house.new_approved_pack(ball_rows(8, 2, "more"))
    split = {"strategy": strategy, "seed": 4, "ratio": {"train": 0.4, "val": 0.3, "test": 0.3}}
    loose = house.build(pack, more, split=split)
    kept = house.build(pack, more, split=split | {"sticky_to": first["dataset_version_id"]})
    was, free, now = (splits_of(house, version) for version in (first, loose, kept))
    assert {group: now[group] for group in was} == was
    assert {group: free[group] for group in was} != was
    assert len(now) == len(was) + 8
    assert kept["split"]["sticky_to"] == first["dataset_version_id"]
    assert kept["provenance"]["reuse_fingerprint"] != loose["provenance"]["reuse_fingerprint"]


@pytest.mark.parametrize("route", [BUILD, PREFLIGHT])
def test_groups_stick_to_a_ready_version_of_the_project(
    house: Project, pack: Pack, project: Project, route: str
) -> None:
    ready = house.build(pack)["dataset_version_id"]
    foreign = project.new_approved_pack()
    with house.registry.holding(MACHINE, "PlanBuild", 1):
        built = house.request_build(pack, force=True)
        unready = build_body(pack, split={"sticky_to": built["dataset_version_id"]})
        problem(house.call("POST", route, json=unready), 409, "DATASET_NOT_READY")
    for where, body in (
        (house, build_body(pack, split={"sticky_to": "dsv_nothing"})),
        (project, build_body(foreign, split={"sticky_to": ready})),
    ):
        problem(where.call("POST", route, json=body), 404, "DATASET_NOT_FOUND")
    house.wait(built["job_id"])


def test_predefined_splits_are_taken_from_the_rows(project: Project) -> None:
    rows = player_rows(7)
    source = project.new_approved_pack(rows, "player_detection")
    version = project.build(source, capability="player_detection", split={"strategy": "predefined"})
    assert splits_of(project, version) == {row["group"]: row["split"] for row in rows}
    assert (version["split"]["ratio"], version["split"]["sticky_to"]) == ({}, None)


STRATEGIES: dict[str, Json] = {
    "group_quota": {"strategy": "group_quota", "ratio": {"train": 0.5, "val": 0.25, "test": 0.25}, "seed": 5},
    "stratified_group": {"strategy": "stratified_group", "ratio": {"train": 0.7, "val": 0.3}, "seed": 6},
    "group_hash": {"strategy": "group_hash", "seed": 7},
    "predefined": {"strategy": "predefined"},
}


@pytest.fixture(scope="module")
def overlapping(house: Project) -> list[Pack]:
    """Two packs that share rows, some of them labelled otherwise."""
    rows = player_rows(9)
    again = [rows[0], dict(rows[1], labels=[]), *rows[20:30], *player_rows(4, "q")]
    return [house.new_approved_pack(body, "player_detection") for body in (rows, again)]


@pytest.mark.parametrize("strategy", list(STRATEGIES))
def test_a_preflight_counts_what_the_build_then_has(house: Project, overlapping: list[Pack], strategy: str) -> None:
    wanted: Json = {"capability": "player_detection", "split": STRATEGIES[strategy]}
    found = house.preflight(*overlapping, "lp_nothing", **wanted)
    built = house.request_build(*overlapping, "lp_nothing", **wanted)
    house.wait(built["job_id"])
    version = house.version(built["dataset_version_id"])
    for fact in ("included_label_pack_ids", "excluded_label_pack_ids", "revisions", "reuse_fingerprint", "capability"):
        assert found[fact] == built[fact]
    stats = version["stats"]
    assert (found["split"], found["scope"]) == (version["split"], version["scope"])
    assert (found["samples"], found["groups"], found["left_out"]) == (stats["rows"], stats["groups"], stats["left_out"])
    assert found["left_out"] == {"DUPLICATE_SAMPLE": 11, "CONFLICTING_SAMPLE": 1}
    assert {"SAMPLES_REPEATED", "SAMPLES_CONFLICT"} <= {issue["code"] for issue in found["issues"]}
    groups = list(splits_of(house, version).values())
    assert {name: groups.count(name) for name in found["split"]["counts"]} == {
        name: counts["groups"] for name, counts in found["split"]["counts"].items()
    }


# Versions of a dataset


def test_versions_are_numbered_per_dataset_and_capability(house: Project, pack: Pack) -> None:
    space = Containers(house)
    for name in ("derby", "friendly"):
        space.new_dataset(name)
    players = house.new_approved_pack(player_rows(3), "player_detection")
    made = [
        house.build(pack, dataset="derby", force=True),
        house.build(pack, dataset="derby", force=True),
        house.build(pack, dataset="friendly", force=True),
        house.build(players, dataset="derby", capability="player_detection"),
        house.build(pack, name="derby", force=True),
    ]
    assert [(one["dataset"], one["capability"][:4], one["version_id"]) for one in made] == [
        ("derby", "ball", "v1"),
        ("derby", "ball", "v2"),
        ("friendly", "ball", "v1"),
        ("derby", "play", "v1"),
        (None, "ball", "v1"),
    ]
    assert [one["name"] for one in made] == ["derby", "derby", "friendly", "derby", "derby"]
    space.change(DATASETS, "derby", name="cup")
    renamed = house.build(pack, dataset="cup", force=True)
    assert (renamed["dataset"], renamed["version_id"]) == ("cup", "v3")


@pytest.mark.parametrize("route", [BUILD, PREFLIGHT])
def test_a_dataset_that_is_not_there_gets_no_version(house: Project, pack: Pack, route: str) -> None:
    space = Containers(house)
    space.new_dataset("gone")
    space.delete(DATASETS, "gone")
    Containers(house.registry.new_project()).new_dataset("elsewhere")
    for name in ("gone", "never", "elsewhere"):
        body = build_body(pack, dataset=name, force=True)
        problem(house.call("POST", route, json=body), 404, "DATASET_NOT_FOUND")
