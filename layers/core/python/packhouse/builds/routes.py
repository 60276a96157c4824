"""`/api/v1/datasets`: builds, versions, exports."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from pydantic import Field, StringConstraints, field_validator

from packhouse.access.model import Action
from packhouse.api.app import accepted, answer
from packhouse.api.bodies import RequestBody
from packhouse.api.endpoints import Call, Endpoints, Listed
from packhouse.api.fields import Name, Prose
from packhouse.api.paging import NoQuery
from packhouse.builds.model import BuildAnswer, DatasetVersion, Outcome, Selection
from packhouse.builds.service import BuildRequest, Builds
from packhouse.errors import Fault, InvalidInputError, RequestFaultsError
from packhouse.pipeline.capabilities import CAPABILITIES
from packhouse.pipeline.splits import WHOLE, SplitPlan, SplitStrategy, ratio_per_whole

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

_PackId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class SplitBody(RequestBody):
    """How groups are spread: the shares of train, val and test sum to 1."""

    strategy: SplitStrategy = SplitStrategy.GROUP_QUOTA
    ratio: dict[str, float] = Field(default={"train": 0.8, "val": 0.1, "test": 0.1})
    seed: int = Field(default=0, ge=0, le=2**53)

    @field_validator("ratio")
    @classmethod
    def _sums_to_one(cls, value: dict[str, float]) -> dict[str, float]:
        ratio_per_whole(value)
        return value

    def plan(self) -> SplitPlan:
        """The split in integers."""
        return SplitPlan(self.strategy, ratio_per_whole(self.ratio), self.seed)


class BuildBody(RequestBody):
    """A build from explicit label packs."""

    capability: str = Field(json_schema_extra={"enum": list(CAPABILITIES)})
    label_pack_ids: list[_PackId] = Field(min_length=1, max_length=LABEL_PACK_IDS)
    name: Name | None = None
    description: Prose | None = None
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

    @field_validator("capability")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in CAPABILITIES:
            raise ValueError(f"must be one of {', '.join(CAPABILITIES)}")
        return value


def register(api: Endpoints, builds: Builds) -> None:
    """Declare the endpoints."""

    def served(call: Call[BuildBody], built: BuildAnswer) -> Response[str]:
        shown = _outcome(built, built.selection or builds.read_selection(built))
        if built.outcome is Outcome.REUSED_SUCCESS:
            return answer(200, shown)
        return accepted(shown, built.version.job_id)

    @api.post(
        f"{_PATH}/build",
        Action.WRITE,
        status=202,
        show=served,
        refusals=(
            "FILTERS_NOT_SUPPORTED_V1",
            "LABEL_PACK_IDS_REQUIRED",
            "ELIGIBILITY_OVERRIDE_FORBIDDEN",
            "NO_ELIGIBLE_LABEL_DATA",
            "BUILD_CONFLICT",
            "PROJECT_NOT_FOUND",
        ),
    )
    def build_dataset(call: Call[BuildBody]) -> BuildAnswer:
        """Build a dataset version from label packs, or find the one that was built from the same."""
        wanted = call.wanted
        request = BuildRequest(
            capability=wanted.capability,
            label_pack_ids=wanted.label_pack_ids,
            name=wanted.name or wanted.capability,
            description=wanted.description,
            split=wanted.split.plan(),
            include_reviewed_override=wanted.include_reviewed_override,
            force=wanted.force,
        )
        return builds.build(call.workspace, request, call.caller, call.once)

    @api.get(_VERSION, Action.READ, refusals=("DATASET_NOT_FOUND",))
    def get_dataset_version(call: Call[NoQuery]) -> dict[str, Any]:
        """Get a dataset version."""
        return detail(builds.store.get(call.workspace, call.path["dataset_id"]))

    @api.get(
        f"{_VERSION}/exports",
        Action.EXPORT,
        result=Listed(dict[str, Any]),
        refusals=("DATASET_NOT_FOUND", "DATASET_NOT_READY"),
    )
    def list_exports(call: Call[NoQuery]) -> dict[str, Any]:
        """List the files of a dataset version, each with a URL that downloads it for a quarter of an hour."""
        return {"items": builds.list_exports(call.workspace, call.path["dataset_id"]), "next_cursor": None}

    @api.get(
        f"{_VERSION}/exports/{{name}}",
        Action.EXPORT,
        refusals=("DATASET_NOT_FOUND", "DATASET_NOT_READY", "EXPORT_NOT_FOUND"),
    )
    def get_export(call: Call[NoQuery]) -> dict[str, Any]:
        """Get one file of a dataset version, with a URL that downloads it."""
        return builds.get_export(call.workspace, call.path["dataset_id"], call.path["name"])


def _outcome(built: BuildAnswer, selection: Selection) -> dict[str, Any]:
    version = built.version
    return {
        "outcome": built.outcome,
        "dataset_version_id": version.dataset_version_id,
        "version_id": version.version_id,
        "name": version.name,
        "capability": version.capability,
        "workspace": version.workspace,
        "build_status": version.build_status,
        "job_id": version.job_id,
        "job_status": version.build_status,
        "included_label_pack_ids": [pack.label_pack_id for pack in selection.included],
        "excluded_label_pack_ids": [pack.model_dump(mode="json") for pack in selection.excluded],
        "revisions": {pack.label_pack_id: pack.revision_id for pack in selection.included},
        "reuse_fingerprint": version.reuse_fingerprint,
        "build_fingerprint": version.build_fingerprint,
    }


def detail(version: DatasetVersion) -> dict[str, Any]:
    """Return the contract's detail view; a section whose step has not run is null, and the page shows a placeholder."""
    materialization = version.materialization or {}
    return {
        "dataset_version_id": version.dataset_version_id,
        "version_id": version.version_id,
        "name": version.name,
        "description": version.description,
        "workspace": version.workspace,
        "capability": version.capability,
        "scope": version.scope,
        "build_status": version.build_status,
        "materialization_status": materialization.get("status", "pending"),
        "job": {"job_id": version.job_id, "status": version.build_status, "error": version.error},
        "provenance": {
            "manifest_hash": (version.sealed or {}).get("manifest_hash"),
            "reuse_fingerprint": version.reuse_fingerprint,
            "build_fingerprint": version.build_fingerprint,
            "seed": version.split["seed"],
        },
        "split": {
            "strategy": version.split["strategy"],
            "ratio": {name: share / WHOLE for name, share in version.split["ratio"].items()},
            "seed": version.split["seed"],
            "counts": (version.built or {}).get("splits"),
        },
        "quality": version.quality or {"status": "not_evaluated", "policy_version": None, "indicators": []},
        "materialization": version.materialization,
        "sources": {
            "included_count": version.included_count,
            "excluded_count": version.excluded_count,
            "included": [pack.model_dump(mode="json", exclude={"project_id"}) for pack in version.included],
            "excluded": [pack.model_dump(mode="json") for pack in version.excluded],
        },
        "stats": (version.built or {}).get("stats"),
        "created_at": version.created_at,
        "created_by": version.created_by,
        "ended_at": version.ended_at,
    }
