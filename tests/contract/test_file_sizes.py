"""Files stay small enough to be read in one go: the edges above all."""

from tests.contract.sources import FUNCTIONS, modules

EDGE_LINES = 60
MODULE_LINES = 400


def test_a_function_is_a_thin_edge() -> None:
    lines = {path.parent.name: len(path.read_text().splitlines()) for path in FUNCTIONS.glob("*/app.py")}
    assert {name: count for name, count in lines.items() if count > EDGE_LINES} == {}


def test_a_function_folder_holds_the_edge_alone() -> None:
    """A `requirements.txt` or a second module in it would be shipped with one function and tested with none."""
    stray = [path.name for path in FUNCTIONS.glob("*/*") if path.name not in {"app.py", "__pycache__"}]
    assert stray == []


def test_no_module_is_longer_than_a_reader_can_hold() -> None:
    lines = {str(path): len(path.read_text().splitlines()) for path in modules()}
    assert {name: count for name, count in lines.items() if count > MODULE_LINES} == {}


def test_no_name_of_a_module_is_a_drawer() -> None:
    drawers = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "data", "info"}
    assert [str(path) for path in modules() if path.stem in drawers] == []
