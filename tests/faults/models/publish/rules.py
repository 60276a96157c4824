"""What the protocol does, each of which a twin does otherwise."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Choices:
    """What the protocol does, each of which a twin does otherwise."""

    writer_requires_gate: bool = True
    """Whether a single write requires an open gate; a twin looks at the head before it writes."""
    edit_requires_seen: bool = True
    publish_closes_gates: bool = True
    close_before_read: bool = True
    """Whether a publish closes its set before it reads what is in it."""
    close_puts_chore: bool = True
    close_is_kept: bool = True
    """Whether the head keeps which request closed it, so that its repeat knows its own effect."""
    published_once: bool = True
    """Whether a published object is never written over."""
    bulk_requires_head: bool = True
    batch_requires_chore: bool = True
    bulk_is_whole: bool = True
    """Whether the rows of a bulk are one batch; a twin commits two, one after the other."""
    merge_requires_revision: bool = True
    delete_requires_revision: bool = True
    delete_removes_gates: bool = True
    version_requires_seen: bool = True
    copy_requires_gates: bool = True
    copy_puts_chore: bool = True
    gates_before_edits: bool = True
    """Whether a copy reads the gates before the edits."""
    chore_put_once: bool = True
    """Whether a chore is never written over."""
    chore_is_taken: bool = True
    """Whether the sweeper marks a chore before it removes anything."""
    spares_others: bool = True
    """Whether a set's chores leave alone what another set wrote."""
    keyed: bool = True
    """Whether requests carry an idempotency key: their outcome is kept in the transaction that makes it."""
    outcome_with_effect: bool = True
    """Whether that is so, and the outcome is not kept before."""
    refusals_look_again: bool = True
    """Whether a refusal looks once more for an outcome that another process of the request kept."""
    tokens: bool = True
    """Whether a transaction that is sent again carries the client token of the first time."""
    torn: bool = False
    """Whether reads of several items take one step an item."""
