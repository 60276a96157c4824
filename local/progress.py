"""What a person sees while the local stack comes up: one line a phase with its seconds, a spinner while it lasts.

Plain lines when the output is not a terminal. Holds the seconds for the table at the end.
"""

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from rich.console import Console
from rich.table import Table


class Progress:
    """The phases of one command."""

    def __init__(self) -> None:
        # A file or a pipe has no width of its own: wide enough for a row with a SHA-256.
        self.console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 120)
        # What bootstrap did before this process, in seconds by phase.
        self.seconds: dict[str, float] = json.loads(os.environ.get("PACKHOUSE_PHASES", "{}"))

    @contextmanager
    def phase(self, name: str, *, spinner: bool = True) -> Iterator[None]:
        """Show one phase; its seconds are kept also when it fails. One that draws its own bars has no spinner."""
        started = time.monotonic()
        try:
            with self.console.status(f"{name} …") if spinner else nullcontext():
                yield
        finally:
            self.seconds[name] = time.monotonic() - started
        self.console.print(f"  {name} … {self.seconds[name]:.1f} s")

    def table(self) -> Table:
        """Return the seconds of every phase and their sum."""
        table = Table("phase", "seconds", show_edge=False)
        table.columns[1].justify = "right"
        for name, seconds in self.seconds.items():
            table.add_row(name, f"{seconds:.1f}")
        table.add_row("all", f"{sum(self.seconds.values()):.1f}", style="bold")
        return table
