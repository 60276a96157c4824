"""Every error that Packhouse raises on purpose, and the one table that maps them to HTTP.

    PackhouseError
    ├── InvalidInputError          400   the request or the uploaded bytes are wrong
    │   └── RequestFaultsError     400   … with every fault of a body, each by JSON pointer
    ├── ForbiddenError             403   seen, but not allowed
    ├── NotFoundError              404   not there, or not to be known about
    ├── ConflictError              409   the state does not allow it
    ├── PreconditionFailedError    412   changed since the caller saw it
    ├── TooLargeError              413
    ├── UnsupportedMediaError      415
    ├── ServiceUnavailableError    503   transient: the state machines retry exactly this one
    ├── UnitFailedError            500   a unit of work failed for good; its code is the job's code
    └── QualityHardFailError       500   the quality gate is shut

A `code` is UPPER_SNAKE and stable: clients branch on it. `CODES` lists all of them; `docs/errors.md` is held to it.
"""

from dataclasses import dataclass

FAULTS_TOLD = 100


@dataclass(frozen=True)
class Fault:
    """One thing wrong with a request: `loc` is a JSON pointer into the body (or `query …`, `header …`)."""

    loc: str
    reason: str


class PackhouseError(Exception):
    """The root of the tree: a stable `code`, a sentence for a person, and the HTTP status of its class."""

    status = 500
    title = "Internal error"

    def __init__(self, code: str, detail: str, **fields: object) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.fields = fields


class InvalidInputError(PackhouseError):
    """What was sent cannot be accepted as it is."""

    status = 400
    title = "Invalid input"


class RequestFaultsError(InvalidInputError):
    """A request body or query with one or more faults, all told at once, or the first hundred of very many."""

    def __init__(self, faults: list[Fault], code: str = "INVALID_REQUEST") -> None:
        noun = "fault" if len(faults) == 1 else "faults"
        told = "see `errors`" if len(faults) <= FAULTS_TOLD else f"see `errors` for the first {FAULTS_TOLD}"
        super().__init__(code, f"The request has {len(faults)} {noun}; {told}.")
        self.faults = faults[:FAULTS_TOLD]


class ForbiddenError(PackhouseError):
    """The caller may know about the thing but not do this to it."""

    status = 403
    title = "Forbidden"


class NotFoundError(PackhouseError):
    """There is no such thing, as far as this caller may know."""

    status = 404
    title = "Not found"


class ConflictError(PackhouseError):
    """The state of the thing does not allow what was asked."""

    status = 409
    title = "Conflict"


class PreconditionFailedError(PackhouseError):
    """The thing is not in the state that the request was made for."""

    status = 412
    title = "Precondition failed"


class TooLargeError(PackhouseError):
    """More bytes than one request may carry."""

    status = 413
    title = "Too large"


class UnsupportedMediaError(PackhouseError):
    """A body of a type that is not read here."""

    status = 415
    title = "Unsupported media type"


class ServiceUnavailableError(PackhouseError):
    """A transient failure of something Packhouse stands on; the same call may succeed later."""

    status = 503
    title = "Service unavailable"


class UnitFailedError(PackhouseError):
    """A step of a machine, or one unit of its map, cannot succeed however often it is tried."""


class QualityHardFailError(PackhouseError):
    """The quality policy found a hard failure while enforcement is on."""


CODES: dict[str, str] = {
    # the request itself
    "INVALID_REQUEST": "A field, parameter or header is missing, unknown or of the wrong form; `errors` lists each.",
    "INVALID_JSON": "The body is not one JSON document of the accepted form (UTF-8, unique keys, finite numbers).",
    "INVALID_CURSOR": "The cursor was not made for this list, its filters and this project.",
    "PRECONDITION_FAILED": "`If-Match` names another state of the thing; read it again and decide anew.",
    "IDEMPOTENCY_KEY_REUSED": "The `Idempotency-Key` came with another body in the last 24 hours.",
    "BODY_TOO_LARGE": "The body is over 5 MB; send bulk bytes through a presigned upload.",
    "UNSUPPORTED_MEDIA_TYPE": "A body must be `application/json`.",
    "ROUTE_NOT_FOUND": "There is no such path, or not with this method.",
    "INTERNAL_ERROR": "Something unforeseen; the request id leads to the log.",
    "SERVICE_UNAVAILABLE": "A service below was busy or unreachable; retry with backoff.",
    # who is calling
    "UNAUTHORIZED": "No credential, a bad or expired one, or more than one.",
    "TOO_MANY_REQUESTS": "The gateway throttles; retry with backoff.",
    "FORBIDDEN": "The caller's role or the key's scopes do not allow this.",
    "WORKSPACE_REQUIRED": "With a JWT, `/api/v1` calls name the project: `X-Workspace: <namespace>/<project>`.",
    # namespaces, projects, members, keys
    "NAMESPACE_NOT_FOUND": "No such namespace, or the caller is no member of it.",
    "NAMESPACE_EXISTS": "The slug is taken.",
    "PROJECT_NOT_FOUND": "No such project, or the caller is no member of its namespace.",
    "PROJECT_EXISTS": "The slug is taken in this namespace.",
    "MEMBER_NOT_FOUND": "The principal is no member of this namespace.",
    "LAST_OWNER": "A namespace keeps at least one owner.",
    "PROJECT_CONFLICT": "The project changed at the same moment; read it again and repeat.",
    "API_KEY_NOT_FOUND": "No such key in this project.",
    # datasets and collections
    "DATASET_EXISTS": "The project has a dataset of this name.",
    "DATASET_CONFLICT": "The dataset changed at the same moment; read it again and repeat.",
    "COLLECTION_NOT_FOUND": "No such collection in this project.",
    "COLLECTION_EXISTS": "The project has a collection of this name.",
    "COLLECTION_CONFLICT": "The collection changed at the same moment; read it again and repeat.",
    # label packs
    "LABEL_PACK_NOT_FOUND": "No such label pack in this project. In a build: excluded, the pack is not there.",
    "REVISION_NOT_FOUND": "No such revision of this label pack.",
    "REVISION_ALREADY_SUBMITTED": "The revision was submitted before; its job is named.",
    "UPLOAD_MISSING": "Nothing was uploaded under the presigned URL yet.",
    "UPLOAD_MISMATCH": "The upload is not what was announced (bytes, SHA-256), or is over the limit.",
    "LABEL_ROWS_INVALID": "The upload has faulty lines; the revision lists the first hundred and the total.",
    "ELIGIBILITY_TRANSITION_INVALID": "PENDING → REVIEWED → APPROVED → REVOKED → REVIEWED; nothing else.",
    "REVIEW_CONFLICT": "The label pack changed at the same moment; read it again and repeat.",
    # dataset builds
    "FILTERS_NOT_SUPPORTED_V1": "Builds take explicit `label_pack_ids`; selector fields are not supported in v1.",
    "LABEL_PACK_IDS_REQUIRED": "`label_pack_ids` is missing or empty.",
    "ELIGIBILITY_OVERRIDE_FORBIDDEN": "`include_reviewed_override` is for developers.",
    "NO_ELIGIBLE_LABEL_DATA": "None of the requested label packs may be included; `excluded_label_pack_ids` says why.",
    "LABEL_PACK_NOT_APPROVED": "Excluded: the pack is not approved, or no revision of it is eligible yet.",
    "LABEL_PACK_REVOKED": "Excluded: the pack or its published revision was revoked.",
    "LABEL_PACK_VALIDATION_NOT_PASSED": "Excluded: the eligible revision did not pass validation.",
    "LABEL_PACK_CAPABILITY_MISMATCH": "The pack is of another capability: excluded, or no pack for annotation sets.",
    "WORKSPACE_TRAINING_OPT_OUT": "The project has opted out of training use; of a label pack: excluded.",
    "LABEL_PACK_ACCESS_DENIED": "Excluded: the caller may see the pack's project but not draw from it.",
    "TOO_MANY_SOURCE_PROJECTS": "The included label packs lie in more projects than one build may draw from.",
    "SPLIT_NOT_GIVEN": "With the strategy `predefined` every row names its split.",
    "GROUP_IN_TWO_SPLITS": "With the strategy `predefined` all rows of a group name one split.",
    "SPLIT_EMPTY": "A split has no group: there are too few, or the strategy or the splits kept leave it none.",
    "SPLIT_RATIO_MISSED": "Whole groups cannot meet the ratio: a split's share of the samples is off by over 5 %.",
    "SPLITS_NOT_COUNTED": "The request is too large to be counted while it waits; the build itself assigns the splits.",
    "SAMPLES_MOVED": "Samples leave the split that the version kept has them in: a newer revision regrouped them.",
    "MOVES_NOT_COUNTED": "The version that is kept is too large to look which of its samples leave their split.",
    "SAMPLES_REPEATED": "Samples stand in several sources with the same content; each is kept once.",
    "SAMPLES_CONFLICT": "Samples stand in several sources with different content; the newest revision's is kept.",
    "SOURCE_INCOMPLETE": "A source has no rows, or rows without a group; the quality policy will fail the dataset.",
    "DUPLICATE_SAMPLE": "A row stayed out: an earlier source has the same sample with the same content.",
    "CONFLICTING_SAMPLE": "A row stayed out: a newer revision has the same sample with other content.",
    "SOURCES_WITHDRAWN": "While it was built, a source was revoked or rejected, or its project opted out of training.",
    "BUILD_CONFLICT": "Too many builds of the same dataset at the same moment; repeat the request.",
    "DATASET_NOT_FOUND": "No such dataset, or dataset version, in this project.",
    "DATASET_NOT_READY": "The dataset version is not built; its job says how far it is.",
    "DIFF_TOO_LARGE": "The versions differ in more rows than one answer compares.",
    "EXPORT_NOT_FOUND": "The dataset version has no export of this name.",
    "SAMPLE_NOT_FOUND": "The dataset version has no sample of this id.",
    "ASSET_NOT_FOUND": "The asset that the sample names was not there when the dataset was built.",
    "ASSET_EMPTY": "The asset that the sample names has no bytes.",
    "ASSET_NOT_PERMITTED": "The asset lies in a project that the caller may not read.",
    "ASSET_NOT_GIVEN": "The sample names no asset.",
    "SIZE_UNKNOWN": "No picture: the row does not state width and height, and the asset does not tell them.",
    "UNLABELLED": "No picture: the labels of the row are null, which does not say that nothing is there.",
    "INVALID_LABEL_SCHEMA": "No picture: a label of the row has a class or geometry that its capability has not.",
    "INVALID_GEOMETRY": "No picture: a label of the row is outside the picture, or of no size.",
    "SAMPLE_TYPE_UNSUPPORTED": "There is no overlay for samples of this capability.",
    "LABELS_NOT_GIVEN": "The sample is unlabelled: there is nothing to draw, and nothing says that nothing is there.",
    "LABELS_EMPTY": "The sample is labelled as empty: an overlay that draws nothing is the whole overlay.",
    "OVERLAY_KIND_MISMATCH": "None of the sample's labels has the geometry that its capability is drawn with.",
    "OVERLAY_GEOMETRY_INVALID": "No label of the sample can be drawn: each is outside the picture, or of no size.",
    "OVERLAY_PARTIAL": "Some labels of the sample cannot be drawn; the others are.",
    "DATASET_QUALITY_HARD_FAIL": "The build ended at the quality gate; its quality summary is kept.",
    # frozen test sets
    "FROZEN_DATASET_TRAINING_FORBIDDEN": "The dataset version is a frozen test set: nothing is trained on it.",
    "FROZEN_SOURCE_LEAKAGE_FORBIDDEN": "Label packs or samples of the version are in frozen test sets.",
    "DATASET_NOT_FROZEN": "The dataset version is not a frozen test set, and what was asked needs one.",
    "DATASET_ALREADY_FROZEN": "The dataset version is a frozen test set already.",
    "UNFREEZE_PERMISSION_REQUIRED": "Unfreezing is for developers.",
    "UNFREEZE_REASON_REQUIRED": "Unfreezing needs a `reason` that is not empty.",
    "DATASET_IN_ACTIVE_USE": "Training uses of the version, or of its label packs, have not ended; they are named.",
    "FREEZE_STATE_CONFLICT": "What is frozen or in use kept changing at the same moment; repeat the request.",
    "FROZEN_OVERLAP": "Label packs of the build are in frozen test sets: the version will not be for training.",
    "USE_NOT_FOUND": "No such use of this dataset version, or it was released, or it expired long ago.",
    # audio files and annotation sets
    "AUDIO_FILE_NOT_FOUND": "No such audio file in this dataset.",
    "AUDIO_FILE_EXISTS": "The dataset has an audio file of this URI already, `audio_file_id`.",
    "ANNOTATION_SET_NOT_FOUND": "No such annotation set in this dataset.",
    "ANNOTATION_NOT_FOUND": "No such annotation in this set.",
    "ANNOTATION_SET_PUBLISHED": "The annotation set is published, or is being published: it never changes.",
    "ANNOTATION_SET_NOT_PUBLISHED": "The annotation set is a draft; only a published one is promoted and downloaded.",
    "ANNOTATION_SET_CONFLICT": "The annotation set was changed at the same moment; read it again and repeat.",
    "ANNOTATION_SET_FULL": "The annotation set holds no more: 256,000 by bulk or copy, and as many one by one.",
    "ANNOTATION_SET_EMPTY": "The annotation set has no annotation that could become a label row.",
    "LABEL_ROW_TOO_LONG": "An audio file has more annotations than one label row holds (1 MB).",
    # rollouts and training datasets
    "IMPORT_NOT_FOUND": "No such rollout import in this project.",
    "IMPORT_ALREADY_SUBMITTED": "The import was submitted before; its job is named.",
    "IMPORT_CONFLICT": "The import was judged already, or its id is taken.",
    "ROLLOUT_NOT_FOUND": "No rollout of this id in this project.",
    "ROLLOUTS_INVALID": "The upload has faulty lines; the import lists the first hundred and the total.",
    "TRAINING_DATASET_NOT_FOUND": "No such training dataset in this project.",
    "TRAINING_DATASET_NOT_READY": "The training dataset is not ready; its status says how far it is.",
    "TRAINING_DATASET_CONFLICT": "The training dataset changed at the same moment; read it again and repeat.",
    "PREVIEW_NOT_READY": "No row of the training dataset was rendered yet, or it ended before one was.",
    "CONFIRMATION_NOT_REQUIRED": "The training dataset was not created with `require_confirmation`.",
    "NOT_CONFIRMED": "Nobody confirmed the preview within seven days.",
    "TOO_MANY_ROLLOUTS": "The project has more rollouts, or more imports, than one training dataset is made of.",
    "NO_ROLLOUTS": "The project has no rollouts to make a training dataset of.",
    "NO_ROWS_LEFT": "Not one rollout stays as a row; the detail counts them by reason.",
    "REPEATED_ROLLOUT": "No row: an older import has the rollout with the same content.",
    "SUPERSEDED_ROLLOUT": "No row: a newer import has the rollout with other content.",
    "NOT_COMPLETED": "No row: the rollout's status is not `completed`.",
    "SCENARIO_NOT_WANTED": "No row: its scenario is not among `scenario_ids`.",
    "TEMPLATE_NOT_WANTED": "No row: its agent template is not among `agent_template_ids`.",
    "NO_ASSISTANT_TURN": "No row: the operator neither said anything nor chose silence.",
    "SCORE_MISSING": "No row: it has no such score as `min_scores` asks for.",
    "SCORE_TOO_LOW": "No row: a score is below `min_scores`.",
    "EXACT_DUPLICATE": "No row: an earlier row has the same words in each message, the same silences and thinking.",
    "NEAR_DUPLICATE": "No row: an earlier one has the same turns and nearly the same words, the operator's alone too.",
    "OVERLAPS_DATASET": "No row: it shares a run of words with a dataset of `exclude_overlap_with`.",
    "NOT_SAMPLED": "No row: `max_rows` others were drawn before it.",
    # jobs
    "JOB_ENDED": "The job has ended; nothing more can be done in its name.",
    "JOB_CANCELLED": "Somebody cancelled the job; the detail names them.",
    "JOB_NOT_FOUND": "No such job in this project.",
    "SOURCE_CHANGED": "A chunk or unit result is missing or its hash differs from what was sealed.",
    "EXECUTION_ABORTED": "The execution was stopped from outside before it could settle the job.",
    "EXECUTION_TIMED_OUT": "The execution ran into its time limit.",
    "EXECUTION_FAILED": "The execution failed without settling the job.",
    "TASK_TIMED_OUT": "A task ran into its time limit.",
    "TASK_FAILED": "A task failed in an unforeseen way; the log of the function has the trace.",
}
