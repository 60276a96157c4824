"""What the registry gives out, downloaded and held to what it says of it: file by file, and a whole version offline.

Left out: what is downloaded when (`walk`) and how it is printed (`tables`).
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from local import ROOT
from local.demo.api import Api, RefusedError
from local.demo.bars import Bars

PACKAGE = ROOT / "layers" / "core" / "python"
DIFFERS = 1
"""What `packhouse.verify` ends with when a folder is not what was sealed."""


def check_exports(
    editor: Api, exports: Sequence[dict[str, Any]], part: str, bars: Bars, folder: Path | None = None
) -> None:
    """Download every export through its presigned URL and hold its bytes to what the registry says of them.

    They stay in `folder`, each under its own name, where one is given.
    """
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    for count, export in enumerate(exports, 1):
        path = Path(os.devnull) if folder is None else folder / export["name"]
        with path.open("wb") as file:
            held = editor.hash_signed(export["url"], file.write)
        if held != (export["bytes"], export["sha256"].removeprefix("sha256:")):
            detail = f"{export['name']} came as {held[0]} bytes, sha256 {held[1]}; expected {export['bytes']}"
            raise RefusedError("EXPORT_BYTES_DIFFER", f"{detail}, {export['sha256']}")
        bars.move(part, count, len(exports))


def verify_version(folder: Path, manifest_hash: str) -> str:
    """Run `packhouse.verify` over a version's folder, as anyone would who has it; return the line that it prints.

    That is its verdict, or why it has none: a version that an earlier release sealed may be none that it can verify.
    """
    command = [sys.executable, "-m", "packhouse.verify", str(folder), "--manifest-hash", manifest_hash]
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE)}
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    line = (found.stdout + found.stderr).strip()
    if found.returncode == DIFFERS:
        raise RefusedError("EXPORT_BYTES_DIFFER", line)
    return line
