"""Hugging Face libraries without a network and without a trace outside the test's folder."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

collect_ignore = ["torch"]  # needs an environment of its own: `make conformance` names that folder itself

Load = Callable[..., Any]


@pytest.fixture(scope="session")
def offline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder that holds every cache; the libraries read these variables once, when they are imported."""
    assert "huggingface_hub" not in sys.modules
    home = tmp_path_factory.mktemp("hugging-face")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HF_DATASETS_OFFLINE", "HF_HUB_OFFLINE", "HF_HUB_DISABLE_TELEMETRY", "TRANSFORMERS_OFFLINE"):
            patch.setenv(name, "1")
        patch.setenv("HF_HOME", str(home))
        patch.delenv("HF_DATASETS_CACHE", raising=False)
        yield home


@pytest.fixture(scope="session")
def load_dataset(offline: Path) -> Load:
    """`datasets.load_dataset`, its caches below the test's folder."""
    import datasets

    assert datasets.config.HF_DATASETS_OFFLINE
    assert datasets.config.HF_DATASETS_CACHE.is_relative_to(offline)
    datasets.disable_progress_bars()
    load: Load = datasets.load_dataset
    return load
