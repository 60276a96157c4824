"""True threads against the deployed registry: sets of one dataset, created at one moment, are numbered without a gap.

python -m tests.faults.sets_at_once       40 threads create a set each, 3 times
"""

import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import httpx
from rich.console import Console

from local.seed import seed
from local.stack import Stack
from tests.faults.claims import CREATED, datasets_of, warm_up
from tests.registry import Project, Registry

THREADS, ROUNDS = 40, 3
CONSOLE = Console(highlight=False)
Json = dict[str, Any]


def sets_of_new_dataset(project: Project, name: str) -> str:
    """Return where the annotation sets of a new dataset are."""
    made = project.call("POST", datasets_of(project), json={"name": name}).json()["id"]
    return f"/api/v1/datasets/{made}/annotation-sets"


def create_together(project: Project, sets: str, pool: ThreadPoolExecutor, threads: int) -> list[tuple[int, Json]]:
    """Let that many threads create a set at one moment; return what each was answered."""
    together = Barrier(threads)

    def create(_: int) -> tuple[int, Json]:
        together.wait()
        answer = project.call("POST", sets, json={})
        return answer.status_code, answer.json()

    return list(pool.map(create, range(threads)))


def listed(project: Project, sets: str) -> list[tuple[str, int]]:
    """Return id and version of every set in the order of the list, page by page."""
    rows: list[tuple[str, int]] = []
    cursor = None
    while True:
        parameters: dict[str, Any] = {"limit": 7} | ({"cursor": cursor} if cursor else {})
        shown = project.call("GET", sets, params=parameters).json()
        rows += [(row["id"], row["version"]) for row in shown["items"]]
        cursor = shown["next_cursor"]
        if cursor is None:
            return rows


def wrong(project: Project, sets: str, answers: list[tuple[int, Json]]) -> str | None:
    """Return what is wrong with the sets of a dataset and what was answered of all of them, or `None`."""
    statuses = Counter(status for status, _ in answers)
    if set(statuses) != {CREATED}:
        return f"answered {dict(statuses)}: {[body for status, body in answers if status != CREATED][:3]}"
    told = sorted((body["version"], body["id"]) for _, body in answers)
    if [version for version, _ in told] != list(range(1, len(answers) + 1)):
        return f"the versions are {[version for version, _ in told]}"
    rows = listed(project, sets)
    return None if rows == [(made, version) for version, made in told] else f"listed are {rows}, and told was {told}"


def main() -> int:
    """Print what came of each round; the exit status says whether all held."""
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack.start(Path(folder))
        try:
            stack.deploy()
            seed(stack)
            with Registry(stack) as registry:
                limits = httpx.Limits(max_connections=THREADS)
                registry.http = httpx.Client(base_url=stack.api_url, timeout=120, limits=limits)
                return _rounds(registry.new_project())
        finally:
            stack.kill()


def _rounds(project: Project) -> int:
    wrongs = 0
    warm_up(project, THREADS, sets_of_new_dataset(project, "warm"))
    with ThreadPoolExecutor(THREADS) as pool:
        for number in range(ROUNDS):
            sets = sets_of_new_dataset(project, f"numbered-{number}")
            found = wrong(project, sets, create_together(project, sets, pool, THREADS))
            CONSOLE.print(
                f"{THREADS} sets at once:", found or f"all {CREATED}, versions 1 to {THREADS}, listed in order"
            )
            wrongs += found is not None
    return min(wrongs, 1)


if __name__ == "__main__":
    sys.exit(main())
