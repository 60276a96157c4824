"""Recordings of a synthetic voice, and where in them it goes wrong: audio that is made here, so its labels are true.

Left out: what becomes of them in the registry (`calls`).
"""

import io
import math
import random
import struct
import wave
from collections.abc import Iterator
from typing import Any, NamedTuple

RECORDINGS, SPEAKERS = 24, 8
SECONDS, RATE = 6, 8_000
DURATION_MS = SECONDS * 1_000
_LENGTHS_MS = {"glitch": (30, 90), "long_pause": (600, 1_400), "hallucination": (300, 900)}
_LOUD = 9_000


class Artifact(NamedTuple):
    """A stretch of a recording where the voice goes wrong."""

    artifact_type: str
    start_ms: int
    end_ms: int


class Recording(NamedTuple):
    """A recording of one speaker, and its artifacts in order."""

    number: int
    artifacts: tuple[Artifact, ...]

    @property
    def asset(self) -> str:
        """Where it lies below the project's assets."""
        return f"calls/{self.number:03d}.wav"

    @property
    def speaker(self) -> str:
        """Whose voice it is: recordings of one voice stay in one split."""
        return f"speaker-{self.number % SPEAKERS}"

    def wav(self) -> bytes:
        """Return the sound: 16-bit PCM, one channel."""
        body = io.BytesIO()
        with wave.open(body, "wb") as sound:
            sound.setnchannels(1)
            sound.setsampwidth(2)
            sound.setframerate(RATE)
            sound.writeframes(b"".join(struct.pack("<h", sample) for sample in self._samples()))
        return body.getvalue()

    def _samples(self) -> Iterator[int]:
        noise = random.Random(self.number)  # noqa: S311  a sound, no secret
        pitch = 110 + 13 * (self.number % SPEAKERS)
        for tick in range(SECONDS * RATE):
            at_ms = tick * 1_000 // RATE
            wrong = next((each.artifact_type for each in self.artifacts if each.start_ms <= at_ms < each.end_ms), None)
            voice = math.sin(2 * math.pi * pitch * tick / RATE) * (0.6 + 0.4 * math.sin(at_ms / 90))
            match wrong:
                case "glitch":
                    yield noise.randrange(-_LOUD, _LOUD)
                case "long_pause":
                    yield 0
                case "hallucination":
                    yield int(_LOUD * math.sin(2 * math.pi * 3 * pitch * tick / RATE))
                case _:
                    yield int(_LOUD * voice)


def iter_recordings() -> Iterator[Recording]:
    """Yield all recordings; every sixth is clean."""
    for number in range(RECORDINGS):
        chance = random.Random(f"recording {number}")  # noqa: S311  a sound, no secret
        artifacts, at_ms = [], 200
        while number % 6 and at_ms < DURATION_MS - 2_000:
            kind = chance.choice(sorted(_LENGTHS_MS))
            start = at_ms + chance.randrange(100, 900)
            end = start + chance.randrange(*_LENGTHS_MS[kind])
            artifacts.append(Artifact(kind, start, end))
            at_ms = end
        yield Recording(number, tuple(artifacts))


def first_pass(recording: Recording) -> list[dict[str, Any]]:
    """Return what somebody who listens once writes down: every fifth artifact is missed, some glitches are misheard."""
    heard = []
    for place, artifact in enumerate(recording.artifacts, start=recording.number):
        if place % 5 == 0:
            continue
        misheard = artifact.artifact_type == "glitch" and place % 3 == 0
        heard.append({**artifact._asdict(), "artifact_type": "other" if misheard else artifact.artifact_type})
    return heard
