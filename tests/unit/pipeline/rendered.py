"""Rollouts cut into units and rendered, for the tests of what is decided over all rows together."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from packhouse.pipeline.filtering import FilteredRows, Wish, filter_rows, iter_sealed_lines
from packhouse.pipeline.plan import LeftOut, UnitChunk
from packhouse.pipeline.rendering import RenderedUnit, Selection, render_unit
from packhouse.pipeline.rollouts import encode_rollout, parse_rollout
from packhouse.pipeline.row_plan import RowUnit
from packhouse.pipeline.runs import Piece
from tests.unit.pipeline.captures import capture, line, operator, persona

ALL = Selection(None, None, {})


def session(rollout_id: str, scenario: str = "sc_1", index: int = 0, said: str = "", **more: Any) -> dict[str, Any]:
    """Return a session whose operator says one thing."""
    events = (persona("How was it?"), operator(said or f"Answer {rollout_id} of its own."))
    return capture(*events, rollout_id=rollout_id, scenario_id=scenario, rollout_index=index, **more)


def canonical(captured: dict[str, Any]) -> bytes:
    """Return a session as its chunk has it."""
    return encode_rollout(parse_rollout(line(captured)))


def chunk(captured: Sequence[dict[str, Any]], left_out: Sequence[LeftOut] = ()) -> tuple[UnitChunk, bytes]:
    """Return a chunk of sessions and its body."""
    body = b"".join(canonical(each) + b"\n" for each in captured)
    return UnitChunk("chunk", hashlib.sha256(body).hexdigest(), len(captured), 0, list(left_out)), body


@dataclass(frozen=True)
class Rendered:
    """Rendered units with their objects by ending."""

    units: list[RenderedUnit]
    bodies: list[dict[str, bytes]]

    def read(self, pieces: list[Piece]) -> Iterator[bytes]:
        """Yield ranges of the units' objects."""
        for name, start, end in pieces:
            unit, _, ending = name.partition(".")
            yield self.bodies[int(unit)][ending][start:end]

    def blocks(self, unit: RenderedUnit, ending: str, size: int = 7) -> Iterator[bytes]:
        """Yield an object in small blocks."""
        body = self.bodies[unit.unit][ending]
        return (body[at : at + size] for at in range(0, len(body), size))

    def filtered(self, wish: Wish, **more: Any) -> FilteredRows:
        """Return which rows stay."""
        return filter_rows(self.units, lambda unit: self.blocks(unit, "order"), self.read, wish, **more)

    def lines(self, ending: str = "ndjson") -> list[Iterable[bytes]]:
        """Return the lines of each unit's file, as they are sealed."""
        sha256: Callable[[RenderedUnit], str] = lambda unit: (  # noqa: E731
            unit.order_sha256 if ending == "order" else unit.sha256
        )
        return [iter_sealed_lines(self.blocks(unit, ending), sha256(unit)) for unit in self.units]


def rendered(cut: Sequence[Sequence[dict[str, Any]]], selection: Selection = ALL) -> Rendered:
    """Render sessions that are cut into units."""
    units, bodies = [], []
    for number, captured in enumerate(cut):
        part, body = chunk(captured)
        unit, objects = render_unit(RowUnit(number, [part]), [body], selection, lambda _, offset: f"ro_{offset}")
        units.append(unit)
        bodies.append(objects)
    return Rendered(units, bodies)
