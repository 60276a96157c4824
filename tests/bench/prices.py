"""P14: dollars for a million samples built and exported, from what V1 counted and from list prices."""

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from tests.bench.figure import Figure, Run
from tests.bench.template import iter_functions, read
from tests.bench.version_run import VersionRun
from tests.bench.versions import FULL, Sizes, run_versions

MILLION = 1_000_000
READING = ("GetObject", "HeadObject")
FREE = ("DeleteObject", "DeleteObjects", "AbortMultipartUpload")


class Price(NamedTuple):
    """Dollars for so many of a thing."""

    dollars: float
    units: int
    of: str

    def __str__(self) -> str:
        return f"${self.dollars:g} for {self.units:,} {self.of}" if self.units > 1 else f"${self.dollars:g} a {self.of}"


PRICES = {
    "S3 requests that write or list": Price(0.005, 1_000, "requests"),
    "S3 requests that read": Price(0.0004, 1_000, "requests"),
    "DynamoDB write units": Price(0.625, MILLION, "units"),
    "DynamoDB read units": Price(0.125, MILLION, "units"),
    "Lambda requests": Price(0.20, MILLION, "requests"),
    "Lambda GB-seconds, arm64": Price(0.0000133334, 1, "GB-second"),
    "Step Functions state transitions": Price(0.025, 1_000, "transitions"),
}
"""On-demand list prices of AWS in us-east-1 without free tiers, from the price pages of S3 Standard, DynamoDB, Lambda
and Step Functions (standard workflows), as of November 2025. They change: look them up before you rely on them."""


def measure(run: Run, sizes: Sizes = FULL) -> Figure:
    """Price the build of V1, and beside it the ingests before it."""
    whole = run.once("versions", partial(run_versions, run, sizes)).whole
    rows: list[tuple[str, ...]] = []
    totals = {}
    for machine, title in (("dataset_build", "build and export"), ("label_ingest", "ingest")):
        totals[title] = 0.0
        for item, count in iter_counts(whole, machine):
            dollars = count * PRICES[item].dollars / PRICES[item].units * MILLION / whole.rows
            totals[title] += dollars
            rows.append((title, item, f"{count * MILLION / whole.rows:,.0f}", str(PRICES[item]), f"{dollars:.4f}"))
        rows.append((title, "total", "", "", f"{totals[title]:.4f}"))
    return Figure(
        number="P14",
        title="Dollars for a million samples",
        goal="the dollars that a million samples cost to build and to export, in a table",
        basis=f"the calls of V1's tasks ({whole.rows:,} samples), DynamoDB's units as the emulator tells them by AWS's "
        "rules, a GB-second for each second of a task times its function's memory, a transition for each state entered "
        "and each execution started; list prices of us-east-1, on demand, as of November 2025",
        columns=("part", "item", "for a million samples", "price", "dollars"),
        rows=rows,
        met=True,
        notes=[
            " and ".join(f"{title} of a million samples: ${dollars:.3f}" for title, dollars in totals.items()),
            "seconds are those of a whole core here, imports apart; a function of less than 1,769 MB gets less of one",
            "a picture of V1 belongs to several samples; one for each would be a thousand listings more, $0.005",
            "not in it: storage, requests of people, logs, transfer",
        ],
    )


def iter_counts(whole: VersionRun, machine: str) -> Iterator[tuple[str, float]]:
    """Yield how much of each item all executions of a machine took."""
    cost, memory = whole.cost_of(machine), _memory_gb()
    s3 = {name.partition(".")[2]: count for name, count in cost.calls.items() if name.startswith("s3.")}
    reading = sum(count for name, count in s3.items() if name in READING)
    yield (
        "S3 requests that write or list",
        sum(count for name, count in s3.items() if name not in READING and name not in FREE),
    )
    yield "S3 requests that read", reading
    yield "DynamoDB write units", cost.units["write"]
    yield "DynamoDB read units", cost.units["read"]
    yield "Lambda requests", whole.runs_of(machine)
    yield (
        "Lambda GB-seconds, arm64",
        sum(each.seconds * memory[function] for function, each in whole.costs_of(machine).items()),
    )
    yield "Step Functions state transitions", whole.transitions(machine)


def _memory_gb() -> dict[str, float]:
    """Return the memory of each function in the template, by its folder."""
    document = read()
    common = document["Globals"]["Function"]["MemorySize"]
    return {
        function.name: document["Resources"][function.logical_id]["Properties"].get("MemorySize", common) / 1024
        for function in iter_functions()
    }
