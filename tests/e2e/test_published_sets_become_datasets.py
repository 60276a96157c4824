"""A published annotation set as a dataset: promoted, reviewed, built, exported, opened; its audio in the bucket."""

import gzip
import io
import json
import math
import struct
import wave
from collections import defaultdict
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.annotations import TYPES, AudioDataset, segment
from tests.registry import VERSIONS, Json, Pack, Registry, Row, assert_sealed, fetched, sha256

SPLITS = ("train", "val", "test")
CALLS, SPEAKERS, SILENT = 36, 12, 4
SECONDS_MS = 2_000
CAPABILITY = "audio_artifact_detection"


class Built(NamedTuple):
    """A published set, the label pack revision it became, and the version that was built of it, with its downloads."""

    dataset: AudioDataset
    annotation_set_id: str
    sounds: dict[str, bytes]
    files: dict[str, Json]
    promoted: Json
    version: Json
    downloads: dict[str, bytes]

    def rows(self) -> dict[str, list[Row]]:
        return {
            split: [json.loads(line) for line in self.downloads[f"{split}.ndjson"].splitlines()] for split in SPLITS
        }

    def labels(self) -> dict[str, list[Row]]:
        """Return what the published set says of each audio file, as labels, by the file's id."""
        found: defaultdict[str, list[Row]] = defaultdict(list)
        for row in self.dataset.rows(self.annotation_set_id):
            span = {"start_ms": row["start_ms"], "end_ms": row["end_ms"]}
            found[row["audio_file_id"]].append({"class": row["artifact_type"], "segment": span})
        return dict(found)


def sound(number: int) -> bytes:
    """Return two seconds of a tone as a WAV file."""
    samples = (round(8_000 * math.sin(at * (number + 3) / 40)) for at in range(8 * SECONDS_MS))
    body = io.BytesIO()
    with wave.open(body, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8_000)
        file.writeframes(struct.pack(f"<{8 * SECONDS_MS}h", *samples))
    return body.getvalue()


@pytest.fixture(scope="module")
def built(registry: Registry) -> Built:
    """Calls of a dozen speakers, each with artifacts, some without a speaker, and some in which nothing was found."""
    dataset = AudioDataset.new(registry.new_project(), "support calls")
    project, stack = dataset.project, registry.stack
    sounds = {f"calls/call {number:02d}.wav": sound(number) for number in range(CALLS + SILENT)}
    audio = []
    for number, (uri, body) in enumerate(sounds.items()):
        key = f"projects/{project.project_id}/assets/{uri}"
        stack.client("s3").put_object(Bucket=stack.buckets["data"], Key=key, Body=body, ContentType="audio/wav")
        speaker = {} if number % 9 == 8 else {"group": f"speaker-{number % SPEAKERS}"}
        audio.append(dataset.new_audio_file(uri, SECONDS_MS, **speaker))
    rows = [
        segment(audio[call], 150 * at + call, 150 * at + call + 200, TYPES[(call + at) % 4], (None, 0.5)[at % 2])
        for call in range(CALLS)
        for at in range(call % 5 + 1)
    ]
    made = dataset.new_set(rows[::-1])
    dataset.add(made, segment(audio[0], 1_999, 2_000, "other", 1))
    dataset.publish(made)
    promoted = dataset.promote(made)
    pack = Pack(promoted["label_pack_id"], promoted["revision_id"])
    project.approve(pack)
    version = project.build(pack, capability=CAPABILITY)
    files = {one["id"]: one for one in dataset.project.all_of(f"{VERSIONS}/{dataset.dataset_id}/audio-files")}
    return Built(dataset, made, sounds, files, promoted, version, project.downloads(version["dataset_version_id"]))


def test_the_rows_of_all_splits_are_the_sets_segments_per_audio_file(built: Built) -> None:
    rows = list(chain.from_iterable(built.rows().values()))
    assert {row["sample_id"]: row["labels"] for row in rows} == built.labels()
    assert len(rows) == len(built.labels()) == built.promoted["rows"] == built.version["stats"]["rows"] == CALLS
    labels = sum(len(row["labels"]) for row in rows)
    assert labels == built.dataset.shown(built.annotation_set_id)["total_annotations"]
    for row in rows:
        known = built.files[row["sample_id"]]
        assert (row["asset"], row["group"]) == (known["uri"], known["group"] or known["id"])


def test_what_was_found_silent_is_left_out(built: Built) -> None:
    silent = built.files.keys() - {row["sample_id"] for rows in built.rows().values() for row in rows}
    assert len(silent) == SILENT


def test_no_two_splits_share_a_file_or_a_group(built: Built) -> None:
    for name in ("sample_id", "group"):
        found = {split: {row[name] for row in rows} for split, rows in built.rows().items()}
        assert sum(map(len, found.values())) == len(set().union(*found.values()))
        assert all(found.values())
    counts = built.version["split"]["counts"]
    assert {split: count["samples"] for split, count in counts.items()} == {
        split: len(rows) for split, rows in built.rows().items()
    }


def test_there_is_no_policy_to_evaluate_its_quality_by(built: Built) -> None:
    assert built.version["quality"]["status"] == "not_evaluated"
    assert built.version["quality"]["indicators"] == []


def test_the_version_says_where_it_comes_from(built: Built) -> None:
    (source,) = built.version["sources"]["included"]
    assert source["label_pack_id"] == built.promoted["label_pack_id"]
    assert source["revision_id"] == built.promoted["revision_id"]
    assert built.version["capability"] == CAPABILITY


def test_every_row_has_its_sound(built: Built) -> None:
    """Assets are found, and a sample's URL downloads the file that was annotated."""
    assert built.version["materialization"]["status"] == "complete"
    path = f"{VERSIONS}/{built.version['dataset_version_id']}/samples"
    listed = built.dataset.project.all_of(path)
    assert {row["sample_id"] for row in listed} == built.labels().keys()
    for row in listed[::9]:
        sample = built.dataset.project.editor.get(f"{path}/{row['sample_id']}")
        uri = built.files[row["sample_id"]]["uri"]
        assert fetched(sample["asset"]["url"]) == built.sounds[uri]
        assert sample["labels"] == built.labels()[row["sample_id"]]


def test_its_folder_loads_as_json_lines(built: Built, tmp_path: Path) -> None:
    """A file a split, a row a line, the same fields in every one."""
    for name, body in built.downloads.items():
        (tmp_path / name).write_bytes(body)
    loaded = {
        path.stem: [json.loads(line) for line in path.read_bytes().splitlines()] for path in tmp_path.glob("*.ndjson")
    }
    assert loaded == built.rows()
    fields = {"sample_id", "group", "asset", "labels"}
    assert all(row.keys() == fields for rows in loaded.values() for row in rows)


def test_downloads_are_what_the_manifest_says(built: Built) -> None:
    assert_sealed(built.downloads)
    assert built.version["provenance"]["manifest_hash"] == "sha256:" + sha256(built.downloads["manifest.json"])
    for split in SPLITS:
        assert gzip.decompress(built.downloads[f"{split}.ndjson.gz"]) == built.downloads[f"{split}.ndjson"]
