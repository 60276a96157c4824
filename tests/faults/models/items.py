"""Items by their keys, and the steps that are atomic on them: a read, a query, a transaction, the end of all leases."""

import functools
import operator
from collections.abc import Hashable, Mapping
from typing import Any, NamedTuple

Key = tuple[str, ...]
Pair = tuple[Key, Hashable]
Items = frozenset[Pair]
LIVE, EXPIRED = "live", "expired"


@functools.cache
def by_key(items: Items) -> Mapping[Key, Any]:
    """Return the items as a mapping."""
    return dict(items)


class Read(NamedTuple):
    """Comes to the values under the keys; `None` where there is none."""

    keys: tuple[Key, ...]

    def on(self, items: Items) -> tuple[Hashable, Items]:
        """Return what it comes to, and the items after it."""
        found = by_key(items)
        return tuple([found.get(key) for key in self.keys]), items

    def told(self, result: Any) -> str:
        """Say what was done, and what it came to."""
        found = zip(self.keys, result, strict=True)
        return "reads " + ", ".join(f"{_named(key)}: {_shown(value)}" for key, value in found)


class Query(NamedTuple):
    """Comes to the items whose keys begin so, in order; the first behind `after` alone when that is given."""

    prefix: Key
    after: Key | None = None

    def on(self, items: Items) -> tuple[Hashable, Items]:
        """Return what it comes to, and the items after it."""
        wanted = len(self.prefix)
        found = sorted((pair for pair in items if pair[0][:wanted] == self.prefix), key=operator.itemgetter(0))
        if self.after is not None:
            found = [pair for pair in found if pair[0] > self.after][:1]
        return tuple(found), items

    def told(self, result: Any) -> str:
        """Say what was done, and what it came to."""
        behind = f" behind {_named(self.after)}" if self.after else ""
        return f"queries {_named(self.prefix)}{behind}: {', '.join(_named(key[1:]) for key, _ in result) or 'none'}"


class Transaction(NamedTuple):
    """Comes to the keys whose values are not as seen; with none of them, it writes (`None` deletes) and counts up."""

    seen: tuple[Pair, ...] = ()
    writes: tuple[Pair, ...] = ()
    counts: tuple[Key, ...] = ()

    def on(self, items: Items) -> tuple[Hashable, Items]:
        """Return what it comes to, and the items after it."""
        found = by_key(items)
        if moved := tuple([key for key, value in self.seen if found.get(key) != value]):
            return moved, items
        changed = {**found, **dict(self.writes), **{key: found.get(key, 0) + 1 for key in self.counts}}
        return (), frozenset(pair for pair in changed.items() if pair[1] is not None)

    def told(self, result: Any) -> str:
        """Say what was done, and what it came to."""
        if result:
            return f"writes nothing: {', '.join(map(_named, result))} moved"
        seen = ", ".join(f"{_named(key)} is {_shown(value)}" for key, value in self.seen)
        done = [f"{_named(key)} = {_shown(value)}" for key, value in self.writes]
        done += [f"{_named(key)} + 1" for key in self.counts]
        return f"commits {', '.join(done)}" + (f", where {seen}" if seen else "")


class Expire(NamedTuple):
    """The time of every lease that is live now is over."""

    def on(self, items: Items) -> tuple[Hashable, Items]:
        """Return what it comes to, and the items after it."""
        over = {key: (value[0], EXPIRED) for key, value in by_key(items).items() if key[0] == "lease"}
        return (), frozenset({**by_key(items), **over}.items())

    def told(self, _: Any) -> str:
        """Say what was done."""
        return "ends all leases"


def _named(key: Key) -> str:
    return " ".join(key)


def _shown(value: Any) -> str:
    return " ".join(value) if isinstance(value, tuple) else "nothing" if value is None else str(value)


Step = Read | Query | Transaction | Expire
