"""Contract B, additions of the API: sets are copied on the server, compared, and promoted into label packs."""

import pytest

from tests.annotations import AUDIO_FILES, ROWS, SETS, AudioDataset, segment
from tests.containers import succeeded
from tests.registry import Json, Project, Row, problem


@pytest.fixture
def dataset(project: Project) -> AudioDataset:
    return AudioDataset.new(project)


@pytest.fixture
def audio(dataset: AudioDataset) -> str:
    return dataset.new_audio_file("calls/first.wav")


def edited(dataset: AudioDataset, audio: str) -> str:
    """Return a draft of bulks and single annotations, some changed, some removed."""
    draft = dataset.new_set([segment(audio, 100 * at, 100 * at + 50) for at in range(20)])
    dataset.bulk(draft, [segment(audio, 100 * at + 10, 100 * at + 90, "other", 0.5) for at in range(20)])
    rows = dataset.rows(draft)
    for row in rows[:6:2]:
        succeeded(dataset.call("DELETE", SETS, draft, ROWS, row["id"]))
    for row in rows[1:9:2]:
        succeeded(dataset.call("PATCH", SETS, draft, ROWS, row["id"], json={"start_ms": row["start_ms"] + 5}))
    dataset.add(draft, segment(audio, 5, 6, "hallucination", 1))
    return draft


def changed(dataset: AudioDataset, annotation_set_id: str, row: Row, **changes: object) -> Json:
    return succeeded(dataset.call("PATCH", SETS, annotation_set_id, ROWS, row["id"], json=changes))


# POST …/annotation-sets {"copy_from": id}


@pytest.mark.parametrize("status", ["draft", "published"])
def test_a_set_begins_as_a_copy_of_another(dataset: AudioDataset, audio: str, status: str) -> None:
    """Annotations keep their ids; what happens to one set afterwards does not happen to the other."""
    source = edited(dataset, audio)
    if status == "published":
        dataset.publish(source)
    before = dataset.rows(source)
    made = dataset.post(SETS, copy_from=source)
    copy = made["id"]
    assert (made["version"], made["status"], made["copied_from"], made["total_annotations"]) == (2, "draft", source, 38)
    assert dataset.rows(copy) == before
    succeeded(dataset.call("DELETE", SETS, copy, ROWS, before[0]["id"]))
    changed(dataset, copy, before[1], artifact_type="long_pause")
    dataset.add(copy, segment(audio, 1, 2))
    assert dataset.rows(source) == before
    assert len(dataset.rows(copy)) == 38
    if status == "draft":
        succeeded(dataset.call("DELETE", SETS, source))
    published = dataset.publish(copy)
    assert (published["total_annotations"], len(dataset.rows(copy))) == (38, 38)
    assert published["annotations_by_type"]["long_pause"] == 1


def test_a_copy_of_a_copy_is_what_the_first_was(dataset: AudioDataset, audio: str) -> None:
    first = dataset.new_published([segment(audio, 0, 10)])
    published = [dataset.shown(first)]
    for _ in range(3):
        published.append(dataset.shown(dataset.new_published(copy_from=published[-1]["id"])))
    assert len({one["rows_sha256"] for one in published}) == 1
    assert [one["version"] for one in published] == [1, 2, 3, 4]


@pytest.mark.parametrize("source", ["ast_01J0000000000000000000000Z", "of another dataset", "deleted"])
def test_only_a_set_of_the_dataset_is_copied(dataset: AudioDataset, source: str) -> None:
    if source == "of another dataset":
        source = AudioDataset.new(dataset.project, "others").new_set()
    if source == "deleted":
        source = dataset.new_set()
        succeeded(dataset.call("DELETE", SETS, source))
    listed = dataset.listed()
    problem(dataset.call("POST", SETS, json={"copy_from": source}), 404, "ANNOTATION_SET_NOT_FOUND")
    assert dataset.listed() == listed


# GET …/annotation-sets/{id}/diff?against=


def test_a_diff_tells_what_was_added_removed_and_changed(dataset: AudioDataset, audio: str) -> None:
    first = dataset.new_published([segment(audio, 100 * at, 100 * at + 50) for at in range(10)])
    second = dataset.new_set(copy_from=first)
    rows = dataset.rows(second)
    relabelled = changed(dataset, second, rows[1], artifact_type="other")
    moved = changed(dataset, second, rows[2], start_ms=205)
    succeeded(dataset.call("DELETE", SETS, second, ROWS, rows[3]["id"]))
    added = dataset.add(second, segment(audio, 5_000, 5_001, "long_pause"))
    found = dataset.get(SETS, second, "diff", against=first)
    assert found["counts"] == {"added": 1, "removed": 1, "changed": 2, "unchanged": 7}
    assert found["deltas_by_type"] == {"glitch": -2, "long_pause": 1, "other": 1}
    sides = [(each["change"], each["before"] or {}, each["after"] or {}) for each in found["items"]]
    told = {(change, before.get("id"), after.get("id")) for change, before, after in sides}
    assert told == {
        ("changed", rows[1]["id"], rows[1]["id"]),
        ("changed", rows[2]["id"], rows[2]["id"]),
        ("removed", rows[3]["id"], None),
        ("added", None, added["id"]),
    }
    after = {each["after"]["id"]: each for each in found["items"] if each["after"]}
    assert after[rows[1]["id"]] == {"change": "changed", "before": rows[1], "after": relabelled}
    assert after[moved["id"]] == {"change": "changed", "before": rows[2], "after": moved}
    back = dataset.get(SETS, first, "diff", against=second)
    assert back["counts"] == found["counts"]
    assert back["deltas_by_type"] == {name: -delta for name, delta in found["deltas_by_type"].items()}


def test_a_copy_by_bulk_differs_in_nothing(dataset: AudioDataset, audio: str) -> None:
    rows = [segment(audio, at % 7, 50, "other", 0.1 * (at % 3)) for at in range(30)]
    first, second = dataset.new_published(rows), dataset.new_set(rows[::-1])
    for against in (first, second):
        found = dataset.get(SETS, second, "diff", against=against)
        assert found["counts"] == {"added": 0, "removed": 0, "changed": 0, "unchanged": 30}
        assert (found["items"], found["deltas_by_type"], found["next_cursor"]) == ([], {}, None)


@pytest.mark.parametrize("limit", [1, 7, 1_000])
def test_a_diff_is_paged(dataset: AudioDataset, audio: str, limit: int) -> None:
    first = dataset.new_set([segment(audio, 10 * at, 10 * at + 5) for at in range(20)])
    second = dataset.new_set([segment(audio, 10 * at, 10 * at + 5 + at % 2) for at in range(5, 25)])
    items: list[Json] = []
    cursor: Json = {}
    while True:
        page = dataset.get(SETS, second, "diff", against=first, limit=limit, **cursor)
        assert len(page["items"]) <= limit
        assert page["counts"] == {"added": 13, "removed": 13, "changed": 0, "unchanged": 7}
        items += page["items"]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    ids = [(each["change"], (each["after"] or each["before"])["id"]) for each in items]
    assert len(set(ids)) == len(ids) == 26


@pytest.mark.parametrize("against", ["ast_01J0000000000000000000000Z", "of another dataset"])
def test_a_diff_is_of_two_sets_of_the_dataset(dataset: AudioDataset, against: str) -> None:
    ours = dataset.new_set()
    if against == "of another dataset":
        against = AudioDataset.new(dataset.project, "others").new_set()
    problem(dataset.call("GET", SETS, ours, "diff", params={"against": against}), 404, "ANNOTATION_SET_NOT_FOUND")
    problem(dataset.call("GET", SETS, ours, "diff"), 400, "INVALID_REQUEST")


# POST …/annotation-sets/{id}/promote → label pack revision


def revision_of(dataset: AudioDataset, promoted: Json) -> Json:
    path = f"/api/v1/label-packs/{promoted['label_pack_id']}/revisions/{promoted['revision_id']}"
    return dataset.project.editor.get(path)


def test_a_published_set_is_promoted_into_a_label_pack_revision(dataset: AudioDataset, audio: str) -> None:
    """The next set of the dataset becomes the next revision of the same pack."""
    dataset.new_audio_file("calls/silent.wav")
    first = dataset.new_published([segment(audio, 0, 10), segment(audio, 20, 30, "other")])
    promoted = dataset.promote(first)
    assert (promoted["annotation_set_id"], promoted["rows"], promoted["revision"]) == (first, 1, 1)
    revision = revision_of(dataset, promoted)
    assert (revision["validation_status"], revision["rows"]) == ("passed", 1)
    pack = dataset.project.editor.get(f"/api/v1/label-packs/{promoted['label_pack_id']}")
    assert (pack["capability"], pack["name"]) == ("audio_artifact_detection", "calls")
    again = dataset.promote(dataset.new_published(copy_from=first))
    assert (again["label_pack_id"], again["revision"]) == (promoted["label_pack_id"], 2)


@pytest.mark.parametrize(("choice", "rows"), [("left_out", 1), ("unlabelled", 3), ("empty", 3)])
def test_it_is_said_what_becomes_of_files_without_annotations(
    dataset: AudioDataset, audio: str, choice: str, rows: int
) -> None:
    for name in ("calls/second.wav", "calls/third.wav"):
        dataset.new_audio_file(name)
    made = dataset.new_published([segment(audio, 0, 10)])
    dataset.new_audio_file("calls/later.wav")
    promoted = dataset.promote(made, unannotated=choice)
    assert (promoted["rows"], revision_of(dataset, promoted)["rows"]) == (rows, rows)
    assert len(dataset.get(AUDIO_FILES)["items"]) == 4


def test_a_set_goes_to_the_pack_that_is_named(dataset: AudioDataset, audio: str) -> None:
    made = dataset.new_published([segment(audio, 0, 10)])
    pack = dataset.project.new_pack("audio_artifact_detection")
    promoted = dataset.promote(made, label_pack_id=pack)
    assert (promoted["label_pack_id"], revision_of(dataset, promoted)["validation_status"]) == (pack, "passed")
    balls = dataset.project.new_pack("ball_detection")
    answer = dataset.call("POST", SETS, made, "promote", json={"label_pack_id": balls})
    problem(answer, 409, "LABEL_PACK_CAPABILITY_MISMATCH")
    answer = dataset.call("POST", SETS, made, "promote", json={"label_pack_id": "lp_none"})
    problem(answer, 404, "LABEL_PACK_NOT_FOUND")


def test_a_set_without_annotations_becomes_no_label_rows(dataset: AudioDataset, audio: str) -> None:
    made = dataset.new_published()
    problem(dataset.call("POST", SETS, made, "promote"), 409, "ANNOTATION_SET_EMPTY")
    assert dataset.project.all_of("/api/v1/label-packs") == []
    assert dataset.get(AUDIO_FILES, audio)["id"] == audio
