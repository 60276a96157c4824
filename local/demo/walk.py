"""The way of a match, of recorded calls and of coaching sessions through the registry, to checked downloads.

The editor uploads and builds, the owner reviews, both over HTTP as anyone would. Every step first looks whether it is
done already, so an interrupted walk goes on where it was, and a finished one is only read and checked again. Left out:
how rows are worded (`match`), pictures drawn (`pitch`), recordings annotated (`calls`), sessions imported (`coaching`),
requests carried (`api`), downloads checked (`downloads`) and results printed (`tables`).
"""

import hashlib
import json
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from local.demo.api import Api, RefusedError
from local.demo.bars import Bars, JobBars
from local.demo.calls import settle_calls
from local.demo.coaching import settle_coaching
from local.demo.downloads import check_exports, verify_version
from local.demo.match import CAPABILITIES, MATCH_ID, Capability, Slice, iter_frames, iter_slices
from local.demo.pitch import iter_pngs
from local.demo.tables import show_training_dataset, show_version
from local.stack import Stack

UPLOAD_THREADS = 6
PACK_THREADS = 4
MEMORY_FILE = "demo.json"
DOWNLOADS = "downloads"
KEPT = "ball_detection"
"""The capability whose version is left in a folder below the stack's, and verified there."""
AUDIO = "audio_artifact_detection"
COACHING = "coaching"
SPLIT = {"strategy": "group_quota", "ratio": {"train": 0.8, "val": 0.1, "test": 0.1}, "seed": 0}
NEXT_ELIGIBILITY = {"PENDING": ("REVIEWED", "APPROVED"), "REVIEWED": ("APPROVED",)}


@dataclass(frozen=True)
class DemoResult:
    """What the demo holds now: version ids by capability, other ids of note, or the problem that stopped it."""

    versions: Mapping[str, str] = field(default_factory=dict)
    annotation_set_id: str | None = None
    training_dataset_id: str | None = None
    problem: str | None = None

    @property
    def dataset_version_id(self) -> str | None:
        """The version to show first: the ball's."""
        return self.versions.get("ball_detection")


def run(stack: Stack, console: Console) -> DemoResult:
    """Fill the demo project, or find it filled, check every export's bytes and print what is there.

    A refused request is printed as its code and detail, and is the result's `problem`.
    """
    try:
        with (
            Api(stack.api_url, stack.tokens["editor"], stack.workspace) as editor,
            Api(stack.api_url, stack.tokens["owner"], stack.workspace) as owner,
        ):
            return _walk(stack, console, editor, owner)
    except RefusedError as refusal:
        problem = str(refusal)
    except ClientError as error:
        problem = f"{error.response['Error']['Code']}: {error.response['Error']['Message']}"
    except BotoCoreError as error:
        problem = f"UNREACHABLE: {error}"
    console.print(f"The demo stopped. {problem}", style="red", markup=False, highlight=False)
    return DemoResult(problem=problem)


def _walk(stack: Stack, console: Console, editor: Api, owner: Api) -> DemoResult:
    namespace, project = stack.workspace.split("/")
    project_id = editor.get(f"/namespaces/{namespace}/projects/{project}")["id"]
    assets = f"projects/{project_id}/assets/"
    with Bars(console) as bars:
        _upload_pictures(stack, assets, bars)
        annotation_set_id, calls_id = settle_calls(stack, editor, assets, bars)
        _approve(editor, owner, f"/api/v1/label-packs/{calls_id}")
    memory = _Memory(stack.state_dir / MEMORY_FILE, project_id)
    versions: dict[str, str] = {}
    subjects: list[tuple[str, str, Callable[[Bars], list[str]]]] = [
        (capability, f"match {MATCH_ID}", partial(_settle_packs, editor, owner, capability))
        for capability in CAPABILITIES
    ]
    subjects.append((AUDIO, "recorded calls", lambda _: [calls_id]))
    for capability, subject, settle in subjects:
        version_id = memory.versions.get(capability)
        version = editor.find(f"/api/v1/datasets/{version_id}") if version_id else None
        if version is None:
            with Bars(console) as bars:
                version = _build(editor, capability, subject, settle(bars), bars)
            memory.remember(capability, version["dataset_version_id"])
        versions[capability] = version["dataset_version_id"]
        kept = stack.state_dir / DOWNLOADS / versions[capability] if capability == KEPT else None
        exports = list(editor.iter_items(f"/api/v1/datasets/{versions[capability]}/exports"))
        with Bars(console) as bars:
            check_exports(editor, exports, f"check {capability}", bars, kept)
        show_version(console, version, exports)
        if kept:
            verdict = verify_version(kept, version["provenance"]["manifest_hash"])
            console.print(verdict, markup=False, highlight=False, soft_wrap=True)
    return DemoResult(versions, annotation_set_id, _train(editor, console, memory))


def _train(editor: Api, console: Console, memory: "_Memory") -> str:
    """Make the training dataset, or find it, check its files' bytes and print it; its id."""
    with Bars(console) as bars:
        dataset = settle_coaching(editor, memory.versions.get(COACHING), bars)
    training_dataset_id = str(dataset["training_dataset_id"])
    memory.remember(COACHING, training_dataset_id)
    files = list(editor.iter_items(f"/api/v1/training-datasets/{training_dataset_id}/files"))
    with Bars(console) as bars:
        check_exports(editor, files, f"check {COACHING}", bars)
    show_training_dataset(console, dataset, files)
    return training_dataset_id


class _Memory:
    """The versions and the training dataset that an earlier walk made, as long as the project is the same."""

    def __init__(self, path: Path, project_id: str) -> None:
        held = json.loads(path.read_bytes()) if path.exists() else {}
        self._path = path
        self._project_id = project_id
        self.versions: dict[str, str] = held.get("versions", {}) if held.get("project_id") == project_id else {}

    def remember(self, capability: str, dataset_version_id: str) -> None:
        self.versions[capability] = dataset_version_id
        unfinished = self._path.with_suffix(".tmp")
        unfinished.write_text(json.dumps({"project_id": self._project_id, "versions": self.versions}, indent=1))
        unfinished.replace(self._path)


def _upload_pictures(stack: Stack, prefix: str, bars: Bars) -> None:
    """Draw and store the pictures that are not there yet; drawing and storing overlap, few pictures are held."""
    s3, bucket = stack.client("s3"), stack.buckets["data"]
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    there = {found["Key"] for page in pages for found in page.get("Contents", ())}
    frames = list(iter_frames())
    missing = [frame for frame in frames if prefix + frame.asset not in there]
    done = len(frames) - len(missing)
    bars.move("pictures", done, len(frames))
    under_way: deque[Future[Any]] = deque()
    with ThreadPoolExecutor(UPLOAD_THREADS) as pool:
        for frame, png in iter_pngs(missing):
            picture = {"Bucket": bucket, "Key": prefix + frame.asset, "Body": png, "ContentType": "image/png"}
            under_way.append(pool.submit(s3.put_object, **picture))
            if len(under_way) > 2 * UPLOAD_THREADS:
                under_way.popleft().result()
                done += 1
                bars.move("pictures", done, len(frames))
        for upload in under_way:
            upload.result()
    if missing:
        bars.move("pictures", len(frames), len(frames))


def _settle_packs(editor: Api, owner: Api, capability: Capability, bars: Bars) -> list[str]:
    """Bring every slice's pack to where a build takes it; pack ids in the order of play."""
    slices = list(iter_slices(capability))
    packs = {pack["name"]: pack for pack in editor.iter_items("/api/v1/label-packs", capability=capability)}
    pack_ids = []
    with ThreadPoolExecutor(PACK_THREADS) as pool:
        for pack_id in pool.map(lambda each: _settle_pack(editor, owner, each, packs.get(each.name)), slices):
            pack_ids.append(pack_id)
            bars.move(f"packs {capability}", len(pack_ids), len(slices))
    return pack_ids


def _settle_pack(editor: Api, owner: Api, piece: Slice, pack: dict[str, Any] | None) -> str:
    """Create, upload, review and approve one pack as far as that is still to do; its id."""
    if pack is None:
        facts = {"description": "One frame a second of a real match, as a tracker saw it from broadcast video."}
        pack = editor.post("/api/v1/label-packs", {"capability": piece.capability, "name": piece.name, **facts})
    pack_path = f"/api/v1/label-packs/{pack['label_pack_id']}"
    revisions = editor.iter_items(f"{pack_path}/revisions")
    if not any(each["validation_status"] == "passed" for each in revisions):
        _upload_revision(editor, pack_path, piece.body())
    _approve(editor, owner, pack_path)
    return str(pack["label_pack_id"])


def _approve(editor: Api, owner: Api, pack_path: str) -> None:
    """Review a pack and its newest revision as far as that is still to do."""
    revision = next(editor.iter_items(f"{pack_path}/revisions"))
    if editor.get(pack_path)["review_status"] != "approved":
        owner.post(f"{pack_path}/review", {"decision": "approve", "note": "Labels agree with what they are of."})
    for status in NEXT_ELIGIBILITY.get(revision["eligibility_status"], ()):
        eligibility = {"status": status, "note": "Demo data: faults are kept for the quality policy to find."}
        owner.post(f"{pack_path}/revisions/{revision['revision_id']}/eligibility", eligibility)


def _upload_revision(editor: Api, pack_path: str, body: bytes) -> dict[str, Any]:
    digest = hashlib.sha256(body).hexdigest()
    upload = {"upload": "presigned", "content_length": len(body), "sha256": digest}
    revision = editor.post(f"{pack_path}/revisions", upload)
    editor.put_signed(revision["upload"], body)
    editor.wait(editor.post(f"{pack_path}/revisions/{revision['revision_id']}/submit")["job_id"])
    return revision


def _build(editor: Api, capability: str, subject: str, pack_ids: list[str], bars: Bars) -> dict[str, Any]:
    """Build one version of all packs, or take the equivalent one that the registry has; its detail view."""
    name = f"{subject} {capability.replace('_', ' ')}"
    order = {"capability": capability, "label_pack_ids": pack_ids, "name": name, "split": SPLIT}
    built = editor.post("/api/v1/datasets/build", order)
    if excluded := built["excluded_label_pack_ids"]:
        reasons = ", ".join(f"{each['label_pack_id']} ({each['reason_code']})" for each in excluded)
        raise RefusedError("LABEL_PACKS_EXCLUDED", f"the build of {capability} left out {reasons}")
    if built["outcome"] != "reused_success":
        editor.wait(built["job_id"], JobBars(bars, capability.removesuffix("_detection")))
    return editor.get(f"/api/v1/datasets/{built['dataset_version_id']}")
