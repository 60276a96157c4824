"""A draft is published while eight others add, change and remove, bulk, copy, publish it too, and sweep.

Every annotation that was acknowledged before the set was published is in the published object as it was last
acknowledged, none that was refused, and none that came after; a copy is the set at one moment.
"""

import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, NamedTuple
from unittest import mock

from packhouse.annotations import edits
from packhouse.aws.clock import later, now
from tests.faults.annotation_cases import BATCHES_BEFORE_A_MERGE, Draft, draft
from tests.faults.gate import Killed
from tests.faults.histories import Operation
from tests.faults.races import Answer, Caller, Callers, Json, Trial, drawn_crash
from tests.faults.scheduler import Scheduler, seeded
from tests.faults.set_standings import Row, Standing, left_over, look, missing, wrongs
from tests.faults.world import Memory, World

ERRANDS = ("publish", "publish late", "add", "change", "remove", "bulk", "bulk more", "copy", "sweep")
_YIELDS = 24
_SWEEPS = _COPIES = 3
_SOON, _HOURS = 180, 7_200
"""The sweeper's clock is ahead: by what makes a publishing overdue, or by what makes everything overdue."""


class _Ground(NamedTuple):
    """What there was before: what is in the draft, and the ids of its annotations by their names."""

    memory: Memory
    standing: Standing
    ids: dict[str, str]


class EditedAndPublished:
    """Runs interleavings of nine people over one draft."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._scheduler = Scheduler(world.gate, world.waits)
        self._names = itertools.count()
        self._draft = draft(world)
        self._grounds = [self._lay(1), self._lay(BATCHES_BEFORE_A_MERGE - 1)]

    def _lay(self, batches: int) -> _Ground:
        """Add so many batches, and edits to what is in them."""
        world, rows = self._world, self._draft.rows
        for _ in range(batches):
            self._call("POST", f"{rows}/bulk", {"annotations": [self._fresh() for _ in range(3)]})
        self._call("POST", rows, self._fresh())
        listed = self._call("GET", rows)
        self._call("PATCH", f"{rows}/{listed[0]['id']}", {"start_ms": 50_000, "end_ms": 50_010})
        self._call("PATCH", f"{rows}/{listed[1]['id']}", {"artifact_type": "other"})
        self._call("DELETE", f"{rows}/{listed[2]['id']}", None)
        listed = self._call("GET", rows)
        ids = {Row.of(row).name: row["id"] for row in listed}
        return _Ground(world.remember(), Standing(False, frozenset(map(Row.of, listed))), ids)

    def _call(self, method: str, path: str, body: Json | None = None) -> Any:
        return self._world.call(method, path, body)

    def _fresh(self) -> Json:
        return fresh(self._draft, next(self._names))

    def try_seed(self, seed: int) -> Trial:
        """Run one interleaving; of four seeds in a row, both grounds are had with and without a crash.

        Of sixteen, four have a sweeper that is in a hurry: then what was to be kept for an hour may be missed. Every
        run has processes of its own, as an earlier one may have published other bytes under the same name.
        """
        ground, is_hurried = self._grounds[seed // 2 % len(self._grounds)], seed // 4 % 4 == 3
        self._world.recall(ground.memory)
        clock = itertools.count()
        people = [
            _Person(caller, self._draft, ground.ids, _drawn(seed, caller.number), is_hurried)
            for caller in Callers(self._world, len(ERRANDS)).called(clock)
        ]
        errands = [person.errand(name) for person, name in zip(people, ERRANDS, strict=True)]
        with mock.patch.object(edits, "random", random.Random(seed)):  # noqa: S311  which gate, no secret
            run = self._scheduler.run(errands, seeded(seed), drawn_crash(seed, len(people), _YIELDS))
        history = [operation for person in people for operation in person.caller.history]
        return Trial(run, history, self._judge(ground, people, history, is_hurried=is_hurried))

    def _judge(
        self, ground: _Ground, people: list["_Person"], history: list[Operation[Answer]], *, is_hurried: bool
    ) -> str | None:
        """Say what is wrong when the sweeper has done what was left."""
        failed = [done for done in history if done.answer and done.answer[0] >= 500]
        if failed and not is_hurried:
            return f"failed: {failed}"
        try:
            self._world.settle()
        except ExceptionGroup as failure:
            return f"the sweeper fails: {failure.exceptions}"
        if lost := next(missing(self._world), None):
            return lost
        copies = [done.words[1] for done in history if done.words[0] == "copy" and len(done.words) > 1]
        found = look(self._world, self._draft.path, copies)
        asked = [_with_copied(done, found.copies) for done in history if done.words[0] != "sweep"]
        told: dict[str, list[Json]] = {}
        for person in people:
            for body in person.told:
                told.setdefault(body["id"], []).append(body)
        # Written when the sweeper had been there already, an hour too early, a batch stays where nobody names it.
        left = () if is_hurried else left_over(self._world)
        return next(chain(wrongs(ground.standing, found, asked, told), left), None)


def _with_copied(done: Operation[Answer], copies: Any) -> Operation[Answer]:
    """Let a copy that was made say what is in it."""
    if done.words[0] != "copy" or len(done.words) == 1:
        return done
    return replace(done, words=(*done.words, *(",".join(Row.of(row)) for row in copies[done.words[1]])))


def fresh(there: Draft, number: int) -> Json:
    """Return an annotation that nobody added before, with a name and a start of its own."""
    return {**there.row(10 * number, audio_file=number % 2), "confidence": number / 10_000}


@dataclass
class _Person:
    """Somebody with an errand; what it leaves open is drawn."""

    caller: Caller
    draft: Draft
    ids: dict[str, str]
    drawn: random.Random
    is_hurried: bool

    def __post_init__(self) -> None:
        self.told: list[Json] = []
        self._names = itertools.count(1_000 + 100 * self.caller.number)

    def errand(self, name: str) -> Callable[[], None]:
        ways: dict[str, Callable[[], None]] = {
            "publish": lambda: self._publish(self.drawn.randrange(64)),
            "publish late": lambda: self._publish(self.drawn.randrange(24, 80)),
            "add": self._add_some,
            "change": self._change_some,
            "remove": self._remove_some,
            "bulk": lambda: self._bulk(3),
            "bulk more": lambda: self._bulk(2),
            "copy": self._copy,
            "sweep": self._sweep,
        }
        return ways[name]

    def _publish(self, after: int) -> None:
        self.caller.wait(after)
        told = self.caller.request(("publish",), "POST", f"{self.draft.path}/publish", None)
        if "total_annotations" in told:
            self.caller.name_last(("publish", str(told["total_annotations"])))

    def _add_some(self) -> None:
        """Add two annotations; change or remove the first one or leave it."""
        made = [self._add() for _ in range(2)]
        name, told = made[0]
        way = self.drawn.choice(["change", "remove", "leave"])
        if "id" in told and way == "change":
            self._change(name, told["id"])
        elif "id" in told and way == "remove":
            self._remove(name, told["id"])

    def _add(self) -> tuple[str, Json]:
        body = fresh(self.draft, next(self._names))
        row = Row.of(body)
        told = self.caller.request(("add", ",".join(row)), "POST", self.draft.rows, body)
        self._heard(told)
        return row.name, told

    def _change_some(self) -> None:
        for name in self.drawn.sample(sorted(self.ids), 3):
            self._change(name, self.ids[name])

    def _change(self, name: str, annotation_id: str) -> None:
        start, kind = self.drawn.randrange(20_000, 40_000), self.drawn.choice(["hallucination", "glitch", "long_pause"])
        field, value = self.drawn.choice([("start_ms", start), ("artifact_type", kind)])
        changes = {field: value} | ({"end_ms": start + 5} if field == "start_ms" else {})
        words = ("change", name, field, str(value))
        self._heard(self.caller.request(words, "PATCH", f"{self.draft.rows}/{annotation_id}", changes))

    def _heard(self, told: Json) -> None:
        if "id" in told:
            self.told.append(told)

    def _remove_some(self) -> None:
        for name in self.drawn.sample(sorted(self.ids), 2):
            self._remove(name, self.ids[name])

    def _remove(self, name: str, annotation_id: str) -> None:
        """Remove once: what is asked again when it is gone is answered that there is no such annotation."""
        self.caller.request(("remove", name), "DELETE", f"{self.draft.rows}/{annotation_id}", None, tries=1)

    def _bulk(self, count: int) -> None:
        """Add many, and one more once they are answered: whoever has the one has the many."""
        self.caller.wait(self.drawn.randrange(4))
        rows = [fresh(self.draft, next(self._names)) for _ in range(count)]
        words = ("add", *(",".join(Row.of(row)) for row in rows))
        self.caller.request(words, "POST", f"{self.draft.rows}/bulk", {"annotations": rows})
        self._add()

    def _copy(self) -> None:
        """Copy until nobody edits meanwhile."""
        self.caller.wait(self.drawn.randrange(40))
        for _ in range(_COPIES):
            told = self.caller.request(("copy",), "POST", self.draft.sets, {"copy_from": self.draft.id})
            if "id" in told:
                self.caller.name_last(("copy", told["id"]))
                return

    def _sweep(self) -> None:
        chores = self.caller.handlers.app("sweep_sets")._chores
        ahead = _HOURS if self.is_hurried else _SOON
        hurried = replace(chores, clock=lambda: later(now(), ahead))
        for _ in range(_SWEEPS):
            self.caller.wait(self.drawn.randrange(12))
            try:
                hurried.sweep()
            except ExceptionGroup as failed:
                moment, errors = next(self.caller.clock), "; ".join(map(str, failed.exceptions))
                self.caller.history.append(Operation(("sweep",), (500, errors), moment, moment))
            except Killed:
                continue


def _drawn(seed: int, number: int) -> random.Random:
    return random.Random(f"errand {seed} {number}")  # noqa: S311  an errand, no secret
