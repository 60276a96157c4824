"""The folder of exports that TRL's tests read, and Ultralytics without a network and without a trace."""

import importlib.metadata
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conformance.exports import write_folder
from tests.conformance.torch.captured import ROLLOUTS
from tests.conformance.torch.drawn_rows import ALL, Given
from tests.conformance.torch.yolo_folder import export, paint, put_pictures_in_place, unpack

Opened = Callable[[str], tuple[Given, Path]]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    written = tmp_path_factory.mktemp("training-dataset")
    write_folder(written, ROLLOUTS)
    return written


@pytest.fixture(scope="session")
def ultralytics_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder that holds all that Ultralytics keeps; it reads these variables once, when it is imported.

    It asks for the version of torchvision there, which this environment leaves out; it would download fonts.
    """
    assert "ultralytics" not in sys.modules
    home = tmp_path_factory.mktemp("ultralytics")
    version = importlib.metadata.version
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("YOLO_CONFIG_DIR", str(home))
        patch.setenv("YOLO_OFFLINE", "true")
        patch.setenv("YOLO_AUTOINSTALL", "false")
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setenv("MPLCONFIGDIR", str(home / "matplotlib"))
        patch.setattr(importlib.metadata, "version", lambda name: "0.28.0" if name == "torchvision" else version(name))
        import ultralytics
        from ultralytics.utils import AUTOINSTALL, ONLINE, USER_CONFIG_DIR

        assert not AUTOINSTALL
        assert not ONLINE
        assert USER_CONFIG_DIR.is_relative_to(home)
        ultralytics.settings.update(sync=False)
        for font in ("Arial.ttf", "Arial.Unicode.ttf"):
            (USER_CONFIG_DIR / font).touch()
        yield home


@pytest.fixture
def no_calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nobody is called: neither a name is asked for nor a connection opened, not even in a `try`."""
    called: list[object] = []

    def refuse(*address: object, **_options: object) -> None:
        called.append(address)
        raise OSError("Nobody is called here.")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    yield
    assert called == []


@pytest.fixture(scope="session")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Opened:
    """The rows of a dataset, and its folder: exported, unpacked, and the pictures put in place."""
    made: dict[str, tuple[Given, Path]] = {}

    def open_once(name: str) -> tuple[Given, Path]:
        if name not in made:
            given = ALL[name]()
            root = tmp_path_factory.mktemp(name)
            (root / "dataset").mkdir()
            unpack(root / "dataset", export(given.capability, given.rows, given.split_of).archives)
            paint(root / "assets", given.rows)
            put_pictures_in_place(root / "dataset", root / "assets")
            made[name] = given, root / "dataset"
        return made[name]

    return open_once


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def copied(opened: Opened, tmp_path: Path) -> Callable[[str], Path]:
    """A folder that a test may spoil."""

    def copy(name: str) -> Path:
        return shutil.copytree(opened(name)[1], tmp_path / "copied" / name)

    return copy
