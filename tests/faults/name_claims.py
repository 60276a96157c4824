"""One dataset name, wanted by several callers at once: created, renamed to, deleted, created again.

Every caller is served by a Lambda process of its own; one that is killed leaves its caller without an answer. What the
callers were answered must be explained by some order of their requests one after the other, and the end must be what
that order leaves: so a name has at most one owner at any time, and what was acknowledged is there.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.bench.handlers import Handlers
from tests.faults.histories import Operation, explained
from tests.faults.races import TRIES, Answer, Trial, asked, drawn_crash
from tests.faults.scheduler import Choose, Scheduler, seeded
from tests.faults.world import OWNER, Memory, World

Json = dict[str, Any]
Claim = Operation[Answer]
"""Answered with a status, and the id of the dataset or the code of the refusal."""

Owners = frozenset[tuple[str, str]]
"""Names, each with the id of its dataset; an id that nobody was told is `?`."""

WANTED, OTHER, UNTOLD = "wanted", "other", "?"
CALLERS = 4
_YIELDS = 12


class Api(Protocol):
    """Datasets by their names."""

    def create(self, name: str, key: str) -> Answer: ...

    def rename(self, name: str, to: str) -> Answer: ...

    def delete(self, name: str) -> Answer: ...

    def listed(self) -> tuple[list[tuple[str, str]], int]:
        """Return name and id of every row, and the total that stands beside them."""

    def find(self, name: str) -> str | None:
        """Return the id of the dataset that has the name."""

    def places(self) -> dict[str, str]:
        """Return the names of the datasets that are not deleted, by their ids, as each is known for itself."""


class Served:
    """The product, in a Lambda process of its own."""

    path = "/namespaces/acme/projects/match-day/datasets"

    def __init__(self, world: World) -> None:
        self._world = world
        self._handlers = Handlers(world.variables)

    def create(self, name: str, key: str) -> Answer:
        return self._answer("POST", self.path, {"name": name}, {"Idempotency-Key": key})

    def rename(self, name: str, to: str) -> Answer:
        return self._answer("PATCH", f"{self.path}/{name}", {"name": to})

    def delete(self, name: str) -> Answer:
        return self._answer("DELETE", f"{self.path}/{name}")

    def listed(self) -> tuple[list[tuple[str, str]], int]:
        shown = self._handlers.call("GET", self.path, OWNER).body
        return [(row["name"], row["id"]) for row in shown["datasets"]], shown["total"]

    def find(self, name: str) -> str | None:
        status, told = self._answer("GET", f"{self.path}/{name}")
        return told if status == 200 else None

    def places(self) -> dict[str, str]:
        heads = [item for item in self._world.items("CatalogTable", "PLACE#") if item["sk"]["S"] == "!"]
        return {item["pk"]["S"].partition("#")[2]: item["name"]["S"] for item in heads if "deleted_at" not in item}

    def _answer(
        self, method: str, path: str, body: Json | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        answered = self._handlers.call(method, path, OWNER, body, headers=headers)
        return answered.status, str(answered.body.get("id") or answered.body.get("code", ""))


@dataclass
class Caller:
    """Asks on and on until it is answered where a repeat is safe, and writes down what came of it."""

    api: Api
    number: int
    clock: Iterator[int]
    written: list[Claim] = field(default_factory=list)

    def create(self, name: str) -> None:
        key = f"caller-{self.number}-{len(self.written)}"
        self._ask(("create", name), lambda: self.api.create(name, key), TRIES)

    def rename(self, name: str, to: str) -> None:
        self._ask(("rename", name, to), lambda: self.api.rename(name, to))

    def delete(self, name: str) -> None:
        self._ask(("delete", name), lambda: self.api.delete(name))

    def _ask(self, words: tuple[str, ...], ask: Callable[[], Answer], tries: int = 1) -> None:
        self.written.append(asked(words, ask, self.clock, tries))


class Claims:
    """Runs interleavings of four callers of one kind of API, each on ground where the name is free or taken."""

    def __init__(self, world: World, apis: Sequence[Api]) -> None:
        self._world, self._apis = world, apis
        self._scheduler = Scheduler(world.gate, world.waits)
        self._apis[0].create(OTHER, "ground-other")
        free = world.remember()
        self._apis[0].create(WANTED, "ground-wanted")
        self._grounds: tuple[Memory, Memory] = (free, world.remember())

    def try_seed(self, seed: int, choose: Choose | None = None) -> Trial:
        """Run one interleaving; of four seeds in a row, every ground is had with and without a crash."""
        crash = drawn_crash(seed, len(self._apis), _YIELDS)
        self._world.recall(self._grounds[seed // 2 % 2])
        begin = frozenset(self._apis[0].listed()[0])
        clock = itertools.count()
        callers = [Caller(api, number, clock) for number, api in enumerate(self._apis)]
        run = self._scheduler.run([_errand(caller) for caller in callers], choose or seeded(seed), crash)
        history = [claim for caller in callers for claim in caller.written]
        return Trial(run, history, self._wrong(begin, history))

    def _wrong(self, begin: Owners, history: list[Claim]) -> str | None:
        api = self._apis[0]
        rows, total = api.listed()
        shown = dict(rows)
        refusals = {claim.answer for claim in history if claim.answer and claim.answer[0] >= 400}
        if not refusals <= _STATED:
            return f"refusals that are not stated: {refusals - _STATED}"
        if not len(rows) == total == len(set(shown.values())):
            return f"the list says {total} and shows {rows}"
        alone = {name: made for name in (WANTED, OTHER) if (made := api.find(name))}
        if not alone == shown == {name: made for made, name in api.places().items()}:
            return f"the list shows {rows}, by name there are {alone}, by id {api.places()}"
        if not explained(history, begin, claimed, lambda owners: _is(owners, frozenset(rows))):
            return f"no order explains {history} from {sorted(begin)} to {sorted(rows)}"
        return None


_STATED = {(404, "DATASET_NOT_FOUND"), (409, "DATASET_EXISTS"), (409, "DATASET_CONFLICT")}


def _errand(caller: Caller) -> Callable[[], None]:
    """What each of the four does."""

    def create() -> None:
        caller.create(WANTED)

    def move() -> None:
        caller.rename(OTHER, WANTED)
        caller.rename(WANTED, OTHER)

    def replace() -> None:
        caller.delete(WANTED)
        caller.create(WANTED)

    return (create, replace, move, replace)[caller.number]


def claimed(owners: Owners, claim: Claim) -> Owners | None:
    """Return the owners after a claim that takes effect alone; `None` when it cannot be answered so."""
    names, (verb, name, *to) = dict(owners), claim.words
    status, told = claim.answer or (200, UNTOLD)
    taken = (to[0] if to else name) in names
    if status == 404:
        return None if name in names else owners
    if status == 409:
        return owners if taken or told == "DATASET_CONFLICT" else None
    if verb == "create":
        return None if taken else owners | {(name, told)}
    if name not in names or (to and (taken or not _same(told, names[name]))):
        return None
    moved = {(to[0], names[name] if told == UNTOLD else told)} if to else set()
    return (owners - {(name, names[name])}) | moved


def _same(one: str, other: str) -> bool:
    return one == other or UNTOLD in {one, other}


def _is(owners: Owners, found: Owners) -> bool:
    """Whether what is told of the owners is what was found."""
    ids = dict(found)
    return dict(owners).keys() == ids.keys() and all(_same(told, ids[name]) for name, told in owners)
