"""The way of annotated recordings through the registry: two published sets, a third in draft, and a label pack.

The first set is what somebody heard who listened once. The second begins as its copy and is put right, one annotation
at a time; it is promoted into a label pack, which is reviewed and built as every other one. Every step first looks
whether it is done already. Left out: the recordings themselves (`recordings`) and the build (`walk`).
"""

from typing import Any

from local.demo.api import Api
from local.demo.bars import Bars
from local.demo.recordings import DURATION_MS, RECORDINGS, Recording, first_pass, iter_recordings
from local.stack import Stack

DATASET = "support-calls"
CONTENT_TYPE = "audio/wav"
Json = dict[str, Any]


def settle_calls(stack: Stack, editor: Api, assets: str, bars: Bars) -> tuple[str, str]:
    """Bring the recordings' annotations to where a build takes them; return the set's id and its label pack's."""
    dataset_id = _dataset(editor, stack.workspace)
    path = f"/api/v1/datasets/{dataset_id}"
    files = _audio_files(stack, editor, path, assets, bars)
    sets = {each["version"]: each for each in editor.iter_items(f"{path}/annotation-sets")}
    first = sets.get(1) or editor.post(f"{path}/annotation-sets", {"extra_data": {"changes": "Heard once."}})
    if first["status"] == "draft":
        _hear(editor, f"{path}/annotation-sets/{first['id']}", files)
    second = sets.get(2) or editor.post(f"{path}/annotation-sets", {"copy_from": first["id"]})
    if second["status"] == "draft":
        _put_right(editor, f"{path}/annotation-sets/{second['id']}", files, bars)
    if 3 not in sets:
        editor.post(f"{path}/annotation-sets", {"copy_from": second["id"]})
    return second["id"], _promoted(editor, f"{path}/annotation-sets/{second['id']}")


def _dataset(editor: Api, workspace: str) -> str:
    namespace, project = workspace.split("/")
    path = f"/namespaces/{namespace}/projects/{project}/datasets"
    found = editor.find(f"{path}/{DATASET}")
    return str((found or editor.post(path, {"name": DATASET, "description": "A synthetic voice on the phone."}))["id"])


def _audio_files(stack: Stack, editor: Api, path: str, assets: str, bars: Bars) -> dict[str, Recording]:
    """Store the recordings and make them known; return them by their audio file ids."""
    known = {each["uri"]: each["id"] for each in editor.iter_items(f"{path}/audio-files")}
    s3, bucket = stack.client("s3"), stack.buckets["data"]
    files = {}
    for done, recording in enumerate(iter_recordings(), 1):
        if recording.asset not in known:
            sound = {"Key": assets + recording.asset, "Body": recording.wav(), "ContentType": CONTENT_TYPE}
            s3.put_object(Bucket=bucket, **sound)
            wanted = {"uri": recording.asset, "duration_ms": DURATION_MS, "group": recording.speaker}
            known[recording.asset] = editor.post(f"{path}/audio-files", wanted)["id"]
        files[known[recording.asset]] = recording
        bars.move("recordings", done, RECORDINGS)
    return files


def _hear(editor: Api, path: str, files: dict[str, Recording]) -> None:
    rows = [{"audio_file_id": file, **heard} for file, each in files.items() for heard in first_pass(each)]
    if not editor.get(path)["total_annotations"]:
        editor.post(f"{path}/annotations/bulk", {"annotations": rows})
    editor.post(f"{path}/publish")


def _put_right(editor: Api, path: str, files: dict[str, Recording], bars: Bars) -> None:
    """Change what was misheard and add what was missed, then publish."""
    there = {(row["audio_file_id"], row["start_ms"]): row for row in editor.list_rows(f"{path}/annotations")}
    true = [(file, artifact) for file, recording in files.items() for artifact in recording.artifacts]
    for done, (file, artifact) in enumerate(true, 1):
        row = there.get((file, artifact.start_ms))
        if row is None:
            editor.post(f"{path}/annotations", {"audio_file_id": file, **artifact._asdict(), "confidence": 1.0})
        elif row["artifact_type"] != artifact.artifact_type:
            editor.patch(f"{path}/annotations/{row['id']}", {"artifact_type": artifact.artifact_type})
        bars.move("annotations", done, len(true))
    editor.post(f"{path}/publish")


def _promoted(editor: Api, path: str) -> str:
    packs = editor.iter_items("/api/v1/label-packs", capability="audio_artifact_detection")
    for pack in packs:
        if pack["name"] == DATASET and pack["validation_status"] == "passed":
            return str(pack["label_pack_id"])
    promoted = editor.post(f"{path}/promote", {"unannotated": "empty"})
    editor.wait(promoted["job_id"])
    return str(promoted["label_pack_id"])
