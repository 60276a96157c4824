"""Sentences of contract A on what a build answers and what is built again, one test each, over HTTP.

Above each group stands the heading that it quotes from.
"""

import random

import pytest

from packhouse.builds.model import ExclusionCode
from tests.registry import JOBS, VERSIONS, Json, Pack, Project, Registry, ball_rows


@pytest.fixture(scope="module")
def house(registry: Registry) -> Project:
    return registry.new_project()


@pytest.fixture(scope="module")
def packs(house: Project) -> list[Pack]:
    return [house.new_approved_pack(ball_rows(3, 2, prefix)) for prefix in "abc"]


@pytest.fixture(scope="module")
def left_out(house: Project) -> dict[str, str]:
    """A pack for each exclusion code, of which it is the only one that applies."""
    registry = house.registry
    read_only = registry.new_namespace(editor="editor")
    denied = registry.new_project(read_only).new_approved_pack()
    registry.give_role(read_only, "editor", "viewer")
    opted_out = registry.new_project()
    withheld = opted_out.new_approved_pack()
    opted_out.choose_training_use("opted_out")
    made = {
        denied.label_pack_id: "LABEL_PACK_ACCESS_DENIED",
        withheld.label_pack_id: "WORKSPACE_TRAINING_OPT_OUT",
        "lp_nothing": "LABEL_PACK_NOT_FOUND",
        house.new_pack("player_detection"): "LABEL_PACK_CAPABILITY_MISMATCH",
    }
    for rows, decision, code in (
        (None, "reject", "LABEL_PACK_NOT_APPROVED"),
        (None, "revoke", "LABEL_PACK_REVOKED"),
        ([{"sample_id": "without-labels"}], "approve", "LABEL_PACK_VALIDATION_NOT_PASSED"),
    ):
        made[house.new_pack_of(rows, decision, "REVIEWED", "APPROVED").label_pack_id] = code
    return made


def codes(built: Json) -> dict[str, str]:
    return {one["label_pack_id"]: one["reason_code"] for one in built["excluded_label_pack_ids"]}


def ended(project: Project, built: Json) -> Json:
    """Return the answer once its build is ready."""
    project.wait(built["job_id"])
    return built


# Deterministic lineage outputs: "Build responses include"


def test_build_responses_include_the_outcome(house: Project, packs: list[Pack]) -> None:
    created = ended(house, house.request_build(*packs, split={"seed": 1}))
    again = house.request_build(*packs, split={"seed": 1})
    assert (created["outcome"], again["outcome"]) == ("created", "reused_success")


def test_build_status_and_linked_job_id_and_job_status(house: Project, packs: list[Pack]) -> None:
    with house.registry.holding("DatasetBuildMachine", "PlanBuild", 1):
        built = house.request_build(*packs, split={"seed": 2})
        waiting = house.request_build(*packs, split={"seed": 2})
        assert (waiting["outcome"], waiting["job_id"]) == ("reused_in_progress", built["job_id"])
    assert built["build_status"] == built["job_status"] == "queued"
    job = house.job_at_its_end(built["job_id"])
    assert (job["status"], job["dataset_version_id"]) == ("ready", built["dataset_version_id"])
    again = house.request_build(*packs, split={"seed": 2})
    assert (again["build_status"], again["job_status"], again["job_id"]) == ("ready", "ready", built["job_id"])


def test_included_label_pack_ids_are_a_sorted_deterministic_list(house: Project, packs: list[Pack]) -> None:
    ids = sorted(pack.label_pack_id for pack in packs)
    for order in (packs, packs[::-1], [packs[1], packs[2], packs[1], packs[0]]):
        assert ended(house, house.request_build(*order))["included_label_pack_ids"] == ids
    assert house.request_build(*packs)["revisions"] == {pack.label_pack_id: pack.revision_id for pack in packs}


def test_excluded_label_pack_ids_with_canonical_reason_codes(
    house: Project, packs: list[Pack], left_out: dict[str, str]
) -> None:
    """All seven in one build, the list in the order of the ids whatever the request's."""
    wanted: list[Pack | str] = [*packs, *left_out, *left_out]
    random.Random(7).shuffle(wanted)  # noqa: S311  an order, no secret
    built = ended(house, house.request_build(*wanted))
    assert codes(built) == left_out
    assert sorted(left_out.values()) == sorted(code.value for code in ExclusionCode)
    assert list(codes(built)) == sorted(left_out)
    assert built["included_label_pack_ids"] == sorted(pack.label_pack_id for pack in packs)


def test_a_reused_build_tells_what_this_request_left_out(
    house: Project, packs: list[Pack], left_out: dict[str, str]
) -> None:
    whole = ended(house, house.request_build(*packs, *left_out, split={"seed": 3}))
    without = house.request_build(*packs, "lp_nothing", split={"seed": 3})
    assert without["dataset_version_id"] == whole["dataset_version_id"]
    assert (codes(whole), codes(without)) == (left_out, {"lp_nothing": "LABEL_PACK_NOT_FOUND"})
    detail = house.version(whole["dataset_version_id"])["sources"]
    assert {one["label_pack_id"]: one["reason_code"] for one in detail["excluded"]} == left_out


def test_the_version_and_its_lineage_name_the_same_packs(
    house: Project, packs: list[Pack], left_out: dict[str, str]
) -> None:
    built = ended(house, house.request_build(*packs, *left_out, split={"seed": 4}))
    lineage = f"{VERSIONS}/{built['dataset_version_id']}/lineage"
    included = house.all_of(lineage, kind="included")
    assert [one["label_pack_id"] for one in included] == built["included_label_pack_ids"]
    assert {one["label_pack_id"]: one["revision_id"] for one in included} == built["revisions"]
    assert house.all_of(lineage, kind="excluded") == built["excluded_label_pack_ids"]


# Reproducibility, given the same effective included sources and the same snapshot of split, policy and options


def test_default_force_false_reuses_an_equivalent_build_deterministically(house: Project, packs: list[Pack]) -> None:
    first = ended(house, house.request_build(*packs, split={"seed": 5}))
    jobs = house.all_of(JOBS)
    for force in ({}, {"force": False}, {}):
        again = house.request_build(*packs, split={"seed": 5}, **force)
        assert (again["outcome"], again["dataset_version_id"]) == ("reused_success", first["dataset_version_id"])
    assert house.all_of(JOBS) == jobs


def test_force_true_bypasses_reuse_and_creates_a_new_build_and_job(house: Project, packs: list[Pack]) -> None:
    first = ended(house, house.request_build(*packs, split={"seed": 6}))
    forced = ended(house, house.request_build(*packs, split={"seed": 6}, force=True))
    assert (forced["outcome"], forced["reuse_fingerprint"]) == ("created", first["reuse_fingerprint"])
    for fact in ("dataset_version_id", "version_id", "job_id"):
        assert forced[fact] != first[fact]
    hashes = {house.version(one["dataset_version_id"])["provenance"]["manifest_hash"] for one in (first, forced)}
    assert len(hashes) == 1
    again = house.request_build(*packs, split={"seed": 6})
    assert (again["outcome"], again["dataset_version_id"]) == ("reused_success", forced["dataset_version_id"])


def test_equivalence_goes_by_the_persisted_reuse_fingerprint(house: Project, packs: list[Pack]) -> None:
    built = house.request_build(*packs, split={"seed": 7})
    for _ in range(2):
        provenance = house.version(built["dataset_version_id"])["provenance"]
        assert provenance["reuse_fingerprint"] == built["reuse_fingerprint"]
        assert provenance["build_fingerprint"] == built["build_fingerprint"]
        house.wait(built["job_id"])


def test_full_request_provenance_is_tracked_with_build_fingerprint(house: Project, packs: list[Pack]) -> None:
    """What was asked and left out changes the build fingerprint, and not what the build is equivalent to."""
    requests: list[tuple[list[Pack | str], Json]] = [
        ([*packs], {}),
        ([*packs], {"name": "derby"}),
        ([*packs], {"description": "both halves"}),
        ([*packs, "lp_nothing"], {}),
        ([*packs, "lp_nowhere"], {}),
    ]
    built = [ended(house, house.request_build(*asked, force=True, **more)) for asked, more in requests]
    assert len({one["reuse_fingerprint"] for one in built}) == 1
    assert len({one["build_fingerprint"] for one in built}) == len(requests)


def test_ids_shuffled_and_repeated_have_the_same_fingerprints(house: Project, packs: list[Pack]) -> None:
    first = ended(house, house.request_build(*packs, split={"seed": 9}))
    chance = random.Random(9)  # noqa: S311  an order, no secret
    for _ in range(4):
        shuffled = packs + chance.sample(packs, 2)
        chance.shuffle(shuffled)
        again = house.request_build(*shuffled, split={"seed": 9})
        for fact in ("reuse_fingerprint", "build_fingerprint", "dataset_version_id"):
            assert again[fact] == first[fact]
    forced = [ended(house, house.request_build(*order, split={"seed": 9}, force=True)) for order in (packs, shuffled)]
    assert forced[0]["build_fingerprint"] == forced[1]["build_fingerprint"]


@pytest.mark.parametrize(
    "split",
    [
        {"seed": 11},
        {"ratio": {"train": 0.5, "test": 0.5}},
        {"strategy": "group_hash"},
        {"strategy": "stratified_group"},
    ],
)
def test_another_split_is_no_equivalent_build(house: Project, packs: list[Pack], split: Json) -> None:
    plain = ended(house, house.request_build(*packs))
    other = ended(house, house.request_build(*packs, split=split))
    assert other["dataset_version_id"] != plain["dataset_version_id"]
    assert other["reuse_fingerprint"] != plain["reuse_fingerprint"]


def test_other_effective_sources_are_no_equivalent_build(project: Project) -> None:
    pack = project.new_approved_pack()
    first = ended(project, project.request_build(pack))
    newer = Pack(pack.label_pack_id, project.new_revision(pack.label_pack_id, ball_rows(4, 2)))
    project.wait(project.submit(newer))
    assert project.request_build(pack)["outcome"] == "reused_success"
    project.make_eligible(newer)
    second = ended(project, project.request_build(pack))
    assert (second["outcome"], second["revisions"]) == ("created", {pack.label_pack_id: newer.revision_id})
    assert second["reuse_fingerprint"] != first["reuse_fingerprint"]
    project.make_eligible(newer, "REVOKED")
    back = project.request_build(pack)
    assert (back["outcome"], back["dataset_version_id"]) == ("reused_success", first["dataset_version_id"])


def test_a_failed_build_is_not_reused(project: Project) -> None:
    pack = project.new_approved_pack()
    whole = project.spoil(pack)
    failed = project.request_build(pack)
    assert project.job_at_its_end(failed["job_id"])["error"]["code"] == "SOURCE_CHANGED"
    whole()
    again = ended(project, project.request_build(pack))
    assert (again["outcome"], again["reuse_fingerprint"]) == ("created", failed["reuse_fingerprint"])
    assert again["dataset_version_id"] != failed["dataset_version_id"]
    assert project.request_build(pack)["dataset_version_id"] == again["dataset_version_id"]
