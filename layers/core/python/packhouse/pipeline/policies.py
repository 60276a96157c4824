"""Quality policies as data: one file a version, with the capabilities that it is for and its indicators in their order.

The policy in force for a capability is the newest version that lists it. What was requested is judged by the version
that was in force then, so a version that was in use stays as it is: other bounds are a new version, a file of its own
beside the others.
"""

import functools
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from packhouse.errors import ServiceUnavailableError
from packhouse.pipeline.capabilities import CAPABILITIES

FOLDER = Path(__file__).with_name("quality_policies")


class PolicyError(ValueError):
    """A policy's document cannot be held against anything; says the file and where in it."""


class Level(StrEnum):
    """What an indicator makes of a version. With enforcement on, a hard fail ends its build."""

    WARNING = "warning"
    HARD_FAIL = "hard_fail"


class Measure(StrEnum):
    """What a bound can be set to; how each is taken stands in `quality`."""

    SCHEMA_FAULTS = "schema_faults"
    GEOMETRY_FAULTS = "geometry_faults"
    INCOMPLETE_SOURCES = "incomplete_sources"
    MISSING_ASSET_SHARE = "missing_asset_share"
    SAMPLES = "samples"
    GROUPS = "groups"
    FEWEST_GROUPS_IN_A_SPLIT = "fewest_groups_in_a_split"
    EMPTY_SHARE = "empty_share"
    LABELLED_SHARE = "labelled_share"
    CLASS_IMBALANCE_RATIO = "class_imbalance_ratio"
    RAREST_CLASS_SHARE_OF_EVEN = "rarest_class_share_of_even"


class Bound(Struct, frozen=True, forbid_unknown_fields=True):
    """What a measure has to keep to: at most, at least, or between; the bounds themselves are kept."""

    measure: Measure
    at_most: int | float | None = None
    at_least: int | float | None = None

    def __post_init__(self) -> None:
        if self.at_most is None and self.at_least is None:
            raise ValueError(f"{self.measure} has neither `at_most` nor `at_least`")


class Rule(Struct, frozen=True, forbid_unknown_fields=True):
    """One indicator: a measure with its bound, or `any` of several, the first that is broken being told.

    It does not appear when the one that `unless` names did.
    """

    code: Annotated[str, Meta(pattern=r"^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$")]
    level: Level
    measure: Measure | None = None
    at_most: int | float | None = None
    at_least: int | float | None = None
    several: Annotated[list[Bound], Meta(min_length=1)] | None = msgspec.field(default=None, name="any")
    unless: str | None = None

    def __post_init__(self) -> None:
        if self.several is not None and (self.measure, self.at_most, self.at_least) != (None, None, None):
            raise ValueError(f"{self.code} has a bound of its own beside `any`")
        if self.several is None and self.measure is None:
            raise ValueError(f"{self.code} has neither a `measure` nor `any` of several")
        _ = self.bounds

    @property
    def bounds(self) -> list[Bound]:
        """The bounds in the order in which they are looked at."""
        if self.several is not None or self.measure is None:
            return self.several or []
        return [Bound(self.measure, self.at_most, self.at_least)]


class Policy(Struct, frozen=True, forbid_unknown_fields=True):
    """One version; its indicators in the order in which they are told."""

    version: Annotated[str, Meta(pattern=r"^v[1-9][0-9]*$")]
    capabilities: Annotated[list[str], Meta(min_length=1)]
    indicators: Annotated[list[Rule], Meta(min_length=1)]

    def __post_init__(self) -> None:
        for number, name in enumerate(self.capabilities):
            if name not in CAPABILITIES:
                raise ValueError(f"capabilities[{number}]: {name!r} is not one of {', '.join(CAPABILITIES)}")
        codes: set[str] = set()
        for number, rule in enumerate(self.indicators):
            if rule.code in codes:
                raise ValueError(f"indicators[{number}]: {rule.code} stands here twice")
            if rule.unless is not None and rule.unless not in codes:
                raise ValueError(f"indicators[{number}].unless: no indicator {rule.unless!r} stands before it")
            codes.add(rule.code)

    @property
    def number(self) -> int:
        """Where it stands among the versions: v10 comes after v9."""
        return int(self.version.removeprefix("v"))


def read_policy(version: str) -> Policy:
    """Return a policy by its version; `PolicyError` when its document is wrong.

    `ServiceUnavailableError` when there is none: a request was judged by a release that is newer than this one.
    """
    path = FOLDER / f"{version}.json"
    if not path.exists():
        raise ServiceUnavailableError("SERVICE_UNAVAILABLE", f"The quality policy {version} is not here yet.")
    return _read(path)


def policy_in_force(capability: str) -> str | None:
    """Return the version that requests for a capability are judged by from now on, or `None`: it has no policy."""
    return _in_force(FOLDER).get(capability)


@functools.cache
def _in_force(folder: Path) -> dict[str, str]:
    policies = sorted(map(_read, folder.glob("*.json")), key=lambda policy: policy.number)
    return {capability: policy.version for policy in policies for capability in policy.capabilities}


@functools.cache
def _read(path: Path) -> Policy:
    try:
        policy = msgspec.json.decode(path.read_bytes(), type=Policy)
    except ValueError as error:
        raise PolicyError(f"{path.name}: {error}") from error
    if policy.version != path.stem:
        raise PolicyError(f"{path.name}: it says that it is {policy.version} - at `$.version`")
    return policy
