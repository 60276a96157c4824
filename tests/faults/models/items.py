"""Items by their keys, objects among them, and the steps that are atomic: a read, a query, a transaction, a put."""

import functools
import operator
from collections.abc import Hashable, Mapping
from typing import Any, NamedTuple, Protocol

Key = tuple[str, ...]
Pair = tuple[Key, Hashable]
Items = frozenset[Pair]


@functools.cache
def by_key(items: Items) -> Mapping[Key, Any]:
    """Return the items as a mapping."""
    return dict(items)


class Step(Protocol):
    """Something that is done to the items at once."""

    def on(self, items: Items) -> tuple[Hashable, Items]:
        """Return what it comes to, and the items after it."""
        ...

    def told(self, result: Any) -> str:
        """Say what was done, and what it came to."""
        ...


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
    """Comes to the keys whose values are not as seen; with none of them, it writes (`None` deletes) and adds up."""

    seen: tuple[Pair, ...] = ()
    writes: tuple[Pair, ...] = ()
    adds: tuple[tuple[Key, int], ...] = ()

    def on(self, items: Items) -> tuple[Hashable, Items]:
        """Return what it comes to, and the items after it."""
        found = by_key(items)
        if moved := tuple([key for key, value in self.seen if found.get(key) != value]):
            return moved, items
        added = {key: found.get(key, 0) + number for key, number in self.adds}
        return (), _written({**found, **dict(self.writes), **added})

    def told(self, result: Any) -> str:
        """Say what was done, and what it came to."""
        if result:
            return f"writes nothing: {', '.join(map(_named, result))} moved"
        seen = ", ".join(f"{_named(key)} is {_shown(value)}" for key, value in self.seen)
        done = [f"{_named(key)} = {_shown(value)}" for key, value in self.writes]
        done += [f"{_named(key)} {'-' if number < 0 else '+'} {abs(number)}" for key, number in self.adds]
        return f"commits {', '.join(done)}" + (f", where {seen}" if seen else "")


class Put(NamedTuple):
    """Writes whatever is there (`None` removes), or `once`: comes to the keys that are there, and then writes nothing.

    There is no token for it: sent again, it is done again.
    """

    writes: tuple[Pair, ...]
    once: bool = False

    def on(self, items: Items) -> tuple[Hashable, Items]:
        """Return what it comes to, and the items after it."""
        found = by_key(items)
        if there := tuple([key for key, _ in self.writes if self.once and key in found]):
            return there, items
        return (), _written({**found, **dict(self.writes)})

    def told(self, result: Any) -> str:
        """Say what was done, and what it came to."""
        if result:
            return f"puts nothing: {', '.join(map(_named, result))} is there"
        return "puts " + ", ".join(f"{_named(key)} = {_shown(value)}" for key, value in self.writes)


def _written(changed: Mapping[Key, Any]) -> Items:
    return frozenset(pair for pair in changed.items() if pair[1] is not None)


def _named(key: Key) -> str:
    return " ".join(key)


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return " ".join(map(str, value)) or "empty"
    return "nothing" if value is None else str(value)
