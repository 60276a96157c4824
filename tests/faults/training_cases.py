"""Rollouts and training datasets as use cases: what has to be there, and the request."""

from functools import partial
from typing import Any

from tests.faults.exports import (
    DATASETS,
    IMPORTS,
    JOBS,
    ROLLOUTS,
    Asked,
    ask,
    made,
    rollouts,
    run_before,
    send,
    uploaded,
    waiting,
)
from tests.faults.single_faults import Request, UseCase
from tests.faults.world import World

Json = dict[str, Any]
PROJECT = "/namespaces/acme/projects/match-day"


def _send(_: World) -> Request:
    return Request("POST", ROLLOUTS, {"rollouts": rollouts(4)}, (ROLLOUTS, IMPORTS))


def _create_import(_: World) -> Request:
    return Request("POST", IMPORTS, {}, (IMPORTS,))


def _announce_import(_: World) -> Request:
    return Request("POST", IMPORTS, {"content_length": 512, "sha256": "0" * 64}, (IMPORTS,))


def _submit_import(world: World) -> Request:
    imported = uploaded(world, rollouts(3))
    return Request("POST", f"{imported}/submit", {}, (imported,))


def _submit_submitted(world: World) -> Request:
    wanted = _submit_import(world)
    world.call("POST", wanted.path)
    return wanted


def _submit_inline(world: World) -> Request:
    imported = f"{IMPORTS}/{send(world)['import_id']}"
    return Request("POST", f"{imported}/submit", {}, (imported,))


def _cancel_import(world: World) -> Request:
    wanted = _submit_import(world)
    job = f"{JOBS}/{world.call('POST', wanted.path)['job_id']}"
    return Request("POST", f"{job}/cancel", {}, (job, *wanted.shown_at))


def _create(world: World, **more: Any) -> Request:
    send(world)
    return Request("POST", DATASETS, {"name": "fresh", **more}, (DATASETS,))


def _create_beside_others(world: World) -> Request:
    send(world)
    others = [made(world, seed=seed).id for seed in range(2)]
    more = {"scenario_ids": ["scenario-1"], "max_rows": 3, "require_confirmation": True}
    return _create(world, exclude_overlap_with=others, **more)


def _create_from_nothing(_: World) -> Request:
    return Request("POST", DATASETS, {"name": "fresh"}, (DATASETS,))


def _create_when_opted_out(world: World) -> Request:
    world.call("PATCH", PROJECT, {"trainingUse": "opted_out"})
    return _create(world)


def _create_beside_unready(world: World) -> Request:
    send(world)
    return _create(world, exclude_overlap_with=[ask(world).id])


def _of(asked: Asked, what: str) -> Request:
    return Request("POST", f"{asked.path}/{what}", {}, asked.shown_at)


def _waits(world: World) -> Asked:
    send(world)
    return waiting(world)[0]


def _confirm(world: World) -> Request:
    return _of(_waits(world), "confirm")


def _shown(world: World) -> Asked:
    """The preview is there, and its machine does not wait yet."""
    send(world)
    asked = ask(world, require_confirmation=True)
    run_before(world, asked, "await_confirmation")
    return asked


def _confirm_early(world: World) -> Request:
    return _of(_shown(world), "confirm")


def _confirm_confirmed(world: World) -> Request:
    wanted = _confirm(world)
    world.call("POST", wanted.path)
    return wanted


def _confirm_untold(world: World) -> Request:
    """It was confirmed, and whoever did was killed before the machine was told."""
    wanted = _confirm(world)
    tokens = dict(world.executions.tokens)
    world.call("POST", wanted.path)
    world.executions.tokens = tokens
    return wanted


def _confirm_too_early(world: World) -> Request:
    send(world)
    return _of(ask(world, require_confirmation=True), "confirm")


def _confirm_cancelled(world: World) -> Request:
    wanted = _confirm(world)
    world.call("POST", wanted.path.replace("/confirm", "/cancel"))
    return wanted


def _confirm_unasked(world: World) -> Request:
    send(world)
    return _of(ask(world), "confirm")


def _cancel_asked(world: World) -> Request:
    send(world)
    return _of(ask(world), "cancel")


def _cancel_unstarted(world: World) -> Request:
    """The process that committed it was killed before it started the execution."""
    send(world)
    asked = ask(world)
    del world.executions.status[asked.job_id]
    return _of(asked, "cancel")


def _cancel_before(folder: str, skipped: int, world: World) -> Request:
    send(world)
    asked = ask(world)
    run_before(world, asked, folder, skipped)
    return _of(asked, "cancel")


def _cancel_waiting(world: World) -> Request:
    return _of(_waits(world), "cancel")


def _cancel_shown(world: World) -> Request:
    return _of(_shown(world), "cancel")


def _cancel_confirmed(world: World) -> Request:
    wanted = _confirm_untold(world)
    return Request("POST", wanted.path.replace("/confirm", "/cancel"), {}, wanted.shown_at)


def _cancel_by_job(world: World) -> Request:
    asked = _waits(world)
    return Request("POST", f"{JOBS}/{asked.job_id}/cancel", {}, asked.shown_at)


def _cancel_cancelled(world: World) -> Request:
    wanted = _cancel_waiting(world)
    world.call("POST", wanted.path)
    return wanted


def _cancel_ready(world: World) -> Request:
    send(world)
    return _of(made(world), "cancel")


_SUBMIT = f"POST {IMPORTS}/{{import_id}}/submit"
_CREATE = f"POST {DATASETS}"
_DATASET = f"{DATASETS}/{{training_dataset_id}}"
_CONFIRM, _CANCEL = f"POST {_DATASET}/confirm", f"POST {_DATASET}/cancel"
_CANCEL_JOB = f"POST {JOBS}/{{job_id}}/cancel"


def _cancels(name: str, folder: str, skipped: int = 0) -> UseCase:
    return UseCase(f"cancel dataset {name}", _CANCEL, partial(_cancel_before, folder, skipped))


TRAINING_CASES = (
    UseCase("send rollouts", f"POST {ROLLOUTS}", _send),
    UseCase("create rollout import", f"POST {IMPORTS}", _create_import),
    UseCase("announce rollout import", f"POST {IMPORTS}", _announce_import),
    UseCase("submit rollout import", _SUBMIT, _submit_import),
    UseCase("submit submitted import", _SUBMIT, _submit_submitted, refused="IMPORT_ALREADY_SUBMITTED"),
    UseCase("submit inline import", _SUBMIT, _submit_inline, refused="IMPORT_ALREADY_SUBMITTED"),
    UseCase("cancel rollout ingest", _CANCEL_JOB, _cancel_import),
    UseCase("create training dataset", _CREATE, _create),
    UseCase("create dataset beside others", _CREATE, _create_beside_others),
    UseCase("create dataset from nothing", _CREATE, _create_from_nothing),
    UseCase("create dataset beside unready", _CREATE, _create_beside_unready, refused="TRAINING_DATASET_NOT_READY"),
    UseCase("create dataset when opted out", _CREATE, _create_when_opted_out, refused="WORKSPACE_TRAINING_OPT_OUT"),
    UseCase("confirm", _CONFIRM, _confirm),
    UseCase("confirm before it waits", _CONFIRM, _confirm_early),
    UseCase("confirm what is confirmed", _CONFIRM, _confirm_confirmed),
    UseCase("confirm what nobody told", _CONFIRM, _confirm_untold),
    UseCase("confirm unseen", _CONFIRM, _confirm_too_early, refused="PREVIEW_NOT_READY"),
    UseCase("confirm what is cancelled", _CONFIRM, _confirm_cancelled, refused="JOB_ENDED"),
    UseCase("confirm unasked", _CONFIRM, _confirm_unasked, refused="CONFIRMATION_NOT_REQUIRED"),
    UseCase("cancel dataset asked for", _CANCEL, _cancel_asked),
    UseCase("cancel dataset never started", _CANCEL, _cancel_unstarted),
    _cancels("planned", "render_preview"),
    UseCase("cancel dataset shown", _CANCEL, _cancel_shown),
    UseCase("cancel dataset waiting", _CANCEL, _cancel_waiting),
    UseCase("cancel dataset confirmed", _CANCEL, _cancel_confirmed),
    _cancels("running", "filter_rows"),
    _cancels("filtering", "export_profile"),
    _cancels("exporting", "export_profile", 3),
    _cancels("to be sealed", "seal_training_dataset"),
    UseCase("cancel dataset by its job", _CANCEL_JOB, _cancel_by_job),
    UseCase("cancel cancelled dataset", _CANCEL, _cancel_cancelled),
    UseCase("cancel ready dataset", _CANCEL, _cancel_ready, refused="JOB_ENDED"),
)
