"""Use cases of audio files: make one known to a dataset, look one up, list them."""

from dataclasses import dataclass
from typing import Any

from packhouse.access.model import Principal, Workspace
from packhouse.audio.model import AudioFile
from packhouse.audio.store import AudioStore
from packhouse.aws.clock import Clock, NewId, new_id, now
from packhouse.aws.dynamo import Place, Transaction, read_together
from packhouse.aws.once import Once
from packhouse.catalog.rules import project_id
from packhouse.datasets.store import DatasetStore
from packhouse.errors import NotFoundError


@dataclass(frozen=True)
class AudioFiles:
    """The audio files of datasets."""

    store: AudioStore
    datasets: DatasetStore
    clock: Clock = now
    new_id: NewId = new_id

    def create(
        self, workspace: Workspace, dataset_id: str, wanted: dict[str, Any], caller: Principal, once: Once
    ) -> AudioFile:
        """Make an audio file known by `uri`, `duration_ms` and `group`; one transaction."""
        audio_file = AudioFile(**wanted, id=self.new_id("aud"), created_at=self.clock(), created_by=caller.principal_id)
        tx = Transaction()
        self.datasets.demand_id(tx, project_id(workspace), dataset_id)
        self.store.put_new(tx, workspace, dataset_id, audio_file)
        return once.commit(tx, audio_file)

    def get(self, workspace: Workspace, dataset_id: str, audio_file_id: str) -> AudioFile:
        """Return an audio file; one read."""
        found = self.store.files_in(read_together(self.store.keys(dataset_id, [audio_file_id])), workspace)
        if audio_file_id not in found:
            detail = f"There is no audio file {audio_file_id} in {dataset_id}."
            raise NotFoundError("AUDIO_FILE_NOT_FOUND", detail)
        return found[audio_file_id]

    def list_files(
        self, workspace: Workspace, dataset_id: str, limit: int, after: Place | None
    ) -> tuple[list[str], Place | None]:
        """Return a page of a dataset's audio files as their stored JSON; a second read only where there is none."""
        bodies, rest = self.store.list_bodies(workspace, dataset_id, limit, after)
        if not bodies and after is None:
            self.datasets.get_name(project_id(workspace), dataset_id)
        return bodies, rest
