"""True threads against the deployed registry: who gets a dataset's name, and whether the list counts what is there.

python -m tests.faults.claims      40 threads claim one name, 50 times; then 2,000 mixed calls from 8 threads
"""

import random
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Barrier

import httpx
from rich.console import Console
from rich.progress import track

from local.seed import seed
from local.stack import Stack
from tests.registry import Project, Registry

THREADS, ROUNDS = 40, 50
WRITERS, CALLS, NAMES = 8, 2_000, 24
CONSOLE = Console(highlight=False)
CREATED, OK, MISSING, TAKEN = 201, 200, 404, 409


def datasets_of(project: Project) -> str:
    namespace, _, slug = project.workspace.partition("/")
    return f"/namespaces/{namespace}/projects/{slug}/datasets"


def claim(project: Project, name: str, pool: ThreadPoolExecutor, threads: int) -> Counter[int]:
    """Let that many threads create the same dataset at one moment; return how often each status was answered."""
    together = Barrier(threads)

    def create(_: int) -> int:
        together.wait()
        return project.call("POST", datasets_of(project), json={"name": name}).status_code

    return Counter(pool.map(create, range(threads)))


@dataclass
class Ledger:
    """What one thread was told: the datasets that it made, by their ids, and every answer it had not to expect."""

    living: dict[str, str] = field(default_factory=dict)
    answers: Counter[str] = field(default_factory=Counter)


def mix(project: Project, seed_of: int, calls: int) -> Ledger:
    """Create, rename and delete datasets under few names; a thread renames and deletes only what it made itself."""
    ledger, chance = Ledger(), random.Random(seed_of)  # noqa: S311  chance, no secret
    path = datasets_of(project)
    for _ in range(calls):
        name, kind = f"name-{chance.randrange(NAMES)}", chance.choice(["POST", "POST", "PATCH", "DELETE"])
        mine = chance.choice(list(ledger.living)) if ledger.living and kind != "POST" else None
        if mine is None:
            answer = project.call("POST", path, json={"name": name})
            if answer.status_code == CREATED:
                ledger.living[answer.json()["id"]] = name
        elif kind == "PATCH":
            answer = project.call("PATCH", f"{path}/{ledger.living[mine]}", json={"name": name})
            if answer.status_code == OK:
                ledger.living[mine] = name
        else:
            answer = project.call("DELETE", f"{path}/{ledger.living[mine]}")
            if answer.status_code == OK:
                del ledger.living[mine]
        ledger.answers[f"{answer.request.method} {answer.status_code}"] += 1
    return ledger


def listed(project: Project) -> tuple[dict[str, str], int]:
    """Return the names of all datasets by their ids, page by page, and what the list says their number is."""
    rows, page = [], 1
    while True:
        shown = project.call("GET", datasets_of(project), params={"page": page, "pageSize": 7}).json()
        rows += shown["datasets"]
        if page >= shown["totalPages"]:
            assert len(rows) == len({row["id"] for row in rows}), "a dataset is listed twice"
            return {row["id"]: row["name"] for row in rows}, shown["total"]
        page += 1


def warm_up(project: Project, threads: int, path: str) -> None:
    """Let the emulator start its workers a few at a time: every call at once is a process of its own there."""
    for count in range(4, threads + 1, 4):
        with ThreadPoolExecutor(count) as pool:
            list(pool.map(lambda _: _until_answered(project, path), range(count * 2)))


def _until_answered(project: Project, path: str) -> None:
    while project.call("GET", path).status_code != OK:
        pass


def main() -> int:
    """Print the counts; the exit status says whether all held."""
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack.start(Path(folder))
        try:
            stack.deploy()
            seed(stack)
            with Registry(stack) as registry:
                registry.http = httpx.Client(
                    base_url=stack.api_url, timeout=120, limits=httpx.Limits(max_connections=THREADS)
                )
                return 0 if _claims(registry.new_project()) & _mixed(registry.new_project()) else 1
        finally:
            stack.kill()


def _claims(project: Project) -> bool:
    warm_up(project, THREADS, datasets_of(project))
    counts: Counter[tuple[tuple[int, int], ...]] = Counter()
    with ThreadPoolExecutor(THREADS) as pool:
        for number in track(range(ROUNDS), "claims"):
            counts[tuple(sorted(claim(project, f"claimed-{number}", pool, THREADS).items()))] += 1
    for answers, times in counts.items():
        CONSOLE.print(f"{times} times:", ", ".join(f"{count} x {status}" for status, count in answers))
    rows, total = listed(project)
    CONSOLE.print(f"listed {len(rows)}, total {total}")
    return set(counts) == {((CREATED, 1), (TAKEN, THREADS - 1))} and len(rows) == total == ROUNDS


def _mixed(project: Project) -> bool:
    with ThreadPoolExecutor(WRITERS) as pool:
        ledgers = list(pool.map(lambda number: mix(project, number, CALLS // WRITERS), range(WRITERS)))
    answers = sum((ledger.answers for ledger in ledgers), Counter())
    living = {made: name for ledger in ledgers for made, name in ledger.living.items()}
    rows, total = listed(project)
    CONSOLE.print(", ".join(f"{count} x {answer}" for answer, count in sorted(answers.items())))
    CONSOLE.print(f"acknowledged {len(living)}, listed {len(rows)}, total {total}")
    unforeseen = [answer for answer in answers if int(answer.split()[1]) not in {OK, CREATED, MISSING, TAKEN}]
    return rows == living and total == len(rows) and not unforeseen


if __name__ == "__main__":
    sys.exit(main())
