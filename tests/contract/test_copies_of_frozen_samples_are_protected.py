"""A copy of a frozen sample is no way around the freeze, whichever pack, project and name it comes under.

Contract A: "a frozen dataset is protected from training use"; `pipeline.contents` says what counts as a copy.
"""

import json
import uuid
from typing import Any, NamedTuple

import pytest

from packhouse.freezes.model import LISTED
from tests.registry import VERSIONS, Json, Project, Registry, Row, build_body, own_rows, problem

LEAKAGE = "FROZEN_SOURCE_LEAKAGE_FORBIDDEN"


def put_picture(project: Project, path: str, body: bytes) -> None:
    key = f"projects/{project.project_id}/assets/{path}"
    stack = project.registry.stack
    stack.client("s3").put_object(Bucket=stack.buckets["data"], Key=key, Body=body)


def own_bytes() -> bytes:
    """Return a picture that no other test has."""
    return uuid.uuid4().bytes * 64


def sample(sample_id: str, x: float = 0.5, **more: Any) -> Row:
    """Return a row of one ball."""
    labels = [{"class": "ball", "point": {"x": x, "y": 0.5}}]
    return {"sample_id": sample_id, "group": sample_id, "labels": labels, **more}


def version_of(project: Project, *rows: Row) -> str:
    """Build rows, with some beside them that nobody else has, and return the version's id."""
    return project.new_version(project.new_approved_pack([*own_rows(), *rows]))


class Frozen(NamedTuple):
    """A frozen version of one picture's sample, one without a picture, and one whose picture was not there."""

    project: Project
    version: str
    picture: bytes
    with_picture: Row
    bare: Row
    lost: Row


@pytest.fixture(scope="module")
def kept(registry: Registry) -> Frozen:
    project, mark, picture = registry.new_project(), uuid.uuid4().hex, own_bytes()
    put_picture(project, "match/17.jpg", picture)
    rows = (
        sample(f"picture-{mark}", asset="match/17.jpg"),
        sample(f"bare-{mark}"),
        sample(f"lost-{mark}", asset=f"match/{mark}.jpg"),
    )
    version = version_of(project, *rows)
    assert project.freeze(version).is_success
    return Frozen(project, version, picture, *rows)


def is_refused(project: Project, version: str, kept: Frozen, copied: Row) -> None:
    """Hold that nothing is trained on a version, for the sake of the frozen one alone, and of one row's."""
    refused = problem(project.take_use(version), 403, LEAKAGE)
    told = {"dataset_version_id": kept.version, "workspace": kept.project.workspace}
    assert refused["equal_samples"] == [told | {"sample_ids": [copied["sample_id"]]}]
    assert "frozen_overlap" not in refused
    (entry,) = project.freeze_history(version)
    assert (entry["code"], entry["facts"]["equal_samples"]) == (LEAKAGE, refused["equal_samples"])


def is_trained_on(project: Project, version: str) -> None:
    answer = project.take_use(version)
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize("where", ["elsewhere", "in the same project"])
def test_the_same_picture_under_another_name(registry: Registry, kept: Frozen, where: str) -> None:
    """Under another path and sample id, with other labels, in another pack, and in another project too."""
    project = registry.new_project() if where == "elsewhere" else kept.project
    put_picture(project, "other/name.png", kept.picture)
    row = sample(uuid.uuid4().hex, 0.25, asset="other/name.png")
    is_refused(project, version_of(project, row), kept, row)


@pytest.mark.parametrize("change", ["a byte less", "a byte more", "another byte"])
def test_a_picture_that_differs_by_a_byte_is_another(registry: Registry, kept: Frozen, change: str) -> None:
    """Under the same path and the same sample id, which are names in another project."""
    project = registry.new_project()
    other = bytes([kept.picture[0] ^ 1]) + kept.picture[1:]
    changed = {"a byte less": kept.picture[:-1], "a byte more": kept.picture + b"\0", "another byte": other}[change]
    put_picture(project, "match/17.jpg", changed)
    row = sample(kept.with_picture["sample_id"], 0.25, asset="match/17.jpg")
    is_trained_on(project, version_of(project, row))


def test_an_empty_picture_shows_nothing_that_another_could_copy(registry: Registry) -> None:
    owner, other = registry.new_project(), registry.new_project()
    versions = []
    for project in (owner, other):
        put_picture(project, "broken.jpg", b"")
        versions.append(version_of(project, sample(uuid.uuid4().hex, asset="broken.jpg")))
    assert owner.freeze(versions[0]).is_success
    is_trained_on(other, versions[1])


def test_the_same_row_without_a_picture(registry: Registry, kept: Frozen) -> None:
    project = registry.new_project()
    is_refused(project, version_of(project, kept.bare), kept, kept.bare)


def test_a_row_that_is_labelled_otherwise_is_another_elsewhere(registry: Registry, kept: Frozen) -> None:
    project = registry.new_project()
    is_trained_on(project, version_of(project, sample(kept.bare["sample_id"], 0.25)))


@pytest.mark.parametrize("labels", [[], None], ids=["empty", "unlabelled"])
def test_a_row_that_says_nothing_is_no_copy_elsewhere(registry: Registry, labels: list[Json] | None) -> None:
    """In its own project it is, by its id."""
    owner, other = registry.new_project(), registry.new_project()
    row = sample(uuid.uuid4().hex) | {"labels": labels}
    assert owner.freeze(version_of(owner, row)).is_success
    is_trained_on(other, version_of(other, row))
    assert problem(owner.take_use(version_of(owner, row)), 403, LEAKAGE)["equal_samples"]


def test_the_same_sample_labelled_anew(kept: Frozen) -> None:
    """In its project a sample is known by its id: in another pack, without its picture, with other labels."""
    for row in (kept.bare, kept.with_picture):
        is_refused(kept.project, version_of(kept.project, sample(row["sample_id"], 0.25)), kept, row)


def test_a_picture_that_was_not_there_is_known_by_its_name(kept: Frozen) -> None:
    row = sample(uuid.uuid4().hex, 0.25, asset=kept.lost["asset"])
    is_refused(kept.project, version_of(kept.project, row), kept, row)


def test_a_picture_that_was_replaced_is_known_by_its_name(kept: Frozen) -> None:
    row = sample(uuid.uuid4().hex, 0.25, asset="match/17.jpg")
    put_picture(kept.project, "match/17.jpg", own_bytes())
    try:
        version = version_of(kept.project, row)
    finally:
        put_picture(kept.project, "match/17.jpg", kept.picture)
    is_refused(kept.project, version, kept, row)


def test_a_sample_whose_conflict_was_left_out_is_in_no_version(kept: Frozen, registry: Registry) -> None:
    """What counts is what a version is made of: of two rows of one sample the older stays out, and so does its copy."""
    project, sample_id = registry.new_project(), kept.bare["sample_id"]
    older = project.new_approved_pack([*own_rows(), kept.bare])
    newer = project.new_approved_pack([*own_rows(), sample(sample_id, 0.25)])
    both = project.new_version(older, newer)
    assert project.version(both)["stats"]["left_out"]["CONFLICTING_SAMPLE"] == 1
    is_trained_on(project, both)
    is_refused(project, project.new_version(older), kept, kept.bare)


def test_a_copy_may_be_evaluated_and_frozen_itself(registry: Registry, kept: Frozen) -> None:
    project = registry.new_project()
    version = version_of(project, kept.bare)
    assert project.take_use(version, "evaluation").status_code == 201
    assert project.freeze(version).is_success
    assert project.version(version)["frozen_overlap"] == []


def test_a_copy_is_protected_as_long_as_one_of_it_is_frozen(registry: Registry) -> None:
    originals = [registry.new_project() for _ in range(2)]
    row = sample(uuid.uuid4().hex)
    frozen = [version_of(project, row) for project in originals]
    for project, version in zip(originals, frozen, strict=True):
        assert project.freeze(version).is_success
    copier = registry.new_project()
    copy = version_of(copier, row)
    for number, (project, version) in enumerate(zip(originals, frozen, strict=True)):
        refused = problem(copier.take_use(copy), 403, LEAKAGE)
        assert [equal["dataset_version_id"] for equal in refused["equal_samples"]] == frozen[number:]
        assert project.unfreeze(version, reason="over").is_success
    is_trained_on(copier, copy)


def test_a_frozen_version_is_not_named_to_one_who_cannot_see_it(registry: Registry) -> None:
    hidden, copier = registry.new_project(registry.new_namespace(editor="editor")), registry.new_project()
    row = sample(uuid.uuid4().hex)
    version = version_of(hidden, row)
    assert hidden.freeze(version).is_success
    namespace = hidden.workspace.partition("/")[0]
    registry.call("DELETE", f"/namespaces/{namespace}/members/user-editor", "owner")
    copy = version_of(copier, row)
    refused = problem(copier.take_use(copy), 403, LEAKAGE)
    told = {"dataset_version_id": version, "workspace": hidden.workspace, "sample_ids": [row["sample_id"]]}
    nameless = told | {"dataset_version_id": None, "workspace": None}
    assert refused["equal_samples"] == [nameless]
    assert namespace not in json.dumps(refused)
    assert copier.freeze_history(copy)[0]["facts"]["equal_samples"] == [told]  # Ops see every project
    assert problem(copier.take_use(copy, person="owner"), 403, LEAKAGE)["equal_samples"] == [told]


def test_of_the_samples_the_first_are_named(registry: Registry) -> None:
    """Of each frozen version the copies of its own."""
    project, copier = registry.new_project(), registry.new_project()
    rows = [own_rows(1, 60), own_rows(1, 2)]
    frozen = [project.new_version(project.new_approved_pack(part)) for part in rows]
    for version in frozen:
        assert project.freeze(version).is_success
    copy = copier.new_version(*(copier.new_approved_pack([*part, *own_rows()]) for part in rows))
    told = problem(copier.take_use(copy), 403, LEAKAGE)["equal_samples"]
    assert [equal["dataset_version_id"] for equal in told] == frozen
    for equal, part, count in zip(told, rows, (LISTED, 2), strict=True):
        assert len(set(equal["sample_ids"])) == len(equal["sample_ids"]) == count
        assert set(equal["sample_ids"]) <= {row["sample_id"] for row in part}


def test_packs_are_named_before_samples(registry: Registry) -> None:
    """A version of the same packs is refused for them; the samples need not be compared."""
    project = registry.new_project()
    pack = project.new_approved_pack(own_rows())
    version = project.new_version(pack)
    assert project.freeze(version).is_success
    body: Json = build_body(pack, force=True)
    built = project.editor.post(f"{VERSIONS}/build", body)
    project.wait(built["job_id"])
    refused = problem(project.take_use(built["dataset_version_id"]), 403, LEAKAGE)
    assert "equal_samples" not in refused
    assert refused["frozen_overlap"][0]["dataset_version_id"] == version
