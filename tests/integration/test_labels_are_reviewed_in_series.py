"""Label review series: which are listed, what one shows, and the lists of packs and revisions beside them."""

import pytest

from tests.registry import PACKS, SERIES, Json, Pack, Project, Registry, ball_rows, problem


@pytest.fixture(scope="module")
def house(registry: Registry) -> Project:
    return registry.new_project()


@pytest.fixture(scope="module")
def packs(house: Project) -> dict[str, str]:
    """The ids of packs of every state by a name for it, oldest first; none of them was validated."""
    made = {}
    states: dict[str, tuple[str | None, tuple[str, ...]]] = {
        "new": (None, ()),
        "reviewed": (None, ("REVIEWED",)),
        "rejected": ("reject", ("REVIEWED",)),
        "approved": ("approve", ("REVIEWED", "APPROVED")),
        "revoked": ("revoke", ("REVIEWED", "APPROVED", "REVOKED")),
    }
    for name, (decision, steps) in states.items():
        label_pack_id = house.new_pack(name=name)
        pack = Pack(label_pack_id, house.new_revision(label_pack_id, ball_rows(1, 1)))
        if decision:
            house.decide(pack, decision)
        for status in steps:
            house.make_eligible(pack, status)
        made[name] = label_pack_id
    made["players"] = house.new_pack("player_detection", "players")
    return made


def names(house: Project, path: str, **filters: str) -> list[str]:
    return [one["name"] for one in house.all_of(path, **filters)]


@pytest.mark.parametrize("path", [PACKS, SERIES])
@pytest.mark.parametrize(
    ("filters", "listed"),
    [
        ({}, ["new", "reviewed", "rejected", "approved", "revoked", "players"]),
        ({"capability": "player_detection"}, ["players"]),
        ({"capability": "audio_artifact_detection"}, []),
        ({"review_status": "pending"}, ["new", "reviewed", "players"]),
        ({"review_status": "rejected"}, ["rejected"]),
        ({"review_status": "pending", "capability": "ball_detection"}, ["new", "reviewed"]),
    ],
)
def test_lists_are_oldest_first_and_narrowed_by_capability_and_review_status(
    house: Project, packs: dict[str, str], path: str, filters: Json, listed: list[str]
) -> None:
    assert names(house, path, **filters) == listed
    paged = [one["name"] for page in house.iter_pages(path, 1, **filters) for one in page]
    assert paged == listed
    assert {one["label_pack_id"] for one in house.all_of(path, **filters)} == {packs[name] for name in listed}


@pytest.mark.parametrize(
    ("status", "listed"),
    [
        ("PENDING", ["new"]),
        ("REVIEWED", ["reviewed", "rejected"]),
        ("APPROVED", ["approved"]),
        ("REVOKED", ["revoked"]),
    ],
)
def test_series_are_narrowed_by_the_eligibility_of_the_newest_revision(
    house: Project, packs: dict[str, str], status: str, listed: list[str]
) -> None:
    assert packs.keys() >= set(listed)
    assert names(house, SERIES, eligibility_status=status) == listed
    for both in ("pending", "approved"):
        narrowed = names(house, SERIES, eligibility_status=status, review_status=both)
        assert narrowed == [name for name in listed if name in names(house, SERIES, review_status=both)]


def test_a_series_moves_to_the_eligibility_of_a_newer_revision(project: Project) -> None:
    pack = project.new_pack_of(None, "approve", "REVIEWED", "APPROVED")
    newer = project.new_revision(pack.label_pack_id, ball_rows(2, 2))
    assert names(project, SERIES, eligibility_status="APPROVED") == []
    (series,) = project.all_of(SERIES, eligibility_status="PENDING")
    assert (series["eligibility_status"], series["revision_count"]) == ("PENDING", 2)
    assert series["approved"]["revision_id"] == pack.revision_id
    project.make_eligible(Pack(pack.label_pack_id, newer), "REVIEWED")
    assert names(project, SERIES, eligibility_status="REVIEWED") == ["a pack"]


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        (SERIES, {"eligibility_status": "approved"}),
        (SERIES, {"review_status": "APPROVED"}),
        (PACKS, {"eligibility_status": "APPROVED"}),
        (PACKS, {"capability": "goals"}),
        (PACKS, {"limit": "201"}),
    ],
)
def test_a_filter_that_is_none_is_refused(house: Project, path: str, wrong: Json) -> None:
    problem(house.call("GET", path, params=wrong), 400, "INVALID_REQUEST")


def test_a_cursor_holds_for_its_list_its_filters_and_its_project(house: Project, packs: dict[str, str]) -> None:
    assert len(packs) > 1
    cursor = house.editor.get(SERIES, limit="1", review_status="pending")["next_cursor"]
    assert house.call("GET", SERIES, params={"cursor": cursor, "review_status": "pending"}).status_code == 200
    for path, filters in ((SERIES, {}), (SERIES, {"review_status": "approved"}), (PACKS, {"review_status": "pending"})):
        problem(house.call("GET", path, params={"cursor": cursor, **filters}), 400, "INVALID_CURSOR")
    elsewhere = house.registry.new_project()
    problem(elsewhere.call("GET", SERIES, params={"cursor": cursor, "review_status": "pending"}), 400, "INVALID_CURSOR")


def test_a_series_shows_every_decision_newest_first_with_who_and_why(project: Project) -> None:
    pack = project.new_pack_of()
    decisions: list[tuple[str, str, Json]] = [
        ("owner", f"{pack.path}/review", {"decision": "approve", "note": "all of the first half"}),
        ("editor", f"{pack.revision_path}/eligibility", {"status": "REVIEWED"}),
        ("owner", f"{pack.revision_path}/eligibility", {"status": "APPROVED", "note": "checked twice"}),
        ("editor", f"{pack.path}/review", {"decision": "revoke", "note": "the camera was moved"}),
    ]
    for person, path, body in decisions:
        assert project.call("POST", path, person, json=body).status_code == 200
    series = project.editor.get(f"{SERIES}/{pack.label_pack_id}")
    assert series["next_cursor"] is None
    facts = ("by", "what", "revision_id", "before", "after", "note")
    assert [tuple(entry[fact] for fact in facts) for entry in series["history"]] == [
        ("user-editor", "review_status", None, "approved", "revoked", "the camera was moved"),
        ("user-owner", "eligibility_status", pack.revision_id, "REVIEWED", "APPROVED", "checked twice"),
        ("user-editor", "eligibility_status", pack.revision_id, "PENDING", "REVIEWED", None),
        ("user-owner", "review_status", None, "pending", "approved", "all of the first half"),
    ]
    moments = [entry["at"] for entry in series["history"]]
    assert moments == sorted(moments, reverse=True)


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_a_series_is_paged_through_its_revisions_and_then_its_decisions(project: Project, limit: int) -> None:
    pack = project.new_pack_of(None, "approve", "REVIEWED", "APPROVED")
    project.new_revision(pack.label_pack_id, ball_rows(1, 1))
    whole = project.editor.get(f"{SERIES}/{pack.label_pack_id}")
    assert (len(whole["revisions"]), len(whole["history"])) == (2, 3)
    revisions: list[Json] = []
    history: list[Json] = []
    cursor: str | None = ""
    while cursor is not None:
        shown = project.editor.get(
            f"{SERIES}/{pack.label_pack_id}", limit=str(limit), **({"cursor": cursor} if cursor else {})
        )
        assert len(shown["revisions"]) + len(shown["history"]) <= limit
        assert {**shown, "revisions": [], "history": [], "next_cursor": None} == {
            **whole,
            "revisions": [],
            "history": [],
        }
        revisions, history, cursor = revisions + shown["revisions"], history + shown["history"], shown["next_cursor"]
    assert (revisions, history) == (whole["revisions"], whole["history"])


def test_a_refused_decision_leaves_no_entry(project: Project) -> None:
    pack = project.new_pack_of()
    for body in ({"status": "APPROVED"}, {"status": "approved"}):
        assert project.call("POST", f"{pack.revision_path}/eligibility", json=body).status_code in {400, 409}
    assert project.editor.get(f"{SERIES}/{pack.label_pack_id}")["history"] == []


def test_a_series_shows_its_revisions_newest_first_with_what_was_found_in_them(project: Project) -> None:
    pack = project.new_pack_of(ball_rows(3, 2))
    faulty = Pack(pack.label_pack_id, project.new_revision(pack.label_pack_id, [{"sample_id": "without-labels"}]))
    project.job_at_its_end(project.submit(faulty))
    unsent = project.new_revision(pack.label_pack_id, ball_rows(1, 1))
    series = project.editor.get(f"{SERIES}/{pack.label_pack_id}")
    facts = ("revision_id", "revision", "validation_status", "fault_count", "groups")
    assert [tuple(one[fact] for fact in facts) for one in series["revisions"]] == [
        (unsent, 3, "pending", 0, None),
        (faulty.revision_id, 2, "failed", 1, series["revisions"][1]["groups"]),
        (pack.revision_id, 1, "passed", 0, 3),
    ]
    assert (series["validation_status"], series["revision_count"]) == ("pending", 3)


def test_revisions_are_paged_newest_first(project: Project) -> None:
    label_pack_id = project.new_pack()
    made = [project.new_revision(label_pack_id, ball_rows(1, 1)) for _ in range(5)]
    path = f"{PACKS}/{label_pack_id}/revisions"
    for limit in (1, 2, 5, 200):
        pages = list(project.iter_pages(path, limit))
        assert [one["revision_id"] for page in pages for one in page] == made[::-1]
        assert all(len(page) == limit for page in pages[:-1])
    cursor = project.editor.get(path, limit="2")["next_cursor"]
    other = f"{PACKS}/{project.new_pack()}/revisions"
    problem(project.call("GET", other, params={"cursor": cursor}), 400, "INVALID_CURSOR")


def test_a_series_of_another_project_is_not_there(house: Project, packs: dict[str, str], project: Project) -> None:
    for series_id in (packs["new"], "lp_nothing"):
        problem(project.call("GET", f"{SERIES}/{series_id}"), 404, "LABEL_PACK_NOT_FOUND")
    problem(project.registry.call("GET", SERIES, "editor", "acme/nothing-here"), 404, "PROJECT_NOT_FOUND")
