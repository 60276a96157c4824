"""The rows of a training dataset in their order, in one profile: NDJSON and the same as gzip.

Rows of all units are taken in turn. Nothing of them is held but a block a unit.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import compress, islice

import msgspec
from isal import isal_zlib
from msgspec import Struct

from packhouse.errors import UnitFailedError
from packhouse.pipeline.export import Sink
from packhouse.pipeline.gzipped import GZIP_LEVEL, GZIP_WBITS
from packhouse.pipeline.packed import iter_bits, read_words
from packhouse.pipeline.profiles import render_profile
from packhouse.pipeline.render import decode_training_row
from packhouse.pipeline.rows import RowError, RowFault

DEFAULT = "default"
LINEAGE = "lineage"
REFUSED_TOLD = 100
_BATCH = 512


class Exported(Struct, frozen=True):
    """What came of an export: rows, and those that its readers would reject, by their line in the default export."""

    rows: int
    refused_count: int
    refused: list[RowFault]
    refused_rules: dict[str, int]


def iter_kept(turns: bytes, kept: Sequence[bytes], lines: Sequence[Iterable[bytes]]) -> Iterator[bytes]:
    """Yield the lines that stay, in the rows' order; `lines` are those of each unit (see `filtering.FilteredRows`).

    >>> list(iter_kept(bytes([1, 0, 0, 0, 1, 0]), [b"\\2", b"\\5"], [[b"a", b"b"], [b"c", b"d", b"e"]]))
    [b'c', b'b', b'e']
    """
    staying = [compress(of_unit, iter_bits(bits)) for of_unit, bits in zip(lines, kept, strict=True)]
    yield from map(next, map(staying.__getitem__, read_words("H", turns)))
    for of_unit in staying:  # to their ends, where the lines are known to be those that were sealed
        if next(of_unit, None) is not None:
            raise UnitFailedError("SOURCE_CHANGED", "There are more rows than those that stay.")


def export_profile(profile: str, lines: Iterable[bytes], expected: int, plain: Sink, packed: Sink) -> Exported:
    """Write the rows in a profile to both sinks in one pass.

    `lines` are default rows without their ends, in order; those of `lineage` are written as lines of `lineage_line`.
    A row that the profile's readers would reject is left out and told with its line and the rule that it breaks.
    `UnitFailedError` (`SOURCE_CHANGED`) unless there are as many lines as `expected`.
    """
    refusals = _Refusals()
    rendered = lines if profile == DEFAULT else refusals.rendered(lines, _RENDERERS.get(profile) or _in(profile))
    member = isal_zlib.compressobj(level=GZIP_LEVEL, wbits=GZIP_WBITS)
    rows, rest = 0, iter(rendered)
    while batch := list(islice(rest, _BATCH)):
        rows += len(batch)
        batch.append(b"")
        block = b"\n".join(batch)
        plain.write(block)
        packed.write(member.compress(block))
    packed.write(member.flush())
    if rows + refusals.count != expected:
        raise UnitFailedError("SOURCE_CHANGED", f"{expected} rows stay, and {rows + refusals.count} were read.")
    return Exported(rows, refusals.count, refusals.told, dict(sorted(refusals.rules.items())))


def lineage_line(order_line: bytes) -> bytes:
    """Return where a row comes from; the row of the same line in the default export.

    >>> lineage_line(b"sc_1\\x000000000003\\x00r-9\\x00ro_01J")
    b'{"id":"ro_01J","rollout_id":"r-9"}'
    """
    _, _, rollout_id, address = order_line.split(b"\0")
    return b'{"id":"%s","rollout_id":"%s"}' % (address, rollout_id)


_RENDERERS: dict[str, Callable[[bytes], bytes]] = {LINEAGE: lineage_line}


def _in(profile: str) -> Callable[[bytes], bytes]:
    return lambda line: render_profile(decode_training_row(line), profile)


class _Refusals:
    def __init__(self) -> None:
        self.count = 0
        self.told: list[RowFault] = []
        self.rules: Counter[str] = Counter()

    def rendered(self, lines: Iterable[bytes], render: Callable[[bytes], bytes]) -> Iterator[bytes]:
        for number, line in enumerate(lines, start=1):
            try:
                yield render(line)
            except msgspec.MsgspecError as error:
                raise UnitFailedError("SOURCE_CHANGED", "A line of rendered rows is none.") from error
            except RowError as error:
                self.count += 1
                self.rules[error.rule] += 1
                if len(self.told) < REFUSED_TOLD:
                    self.told.append(RowFault(number, error.pointer, error.rule, error.detail))
