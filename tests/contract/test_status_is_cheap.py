"""Contract D: "/status is cheap and safe to call repeatedly" — by two hundred at once while a dataset is made.

The emulator starts a process for every call in flight, and its tables answer too late where hundreds start on a few
processors: the two hundred share half a dozen connections, and wait in front of them. What a call reads is counted
elsewhere (one item of one table).
"""

import threading
import time
from dataclasses import dataclass, field
from itertools import pairwise

import httpx
import pytest

from tests.registry import Project
from tests.training import OPEN, TRAINING, RolloutProject, rollouts

POLLERS, CONNECTIONS = 200, 6
ORDER = [*OPEN, "ready"]


@dataclass
class Poller:
    """Asks for a status again and again until it is ready, in a thread of its own."""

    client: httpx.Client
    path: str
    answers: list[int] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)
    row_counts: list[int] = field(default_factory=list)

    def run(self) -> None:
        while self.statuses[-1:] != ["ready"]:
            answer = self.client.get(self.path)
            self.answers.append(answer.status_code)
            if answer.status_code != httpx.codes.OK:
                return
            self.statuses.append(answer.json()["status"])
            self.row_counts.append(answer.json()["row_count"])
            time.sleep(1)


@pytest.fixture
def labs(project: Project) -> RolloutProject:
    labs = RolloutProject.new(project)
    labs.send(rollouts(20))
    return labs


def test_two_hundred_poll_at_once_and_none_sees_an_error_or_a_status_go_back(labs: RolloutProject) -> None:
    """From when it was asked for until it is ready: it waits for a confirmation until each of them has asked."""
    shared = httpx.Client(
        base_url=labs.project.registry.stack.api_url,
        headers={"Authorization": f"Bearer {labs.api_key}"},
        limits=httpx.Limits(max_connections=CONNECTIONS),
        timeout=httpx.Timeout(60, pool=None),
    )
    with shared as client:
        made = labs.create(require_confirmation=True)
        pollers = [Poller(client, f"{TRAINING}/{made}/status") for _ in range(POLLERS)]
        threads = [threading.Thread(target=poller.run) for poller in pollers]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() and not poller.answers for thread, poller in zip(threads, pollers, strict=True)):
            time.sleep(0.1)
        labs.wait_until(made, "preview")
        labs.post(TRAINING, made, "confirm")
        for thread in threads:
            thread.join()
    assert {answer for poller in pollers for answer in poller.answers} == {200}
    for poller in pollers:
        assert len(poller.statuses) > 1
        assert all(ORDER.index(before) <= ORDER.index(after) for before, after in pairwise(poller.statuses))
        assert (poller.statuses[-1], poller.row_counts[-1]) == ("ready", 20)


def test_calling_it_repeatedly_changes_nothing(labs: RolloutProject) -> None:
    with labs.held("running") as made:
        before = labs.shown(made)
        answers = [labs.status(made) for _ in range(20)]
        assert answers == answers[:1] * 20
        assert labs.shown(made) == before
        labs.post(TRAINING, made, "cancel")
