"""The folder of exports that every test here reads."""

from pathlib import Path

import pytest

from tests.conformance.exports import write_folder
from tests.conformance.torch.captured import ROLLOUTS


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    written = tmp_path_factory.mktemp("training-dataset")
    write_folder(written, ROLLOUTS)
    return written
