"""Pure decisions over rollouts: what their ids say, and which are wanted of a list."""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec
from msgspec import Struct

from packhouse.errors import Fault
from packhouse.pipeline.rows import RowFault
from packhouse.rollouts.model import RolloutImport, RolloutRow
from packhouse.uploads.model import LineFault, ValidationStatus

_ID = re.compile(r"ro_([0-9A-HJKMNP-TV-Z]{26})([0-9a-f]{4})([0-9a-f]{7})\Z")


class Address(NamedTuple):
    """Where a rollout is: its import, the part whose chunk has it, and its first byte in the chunk."""

    import_id: str
    part: int
    offset: int

    @property
    def id(self) -> str:
        """The rollout's id: sortable in time, and in the order of its import.

        >>> Address("rim_01J9Z3K4M5N6P7Q8R9S0T1V2W3", 2, 4711).id
        'ro_01J9Z3K4M5N6P7Q8R9S0T1V2W300020001267'
        """
        return f"ro_{self.import_id.removeprefix('rim_')}{self.part:04x}{self.offset:07x}"


def find_address(rollout: str) -> Address | None:
    """Return the address that a rollout's id is, or `None` for what is none.

    >>> find_address("ro_01J9Z3K4M5N6P7Q8R9S0T1V2W300020001267")
    Address(import_id='rim_01J9Z3K4M5N6P7Q8R9S0T1V2W3', part=2, offset=4711)
    """
    found = _ID.match(rollout)
    return Address(f"rim_{found[1]}", int(found[2], 16), int(found[3], 16)) if found else None


class _Facts(Struct):
    rollout_id: str
    scenario_id: str
    agent_template_id: str
    rollout_index: int
    temperature: float
    status: str
    events: list[msgspec.Raw]


_facts = msgspec.json.Decoder(_Facts)


def rollout_row(address: Address, line: bytes) -> RolloutRow:
    """Return a canonical line as a list shows it."""
    facts = _facts.decode(line)
    return RolloutRow(
        id=address.id,
        import_id=address.import_id,
        rollout_id=facts.rollout_id,
        scenario_id=facts.scenario_id,
        agent_template_id=facts.agent_template_id,
        rollout_index=facts.rollout_index,
        temperature=facts.temperature,
        status=facts.status,
        events=len(facts.events),
        bytes=len(line),
    )


def is_wanted(row: RolloutRow, filters: Mapping[str, str]) -> bool:
    """Whether a rollout has the values that are asked for."""
    return all(getattr(row, name) == value for name, value in filters.items())


def iter_lines(block: bytes, offset: int) -> Iterator[tuple[int, bytes]]:
    """Yield the whole lines of a block with where each begins; the block begins at `offset`.

    >>> list(iter_lines(b"ab\\ncd\\ne", 10))
    [(10, b'ab'), (13, b'cd')]
    """
    *lines, _ = block.split(b"\n")
    for line in lines:
        yield offset, line
        offset += len(line) + 1


def faults_of_body(faults: list[RowFault]) -> list[Fault]:
    """Return the faults of inline rollouts by their pointers into the request's body; line 1 is the first of them."""
    return [Fault(f"/rollouts/{fault.line - 1}{fault.pointer}", f"{fault.detail} ({fault.rule})") for fault in faults]


def failed(imported: RolloutImport, faults: list[LineFault], count: int, moment: str) -> RolloutImport:
    """Return an import that did not pass."""
    return imported.model_copy(
        update={
            "validation_status": ValidationStatus.FAILED,
            "faults": tuple(faults),
            "fault_count": count,
            "sealed_at": moment,
        }
    )
