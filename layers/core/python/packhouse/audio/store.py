"""Audio files in the `annotations` table.

AUDIO#<dataset> / FILE#<file>    an audio file
AUDIO#<dataset> / URI#<sha256>   `file_id`: which file of the dataset has that URI
"""

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

from pynamodb.attributes import UnicodeAttribute
from pynamodb.models import Model

from packhouse.access.model import Workspace
from packhouse.audio.model import AudioFile
from packhouse.aws.dynamo import Found, Key, Place, Transaction, bind, section
from packhouse.errors import ConflictError


class _AudioItem(Model):
    class Meta:
        table_name = ""

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    workspace = UnicodeAttribute(null=True)
    file_id = UnicodeAttribute(null=True)
    body = UnicodeAttribute(null=True)


def _pk(dataset_id: str) -> str:
    return f"AUDIO#{dataset_id}"


def _file_sk(audio_file_id: str) -> str:
    return f"FILE#{audio_file_id}"


def _uri_sk(uri: str) -> str:
    return f"URI#{hashlib.sha256(uri.encode()).hexdigest()}"


class AudioStore:
    """The audio files of datasets; none is ever changed or removed."""

    def __init__(self, table: str) -> None:
        bind(_AudioItem, table)

    def put_new(self, tx: Transaction, workspace: Workspace, dataset_id: str, audio_file: AudioFile) -> None:
        """Add the write of a new audio file; a dataset has each URI once."""

        def taken(found: dict[str, Any]) -> ConflictError:
            known = found["file_id"]["S"]
            detail = f"{audio_file.uri} is the audio file {known} of this dataset already."
            return ConflictError("AUDIO_FILE_EXISTS", detail, audio_file_id=known)

        claim = _AudioItem(_pk(dataset_id), _uri_sk(audio_file.uri), file_id=audio_file.id)
        tx.put(claim, _AudioItem.pk.does_not_exist(), taken)
        item = _AudioItem(_pk(dataset_id), _file_sk(audio_file.id), workspace=str(workspace))
        item.body = audio_file.model_dump_json()
        tx.put(item)

    def keys(self, dataset_id: str, audio_file_ids: Iterable[str]) -> list[Key]:
        """Return the keys of audio files, for reads together with other items."""
        return [(_AudioItem, _pk(dataset_id), _file_sk(audio_file_id)) for audio_file_id in audio_file_ids]

    def files_in(self, found: Found, workspace: Workspace) -> dict[str, AudioFile]:
        """Return the project's audio files among items that were read together, by id."""
        items = [item for item in found.values() if isinstance(item, _AudioItem)]
        files = [AudioFile.model_validate_json(item.body) for item in items if item.workspace == str(workspace)]
        return {audio_file.id: audio_file for audio_file in files}

    def list_bodies(
        self, workspace: Workspace, dataset_id: str, limit: int, after: Place | None
    ) -> tuple[list[str], Place | None]:
        """Return a page of a dataset's audio files, oldest first, as their stored JSON, and where the next begins."""
        rows = _AudioItem.query(
            _pk(dataset_id),
            _AudioItem.sk.startswith(_file_sk("")),
            limit=limit + 1,
            last_evaluated_key=after,
            consistent_read=True,
        )
        items, rest = section(rows, limit)
        if items and items[0]["workspace"]["S"] != str(workspace):
            return [], None
        return [item["body"]["S"] for item in items], rest

    def iter_all(self, dataset_id: str) -> Iterator[AudioFile]:
        """Yield a dataset's audio files by id; one query a megabyte."""
        for item in _AudioItem.query(_pk(dataset_id), _AudioItem.sk.startswith(_file_sk("")), consistent_read=True):
            yield AudioFile.model_validate_json(item.body)
