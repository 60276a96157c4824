"""The walk that the README shows, typed as it stands there, prints what the README says."""

import json
import subprocess
from pathlib import Path

from local import ROOT
from local.stack import Stack


def shown_session() -> list[tuple[str, list[str]]]:
    """Return the README's commands, each with the lines that it is said to print."""
    block = (ROOT / "README.md").read_text("utf-8").split("```console\n")[1].split("```")[0]
    session: list[tuple[str, list[str]]] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            session.append((line.removeprefix("$ "), []))
        elif line.startswith("> "):
            command, printed = session.pop()
            session.append((f"{command}\n{line.removeprefix('> ')}", printed))
        else:
            session[-1][1].append(line)
    return session


def test_the_readmes_walk_prints_what_the_readme_shows(stack: Stack, tmp_path: Path) -> None:
    session = shown_session()
    assert len(session) > 15
    (tmp_path / ".local").mkdir()
    described = {"api_url": stack.api_url, "tokens": stack.tokens}
    (tmp_path / ".local" / "stack.json").write_text(json.dumps(described))
    mark = "---- next command"
    script = "\n".join(f"{command}\necho '{mark}'" for command, _ in session)
    typed = subprocess.run(
        ["bash"], input=script, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    printed = [part.strip().splitlines() for part in typed.stdout.split(f"{mark}\n")]
    for number, (command, expected) in enumerate(session):
        assert printed[number] == expected, f"{command}\n{typed.stderr}"
