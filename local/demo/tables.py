"""The demo's outcome in print: a version's splits, quality and files, a training dataset's rows and files.

Left out: getting them (`walk`).
"""

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

LEVEL_STYLES = {"hard_fail": "red", "warning": "yellow"}
STATUS_STYLES = {"hard_fail": "red", "warnings": "yellow", "pass": "green"}


def show_version(console: Console, version: Mapping[str, Any], exports: Iterable[Mapping[str, Any]]) -> None:
    """Print a version as the API describes it, and its exports, whose bytes were checked before."""
    quality = version["quality"]
    style = STATUS_STYLES.get(quality["status"], "dim")
    console.print()
    console.print(f"[bold]{version['name']}[/]  {version['dataset_version_id']}", highlight=False)
    console.print(
        f"version {version['version_id']}, build {version['build_status']}, "
        f"materialization {version['materialization_status']}, quality [{style}]{quality['status']}[/] "
        f"(policy {quality['policy_version']})",
        highlight=False,
    )
    console.print(f"manifest {version['provenance']['manifest_hash']}", highlight=False)
    console.print(_splits(version["split"]["counts"]))
    if quality["indicators"]:
        console.print(_indicators(quality["indicators"]))
    console.print(_files(exports))


def show_training_dataset(console: Console, dataset: Mapping[str, Any], files: Iterable[Mapping[str, Any]]) -> None:
    """Print a training dataset as the API describes it, and its files, whose bytes were checked before."""
    console.print()
    console.print(f"[bold]{dataset['name']}[/]  {dataset['training_dataset_id']}", highlight=False)
    console.print(f"training dataset, {dataset['status']}, {dataset['row_count']:,} rows", highlight=False)
    console.print(f"manifest {dataset['sealed']['manifest_hash']}", highlight=False)
    table = _table("no row, because", ">rollouts")
    for reason, count in dataset["left_out"].items():
        table.add_row(reason, _text(count))
    console.print(table)
    console.print(_files(files))


def _splits(counts: Mapping[str, Mapping[str, int]]) -> Table:
    table = _table("split", ">rows", ">groups")
    for split, count in counts.items():
        table.add_row(split, f"{count['samples']:,}", f"{count['groups']:,}")
    table.add_section()
    table.add_row("all", *(f"{sum(count[key] for count in counts.values()):,}" for key in ("samples", "groups")))
    return table


def _indicators(indicators: Iterable[Mapping[str, Any]]) -> Table:
    table = _table("quality indicator", "level", ">value", ">threshold", "detail")
    for each in indicators:
        texts = [_text(each[key]) for key in ("code", "level", "value", "threshold")]
        table.add_row(*texts, _shown_by(each["detail"]), style=LEVEL_STYLES.get(each["level"], ""))
    return table


def _files(exports: Iterable[Mapping[str, Any]]) -> Table:
    table = _table("file", ">rows", ">bytes", "sha256, checked")
    table.columns[-1].no_wrap = True
    for each in exports:
        table.add_row(*(_text(each[key]) for key in ("name", "rows", "bytes", "sha256")))
    return table


def _shown_by(detail: object) -> str:
    """What an indicator shows its finding by, in one line: its first example, or its counts."""
    if isinstance(detail, list) and detail and isinstance(detail[0], Mapping):
        return f"first: {detail[0]['sample_id']}, {detail[0]['reason']}"
    if isinstance(detail, Mapping):
        return ", ".join(f"{name} {count:,}" for name, count in detail.items())
    return _text(detail)


def _table(*columns: str) -> Table:
    """An empty table; a column whose name begins with `>` is set right."""
    table = Table(show_edge=False, pad_edge=False)
    for column in columns:
        table.add_column(column.removeprefix(">"), justify="right" if column.startswith(">") else "left")
    return table


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
