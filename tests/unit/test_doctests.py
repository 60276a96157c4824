"""Every example in a docstring holds: they fix the formats."""

import doctest
import importlib
import pkgutil

import pytest

import packhouse

MODULES = sorted(module.name for module in pkgutil.walk_packages(packhouse.__path__, "packhouse."))


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_hold(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_formats_are_fixed_by_examples() -> None:
    finder = doctest.DocTestFinder(exclude_empty=True)
    fixed = {
        test.name
        for name in MODULES
        for test in finder.find(importlib.import_module(name))
        if test.examples and ".pipeline." in test.name
    }
    assert {
        "packhouse.pipeline.fingerprints.canonical",
        "packhouse.pipeline.fingerprints.fingerprint",
        "packhouse.pipeline.rows.encode_row",
        "packhouse.pipeline.splits.ratio_per_whole",
        "packhouse.pipeline.splits.seeded_hash",
    } <= fixed
