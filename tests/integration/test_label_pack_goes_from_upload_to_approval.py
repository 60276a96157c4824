"""A label pack: upload, validation, review, eligibility."""

import httpx
import pytest

from tests.registry import Pack, Project, as_ndjson, ball_rows, problem, sha256

PACKS = "/api/v1/label-packs"


def presigned(project: Project, body: bytes) -> tuple[Pack, dict[str, str], str]:
    """Announce the bytes; return the revision, the headers to send and the URL."""
    label_pack_id = project.new_pack()
    wanted = {"upload": "presigned", "content_length": len(body), "sha256": sha256(body)}
    made = project.editor.post(f"{PACKS}/{label_pack_id}/revisions", wanted)
    assert made["upload"]["method"] == "PUT"
    return Pack(label_pack_id, made["revision_id"]), dict(made["upload"]["headers"]), made["upload"]["url"]


def test_an_upload_takes_exactly_the_bytes_that_were_announced(shared_project: Project) -> None:
    body = as_ndjson(ball_rows())
    _, headers, url = presigned(shared_project, body)
    other = body.replace(b"0.01", b"0.02", 1)
    assert len(other) == len(body)
    assert httpx.put(url, content=other, headers=headers).status_code == 400
    assert httpx.put(url, content=body, headers=headers | {"Content-Type": "text/html"}).status_code == 403
    assert httpx.put(url.replace("upload.ndjson", "other.ndjson"), content=body, headers=headers).status_code == 403
    shorter = {name: value for name, value in headers.items() if name != "Content-Length"}
    assert httpx.put(url, content=body[:-1], headers=shorter).status_code in {400, 403}
    assert httpx.put(url, content=body, headers=headers).status_code == 200


def test_a_revision_is_submitted_after_its_upload_and_once(shared_project: Project) -> None:
    body = as_ndjson(ball_rows())
    pack, headers, url = presigned(shared_project, body)
    problem(shared_project.call("POST", f"{pack.revision_path}/submit"), 409, "UPLOAD_MISSING")
    httpx.put(url, content=body, headers=headers)
    job_id = shared_project.submit(pack)
    again = problem(shared_project.call("POST", f"{pack.revision_path}/submit"), 409, "REVISION_ALREADY_SUBMITTED")
    assert again["job_id"] == job_id
    shared_project.wait(job_id)
    revision = shared_project.editor.get(pack.revision_path)
    assert (revision["validation_status"], revision["rows"], revision["fault_count"]) == ("passed", 24, 0)
    assert revision["content_hash"].startswith("sha256:")
    assert shared_project.editor.get(pack.path)["validation_status"] == "passed"


def test_faulty_lines_are_named_by_line_pointer_and_rule(shared_project: Project) -> None:
    lines = as_ndjson(ball_rows()).splitlines()
    lines[2] = b'{"sample_id":"x","labels":[{"class":"ball","point":{"x":"left","y":0}}]}'
    lines[4] = b"not json"
    lines[6] = lines[5]
    label_pack_id = shared_project.new_pack()
    pack = Pack(label_pack_id, shared_project.upload_revision(label_pack_id, b"\n".join(lines)))
    job = shared_project.job_at_its_end(shared_project.submit(pack))
    assert (job["status"], job["error"]["code"]) == ("failed", "LABEL_ROWS_INVALID")
    revision = shared_project.editor.get(pack.revision_path)
    assert (revision["validation_status"], revision["fault_count"]) == ("failed", 3)
    assert [(fault["line"], fault["pointer"], fault["rule"]) for fault in revision["faults"]] == [
        (3, "/labels/0/point/x", "ROW_FORM"),
        (5, "", "NOT_JSON"),
        (7, "/sample_id", "DUPLICATE_SAMPLE_ID"),
    ]
    assert revision["content_hash"] is None


def test_revisions_are_listed_newest_first(shared_project: Project) -> None:
    label_pack_id = shared_project.new_pack()
    made = [shared_project.new_revision(label_pack_id, ball_rows(1, 1)) for _ in range(3)]
    listed = shared_project.editor.get(f"{PACKS}/{label_pack_id}/revisions")["items"]
    assert [revision["revision_id"] for revision in listed] == made[::-1]
    assert [revision["revision"] for revision in listed] == [3, 2, 1]


def test_a_review_decides_over_the_pack(shared_project: Project) -> None:
    path = f"{PACKS}/{shared_project.new_pack()}"
    assert shared_project.editor.get(path)["review_status"] == "pending"
    for decision, status in (("approve", "approved"), ("revoke", "revoked"), ("reject", "rejected")):
        assert shared_project.editor.post(f"{path}/review", {"decision": decision})["review_status"] == status
        assert shared_project.editor.get(path)["review_status"] == status


STEPS = [("PENDING", "REVIEWED"), ("REVIEWED", "APPROVED"), ("APPROVED", "REVOKED"), ("REVOKED", "REVIEWED")]
ROUTE = {"PENDING": [], "REVIEWED": ["REVIEWED"], "APPROVED": ["REVIEWED", "APPROVED"]}


@pytest.mark.parametrize("before", ["PENDING", "REVIEWED", "APPROVED", "REVOKED"])
def test_eligibility_takes_its_steps_and_no_other(shared_project: Project, before: str) -> None:
    label_pack_id = shared_project.new_pack()
    pack = Pack(label_pack_id, shared_project.new_revision(label_pack_id, ball_rows(1, 1)))
    for status in ROUTE.get(before, ["REVIEWED", "APPROVED", "REVOKED"]):
        shared_project.make_eligible(pack, status)
    for after in ("REVIEWED", "APPROVED", "REVOKED"):
        if (before, after) not in STEPS:
            refused = shared_project.call("POST", f"{pack.revision_path}/eligibility", json={"status": after})
            problem(refused, 409, "ELIGIBILITY_TRANSITION_INVALID")
            assert shared_project.editor.get(pack.revision_path)["eligibility_status"] == before
    (allowed,) = [after for known, after in STEPS if known == before]
    shared_project.make_eligible(pack, allowed)
    assert shared_project.editor.get(pack.revision_path)["eligibility_status"] == allowed


def test_packs_are_paged_and_cursors_hold_for_their_list_only(project: Project, shared_project: Project) -> None:
    made = [project.new_pack(name=f"pack {number}") for number in range(5)]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = project.editor.get(PACKS, limit="2", **({"cursor": cursor} if cursor else {}))
        assert len(page["items"]) <= 2
        seen += [pack["label_pack_id"] for pack in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = page["next_cursor"]
    assert sorted(seen) == sorted(made)
    assert cursor is not None
    problem(shared_project.call("GET", PACKS, params={"cursor": cursor}), 400, "INVALID_CURSOR")
    changed = cursor[:-2] + ("A" if cursor[-2] != "A" else "B") + cursor[-1]
    problem(project.call("GET", PACKS, params={"cursor": changed}), 400, "INVALID_CURSOR")


def test_packs_of_a_project_that_is_not_there_are_not_found(shared_project: Project) -> None:
    answer = shared_project.registry.call("GET", PACKS, "editor", "acme/nothing-here")
    problem(answer, 404, "PROJECT_NOT_FOUND")
