"""A project whose versions hold samples of every kind that the viewer shows, or falls back for."""

from collections.abc import Iterator
from typing import NamedTuple

from tests.registry import LABELS, VERSIONS, Json, Project, Registry, Row, ball_rows, rows_of

PICTURE = b"\xff\xd8\xff\xe0 a picture \xff\xd9"
BALL = LABELS["ball_detection"]
OUTSIDE = {"class": "ball", "point": {"x": 1.5, "y": 0.5}}
SPECIAL: dict[str, Row] = {
    "unlabelled": {"labels": None},
    "empty": {"labels": []},
    "outside": {"labels": [OUTSIDE]},
    "partial": {"labels": [OUTSIDE, BALL]},
    "boxed": {"labels": [LABELS["player_detection"]]},
    "lost": {"labels": [BALL], "asset": "nowhere/frame.jpg"},
    "hollow": {"labels": [BALL], "asset": "match/hollow.jpg"},
    "bare": {"labels": [BALL], "asset": None},
    "odd name": {"labels": [BALL], "asset": "odd & näme+1 %41.jpg"},
}


class House(NamedTuple):
    """A project and its versions by what they are for, and the rows that the first of them was built from."""

    project: Project
    versions: dict[str, str]
    rows: list[Row]

    def path(self, version: str = "balls", sample_id: str = "") -> str:
        return f"{VERSIONS}/{self.versions[version]}/samples" + (f"/{sample_id}" if sample_id else "")

    def listed(self, version: str = "balls", **filters: str) -> list[Json]:
        return self.project.all_of(self.path(version), **filters)

    def ids(self, **filters: str) -> list[str]:
        return [row["sample_id"] for row in self.listed(**filters)]

    def sample(self, sample_id: str, version: str = "balls", **filters: str) -> Json:
        return self.project.editor.get(self.path(version, sample_id), **filters)

    def facets(self, version: str = "balls", **asked: str) -> Json:
        return self.project.editor.get(f"{VERSIONS}/{self.versions[version]}/facets", **asked)


def special_id(name: str) -> str:
    return f"special.{name.replace(' ', '_')}:1"


def iter_rows() -> Iterator[Row]:
    """Yield balls of two camera types and of none, some without a group, and one row of every special kind."""
    for number, row in enumerate(ball_rows(12, 10, asset="match/frame.jpg", width=1920, height=1080)):
        row["camera_type"] = ("broadcast", "tactical", None)[number % 3]
        row["group"] = None if row["group"] == "m-minute-11" else row["group"]
        yield row
    for number, (name, more) in enumerate(SPECIAL.items()):
        yield {"sample_id": special_id(name), "group": f"special-{number}", "asset": "match/frame.jpg", **more}


def new_house(registry: Registry) -> House:
    """Build a version of each capability, whose assets are there but for those that are meant not to be."""
    project, other = registry.new_project(), registry.new_project()
    ours = {"match/frame.jpg": PICTURE, SPECIAL["odd name"]["asset"]: PICTURE, SPECIAL["hollow"]["asset"]: b""}
    for one, assets in ((project, ours), (other, {"theirs.png": PICTURE})):
        for name, body in assets.items():
            key = f"projects/{one.project_id}/assets/{name}"
            registry.stack.client("s3").put_object(Bucket=registry.stack.buckets["data"], Key=key, Body=body)
    rows = list(iter_rows())
    packs = {
        "ball_detection": project.new_approved_pack(rows),
        "player_detection": project.new_approved_pack(
            rows_of("player_detection", asset="match/frame.jpg"), "player_detection"
        ),
        "audio_artifact_detection": project.new_approved_pack(
            rows_of("audio_artifact_detection", asset="match/frame.jpg"), "audio_artifact_detection"
        ),
    }
    theirs = other.new_approved_pack([{**row, "asset": "theirs.png"} for row in ball_rows(3, 1, "their")])
    versions = {
        "balls": project.build(packs["ball_detection"]),
        "players": project.build(packs["player_detection"], capability="player_detection"),
        "sounds": project.build(packs["audio_artifact_detection"], capability="audio_artifact_detection"),
        "cross": project.build(packs["ball_detection"], theirs),
    }
    made = {name: version["dataset_version_id"] for name, version in versions.items()}
    return House(project, made, rows)
