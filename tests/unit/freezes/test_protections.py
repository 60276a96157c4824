"""Which frozen versions share label packs with a version: by their items, by their snapshots, and by a warm list."""

import pytest

from packhouse.aws.dynamo import Transaction
from packhouse.aws.objects import Objects
from packhouse.builds.model import LISTED_PACKS, DatasetVersion, IncludedPack, Snapshot
from packhouse.errors import ConflictError
from packhouse.freezes.model import Decision, FreezeState, Sources
from packhouse.freezes.protections import Protections, sources_of
from packhouse.freezes.rules import frozen_state, unfrozen_state
from packhouse.freezes.store import FreezeStore
from tests.bench.wire import Wire

MOMENT = Decision(at="2026-04-16T08:00:00.000Z", by="user-ana", reason=None)
MANY = LISTED_PACKS + 1


def packs(first: int, count: int, project: str = "a") -> tuple[IncludedPack, ...]:
    """Return `count` packs of a project, named by their numbers from `first` on."""
    return tuple(
        IncludedPack(
            label_pack_id=f"lp_{number:04d}",
            workspace=f"acme/{project}",
            project_id=f"prj_{project}",
            revision_id=f"lpr_{number:04d}",
            content_hash="sha256:0",
            rows=1,
        )
        for number in range(first, first + count)
    )


@pytest.fixture
def protections(wire: Wire) -> Protections:
    return Protections(FreezeStore("EvaluationTable"), Objects("databucket"))


def version_of(protections: Protections, name: str, included: tuple[IncludedPack, ...]) -> DatasetVersion:
    """Return a version that is made of these packs, its snapshot written, its item as short as a real one's."""
    version = DatasetVersion(
        dataset_version_id=f"dsv_{name}",
        version_id="v1",
        name=name,
        description=None,
        workspace="acme/a",
        project_id="prj_a",
        capability="ball_detection",
        scope="workspace",  # type: ignore[arg-type]  # as it is read
        job_id="job_1",
        reuse_fingerprint=f"sha256:{name}",
        build_fingerprint=f"sha256:{name}",
        forced=False,
        split={},
        included_count=len(included),
        excluded_count=0,
        included=included[:LISTED_PACKS],
        created_at=MOMENT.at,
        created_by="user-joe",
    )
    snapshot = Snapshot(included=included, excluded=(), split={})
    protections.data.write_once(version.snapshot_key, snapshot.model_dump_json().encode(), "application/json")
    return version


def sources(protections: Protections, name: str, included: tuple[IncludedPack, ...]) -> Sources:
    version = version_of(protections, name, included)
    return sources_of(version, protections.included(version))


def freeze(protections: Protections, made: Sources, *, end: bool = False) -> None:
    """Freeze a version that never was frozen, or end its one freeze."""
    tx, state = Transaction(), frozen_state(FreezeState(), MOMENT)
    if end:
        protections.store.put_unfrozen(tx, made.dataset_version_id, unfrozen_state(state, MOMENT))
    else:
        protections.store.put_frozen(tx, made, state)
    tx.commit()


def overlapping(
    protections: Protections, included: tuple[IncludedPack, ...], *others: Sources
) -> list[tuple[str, tuple[str, ...]]]:
    return [(found.dataset_version_id, found.shared) for found in protections.overlaps(included, others)]


def test_versions_overlap_in_the_packs_that_both_have(protections: Protections) -> None:
    one, none, two = (sources(protections, name, packs(first, 3)) for name, first in zip("xyz", (2, 5, 1), strict=True))
    found = overlapping(protections, packs(0, 3), one, none, two)
    assert found == [("dsv_x", ("lp_0002",)), ("dsv_z", ("lp_0001", "lp_0002"))]
    assert [overlap.workspace for overlap in protections.overlaps(packs(0, 3), [one])] == ["acme/a"]
    assert overlapping(protections, (), one) == overlapping(protections, packs(0, 3)) == []


@pytest.mark.parametrize("count", [LISTED_PACKS, MANY, 3 * LISTED_PACKS])
def test_of_many_packs_the_last_overlaps_as_the_first(wire: Wire, protections: Protections, count: int) -> None:
    """An item names a hundred; the others are looked for in the snapshot, one read for each such version."""
    many = [sources(protections, name, packs(first, count)) for name, first in (("x", 0), ("y", 1_000), ("z", 0))]
    few = sources(protections, "few", packs(count - 1, 1))
    assert [made.label_pack_ids is None for made in (*many, few)] == [count > LISTED_PACKS] * 3 + [False]
    wire.take()
    last = (f"lp_{count - 1:04d}",)
    found = overlapping(protections, packs(count - 1, 1), many[0], few, many[1], many[2])
    assert found == [("dsv_x", last), ("dsv_few", last), ("dsv_z", last)]
    assert wire.take().of("s3") == ("GetObject",) * (3 if count > LISTED_PACKS else 0)


def test_a_version_of_other_projects_is_not_read(wire: Wire, protections: Protections) -> None:
    far, near = (sources(protections, name, packs(0, MANY, name)) for name in ("b", "a"))
    both = sources(protections, "both", packs(0, MANY, "b") + packs(MANY, 1, "a"))
    assert (far.project_ids, both.project_ids) == (("prj_b",), ("prj_a", "prj_b"))
    wire.take()
    wanted = packs(MANY, 1, "a")
    assert overlapping(protections, wanted, far, near, both) == [("dsv_both", (f"lp_{MANY:04d}",))]
    assert wire.take().of("s3") == ("GetObject",) * 2


def test_all_packs_of_a_version_are_found_whatever_its_item_names(wire: Wire, protections: Protections) -> None:
    for count, reads in ((LISTED_PACKS, ()), (MANY, ("GetObject",))):
        version = version_of(protections, f"of{count}", packs(0, count))
        wire.take()
        assert protections.included(version) == packs(0, count)
        assert wire.take().of("s3") == reads


def test_the_list_of_frozen_versions_is_read_when_it_has_changed(wire: Wire, protections: Protections) -> None:
    """And by each process for itself: a fence counts every freeze and every unfreeze."""
    one, other = (sources(protections, name, packs(number, 1)) for number, name in enumerate("xy"))
    cold = Protections(protections.store, protections.data)

    def read(whose: Protections) -> tuple[list[Sources], tuple[str, ...]]:
        wire.take()
        return whose.read_frozen(), wire.take().of("dynamodb")

    kept, queried = ("BatchGetItem",), ("BatchGetItem", "Query")
    assert read(protections) == ([], kept)
    freeze(protections, one)
    assert [read(protections) for _ in range(3)] == [([one], queried), ([one], kept), ([one], kept)]
    freeze(cold, other)
    assert [read(protections) for _ in range(2)] == [([one, other], queried), ([one, other], kept)]
    freeze(cold, one, end=True)
    assert [read(protections) for _ in range(2)] == [([other], queried), ([other], kept)]
    assert [read(cold) for _ in range(2)] == [([other], queried), ([other], kept)]
    freeze(cold, other, end=True)
    assert [read(protections) for _ in range(2)] == [([], queried), ([], kept)]


def test_a_version_without_an_index_of_its_contents_is_not_compared(protections: Protections) -> None:
    version = version_of(protections, "old", packs(0, 1))
    for ask in (protections.demand_contents, lambda found: protections.equal_samples(found, [])):
        with pytest.raises(ConflictError) as refused:
            ask(version)
        assert refused.value.code == "DATASET_NOT_READY"
    protections.data.write_once(f"{version.prefix}index/contents", bytes(8), "application/octet-stream")
    protections.demand_contents(version)
    assert protections.equal_samples(version, []) == []
