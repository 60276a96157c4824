"""`/api/v1/datasets`: builds and what leads to them, versions, their lineage and differences, exports."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, Field, StringConstraints, field_validator, model_validator

from packhouse.access.model import Action
from packhouse.api.app import accepted, answer, page
from packhouse.api.bodies import RequestBody
from packhouse.api.endpoints import Call, Endpoints, Listed
from packhouse.api.fields import Name, PathName, Prose
from packhouse.api.paging import Cursors, NoQuery, Place, RequestQuery, Section
from packhouse.builds.answers import detail, outcome_shown, preflight_shown
from packhouse.builds.model import (
    BuildAnswer,
    BuildRequest,
    Candidate,
    ExcludedPack,
    IncludedPack,
    LeftOutSample,
    LineageKind,
    Outcome,
    Preflight,
    Scope,
    VersionRow,
)
from packhouse.builds.service import Builds
from packhouse.builds.versions import Versions
from packhouse.errors import Fault, InvalidInputError, RequestFaultsError
from packhouse.jobs.model import JobStatus
from packhouse.pipeline.capabilities import CapabilityName
from packhouse.pipeline.splits import SplitPlan, SplitStrategy, ratio_per_whole

LABEL_PACK_IDS = 10_000
_PATH = "/api/v1/datasets"
_VERSION = f"{_PATH}/{{dataset_id}}"
SELECTORS = (
    "filters",
    "query",
    "selector",
    "tags",
    "date_range",
    "camera_types",
    "groups",
    "sample_ids",
    "review_status",
    "created_after",
    "created_before",
)

_Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
_REFUSED = (
    "FILTERS_NOT_SUPPORTED_V1",
    "LABEL_PACK_IDS_REQUIRED",
    "ELIGIBILITY_OVERRIDE_FORBIDDEN",
    "PROJECT_NOT_FOUND",
    "DATASET_NOT_FOUND",
    "DATASET_NOT_READY",
)


class SplitBody(RequestBody):
    """How groups are spread: the shares of train, val and test sum to 1.

    With `predefined` the rows say it themselves, and nothing else is given. `sticky_to` names a version whose groups
    stay in the splits that they have there.
    """

    strategy: SplitStrategy = SplitStrategy.GROUP_QUOTA
    ratio: dict[str, float] = Field(default={"train": 0.8, "val": 0.1, "test": 0.1})
    seed: int = Field(default=0, ge=0, le=2**53)
    sticky_to: _Id | None = None

    @field_validator("ratio")
    @classmethod
    def _sums_to_one(cls, value: dict[str, float]) -> dict[str, float]:
        ratio_per_whole(value)
        return value

    @model_validator(mode="after")
    def _says_it_once(self) -> "SplitBody":
        given = {name for name in self.model_fields_set - {"strategy"} if getattr(self, name) is not None}
        if self.strategy is SplitStrategy.PREDEFINED and (more := sorted(given)):
            raise ValueError(f"with predefined the rows say it themselves: leave out {', '.join(more)}")
        return self

    def plan(self) -> SplitPlan:
        """The split in integers."""
        if self.strategy is SplitStrategy.PREDEFINED:
            return SplitPlan(self.strategy, {}, 0)
        return SplitPlan(self.strategy, ratio_per_whole(self.ratio), self.seed)


class BuildBody(RequestBody):
    """A build from explicit label packs; `dataset` names a dataset of the project that the version will be of."""

    capability: CapabilityName
    label_pack_ids: list[_Id] = Field(min_length=1, max_length=LABEL_PACK_IDS)
    name: Name | None = None
    description: Prose | None = None
    dataset: PathName | None = None
    split: SplitBody = Field(default_factory=SplitBody)  # made when asked for: an instance here costs the cold start
    include_reviewed_override: bool = False
    force: bool = False

    @classmethod
    def screen(cls, document: Any) -> None:
        """Refuse selector fields and a missing selection with their own codes."""
        if not isinstance(document, dict):
            return
        if selectors := [name for name in SELECTORS if name in document]:
            raise RequestFaultsError(
                [Fault(f"/{name}", "select by label_pack_ids") for name in selectors], "FILTERS_NOT_SUPPORTED_V1"
            )
        if document.get("label_pack_ids") in (None, []):
            raise InvalidInputError("LABEL_PACK_IDS_REQUIRED", "Name the label packs to build from.")

    def request(self) -> BuildRequest:
        """What is asked, without the form it came in."""
        return BuildRequest(
            capability=self.capability,
            label_pack_ids=self.label_pack_ids,
            name=self.name,
            description=self.description,
            dataset=self.dataset,
            split=self.split.plan(),
            sticky_to=self.split.sticky_to,
            include_reviewed_override=self.include_reviewed_override,
            force=self.force,
        )


class CandidateQuery(Section):
    """Of which capability candidates are listed."""

    capability: CapabilityName


class VersionFilters(Section):
    """Which dataset versions are listed; `status` is the build's."""

    capability: CapabilityName | None = None
    scope: Scope | None = None
    status: JobStatus | None = None


class LineageQuery(Section):
    """Which part of the lineage is listed."""

    kind: LineageKind


class DiffQuery(RequestQuery):
    """The version that another one is compared with: what was before."""

    against: _Id


def register(api: Endpoints, builds: Builds, versions: Versions, cursors: Cursors) -> None:
    """Declare the endpoints."""

    @api.get(
        f"{_PATH}/build/candidates",
        Action.READ,
        result=Listed(Candidate),
        refusals=("INVALID_CURSOR", "PROJECT_NOT_FOUND"),
    )
    def list_build_candidates(call: Call[CandidateQuery]) -> dict[str, Any]:
        """List the project's label packs of a capability, oldest first, each with how a build judges it by default."""
        items, cursor = cursors.turn(
            call.wanted,
            ("candidates", str(call.workspace)),
            lambda filters, after: builds.list_candidates(call.workspace, filters, call.wanted.limit, after),
        )
        return page(items, cursor)

    def judged(call: Call[BuildBody], found: Preflight) -> Response[str]:
        return answer(200, preflight_shown(found, call.caller))

    @api.post(f"{_PATH}/build/preflight", Action.WRITE, reads=True, show=judged, refusals=_REFUSED)
    def preflight_build(call: Call[BuildBody]) -> Preflight:
        """Look what a build of the same body would do; nothing is created, and an `Idempotency-Key` changes nothing."""
        return builds.preflight(call.workspace, call.wanted.request(), call.caller)

    def served(call: Call[BuildBody], built: BuildAnswer) -> Response[str]:
        shown = outcome_shown(built, built.selection or builds.read_selection(built))
        if built.outcome is Outcome.REUSED_SUCCESS:
            return answer(200, shown)
        return accepted(shown, built.version.job_id)

    @api.post(
        f"{_PATH}/build",
        Action.WRITE,
        status=202,
        show=served,
        refusals=(*_REFUSED, "NO_ELIGIBLE_LABEL_DATA", "TOO_MANY_SOURCE_PROJECTS", "BUILD_CONFLICT"),
    )
    def build_dataset(call: Call[BuildBody]) -> BuildAnswer:
        """Build a dataset version from label packs, or find the one that was built from the same."""
        return builds.build(call.workspace, call.wanted.request(), call.caller, call.once)

    @api.get(_PATH, Action.READ, result=Listed(VersionRow), refusals=("INVALID_CURSOR", "PROJECT_NOT_FOUND"))
    def list_dataset_versions(call: Call[VersionFilters]) -> dict[str, Any]:
        """List the dataset versions of the project, newest first."""

        def read(filters: dict[str, str], after: Place | None) -> tuple[list[VersionRow], Place | None]:
            stored = {("build_status" if name == "status" else name): value for name, value in filters.items()}
            return versions.list_versions(call.workspace, stored, call.wanted.limit, after)

        return page(*cursors.turn(call.wanted, ("datasets", str(call.workspace)), read))

    @api.get(_VERSION, Action.READ, refusals=("DATASET_NOT_FOUND",))
    def get_dataset_version(call: Call[NoQuery]) -> dict[str, Any]:
        """Get a dataset version."""
        return detail(*versions.get_with_freeze(call.workspace, call.path["dataset_id"]), call.caller)

    @api.get(
        f"{_VERSION}/lineage",
        Action.READ,
        result=Listed(IncludedPack | ExcludedPack | LeftOutSample),
        refusals=("INVALID_CURSOR", "DATASET_NOT_FOUND", "DATASET_NOT_READY"),
    )
    def list_lineage(call: Call[LineageQuery]) -> dict[str, Any]:
        """List all label packs that went in or stayed out, or all samples that stayed out for another source's."""
        version_id, kind, limit = call.path["dataset_id"], call.wanted.kind, call.wanted.limit

        def read(_: dict[str, str], after: Place | None) -> tuple[list[BaseModel], Place | None]:
            start = after["start"] if after else 0
            items, rest = versions.list_lineage(call.workspace, version_id, kind, limit, start)
            return items, None if rest is None else {"start": rest}

        items, cursor = cursors.turn(call.wanted, ("lineage", str(call.workspace), version_id), read)
        return page(items, cursor, exclude={"project_id"})

    @api.get(f"{_VERSION}/diff", Action.READ, refusals=("DATASET_NOT_FOUND", "DATASET_NOT_READY", "DIFF_TOO_LARGE"))
    def diff_dataset_versions(call: Call[DiffQuery]) -> dict[str, Any]:
        """Compare a dataset version with another: rows added, removed, relabelled and moved, and labels per class."""
        return versions.diff(call.workspace, call.path["dataset_id"], call.wanted.against)

    @api.get(
        f"{_VERSION}/exports",
        Action.EXPORT,
        result=Listed(dict[str, Any]),
        refusals=("DATASET_NOT_FOUND", "DATASET_NOT_READY"),
    )
    def list_exports(call: Call[NoQuery]) -> dict[str, Any]:
        """List the files of a dataset version, each with a URL that downloads it for a quarter of an hour."""
        return {"items": versions.list_exports(call.workspace, call.path["dataset_id"]), "next_cursor": None}

    @api.get(
        f"{_VERSION}/exports/{{name}}",
        Action.EXPORT,
        refusals=("DATASET_NOT_FOUND", "DATASET_NOT_READY", "EXPORT_NOT_FOUND"),
    )
    def get_export(call: Call[NoQuery]) -> dict[str, Any]:
        """Get one file of a dataset version, with a URL that downloads it."""
        return versions.get_export(call.workspace, call.path["dataset_id"], call.path["name"])
