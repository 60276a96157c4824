"""The code of contract D as it is written there: the poller under Node, the download with curl, the worked row.

`examples/training_datasets.txt` is the contract word for word. Node 20 takes no types: the poller's one annotation is
stripped by rule, the rest is run as it stands. Its half minutes pass faster, because the `setTimeout` that it finds is
another one. LABS_URL is where the API serves, LABS_KEY an API key of the project. Above 5 MB an export is a redirect,
which curl follows with `-L`.
"""

import hashlib
import json
import os
import re
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.registry import Project
from tests.training import SILENCE, RolloutProject, answered, rollout, rollouts, said, skipped, talk

CONTRACT = (Path(__file__).parent / "examples" / "training_datasets.txt").read_text()
ANNOTATION = re.compile(r"(?<=\w): (?:string|number|boolean)(?=[,)])")
"""The type of a parameter."""

HALF_MINUTE = """
const patient = globalThis.setTimeout;
globalThis.setTimeout = (go, ms, ...given) => {
  if (ms !== 30_000) return patient(go, ms, ...given);  // those that fetch sets
  console.log(`waits ${ms}`);
  return patient(go, 100, ...given);
};
"""
CALL = "await pollUntilReady(process.env.ID).then(() => console.log('ready'), (error) => console.log(String(error)));"


def between(first: str, end: str) -> str:
    """Return the contract's text from the beginning of a line up to the line that ends it, both included."""
    found = re.search(rf"^{re.escape(first)}.*?{re.escape(end)}$", CONTRACT, re.MULTILINE | re.DOTALL)
    assert found
    return found[0]


POLLER = between("const pollUntilReady", "};")
DOWNLOAD = between("curl -H", '/export"')
WORKED_ROW = between('{"scenario_id":', "}}")


def environment(labs: RolloutProject, dataset_id: str) -> dict[str, str]:
    url = labs.project.registry.stack.api_url
    return {"PATH": os.environ["PATH"], "LABS_URL": url, "LABS_KEY": labs.api_key, "ID": dataset_id}


def polled(labs: RolloutProject, dataset_id: str, folder: Path) -> list[str]:
    """Run the contract's poller until it ends, and return the lines that it has printed."""
    (folder / "clock.cjs").write_text(HALF_MINUTE)
    (folder / "poll.mjs").write_text(f"{ANNOTATION.sub('', POLLER)}\n{CALL}\n")
    command = ["node", "--require", "./clock.cjs", "poll.mjs"]
    ran = subprocess.run(
        command, cwd=folder, env=environment(labs, dataset_id), capture_output=True, text=True, timeout=180, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


def downloaded(labs: RolloutProject, dataset_id: str, folder: Path, *, follow: bool = False) -> bytes:
    """Run the contract's curl, with `-L` where redirects are followed, and return what it has written."""
    line = DOWNLOAD.replace("curl ", "curl -L ", 1) if follow else DOWNLOAD
    subprocess.run(
        ["bash", "-c", line],
        cwd=folder,
        env=environment(labs, dataset_id),
        capture_output=True,
        timeout=180,
        check=True,
    )
    return (folder / "dataset.jsonl").read_bytes()


def is_whole(body: bytes, head: httpx.Response) -> bool:
    """Whether a body is what HEAD has said of it."""
    told = (head.headers["X-Dataset-Bytes"], head.headers["X-Dataset-Sha256"], head.headers["X-Dataset-Rows"])
    return told == (str(len(body)), hashlib.sha256(body).hexdigest(), str(body.count(b"\n")))


@pytest.fixture
def labs(project: Project) -> RolloutProject:
    return RolloutProject.new(project)


def test_only_the_type_of_a_parameter_is_stripped_from_the_poller() -> None:
    assert ANNOTATION.sub("", POLLER) == POLLER.replace("datasetId: string", "datasetId")
    assert POLLER.count("\n") == 14


def test_the_poller_returns_when_the_dataset_is_ready(labs: RolloutProject, tmp_path: Path) -> None:
    """It is started on a dataset that is not ready and whose machine stands still for a while."""
    labs.send(rollouts(5))
    with labs.held("running", 2) as made:
        printed = polled(labs, made, tmp_path)
    waits = [line for line in printed if line != "waits 30000"]
    assert waits.pop() == "ready"
    assert waits[0] == "Status=running rows=5, polling again in 30s"
    assert all(re.fullmatch(r"Status=(running|filtering) rows=5, polling again in 30s", line) for line in waits)
    assert printed.count("waits 30000") == len(waits)


def test_the_poller_throws_when_the_dataset_was_cancelled(labs: RolloutProject, tmp_path: Path) -> None:
    made = labs.new_cancelled()
    assert polled(labs, made, tmp_path) == ["Error: Dataset ended in status=cancelled"]


def test_the_poller_throws_when_the_dataset_failed(labs: RolloutProject, tmp_path: Path) -> None:
    assert polled(labs, labs.new_failed(), tmp_path) == ["Error: Dataset ended in status=failed"]


def ready_of(labs: RolloutProject, count: int) -> str:
    """Make a training dataset of so many rows of 10 KB, most of it thinking, from one upload, and return its id."""
    long = talk("at length", 2_000)
    spoken = ([said("And now?"), answered(talk(at), long)] for at in range(count))
    sent = [rollout(at, events, rollout_index=at) for at, events in enumerate(spoken)]
    assert labs.take_in(sent)["rollouts"] == count
    made = labs.create()
    labs.wait_until(made, "ready", seconds=600)
    return made


def test_curl_downloads_the_rows_in_a_single_request(labs: RolloutProject, tmp_path: Path) -> None:
    """As many as an answer is ever sent with."""
    made = ready_of(labs, 475)
    body, head = downloaded(labs, made, tmp_path), labs.head(made)
    assert 4_900_000 < len(body) <= 5_000_000
    assert is_whole(body, head)
    assert labs.export(made).status_code == httpx.codes.OK
    assert downloaded(labs, made, tmp_path, follow=True) == body


def test_curl_follows_to_rows_that_fit_no_answer(labs: RolloutProject, tmp_path: Path) -> None:
    """60 MB. Where API and S3 are one host, curl sends the key to both; the URL alone counts."""
    made = ready_of(labs, 6_000)
    body, head = downloaded(labs, made, tmp_path, follow=True), labs.head(made)
    assert len(body) > 60_000_000
    assert is_whole(body, head)
    redirect = labs.export(made)
    assert (redirect.status_code, redirect.json()) == (307, labs.status(made))
    assert redirect.headers["X-Dataset-Sha256"] == head.headers["X-Dataset-Sha256"]
    url = redirect.headers["Location"]
    assert httpx.get(url, headers={"Range": "bytes=0-9999"}).content == body[:10_000]


def test_rows_that_an_answer_would_swell_are_followed_as_well(labs: RolloutProject, tmp_path: Path) -> None:
    """Less than 5 MB, but every quote of it counts several times on its way out of a Lambda function."""
    quotes = [rollout(at, [said("Say."), answered(talk(at) + '"' * 9_000)], rollout_index=at) for at in range(240)]
    labs.take_in(quotes)
    made = labs.new_ready()
    assert labs.export(made).status_code == httpx.codes.TEMPORARY_REDIRECT
    body = downloaded(labs, made, tmp_path, follow=True)
    assert len(body) < 5_000_000
    assert is_whole(body, labs.head(made))


def test_the_worked_row_comes_out_as_it_is_written(labs: RolloutProject) -> None:
    """Key by key in their order, from the rollout that it says it is."""
    row = json.loads(WORKED_ROW)
    told = [said(message["content"]) if message["role"] == "user" else answered(message["content"])
            for message in row["messages"][:-1]]  # fmt: skip
    scores = {name: row["metadata"][name] for name in ("quality_score", "complexity_score")}
    events = [told[0], told[1], skipped(7), told[2], SILENCE]
    labs.send([
        rollout("worked", events, scenario_id=row["scenario_id"], agent_template_id=row["agent_template_id"],
                temperature=0.7, scores=scores)
    ])  # fmt: skip
    (line,) = labs.lines(labs.new_ready())
    assert line.decode() == WORKED_ROW
    assert list(json.loads(line).items()) == list(row.items())
