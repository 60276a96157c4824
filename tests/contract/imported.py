"""The functions once they are imported, asked in a process of their own."""

import functools
import json
import subprocess
import sys

from local import ROOT
from local.aws import clean_environment
from tests.contract.sources import Json


@functools.cache
def said() -> Json:
    """Return what `tests.contract.registered` prints."""
    environment = clean_environment() | {"PYTHONPATH": str(ROOT / "layers/core/python")}
    command = [sys.executable, "-m", "tests.contract.registered"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answer: Json = json.loads(done.stdout)
    return answer
