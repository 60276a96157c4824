"""A dataset with three audio files, the real services on tables and buckets in this process, and a clock to be set."""

from collections.abc import Iterable
from dataclasses import replace
from random import Random
from typing import Any

from packhouse.access.model import Workspace
from packhouse.annotations.chores import Chores
from packhouse.annotations.contents import annotation_of
from packhouse.annotations.edits import Edits
from packhouse.annotations.model import GATES, Annotation, AnnotationSet, SetKey
from packhouse.annotations.publishing import Publishing
from packhouse.annotations.service import AnnotationSets
from packhouse.audio.model import AudioFile
from packhouse.audio.service import AudioFiles
from packhouse.aws.clock import later
from packhouse.aws.once import Once
from packhouse.aws.warm import WarmObjects
from tests.faults.world import OWNER, WORKSPACE, World
from tests.unit.annotations.segments import MOMENT, seeded

Json = dict[str, Any]
HOUR = 3_600
LONGEST = 2_000
"""How long each audio file lasts, in milliseconds."""

_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class Studio:
    """What annotators work with; ids and gates are drawn by a seeded generator, in no order."""

    def __init__(self, world: World, seed: int = 0) -> None:
        self.world = world
        self.moment = MOMENT
        self.workspace = Workspace(*WORKSPACE.split("/"))
        made = world.handlers.app("annotations")
        self._rng = seeded(seed)
        contents = replace(made._contents, objects=WarmObjects(made._contents.objects.bucket))
        edits = Edits(made._store, made._audio, contents, self.now, self.new_id, lambda: self._rng.randrange(GATES))
        self.sets = AnnotationSets(made._store, made._datasets, contents, edits, self.now, self.new_id)
        self.edits = edits
        self.publishing = Publishing(made._store, contents, self.now, self.new_id)
        self.chores = Chores(made._store, contents, self.publishing, self.now)
        self.audio = AudioFiles(made._audio, made._datasets, self.now, self.new_id)
        name = f"calls {self.new_id('of')}"
        self.dataset_id = world.call("POST", "/namespaces/acme/projects/match-day/datasets", {"name": name})["id"]
        self.files = [self.audio_file(f"calls/{number}.wav").id for number in range(3)]

    def new_id(self, prefix: str) -> str:
        return f"{prefix}_{''.join(self._rng.choices(_DIGITS, k=26))}"

    def now(self) -> str:
        return self.moment

    def wait(self, seconds: int) -> None:
        """Let so much time go by."""
        self.moment = later(self.moment, seconds)

    def audio_file(self, uri: str, group: str | None = None) -> AudioFile:
        wanted = {"uri": uri, "duration_ms": LONGEST, "group": group}
        return self.audio.create(self.workspace, self.dataset_id, wanted, OWNER, Once())

    def key(self, set_id: str) -> SetKey:
        return SetKey(self.workspace, self.dataset_id, set_id)

    def create(self, copy_from: str | None = None) -> SetKey:
        made = self.sets.create(self.workspace, self.dataset_id, copy_from, None, OWNER, Once())
        return self.key(made.id)

    def add(self, key: SetKey, start_ms: int = 0, end_ms: int = 10, file: int = 0, kind: str = "glitch") -> Annotation:
        return self.edits.add(key, self.row(start_ms, end_ms, file, kind), OWNER, Once())

    def row(self, start_ms: int = 0, end_ms: int = 10, file: int = 0, kind: str = "glitch") -> Json:
        place: Json = {"audio_file_id": self.files[file], "start_ms": start_ms, "end_ms": end_ms}
        return place | {"artifact_type": kind, "confidence": None}

    def bulk(self, key: SetKey, rows: Iterable[Json]) -> int:
        return self.edits.add_many(key, list(rows), OWNER, Once()).created

    def publish(self, key: SetKey, once: Once | None = None) -> AnnotationSet:
        return self.publishing.publish(key, None, OWNER, once or Once())

    def annotations(self, key: SetKey) -> list[Annotation]:
        """Return all of a set, read in one page."""
        lines, last = self.sets.list_annotations(key, 10_000, "", "")
        assert last is None
        return [annotation_of(line) for line in lines]

    def paged(self, key: SetKey, rng: Random, within: str = "") -> list[Annotation]:
        """Return all of a set, read in pages of random lengths."""
        found: list[Annotation] = []
        after: str | None = ""
        while after is not None:
            limit = rng.choice((1, 2, 5, 400, 10_000)) if len(found) < 8 else rng.choice((400, 499, 500, 501, 10_000))
            lines, after = self.sets.list_annotations(key, limit, after, within)
            assert len(lines) == limit or after is None
            found += map(annotation_of, lines)
        return found

    def batch_objects(self) -> set[str]:
        """Return the keys of all objects of batches, whether a set names them or not."""
        return {key for _, key, _ in self.world.buckets.contents() if key.startswith("batches/")}

    def chores_left(self) -> list[str]:
        """Return what kinds of chores are left, and in which order they are due."""
        return [chore.kind.value for chore in self.edits.store.iter_due("9")]

    def edits_left(self, key: SetKey) -> int:
        """Return how many items of edits a set has."""
        return len(self.world.items("AnnotationsTable", f"EDIT#{key.id}"))
