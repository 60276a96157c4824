"""Use cases of frozen test sets: freeze, unfreeze, take a use of a version and give it back, look what was tried.

A freeze and a training use of the same sources cannot both go through. Each reads the other's fence, looks, and commits
on the condition that the fence still stands there: a freeze reads the training epochs of its source projects and moves
the registry's freeze epoch, a training use reads that one and moves those. Every attempt is in the audit, the refused
ones too.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from packhouse.access.model import Principal, Workspace
from packhouse.audit.model import AuditAction, AuditEntry
from packhouse.audit.store import AuditStore
from packhouse.aws.clock import Clock, NewId, later, new_id, now
from packhouse.aws.dynamo import Place, StaleError, Transaction, read_together, while_stale
from packhouse.aws.once import Once
from packhouse.builds.model import DatasetVersion, IncludedPack, demand_ready
from packhouse.builds.store import BuildStore
from packhouse.errors import ConflictError, PackhouseError, ServiceUnavailableError
from packhouse.freezes.model import (
    LISTED,
    LONGEST_USE_SECONDS,
    Decision,
    Exposure,
    FreezeState,
    Frozen,
    Purpose,
    Unfrozen,
    Use,
)
from packhouse.freezes.protections import Protections, sources_of
from packhouse.freezes.rules import (
    Refusal,
    equality_refusal,
    fields_told,
    freeze_refusal,
    frozen_refusal,
    frozen_state,
    history_refusal,
    release_refusal,
    training_refusal,
    unfreeze_refusal,
    unfrozen_refusal,
    unfrozen_state,
    use_refusal,
)
from packhouse.freezes.store import FreezeStore

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class _Attempt:
    """What somebody tries with a version, as the audit tells it."""

    action: AuditAction
    version: DatasetVersion
    caller: Principal
    facts: dict[str, Any]


@dataclass(frozen=True)
class Freezes:
    """Frozen test sets and the uses of versions."""

    store: FreezeStore
    audit: AuditStore
    builds: BuildStore
    protections: Protections
    clock: Clock = now
    new_id: NewId = new_id

    def freeze(
        self, workspace: Workspace, version_id: str, reason: str | None, caller: Principal, once: Once
    ) -> Frozen:
        """Freeze a version that is ready: from then on nothing is trained on its label packs or on its samples."""
        version = self.builds.get(workspace, version_id)
        attempt = _Attempt(AuditAction.FREEZE, version, caller, {"reason": reason})

        def decide() -> Frozen:
            _require(freeze_refusal(caller))
            demand_ready(version)
            self.protections.demand_contents(version)
            included = self.protections.included(version)
            sources = sources_of(version, included)
            fences = [self.store.trainings_key(project_id) for project_id in sources.project_ids]
            found = read_together([self.store.state_key(version_id), *fences])
            state = self.store.state_in(found, version_id)
            exposures, live = self._exposures(included, sources.project_ids)
            _require(frozen_refusal(version_id, state, live))
            decision = Decision(at=self.clock(), by=caller.principal_id, reason=reason)
            changed = frozen_state(state, decision)
            frozen = Frozen(
                **dict(changed),
                dataset_version_id=version_id,
                prior_exposure_count=len(exposures),
                prior_exposures=tuple(exposures[:LISTED]),
            )
            tx = Transaction()
            for fence in fences:
                self.store.demand_epoch(tx, fence, self.store.epoch_in(found, fence))
            self.store.put_frozen(tx, sources, changed)
            told = frozen.model_dump(mode="json", include={"prior_exposure_count", "prior_exposures"})
            self._allow(tx, attempt, decision.at, told)
            return once.commit(tx, frozen)

        return self._audited(attempt, once, decide)

    def _exposures(
        self, included: tuple[IncludedPack, ...], project_ids: tuple[str, ...]
    ) -> tuple[list[Exposure], list[Use]]:
        """Return the versions that were used for training on these packs, newest first, and what is still in use."""
        trained = {each.dataset_version_id: each for each in self.store.list_trained(project_ids)}
        moment, exposures, live = self.clock(), [], []
        for overlap in self.protections.overlaps(included, list(trained.values())):
            exposed = trained[overlap.dataset_version_id]
            exposures.append(
                Exposure(**overlap.shown(), first_used_at=exposed.first_used_at, last_used_at=exposed.last_used_at)
            )
            if later(exposed.last_used_at, 2 * LONGEST_USE_SECONDS) > moment:
                uses = self.store.list_uses(exposed.dataset_version_id)
                live += [use for use in uses if use.purpose is Purpose.TRAINING and use.expires_at > moment]
        return sorted(exposures, key=lambda each: each.last_used_at, reverse=True), live

    def unfreeze(self, workspace: Workspace, version_id: str, reason: str, caller: Principal, once: Once) -> Unfrozen:
        """Take the protection of a frozen version away."""
        version = self.builds.get(workspace, version_id)
        attempt = _Attempt(AuditAction.UNFREEZE, version, caller, {"reason": reason})

        def decide() -> Unfrozen:
            _require(unfreeze_refusal(caller, reason))
            state = self._state(version_id)
            _require(unfrozen_refusal(version_id, state))
            decision = Decision(at=self.clock(), by=caller.principal_id, reason=reason)
            changed = unfrozen_state(state, decision)
            tx = Transaction()
            self.store.put_unfrozen(tx, version_id, changed)
            self._allow(tx, attempt, decision.at)
            return once.commit(tx, Unfrozen(**dict(changed), dataset_version_id=version_id))

        return self._audited(attempt, once, decide)

    def _state(self, version_id: str) -> FreezeState:
        return self.store.state_in(read_together([self.store.state_key(version_id)]), version_id)

    def take_use(
        self,
        workspace: Workspace,
        version_id: str,
        purpose: Purpose,
        seconds: int,
        caller: Principal,
        once: Once,
        *,
        require_frozen: bool,
    ) -> Use:
        """Let a run read a version for so many seconds, if its purpose may have it."""
        version = self.builds.get(workspace, version_id)
        facts = {"purpose": purpose.value, "require_frozen": require_frozen, "seconds": seconds}
        attempt = _Attempt(AuditAction.USE, version, caller, facts)

        def decide() -> Use:
            _require(use_refusal(caller, workspace))
            demand_ready(version)
            self._forget_ended(once)
            tx = Transaction()
            if purpose is Purpose.TRAINING:
                self._admit_training(tx, version)
            elif require_frozen:
                self._admit_frozen(tx, version_id)
            moment = self.clock()
            use = Use(
                use_id=self.new_id("use"),
                dataset_version_id=version_id,
                workspace=version.workspace,
                purpose=purpose,
                require_frozen=require_frozen,
                created_at=moment,
                created_by=caller.principal_id,
                expires_at=later(moment, seconds),
            )
            self.store.put_use(tx, use)
            self._allow(tx, attempt, moment, {"use_id": use.use_id, "expires_at": use.expires_at})
            return once.commit(tx, use)

        return self._audited(attempt, once, decide)

    def _forget_ended(self, once: Once) -> None:
        """Decide anew where the use that a request came to before has ended: a lease is not told of twice.

        Where it cannot be told whether it has ended, it is not told of either.
        """
        kept = once.find(Use)
        if kept is None:
            return
        try:
            lasts = kept.expires_at > self.clock() and self.store.has_use(kept)
        except ServiceUnavailableError:
            once.renew()
            raise
        if not lasts:
            once.renew()

    def _admit_training(self, tx: Transaction, version: DatasetVersion) -> None:
        version_id, fence = version.dataset_version_id, self.store.freezes_key()
        found = read_together([self.store.state_key(version_id), fence])
        epoch = self.store.epoch_in(found, fence)
        included, frozen = self.protections.included(version), self.protections.list_frozen(epoch)
        overlaps = self.protections.overlaps(included, frozen)
        _require(training_refusal(version_id, self.store.state_in(found, version_id), overlaps))
        _require(equality_refusal(self.protections.equal_samples(version, frozen)))
        self.store.demand_epoch(tx, fence, epoch)
        self.store.put_training(tx, sources_of(version, included), self.clock())

    def _admit_frozen(self, tx: Transaction, version_id: str) -> None:
        state = self._state(version_id)
        _require(unfrozen_refusal(version_id, state))
        self.store.demand_state(tx, version_id, state)

    def release_use(self, workspace: Workspace, version_id: str, use_id: str, caller: Principal, once: Once) -> None:
        """Give a use back before it expires."""
        version = self.builds.get(workspace, version_id)
        attempt = _Attempt(AuditAction.RELEASE, version, caller, {"use_id": use_id})

        def decide() -> None:
            _require(release_refusal(caller, workspace))
            tx = Transaction()
            self.store.delete_use(tx, version_id, use_id)
            self._allow(tx, attempt, self.clock())
            tx.commit()

        self._audited(attempt, once, decide)

    def list_history(
        self, workspace: Workspace, version_id: str, caller: Principal, limit: int, after: Place | None
    ) -> tuple[list[str], Place | None]:
        """Return a page of all that was tried with a version, newest first, as stored JSON."""
        _require(history_refusal(caller))
        self.builds.get(workspace, version_id)
        return self.audit.list_bodies(version_id, limit, after)

    def _audited(self, attempt: _Attempt, once: Once, decide: Callable[[], _Result]) -> _Result:
        """Decide until nothing changes under the decision; write down what was refused, and why.

        What a request came to that was made before is no attempt of its own.
        """
        try:
            try:
                return while_stale(decide)
            except StaleError as moved:
                raise ConflictError("FREEZE_STATE_CONFLICT", moved.detail) from moved
        except PackhouseError as refused:
            if refused.status >= _SERVER_ERROR:
                raise
            if not once.is_answered():
                tx = Transaction()
                self.audit.put(tx, self._entry(attempt, self.clock(), attempt.facts | refused.fields, refused.code))
                tx.commit()
                refused.fields = fields_told(attempt.caller, refused.fields)
            raise

    def _allow(self, tx: Transaction, attempt: _Attempt, moment: str, facts: dict[str, Any] | None = None) -> None:
        self.audit.put(tx, self._entry(attempt, moment, attempt.facts | (facts or {})))

    def _entry(self, attempt: _Attempt, moment: str, facts: dict[str, Any], code: str | None = None) -> AuditEntry:
        return AuditEntry(
            entry_id=self.new_id("aud"),
            dataset_version_id=attempt.version.dataset_version_id,
            action=attempt.action,
            allowed=code is None,
            code=code,
            at=moment,
            by=attempt.caller.principal_id,
            facts=facts,
        )


_SERVER_ERROR = 500


def _require(refusal: Refusal) -> None:
    if refusal is not None:
        raise refusal
