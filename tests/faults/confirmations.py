"""A preview, confirmed by two people while its machine comes to wait for it, swept, and in half of the runs cancelled.

The machine goes on when somebody was answered that it was confirmed, and only then, and once. Behind a cancellation
nothing is confirmed, and whatever comes of the machine is refused.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, NamedTuple, Self
from unittest import mock

from packhouse.aws.dynamo import Transaction
from packhouse.errors import PackhouseError, ServiceUnavailableError
from packhouse.training import endings
from packhouse.training.store import TrainingStore
from tests.faults.exports import Asked, ask, run_before, send
from tests.faults.gate import Killed
from tests.faults.histories import Operation
from tests.faults.races import Answer, Caller, Callers, Trial, Watch, drawn_crash
from tests.faults.scheduler import Scheduler, seeded
from tests.faults.world import World

CALLERS = 5
_CRASHES = ((CALLERS, 12), (1, 8))
"""Of how many callers one may be killed, and where: of the one who confirms what waits, if he is the only one."""

_TRIES = 4
_AWAIT = "await_confirmation"
_CONFIRMED, _CANCELLED = ("confirm",), ("cancel",)


class Standing(NamedTuple):
    """A dataset as its callers see it."""

    status: str
    is_confirmed: bool
    tokens_sent: int


class Confirmations:
    """Runs interleavings on a dataset whose preview is there, or whose machine waits already: then one confirms it.

    Every other seed has a crash, every other pair of seeds a cancellation.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._scheduler = Scheduler(world.gate, world.waits)
        self._callers = Callers(world, CALLERS)
        send(world)
        self._asked = ask(world, require_confirmation=True)
        self._payload = run_before(world, self._asked, _AWAIT)[-1].payload
        self._unit = {"unit": 0, "units": 1, **{name: self._payload[name] for name in _COMMON}}
        coming = world.remember()
        world.invoke(_AWAIT, self._payload)
        self._grounds = (coming, world.remember())

    def try_seed(self, seed: int) -> Trial:
        """Run one interleaving."""
        is_waiting = seed // 8 % 2
        self._world.recall(self._grounds[is_waiting])
        clock = itertools.count()
        watch = Watch(self._world.gate, lambda: _look(self._world, self._asked), clock)
        callers = self._callers.called(clock)
        idle = {1, 2} if is_waiting else set[int]()
        idle |= set() if seed // 2 % 2 else {4}
        errands = [_nothing if caller.number in idle else self._errand(caller) for caller in callers]
        with watch:
            run = self._scheduler.run(errands, seeded(seed), drawn_crash(seed, *_CRASHES[is_waiting]))
            self._world.sweep()
        history = [operation for caller in callers for operation in caller.history]
        last = _look(self._world, self._asked)
        return Trial(run, history, next(_wrongs(self._world, watch, last, history, self._render), None))

    def _errand(self, caller: Caller) -> Callable[[], None]:
        path = self._asked.path

        def confirm() -> None:
            caller.request(_CONFIRMED, "POST", f"{path}/confirm", {})

        def wait() -> None:
            self._wait(caller)

        def sweep() -> None:
            with suppress(Killed):
                caller.handlers.app("sweep").handler({}, None)

        def cancel() -> None:
            caller.request(_CANCELLED, "POST", f"{path}/cancel", {})

        return (confirm, confirm, wait, sweep, cancel)[caller.number]

    def _wait(self, caller: Caller) -> None:
        """Deliver the task as its machine does: each attempt has a token of its own, none follows one that was sent."""
        executions, token = self._world.executions, self._payload["token"]
        for _ in range(_TRIES):
            if executions.tokens[token] == "sent":
                return
            try:
                caller.invoke(_AWAIT, self._payload | {"token": token})
            except (Killed, ServiceUnavailableError):
                if executions.tokens[token] != "sent":
                    token = executions.give_token(self._asked.job_id)
            except PackhouseError:
                executions.tokens[token] = "over"
                return
            else:
                return

    def _render(self) -> str | None:
        """Deliver what follows the wait; return the code of its refusal."""
        try:
            self._world.invoke("render_unit", self._unit)
        except PackhouseError as error:
            return error.code
        return None


def _nothing() -> None:
    """Somebody is not there."""


_COMMON = ("job_id", "prefix", "training_dataset_id")


def _look(world: World, asked: Asked) -> Standing:
    (item,) = world.items("TrainingTable", f"TRD#{asked.id}")
    sent = list(world.executions.tokens.values()).count("sent")
    return Standing(item["status"]["S"], "confirmed_at" in item, sent)


def _wrongs(
    world: World,
    watch: Watch[Standing],
    last: Standing,
    history: list[Operation[Answer]],
    render: Callable[[], str | None],
) -> Iterator[str]:
    yield from _wrong_moves([standing for _, standing in watch.states])
    answers: dict[tuple[str, ...], list[Answer | None]] = {
        words: [done.answer for done in history if done.words == words] for words in (_CONFIRMED, _CANCELLED)
    }
    yield from (f"{wrong}: it is {last}, and was answered {answers}" for wrong in _wrong_ends(last, answers))
    is_cancelled = last.status == "cancelled"
    executions = set(world.executions.status.values())
    if executions != {"ABORTED" if is_cancelled else "RUNNING"}:
        yield f"the execution is {executions} when it is {last}"
    refused = render()
    if refused != ("JOB_ENDED" if is_cancelled else None):
        yield f"what follows comes to {refused} when it is {last}"


def _wrong_moves(states: list[Standing]) -> Iterator[str]:
    for before, after in itertools.pairwise(states):
        if before.status == "cancelled" and after.status != "cancelled":
            yield f"it came from {before} to {after}"
        if after.is_confirmed and not before.is_confirmed and before.status != "preview":
            yield f"it was confirmed when it was {before}"


def _wrong_ends(last: Standing, answers: Mapping[tuple[str, ...], list[Answer | None]]) -> Iterator[str]:
    confirmed = any(answer and answer[0] == 200 for answer in answers[_CONFIRMED])
    cancelled = last.status == "cancelled"
    if None in answers[_CONFIRMED] + answers[_CANCELLED]:
        yield "somebody was never answered"
    if any(answer != (200, "JOB_CANCELLED") for answer in answers[_CANCELLED]) or cancelled != bool(
        answers[_CANCELLED]
    ):
        yield "cancelled is what was cancelled"
    if confirmed != last.is_confirmed:
        yield "confirmed is what somebody was told is confirmed"
    if last.tokens_sent > confirmed or (last.tokens_sent == 0 and not cancelled):
        yield "it goes on once when it is confirmed"


@contextmanager
def _nobody_looks() -> Iterator[None]:
    """Neither the task that comes to wait nor the sweeper looks whether it was confirmed."""
    wait = TrainingStore.wait

    def waited(store: TrainingStore, training_dataset_id: str, token: str) -> bool:
        wait(store, training_dataset_id, token)
        return False

    with mock.patch.object(TrainingStore, "wait", waited), _nothing_resumed():
        yield


def _nothing_resumed() -> AbstractContextManager[object]:
    return mock.patch.object(endings, "executions")


@contextmanager
def _confirmed_anyhow() -> Iterator[None]:
    """A confirmation is written whatever the dataset has come to."""
    put = TrainingStore.put_confirmed

    def put_confirmed(store: TrainingStore, tx: Transaction, *more: str) -> None:
        def update(item: Any, actions: Any, *_: object) -> None:
            Transaction.update(tx, item, actions)

        with mock.patch.object(tx, "update", update):
            put(store, tx, *more)

    with mock.patch.object(TrainingStore, "put_confirmed", put_confirmed):
        yield


BREAKS: dict[str, Callable[[], AbstractContextManager[object]]] = {
    "nobody looks behind": _nobody_looks,
    "nothing is swept": _nothing_resumed,
    "confirmed anyhow": _confirmed_anyhow,
}


class Broken:
    """The race over a product that lacks something."""

    def __init__(self, race: Confirmations, lacking: Callable[[], AbstractContextManager[object]]) -> None:
        self._race, self._lacking = race, lacking

    @classmethod
    def over(cls, name: str, world: World) -> Self:
        """Return it in a world of its own."""
        return cls(Confirmations(world), BREAKS[name])

    def try_seed(self, seed: int) -> Trial:
        """Run an interleaving and judge it."""
        with self._lacking():
            return self._race.try_seed(seed)
