"""A dataset with annotation sets in both states, as tests of requests and of projects use it."""

from typing import Any, NamedTuple

from tests.annotations import AUDIO_FILES, SETS, AudioDataset, segment
from tests.registry import Project


class House(NamedTuple):
    """A dataset with an audio file, a draft with one annotation, and a published set."""

    dataset: AudioDataset
    audio: str
    draft: str
    row: str
    published: str

    def state(self) -> list[Any]:
        """Return everything that the dataset shows."""
        made = [one["id"] for one in self.dataset.get(SETS)["items"]]
        packs = self.dataset.project.all_of("/api/v1/label-packs")
        return [
            self.dataset.get(AUDIO_FILES),
            [(self.dataset.shown(one), self.dataset.rows(one)) for one in made],
            [(pack["label_pack_id"], pack.get("revisions")) for pack in packs],
        ]


def new_house(project: Project) -> House:
    dataset = AudioDataset.new(project)
    audio = dataset.new_audio_file("calls/first.wav")
    published = dataset.new_published([segment(audio, 0, 10)])
    draft = dataset.new_set()
    return House(dataset, audio, draft, dataset.add(draft, segment(audio, 5, 10))["id"], published)
