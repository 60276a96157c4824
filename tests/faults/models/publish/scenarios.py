"""Who does what at once; the twins, each of which leaves one thing out; and what is tried against the protocol."""

from collections.abc import Iterable, Iterator, Mapping

from tests.faults.models.items import Items, Pair
from tests.faults.models.publish import invariants
from tests.faults.models.publish.protocol import Rules
from tests.faults.models.publish.sets import GONE, PUBLISHED, ROOT, THERE, gate_keys, new_set, object_key, truth
from tests.faults.models.results import Attack, Model
from tests.faults.models.schedules import ALL, CRASHES, Request, Scenario


def draft() -> Iterable[Pair]:
    """Yield a draft S of one batch with the annotation b."""
    yield object_key("S/0"), ("0#b",)
    yield from new_set("S", 1, ("S/0",), ("0#b",))


def edited() -> Iterable[Pair]:
    """Yield the draft S when b was removed from it and a was added."""
    yield from {
        **dict(draft()),
        ("edit", "S", "row", "0#b"): GONE,
        ("edit", "S", "id", "b"): GONE,
        ("edit", "S", "row", "0#a"): THERE,
        ("edit", "S", "id", "a"): "0",
        gate_keys("S", "0")[1]: -1,
        gate_keys("S", "1")[1]: 1,
        ("truth", "S", "b"): None,
        **dict(truth("S", ["0#a"])),
    }.items()


def added() -> Iterable[Pair]:
    """Yield the draft S when c was added to it, behind b."""
    yield from {
        **dict(draft()),
        ("edit", "S", "row", "1#c"): THERE,
        ("edit", "S", "id", "c"): "1",
        gate_keys("S", "1")[1]: 1,
        **dict(truth("S", ["1#c"])),
    }.items()


def copied() -> Iterable[Pair]:
    """Yield S, which is published, and the draft T, which is a copy of it."""
    yield object_key("S/published"), ("0#b",)
    yield from new_set("S", 1, ("S/published",), ("0#b",))
    yield ("head", "S", "state"), PUBLISHED
    yield from new_set("T", 2, ("S/published",), ("0#b",))


def scenario(name: str, about: str, *clients: str, begin: Iterable[Pair] | None = None) -> Scenario:
    """Return a scenario from what each client asks in turn."""
    made = tuple(tuple(_requests(number, asked)) for number, asked in enumerate(clients, 1))
    return Scenario(name, about, made, _begin(draft() if begin is None else begin))


def _requests(client: int, asked: str) -> Iterator[Request]:
    for number, words in enumerate(asked.split(", ")):
        verb, of, also, *_ = (*words.split(), "", "")
        yield Request(f"{client}{chr(ord('a') + number)}", verb, of, also)


def _begin(pairs: Iterable[Pair]) -> Items:
    items = {key: value for key, value in dict(pairs).items() if value is not None}
    return frozenset({**items, ROOT: sum(key[0] == "made" for key in items)}.items())


SCENARIOS: Mapping[str, Scenario] = {
    made.name: made
    for made in (
        scenario("a", "single writes, publish", "add S", "remove S b", "publish S"),
        scenario("b", "one annotation changed, removed; publish", "change S b", "remove S b", "publish S"),
        scenario("c", "bulk, then publish; sweeper", "bulk S, publish S", "sweep"),
        scenario("d", "bulk, merge, publish", "bulk S", "merge S", "publish S"),
        scenario("e", "bulk, add, delete, sweeper", "bulk S", "add S", "delete S, sweep"),
        scenario("f", "copy of a draft, single writes", "copy S", "add S", "change S b"),
        scenario("g", "copy of a draft, publish", "copy S", "publish S"),
        scenario("h", "sets created at once", "create", "create", "copy S"),
        scenario("i", "copy of a published set merged, deleted", "merge T, sweep", "delete T, sweep", begin=copied()),
        scenario("j", "publish, sweeper", "publish S", "sweep, sweep", begin=edited()),
        scenario("k", "merge, remove, sweeper", "merge S, sweep", "remove S b"),
        scenario("l", "copy of a draft, merge, sweeper", "copy S", "merge S, sweep"),
        scenario("m", "publish by two", "publish S", "publish S"),
    )
}

PROTOCOL = Rules()
TWINS: Mapping[str, Rules] = {
    "a writer looks at the head, then writes": Rules(writer_requires_gate=False),
    "a publish that closes no gate": Rules(publish_closes_gates=False),
    "a publish that reads before it closes": Rules(close_before_read=False),
    "a close that puts no chore": Rules(close_puts_chore=False),
    "a published object is written again": Rules(published_once=False),
    "an edit that does not require what was seen": Rules(edit_requires_seen=False),
    "a bulk that does not require the head": Rules(bulk_requires_head=False),
    "a batch that does not require its chore": Rules(batch_requires_chore=False),
    "a chore that is not taken first": Rules(chore_is_taken=False),
    "a bulk in two batches": Rules(bulk_is_whole=False),
    "a merge that does not require the revision": Rules(merge_requires_revision=False),
    "a chore that removes what another set wrote": Rules(spares_others=False),
    "a deletion that leaves the gates": Rules(delete_removes_gates=False),
    "a copy that does not require the gates": Rules(copy_requires_gates=False),
    "a copy that reads the gates behind the edits": Rules(gates_before_edits=False),
    "a version number from a look": Rules(version_requires_seen=False),
}
_ALONE = {
    made.name: made
    for made in (
        scenario("n", "bulk, publish, sweeper", "bulk S", "publish S", "sweep"),
        scenario("o", "copy beside single writes", "copy S", "add S", "add S"),
        scenario("p", "copy, change", "copy S", "change S b", begin=added()),
    )
}
_NO_KEYS = Rules(keyed=False)
_BEARS = (
    Attack("bulk, publish and sweeper at once", "n", faults=CRASHES),
    Attack("reads that take a step an item", "abcdefghijklm", rules=Rules(torn=True)),
    Attack("no client tokens", "abdefhijkl", rules=Rules(tokens=False), faults=CRASHES),
    Attack("no object is left that no sweeper was before", "abdfgh", invariants.left_behind, faults=CRASHES),
)
_BREAKS = (
    Attack("a close that is not kept", "j", rules=Rules(close_is_kept=False), faults=CRASHES),
    Attack("a refusal that does not look again", "ab", rules=Rules(refusals_look_again=False), faults=ALL),
    Attack("a chore that is put again over one that is taken", "c", rules=Rules(chore_put_once=False), faults=CRASHES),
    Attack(
        "a deletion that does not require the revision",
        "e",
        invariants.left_behind,
        Rules(delete_requires_revision=False),
    ),
    Attack("a copy that puts no chore", "g", invariants.left_behind, Rules(copy_puts_chore=False), CRASHES),
    Attack("an object put behind the sweeper is left", "c", invariants.left_behind),
    Attack("no keys: done twice", "ad", rules=_NO_KEYS, faults=CRASHES),
    Attack("an outcome that is kept before the effect", "a", rules=Rules(outcome_with_effect=False), faults=CRASHES),
    Attack(
        "a copy without gates, read page by page",
        "p",
        invariants.copied_none,
        Rules(copy_requires_gates=False, torn=True),
    ),
    Attack("a copy beside single writes begins for the third time", "o", invariants.starved),
)
PUBLISH = Model(
    name="publish against writers",
    scenarios=SCENARIOS,
    alone=_ALONE,
    protocol=PROTOCOL,
    twins=TWINS,
    broken=invariants.broken,
    bears=_BEARS,
    breaks=_BREAKS,
    forget=invariants.forget,
)
