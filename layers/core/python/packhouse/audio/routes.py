"""`/api/v1/datasets/{dataset_id}/audio-files`."""

from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from pydantic import AfterValidator, Field, StringConstraints

from packhouse.access.model import Action
from packhouse.api.app import answer, spliced
from packhouse.api.bodies import RequestBody
from packhouse.api.endpoints import Call, Endpoints, Listed
from packhouse.api.fields import Name
from packhouse.api.paging import Cursors, NoQuery, Section
from packhouse.audio.model import LONGEST_MS, AudioFile
from packhouse.audio.service import AudioFiles
from packhouse.pipeline.rows import RowError, check_asset

_PATH = "/api/v1/datasets/{dataset_id}/audio-files"
_URI_BYTES = 900  # of the 1,024 that an S3 key may have; the rest says whose asset it is


def _asset(value: str) -> str:
    try:
        check_asset(value)
    except RowError as error:
        raise ValueError(f"{error.detail}, such as recordings/call-17.wav") from None
    if len(value.encode()) > _URI_BYTES:
        raise ValueError(f"may have {_URI_BYTES} bytes")
    return value


class AudioFileRequest(RequestBody):
    """An audio file: where it is below the project's assets, how long it is, and with what it stays in one split."""

    uri: Annotated[str, StringConstraints(min_length=1), AfterValidator(_asset)]
    duration_ms: int = Field(ge=1, le=LONGEST_MS)
    group: Name | None = None


def register(api: Endpoints, audio_files: AudioFiles, cursors: Cursors) -> None:
    """Declare the endpoints."""

    def made(call: Call[AudioFileRequest], audio_file: AudioFile) -> Response[str]:
        path = f"/api/v1/datasets/{call.path['dataset_id']}/audio-files/{audio_file.id}"
        return answer(201, audio_file, {"Location": path})

    @api.post(_PATH, Action.WRITE, status=201, show=made, refusals=("DATASET_NOT_FOUND", "AUDIO_FILE_EXISTS"))
    def create_audio_file(call: Call[AudioFileRequest]) -> AudioFile:
        """Make an audio file known to a dataset, to be annotated; a dataset has each URI once, and it never changes."""
        wanted = call.wanted.model_dump()
        return audio_files.create(call.workspace, call.path["dataset_id"], wanted, call.caller, call.once)

    @api.get(_PATH, Action.READ, result=Listed(AudioFile), refusals=("INVALID_CURSOR", "DATASET_NOT_FOUND"))
    def list_audio_files(call: Call[Section]) -> Response[str]:
        """List the audio files of a dataset, oldest first."""
        dataset_id, limit = call.path["dataset_id"], call.wanted.limit
        bodies, cursor = cursors.turn(
            call.wanted,
            ("audio-files", str(call.workspace), dataset_id),
            lambda _, after: audio_files.list_files(call.workspace, dataset_id, limit, after),
        )
        return spliced(bodies, cursor)

    @api.get(f"{_PATH}/{{audio_file_id}}", Action.READ, refusals=("AUDIO_FILE_NOT_FOUND",))
    def get_audio_file(call: Call[NoQuery]) -> AudioFile:
        """Get an audio file of a dataset."""
        return audio_files.get(call.workspace, call.path["dataset_id"], call.path["audio_file_id"])
