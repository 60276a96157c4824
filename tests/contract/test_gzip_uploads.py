"""Label rows in gzip, over HTTP through the presigned URL: what is in them counts, and where they end badly is told."""

import gzip
import json

from tests.registry import Json, Pack, Project, as_ndjson, ball_rows


def taken_in(project: Project, body: bytes) -> tuple[Json, Json]:
    """Upload a revision of a pack of its own; return it and its job once that has ended, however it did."""
    label_pack_id = project.new_pack()
    pack = Pack(label_pack_id, project.upload_revision(label_pack_id, body))
    job = project.job_at_its_end(project.submit(pack))
    return project.editor.get(pack.revision_path), job


def test_a_revision_in_gzip_is_what_its_lines_are(project: Project) -> None:
    body = as_ndjson(ball_rows(20, 20))
    packed, job = taken_in(project, gzip.compress(body[:999]) + gzip.compress(body[999:]))
    plain, _ = taken_in(project, body)
    assert (packed["validation_status"], job["status"], packed["rows"]) == ("passed", "ready", 400)
    assert packed["content_hash"] == plain["content_hash"]


def test_gzip_bytes_that_end_too_early_are_told_at_the_line_that_they_end_at(project: Project) -> None:
    lines = [json.dumps(row).encode() + b"\n" for row in ball_rows(3, 3)]
    revision, job = taken_in(project, gzip.compress(b"".join([*lines[:4], b"{}\n", *lines[4:]]))[:-4])
    assert (revision["validation_status"], job["status"]) == ("failed", "failed")
    assert job["error"]["code"] == "LABEL_ROWS_INVALID"
    assert [(fault["line"], fault["rule"]) for fault in revision["faults"]] == [(5, "ROW_FORM"), (11, "GZIP_TRUNCATED")]
