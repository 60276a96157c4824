"""Answers about rollouts, the rows that become of them, and files of rows; for the document alone, as `about.model`."""

from typing import Literal

from pydantic import BaseModel, Field

from packhouse.about.model import Upload, Url, sometimes
from packhouse.jobs.model import JobStatus
from packhouse.rollouts.model import RolloutImport
from packhouse.training.model import Recipe, Sealed, TrainingDataset, TrainingFile


class ImportMade(RolloutImport):
    """A new import; `upload` is where its bytes are to be sent."""

    upload: Upload


class ImportStarted(BaseModel):
    """The job that takes in an import."""

    job_id: str
    job_status: JobStatus
    import_id: str


class PersonaMessage(BaseModel):
    """What the simulated persona said."""

    type: Literal["persona_message"]
    content: str


class OperatorMessage(BaseModel):
    """What the operator said, with at most one `<thinking>` block in it."""

    type: Literal["operator_message"]
    content: str


class OperatorNoResponse(BaseModel):
    """The operator chose silence."""

    type: Literal["operator_no_response"]


class TimeSkip(BaseModel):
    """Scenario time that passed."""

    type: Literal["time_skip"]
    days: float


class GivenScores(BaseModel):
    """Scores that the sender computed; they are kept as they are."""

    quality_score: float | None = sometimes(None)
    complexity_score: float | None = sometimes(None)
    ifd_score: float | None = sometimes(None)


class TurnLikelihood(BaseModel):
    """Log-likelihoods of an assistant turn, counted from 1: given what came before it, and alone."""

    turn: int
    conditional: float
    unconditional: float
    tokens: int


class RolloutSent(BaseModel):
    """A rollout as it was sent, in canonical form."""

    rollout_id: str
    scenario_id: str
    agent_template_id: str
    rollout_index: int
    temperature: float
    status: str
    events: list[PersonaMessage | OperatorMessage | OperatorNoResponse | TimeSkip]
    scores: GivenScores = sometimes(None)
    loglik: list[TurnLikelihood] = sometimes(None)


class RolloutShown(BaseModel):
    """A rollout, and where the registry keeps it."""

    id: str
    import_id: str
    rollout: RolloutSent


class RecipeListed(Recipe):
    """A recipe without what grows with it: the scenarios and agent templates that it takes."""

    scenario_ids: tuple[str, ...] | None = Field(default=None, exclude=True)
    agent_template_ids: tuple[str, ...] | None = Field(default=None, exclude=True)


class TrainingDatasetListed(TrainingDataset):
    """A training dataset as a list shows it: its files, and all of its recipe, are told of it alone."""

    recipe: RecipeListed
    sealed: Sealed | None = Field(default=None, exclude=True)


class MessageShown(BaseModel):
    """A message of a row; `thinking` as the profile has it: beside the content, under another name, or not at all."""

    role: Literal["user", "assistant"]
    content: str
    thinking: str = sometimes(None)
    reasoning_content: str = sometimes(None)


class RowMetadata(BaseModel):
    """How the rollout of a row was produced, and its scores."""

    temperature: float
    rollout_index: int
    turn_count: int
    quality_score: float | None
    complexity_score: float | None
    ifd_score: float | None


class RowShown(BaseModel):
    """A row of a training dataset; in the profile `openai-chat` it is its messages alone."""

    scenario_id: str = sometimes(None)
    agent_template_id: str = sometimes(None)
    messages: list[MessageShown]
    metadata: RowMetadata = sometimes(None)


class FileShown(TrainingFile):
    """A file of a training dataset; `url` downloads it until `expires_at`."""

    url: Url
    expires_at: str
