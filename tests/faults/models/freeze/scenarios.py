"""Who does what at once; the twins, each of which leaves one thing out; and what is tried against the protocol."""

from collections.abc import Iterator, Mapping

from tests.faults.models.freeze import invariants
from tests.faults.models.freeze.protocol import FROZEN, UNFROZEN, Rules, Version, of_projects
from tests.faults.models.items import Items
from tests.faults.models.results import Attack, Model
from tests.faults.models.schedules import ALL, CRASHES, Request, Scenario


def scenario(name: str, about: str, *clients: str, frozen: str = "") -> Scenario:
    """Return a scenario from what each client asks in turn; `release` and `renew` are of the lease asked for before."""
    made = tuple(tuple(_requests(number, asked)) for number, asked in enumerate(clients, 1))
    return Scenario(name, about, made, _begin({request.of for requests in made for request in requests}, frozen))


def _requests(client: int, asked: str) -> Iterator[Request]:
    use, trained = "", ""
    for number, words in enumerate(asked.split(", ")):
        verb, _, version = words.partition(" ")
        name = f"{client}{chr(ord('a') + number)}"
        if verb == "train":
            use, trained = name, version
        asked_for = (version, "") if version else (trained, use)
        yield Request(name, verb, *asked_for, can_fail=verb != "expire")


def _begin(versions: set[str], frozen: str) -> Items:
    """Return ready versions, of which one is frozen."""
    states = {(("state", name), FROZEN if name == frozen else UNFROZEN) for name in versions if name}
    numbers = {(("freezes", name), int(name == frozen)) for name in versions if name}
    return frozenset(states | numbers | ({(("FROZEN", frozen), FROZEN)} if frozen else set()))


SCENARIOS: Mapping[str, Scenario] = {
    made.name: made
    for made in (
        scenario("a", "freeze, two uses, unfreeze", "freeze F", "train F", "train G", "unfreeze F"),
        scenario("b", "two freezes that share a pack, a use", "freeze G", "freeze H", "train I"),
        scenario("c", "freeze and uses of equal content", "freeze F", "train E", "train E"),
        scenario("d", "freeze, unfreeze, freeze; use, release", "freeze F, unfreeze F, freeze F", "train G, release"),
        scenario("e", "freeze, two uses; leases expire", "freeze F", "train F", "train G", "expire"),
        scenario("f", "evaluation, unfreeze, freeze, use", "unfreeze F, freeze F", "evaluate F", "train G", frozen="F"),
        scenario("g", "one version frozen by two, unfrozen", "freeze F", "freeze F, unfreeze F"),
    )
}


def _of_itself(version: Version) -> tuple[str]:
    return (version.name,)


def _of_projects_and_contents(version: Version) -> tuple[str, ...]:
    return (*version.projects, *sorted(version.contents))


def _nowhere(_: Version) -> tuple[str, ...]:
    return ()


def _one_of_two(version: Version) -> tuple[str]:
    return (f"shard {ord(version.name) % 2}",)


def _two(_: Version) -> tuple[str, ...]:
    return ("shard 0", "shard 1")


PROTOCOL = Rules()
_KEPT = Rules(refusals_kept=True)
TWINS: Mapping[str, Rules] = {
    "check, then act": Rules(conditions=False),
    "freeze does not require train_epoch": Rules(freeze_requires_train_epoch=False),
    "use does not require freeze_epoch": Rules(use_requires_freeze_epoch=False),
    "train_epoch of a version": Rules(train_epochs=_of_itself),
    "freeze_epoch of a project": Rules(freeze_epochs=of_projects),
    "leases before train_epochs": Rules(epochs_first=False),
    "FROZEN before freeze_epoch": Rules(epoch_before_frozen=False),
    "freeze does not require the number": Rules(freeze_requires_number=False),
}


_ALONE = {
    made.name: made
    for made in (
        scenario("h", "a lease that is renewed", "freeze F", "train G, renew", "expire"),
        scenario("i", "freeze beside uses of other packs", "freeze F", "train N", "train N", "train N"),
    )
}
_CONTENTS = Rules(train_epochs=_of_projects_and_contents, trained_under=_of_projects_and_contents, contents_in_use=True)
_SHARDS = Rules(freeze_epochs=_two, freeze_epochs_required=_one_of_two)
_NO_KEYS = Rules(keyed=False)
_MARKED = Rules(marked=True, train_epochs=_nowhere)

_BEARS = (
    Attack("reads that take a step an item", "bcdefg", rules=Rules(torn=True), faults=CRASHES),
    Attack("no idempotency keys", "bcefg", invariants.broken_without_keys, _NO_KEYS, CRASHES),
    Attack("no client tokens, refusals kept", "bcdefg", rules=Rules(tokens=False, refusals_kept=True), faults=CRASHES),
    Attack("an unfreeze that moves no epoch", "bcdefg", rules=Rules(unfreeze_moves_epoch=False), faults=CRASHES),
    Attack("freeze_epoch in shards: all moved, one required", "bcdefg", rules=_SHARDS, faults=CRASHES),
    Attack("a fence for each content, too", "bcdefg", rules=_CONTENTS, faults=CRASHES),
    Attack("the same: content in use is not frozen", "c", invariants.frozen_while_content_in_use, _CONTENTS, CRASHES),
    Attack("refusals kept: none of them is done", "cdg", invariants.refused_but_done, _KEPT, ALL),
    Attack("marked before the leases are read, no train_epoch", "bcdefg", rules=_MARKED, faults=CRASHES),
    Attack("the same, a process left behind", "g", rules=_MARKED, faults=ALL),
    Attack("the same beside uses of other packs: none given up", "i", invariants.starved, _MARKED),
)
_BREAKS = (
    Attack("content in use is frozen", "c", invariants.frozen_while_content_in_use),
    Attack("unfrozen under an evaluation", "f", invariants.unfrozen_under_evaluation),
    Attack("a grant told again after its lease", "e", invariants.stale_grant, faults=CRASHES),
    Attack("a request left behind: refused and done", "cg", invariants.refused_but_done, faults=ALL),
    Attack("no keys: refused and done", "cfg", invariants.refused_but_done, _NO_KEYS, CRASHES),
    Attack("no keys: allowed twice", "cfg", rules=_NO_KEYS, faults=CRASHES),
    Attack("a lease renewed without asking", "h", invariants.unsafe),
    Attack("no client tokens", "cfg", rules=Rules(tokens=False), faults=CRASHES),
    Attack("given up for uses of other packs", "i", invariants.starved),
)
FREEZE = Model(
    name="freeze against use",
    scenarios=SCENARIOS,
    alone=_ALONE,
    protocol=PROTOCOL,
    twins=TWINS,
    broken=invariants.broken,
    bears=_BEARS,
    breaks=_BREAKS,
    forget=invariants.forget,
)
