"""Every POST of the API that writes, each with a project made ready for it and the body that it is sent."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.annotations import AUDIO_FILES, SETS, AudioDataset, segment
from tests.annotations import ROWS as ANNOTATIONS
from tests.containers import COLLECTIONS, DATASETS, Containers
from tests.registry import VERSIONS, Json, Pack, Project, as_ndjson, ball_rows
from tests.training import IMPORTS, ROLLOUTS, TRAINING, RolloutProject, rollouts

PACKS = "/api/v1/label-packs"
BUILD = "/api/v1/datasets/build"
SETS_OF = "/api/v1/datasets/{dataset_id}/annotation-sets"
SET = f"{SETS_OF}/{{annotation_set_id}}"
ROWS = ball_rows(1, 2)


@dataclass(frozen=True)
class Command:
    """A POST that a project is ready for, its body, and another body that it takes, if it takes any other."""

    path: str
    body: Json
    other: Json
    person: str = "editor"


def slug_of(project: Project) -> str:
    return project.workspace.partition("/")[2]


def pending_pack(project: Project) -> Pack:
    label_pack_id = project.new_pack()
    return Pack(label_pack_id, project.new_revision(label_pack_id, ROWS))


def with_collection(project: Project, path: str) -> str:
    Containers(project).new_collection("kept", members=["a"])
    return Containers(project).path + path


def new_namespace(project: Project) -> Command:
    slug = f"ns-{slug_of(project)}"
    return Command("/namespaces", {"slug": slug, "name": "A"}, {"slug": slug, "name": "B"}, "owner")


def new_project(project: Project) -> Command:
    slug = f"{slug_of(project)}-more"
    body = {"slug": slug, "name": "A"}
    return Command("/namespaces/acme/projects", body, body | {"description": "other"}, "owner")


def new_key(project: Project) -> Command:
    body = {"name": "a key", "scopes": ["read"]}
    return Command(Containers(project).at("api-keys"), body, body | {"scopes": ["read", "write"]}, "owner")


def new_dataset(project: Project) -> Command:
    body = {"name": "training-v2", "metadata": {"float": 1.0, "big": 10**300, "z": None, "a": "é"}, "tags": ["q1"]}
    return Command(Containers(project).at(DATASETS), body, body | {"metadata": None})


def new_collection(project: Project) -> Command:
    Containers(project).new_dataset("training-v2")
    body = {"name": "clips", "dataset": "training-v2", "members": ["b", "a"]}
    return Command(Containers(project).at(COLLECTIONS), body, body | {"members": ["a"]})


def changed_members(project: Project) -> Command:
    path = with_collection(project, "/collections/kept/members")
    return Command(path, {"add": [f"n{number:04d}" for number in range(1_000)], "remove": ["a"]}, {"add": ["n"]})


def unchanged_members(project: Project) -> Command:
    path = with_collection(project, "/collections/kept/members")
    return Command(path, {"add": ["a"]}, {"add": ["n"]})


def new_pack(project: Project) -> Command:
    body = {"capability": "ball_detection", "name": "a pack"}
    return Command(PACKS, body, body | {"name": "other"})


def inline_revision(project: Project) -> Command:
    return Command(f"{PACKS}/{project.new_pack()}/revisions", {"rows": ROWS}, {"rows": ROWS[:1]})


def presigned_revision(project: Project) -> Command:
    path = f"{PACKS}/{project.new_pack()}/revisions"
    return Command(path, {"upload": "presigned", "content_length": 2}, {"upload": "presigned"})


def submitted(project: Project) -> Command:
    return Command(f"{pending_pack(project).revision_path}/submit", {}, {})


def reviewed(project: Project) -> Command:
    path = f"{pending_pack(project).path}/review"
    return Command(path, {"decision": "approve", "note": "fine"}, {"decision": "reject"})


def made_eligible(project: Project) -> Command:
    path = f"{pending_pack(project).revision_path}/eligibility"
    return Command(path, {"status": "REVIEWED"}, {"status": "REVIEWED", "note": "other"})


def built(project: Project) -> Command:
    packs = [project.new_approved_pack().label_pack_id]
    body = {"capability": "ball_detection", "label_pack_ids": packs}
    return Command(BUILD, body, body | {"name": "other"})


def built_by_force(project: Project) -> Command:
    command = built(project)
    made = project.editor.post(BUILD, command.body)
    project.wait(made["job_id"])
    return Command(BUILD, command.body | {"force": True}, command.body)


def cancelled(project: Project) -> Command:
    """A build takes several tasks one after the other: the next request finds it open."""
    made = project.editor.post(BUILD, built(project).body)
    return Command(f"/api/v1/jobs/{made['job_id']}/cancel", {}, {})


def frozen(project: Project) -> Command:
    path = f"{VERSIONS}/{project.new_version()}/freeze"
    return Command(path, {"reason": "benchmark"}, {"reason": "other"}, "support")


def unfrozen(project: Project) -> Command:
    version = project.new_version()
    assert project.freeze(version).is_success
    return Command(f"{VERSIONS}/{version}/unfreeze", {"reason": "over"}, {"reason": "other"}, "developer")


def used(project: Project) -> Command:
    path = f"{VERSIONS}/{project.new_version()}/uses"
    return Command(path, {"purpose": "training"}, {"purpose": "evaluation"})


def below(calls: AudioDataset, *steps: str) -> str:
    return "/".join((VERSIONS, calls.dataset_id, *steps))


def new_audio_file(project: Project) -> Command:
    body = {"uri": "calls/17.wav", "duration_ms": 60_000, "group": "speaker-4"}
    return Command(below(AudioDataset.new(project), AUDIO_FILES), body, body | {"group": None})


def new_annotation_set(project: Project) -> Command:
    return Command(below(AudioDataset.new(project), SETS), {"extra_data": {"why": "a pass"}}, {"extra_data": None})


def copied_annotation_set(project: Project) -> Command:
    """A draft, so that its annotations are written anew for the copy."""
    calls = AudioDataset.new(project)
    source = calls.new_set([segment(calls.new_audio_file("calls/17.wav"), 0, 1_000)])
    return Command(below(calls, SETS), {"copy_from": source}, {"copy_from": source, "extra_data": {}})


def new_annotation(project: Project) -> Command:
    calls = AudioDataset.new(project)
    row = segment(calls.new_audio_file("calls/17.wav"), 0, 1_000)
    return Command(below(calls, SETS, calls.new_set(), ANNOTATIONS), row, row | {"end_ms": 2_000})


def new_annotations(project: Project) -> Command:
    calls = AudioDataset.new(project)
    audio_file_id = calls.new_audio_file("calls/17.wav")
    rows = [segment(audio_file_id, start, start + 500) for start in range(3)]
    path = below(calls, SETS, calls.new_set(), ANNOTATIONS, "bulk")
    return Command(path, {"annotations": rows}, {"annotations": rows[:1]})


def published(project: Project) -> Command:
    calls = AudioDataset.new(project)
    draft = calls.new_set([segment(calls.new_audio_file("calls/17.wav"), 0, 1_000)])
    return Command(below(calls, SETS, draft, "publish"), {}, {})


def promoted(project: Project) -> Command:
    calls = AudioDataset.new(project)
    made = calls.new_published([segment(calls.new_audio_file("calls/17.wav"), 0, 1_000)])
    return Command(below(calls, SETS, made, "promote"), {}, {"unannotated": "empty"})


def sent_rollouts(project: Project) -> Command:
    return Command(ROLLOUTS, {"rollouts": rollouts(2)}, {"rollouts": rollouts(1)})


def new_import(project: Project) -> Command:
    return Command(IMPORTS, {"content_length": 2}, {"content_length": 3})


def submitted_import(project: Project) -> Command:
    made = RolloutProject.new(project).upload(as_ndjson(rollouts(2)))
    return Command(f"{IMPORTS}/{made}/submit", {}, {})


def new_training_dataset(project: Project) -> Command:
    RolloutProject.new(project).send(rollouts(2))
    return Command(TRAINING, {"name": "coach"}, {"name": "coach", "seed": 7})


def awaiting_confirmation(project: Project) -> str:
    """Return a training dataset whose machine goes on when somebody confirms its preview, and not before."""
    coach = RolloutProject.new(project)
    coach.send(rollouts(2))
    made = coach.create(require_confirmation=True)
    coach.wait_until(made, "preview")
    return f"{TRAINING}/{made}"


def confirmed(project: Project) -> Command:
    return Command(f"{awaiting_confirmation(project)}/confirm", {}, {})


def cancelled_training_dataset(project: Project) -> Command:
    return Command(f"{awaiting_confirmation(project)}/cancel", {}, {})


Prepare = Callable[[Project], Command]
CASES: list[tuple[str, Prepare]] = [
    ("/namespaces", new_namespace),
    ("/namespaces/{slug}/projects", new_project),
    ("/namespaces/{slug}/projects/{projectSlug}/api-keys", new_key),
    ("/namespaces/{slug}/projects/{projectSlug}/datasets", new_dataset),
    ("/namespaces/{slug}/projects/{projectSlug}/collections", new_collection),
    ("/namespaces/{slug}/projects/{projectSlug}/collections/{name}/members", changed_members),
    ("/namespaces/{slug}/projects/{projectSlug}/collections/{name}/members", unchanged_members),
    ("/api/v1/label-packs", new_pack),
    ("/api/v1/label-packs/{label_pack_id}/revisions", inline_revision),
    ("/api/v1/label-packs/{label_pack_id}/revisions", presigned_revision),
    ("/api/v1/label-packs/{label_pack_id}/revisions/{revision_id}/submit", submitted),
    ("/api/v1/label-packs/{label_pack_id}/review", reviewed),
    ("/api/v1/label-packs/{label_pack_id}/revisions/{revision_id}/eligibility", made_eligible),
    ("/api/v1/datasets/build", built),
    ("/api/v1/datasets/build", built_by_force),
    ("/api/v1/jobs/{job_id}/cancel", cancelled),
    ("/api/v1/datasets/{dataset_id}/freeze", frozen),
    ("/api/v1/datasets/{dataset_id}/unfreeze", unfrozen),
    ("/api/v1/datasets/{dataset_id}/uses", used),
    ("/api/v1/datasets/{dataset_id}/audio-files", new_audio_file),
    (SETS_OF, new_annotation_set),
    (SETS_OF, copied_annotation_set),
    (f"{SET}/annotations", new_annotation),
    (f"{SET}/annotations/bulk", new_annotations),
    (f"{SET}/publish", published),
    (f"{SET}/promote", promoted),
    (ROLLOUTS, sent_rollouts),
    (IMPORTS, new_import),
    (f"{IMPORTS}/{{import_id}}/submit", submitted_import),
    (TRAINING, new_training_dataset),
    (f"{TRAINING}/{{training_dataset_id}}/confirm", confirmed),
    (f"{TRAINING}/{{training_dataset_id}}/cancel", cancelled_training_dataset),
]
