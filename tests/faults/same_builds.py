"""True threads against the deployed registry: equal builds at one moment are one build.

python -m tests.faults.same_builds            50 threads ask for the same build, 200 times
python -m tests.faults.same_builds 8 5        8 threads, 5 times
"""

import random
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import httpx
from rich.console import Console
from rich.progress import track

from local.seed import seed
from local.stack import Stack
from tests.faults.claims import warm_up
from tests.registry import Project, Registry, ball_rows

THREADS, ROUNDS = 50, 200
BUILD = "/api/v1/datasets/build"
CONSOLE = Console(highlight=False)
Json = dict[str, Any]


def request_together(
    project: Project, packs: list[str], number: int, pool: ThreadPoolExecutor, threads: int
) -> list[Json]:
    """Let that many threads ask for one build at one moment, each with the ids in another order, some of them twice."""
    together = Barrier(threads)

    def ask(thread: int) -> Json:
        chance = random.Random(f"{number} {thread}")  # noqa: S311  an order, no secret
        ids = [*packs, *chance.sample(packs, 1)]
        chance.shuffle(ids)
        together.wait()
        body = {"capability": "ball_detection", "label_pack_ids": ids, "split": {"seed": number}}
        answer = project.call("POST", BUILD, json=body)
        return {"status": answer.status_code, **answer.json()}

    return list(pool.map(ask, range(threads)))


def wrong(answers: list[Json]) -> str | None:
    """Return what is wrong with the answers of one round, or `None`."""
    outcomes = Counter(str(answer.get("outcome", answer.get("code"))) for answer in answers)
    if outcomes != {"created": 1, "reused_in_progress": len(answers) - 1}:
        return f"outcomes {dict(outcomes)}"
    for name in ("dataset_version_id", "job_id", "version_id", "reuse_fingerprint"):
        if len({answer[name] for answer in answers}) != 1:
            return f"several {name}: {sorted({answer[name] for answer in answers})}"
    return None


def main(threads: int = THREADS, rounds: int = ROUNDS) -> int:
    """Print the counts; the exit status says whether all held."""
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack.start(Path(folder))
        try:
            stack.deploy()
            seed(stack)
            with Registry(stack) as registry:
                limits = httpx.Limits(max_connections=threads)
                registry.http = httpx.Client(base_url=stack.api_url, timeout=120, limits=limits)
                return _rounds(registry.new_project(), threads, rounds)
        finally:
            stack.kill()


def _rounds(project: Project, threads: int, rounds: int) -> int:
    packs = [project.new_approved_pack(ball_rows(prefix=prefix)).label_pack_id for prefix in ("a", "b", "c")]
    warm_up(project, threads, "/api/v1/datasets")
    outcomes: Counter[str] = Counter()
    wrongs = []
    with ThreadPoolExecutor(threads) as pool:
        for number in track(range(rounds), "equal builds"):
            answers = request_together(project, packs, number, pool, threads)
            outcomes.update(str(answer.get("outcome", answer.get("code"))) for answer in answers)
            if found := wrong(answers):
                wrongs.append(f"round {number}: {found}")
            # Cancelled, so that two hundred builds do not run beside what is counted.
            for job_id in {answer["job_id"] for answer in answers if "job_id" in answer}:
                project.call("POST", f"/api/v1/jobs/{job_id}/cancel", json={})
    CONSOLE.print(f"{rounds} rounds of {threads}:", ", ".join(f"{count} x {name}" for name, count in outcomes.items()))
    for line in wrongs[:20]:
        CONSOLE.print(line)
    versions = sorted(_versions(project))
    gapless = versions == list(range(1, rounds + 1))
    CONSOLE.print(f"{len(versions)} versions, v1 to v{rounds} without a gap: {gapless}")
    return 1 if wrongs or not gapless else 0


def _versions(project: Project) -> list[int]:
    numbers: list[int] = []
    cursor = None
    while True:
        parameters = {"limit": 200} | ({"cursor": cursor} if cursor else {})
        shown = project.call("GET", "/api/v1/datasets", params=parameters).json()
        numbers += [int(row["version_id"].removeprefix("v")) for row in shown["items"]]
        cursor = shown["next_cursor"]
        if cursor is None:
            return numbers


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
