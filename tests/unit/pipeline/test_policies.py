"""Quality policies are files: the newest that names a capability is in force for it, and a wrong one is refused."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from packhouse.errors import ServiceUnavailableError
from packhouse.pipeline import policies
from packhouse.pipeline.capabilities import CAPABILITIES
from packhouse.pipeline.policies import PolicyError, policy_in_force, read_policy

Json = dict[str, Any]
SHIPPED = sorted(policies.FOLDER.glob("*.json"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the shipped documents that is read in their place."""
    copied = tmp_path / "policies"
    shutil.copytree(policies.FOLDER, copied)
    monkeypatch.setattr(policies, "FOLDER", copied)
    return copied


def document(version: str, *capabilities: str, samples: int = 500) -> Json:
    rule = {"code": "LOW_SAMPLE_COUNT", "level": "warning", "measure": "samples", "at_least": samples}
    return {"version": version, "capabilities": list(capabilities), "indicators": [rule]}


def put(folder: Path, found: Json, name: str | None = None) -> None:
    (folder / f"{name or found['version']}.json").write_text(json.dumps(found))


def in_force() -> dict[str, str | None]:
    return {name: policy_in_force(name) for name in CAPABILITIES}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_document_that_is_shipped_is_right(path: Path) -> None:
    found = read_policy(path.stem)
    assert found.version == path.stem
    assert all(rule.bounds for rule in found.indicators)


def test_v1_is_in_force_for_ball_and_player_detection_alone() -> None:
    assert [path.name for path in policies.FOLDER.iterdir()] == ["v1.json"]
    assert in_force() == {"ball_detection": "v1", "player_detection": "v1", "audio_artifact_detection": None}


def test_the_newest_version_that_names_a_capability_is_in_force_for_it(folder: Path) -> None:
    put(folder, document("v2", "player_detection"))
    assert in_force() == {"ball_detection": "v1", "player_detection": "v2", "audio_artifact_detection": None}


def test_a_capability_gets_its_first_policy_by_a_file(folder: Path) -> None:
    put(folder, document("v2", "audio_artifact_detection"))
    assert in_force() == {"ball_detection": "v1", "player_detection": "v1", "audio_artifact_detection": "v2"}


def test_v10_comes_after_v9(folder: Path) -> None:
    for number in (2, 9, 10):
        put(folder, document(f"v{number}", "ball_detection", samples=number))
    assert policy_in_force("ball_detection") == "v10"
    assert [read_policy(version).indicators[0].at_least for version in ("v9", "v10", "v2")] == [9, 10, 2]


def test_a_version_that_only_a_newer_release_has_is_asked_for_again_later() -> None:
    """The machine tries again what ends so; its functions are replaced one after the other."""
    with pytest.raises(ServiceUnavailableError, match="v2 is not here yet"):
        read_policy("v2")


def drop(name: str) -> Callable[[Json], None]:
    return lambda rule: rule.pop(name)


FIRST, LATER = "- at `$.indicators[0]", "- at `$.indicators[5]"
WRONG_RULES: dict[str, tuple[int, Callable[[Json], object], str]] = {
    "an unknown measure": (0, lambda rule: rule.update(measure="smoothness"), f"'smoothness' {FIRST}.measure`"),
    "an unknown measure of several": (
        5, lambda rule: rule["any"][1].update(measure="smoothness"), f"'smoothness' {LATER}.any[1].measure`",
    ),
    "an unknown level": (0, lambda rule: rule.update(level="fatal"), f"'fatal' {FIRST}.level`"),
    "no level": (0, drop("level"), f"`level` {FIRST}`"),
    "no code": (0, drop("code"), f"`code` {FIRST}`"),
    "a code of another form": (0, lambda rule: rule.update(code="low count"), f"{FIRST}.code`"),
    "no measure": (0, drop("measure"), f"INVALID_LABEL_SCHEMA has neither a `measure` nor `any` of several {FIRST}`"),
    "no bound": (0, drop("at_most"), f"schema_faults has neither `at_most` nor `at_least` {FIRST}`"),
    "no bound of several": (
        5, lambda rule: rule["any"][0].pop("at_least"), f"groups has neither `at_most` nor `at_least` {LATER}.any[0]`",
    ),
    "none of several": (5, lambda rule: rule.update(any=[]), f"{LATER}.any`"),
    "a bound beside several": (
        5, lambda rule: rule.update(at_most=3), f"LOW_GROUP_COUNT has a bound of its own beside `any` {LATER}`",
    ),
    "a bound that is no number": (0, lambda rule: rule.update(at_most="3"), f"{FIRST}.at_most`"),
    "a field that there is not": (0, lambda rule: rule.update(at_mots=3), f"`at_mots` {FIRST}`"),
    "a code twice": (
        5, lambda rule: rule.update(code="INVALID_GEOMETRY"), "indicators[5]: INVALID_GEOMETRY stands here twice",
    ),
    "unless something that is not before it": (
        5, lambda rule: rule.update(unless="CLASS_IMBALANCE"),
        "indicators[5].unless: no indicator 'CLASS_IMBALANCE' stands before it",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", list(WRONG_RULES))
def test_a_wrong_rule_is_refused_and_told_where_it_stands(folder: Path, name: str) -> None:
    number, spoil, where = WRONG_RULES[name]
    found = json.loads((folder / "v1.json").read_text()) | {"version": "v2"}
    spoil(found["indicators"][number])
    assert_refused(folder, found, where)


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"capabilities": ["ball_detection", "chess"]}, "capabilities[1]: 'chess' is not one of ball_detection, play"),
        ({"capabilities": []}, "- at `$.capabilities`"),
        ({"indicators": []}, "- at `$.indicators`"),
        ({"version": "2"}, "- at `$.version`"),
        ({"version": "v3"}, "it says that it is v3 - at `$.version`"),
        ({"capability": "ball_detection"}, "`capability`"),
    ],
)
def test_a_wrong_document_is_refused_and_told_where(folder: Path, changed: Json, where: str) -> None:
    assert_refused(folder, document("v2", "ball_detection") | changed, where)


def test_what_is_no_json_is_refused(folder: Path) -> None:
    (folder / "v2.json").write_text("{")
    with pytest.raises(PolicyError, match=r"^v2\.json: "):
        read_policy("v2")


def assert_refused(folder: Path, found: Json, where: str) -> None:
    """Where it would be put in force and where it is read; what is judged by others goes on."""
    put(folder, found, "v2")
    for read in (lambda: read_policy("v2"), lambda: policy_in_force("ball_detection")):
        with pytest.raises(PolicyError, match=r"^v2\.json: .*" + re.escape(where)):
            read()
    assert read_policy("v1").version == "v1"
