"""`python -m tests.bench [P1 P2 …]`: measure, print, and write docs/benchmarks.md when everything was measured."""

import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from local import ROOT
from tests.bench.figure import Figure, Run

sys.path.insert(0, str(ROOT / "layers" / "core" / "python"))

FIGURES = {
    "P1": "cold_imports.measure",
    "P2": "round_trips.measure",
    "P3": "warm_reads.measure_reads",
    "P4": "warm_reads.measure_lists",
    "P8": "label_statistics.measure",
    "P9": "split_lookup.measure",
    "P11": "record_versions.measure",
    "P12": "sizes.measure",
    "P13": "viewer.measure",
    "B1": "large_builds.measure",
    "F1": "freezes.measure",
    "A1": "annotation_sets.measure",
    "T1": "training_datasets.measure",
    "V1": "versions.measure",
    "P14": "prices.measure",
}
WIDTH = 140  # of the tables when the output is not a terminal
REPORT = ROOT / "docs" / "benchmarks.md"


def basis() -> str:
    """Return what the figures were measured on."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{os.cpu_count()} cores ({processor()}), {platform.system()}, {python}"


def processor() -> str:
    """Return the processor's name."""
    listed = Path("/proc/cpuinfo")
    if listed.exists():
        for line in listed.read_text().splitlines():
            if line.startswith("model name"):
                return " ".join(line.partition(":")[2].split())
    return platform.processor() or platform.machine()


def measure(numbers: Sequence[str], console: Console) -> list[Figure]:
    """Measure the figures named, one after the other."""
    columns = SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console) as progress:
        run = Run(progress)
        try:
            return [_measured(number)(run) for number in numbers]
        finally:
            run.close()


def _measured(number: str) -> Callable[[Run], Figure]:
    module, _, name = FIGURES[number].partition(".")
    found: Callable[[Run], Figure] = getattr(import_module(f"tests.bench.{module}"), name)
    return found


def printed(figure: Figure) -> Table:
    """Return a figure as a table for a terminal."""
    table = Table(*figure.columns, title=f"{figure.number} {figure.title}: {figure.verdict}", title_justify="left")
    for number, column in enumerate(table.columns):
        column.overflow = "fold"
        column.justify = "right" if all(row[number][:1].isdigit() for row in figure.rows) else "left"
    for row in figure.rows:
        table.add_row(*row)
    return table


def as_markdown(figures: Sequence[Figure]) -> str:
    """Return the report."""
    lines = ["# Benchmarks", "", "Written by `make bench`.", "", f"Basis: {basis()}.", ""]
    for figure in figures:
        lines += [f"## {figure.number} {figure.title}", ""]
        lines += [f"Goal: {figure.goal}. **{figure.verdict.capitalize()}.**", ""]
        lines += [f"How: {figure.basis}.", "", _line(figure.columns), _line(["---"] * len(figure.columns))]
        lines += [_line(row) for row in figure.rows]
        lines += ["", *(f"- {note}" for note in figure.notes), *([""] if figure.notes else [])]
    return "\n".join(lines).rstrip() + "\n"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def main(arguments: Sequence[str]) -> int:
    """Measure what is named, or everything; the exit status is that of the bench, not of the goals."""
    unknown = [number for number in arguments if number not in FIGURES]
    if unknown:
        sys.exit(f"There is no figure {unknown[0]}; there are {', '.join(FIGURES)}.")
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
    started = time.monotonic()
    figures = measure(arguments or list(FIGURES), console)
    for figure in figures:
        console.print()
        console.print(printed(figure))
        console.print(f"Goal: {figure.goal}.", *(f"\n{note}" for note in figure.notes))
    if not arguments:
        REPORT.parent.mkdir(exist_ok=True)
        REPORT.write_text(as_markdown(figures))
        console.print(f"\nWritten to {REPORT.relative_to(ROOT)}.")
    console.print(f"{time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
