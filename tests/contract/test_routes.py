"""What the gateway sends to a function is what the function's resolver answers, no more and no less."""

import pytest

from tests.contract.imported import said
from tests.contract.sources import folders, functions


def sent(folder: str) -> set[tuple[str, str]]:
    """Return the routes that the template sends to a function."""
    events = functions()[folder].get("Events", {}).values()
    return {
        (event["Properties"]["Method"].upper(), event["Properties"]["Path"])
        for event in events
        if event["Type"] == "Api"
    }


def answered(folder: str) -> set[tuple[str, str]]:
    """Return the routes that a function's resolver answers."""
    return {(method, path) for method, path in said()["routes"][folder]}


@pytest.mark.parametrize("folder", folders())
def test_a_function_answers_the_routes_that_the_template_sends_it(folder: str) -> None:
    assert answered(folder) == sent(folder)


@pytest.mark.parametrize("folder", folders())
def test_a_function_has_a_handler(folder: str) -> None:
    assert said()["handlers"][folder]


def test_a_route_is_served_by_one_function() -> None:
    routes = [route for folder in folders() for route in sorted(answered(folder))]
    assert len(routes) == len(set(routes)) > 20


def test_an_event_is_named_after_what_it_does() -> None:
    """The names that people read in the console: verb and thing."""
    names = [name for properties in functions().values() for name in properties.get("Events", {})]
    assert len(names) == len(set(names))
