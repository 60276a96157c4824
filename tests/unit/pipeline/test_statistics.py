"""Rows are counted as a look at each label would count them: most are not looked at label by label."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from packhouse.pipeline.capabilities import CAPABILITIES, Capability
from packhouse.pipeline.rows import Box, Label, LabelRow, Point, Segment
from packhouse.pipeline.statistics import EXAMPLES, Example, Statistics, Tally, geometry_fault, schema_fault

numbers = st.sampled_from([-1.0, -1e-12, 0.0, 0.25, 0.5, 1.0, 1 + 1e-12, 1 + 1e-6])
times = st.integers(-1, 3)
names = st.sampled_from(["player", "goalkeeper", "ball", "glitch", "dragon"])
labels = st.one_of(
    st.builds(Label, class_=names, point=st.builds(Point, numbers, numbers)),
    st.builds(Label, class_=names, bbox=st.builds(Box, numbers, numbers, numbers, numbers)),
    st.builds(Label, class_=names, segment=st.builds(Segment, times, times)),
)
rows = st.builds(
    LabelRow,
    sample_id=st.sampled_from(["a", "b"]),
    group=st.sampled_from(["g", "h", "", None]),
    camera_type=st.sampled_from(["left", "", None]),
    labels=st.none() | st.lists(labels, max_size=4),
    split=st.sampled_from(["val", None]),
)


def counted(given_rows: list[LabelRow], capability: Capability) -> Statistics:
    whole = Statistics()
    for row in given_rows:
        whole.add(row, capability)
    return whole


@pytest.mark.parametrize("capability", CAPABILITIES.values(), ids=CAPABILITIES)
@settings(max_examples=200)
@given(given_rows=st.lists(rows, max_size=6))
def test_every_label_with_a_fault_is_found_and_no_other(capability: Capability, given_rows: list[LabelRow]) -> None:
    whole = counted(given_rows, capability)
    placed = [(row.sample_id, number, label) for row in given_rows for number, label in enumerate(row.labels or ())]
    ways: list[tuple[Any, Any]] = [
        (whole.schema_faults, lambda label: schema_fault(label, capability)),
        (whole.geometry_faults, geometry_fault),
    ]
    for findings, fault_of in ways:
        faults = [Example(name, at, fault_of(label)) for name, at, label in placed if fault_of(label) is not None]
        assert findings.count == len(faults)
        assert findings.examples == faults[:EXAMPLES]


@given(given_rows=st.lists(rows, max_size=6))
def test_rows_labels_and_groups_add_up(given_rows: list[LabelRow]) -> None:
    whole = counted(given_rows, CAPABILITIES["player_detection"])
    labelled = [row.labels for row in given_rows if row.labels]
    drawn = [label.class_ for found in labelled for label in found]
    assert (whole.rows, whole.labels) == (len(given_rows), len(drawn))
    assert whole.unlabelled == sum(row.labels is None for row in given_rows)
    assert whole.empty == sum(row.labels == [] for row in given_rows)
    assert whole.classes == {
        name: Tally(sum(any(label.class_ == name for label in found) for found in labelled), drawn.count(name))
        for name in dict.fromkeys(drawn)
    }
    assert list(whole.classes) == list(dict.fromkeys(drawn))
    for name, tally in whole.groups.items():
        own = [row for row in given_rows if row.group_name == name]
        classes = [label.class_ for row in own for label in row.labels or ()]
        assert (tally.samples, tally.classes) == (len(own), {each: classes.count(each) for each in classes})
        assert tally.splits == ({"val": found} if (found := sum(row.split == "val" for row in own)) else {})
    assert whole.cameras == ({"left": found} if (found := sum(row.camera_type == "left" for row in given_rows)) else {})


def test_a_box_may_pass_the_far_edge_by_a_rounding_error() -> None:
    drawn = [Label(class_="player", bbox=Box(x, 0.1, 0.3 + 5e-11, 0.1)) for x in (0.7, 0.8)]
    whole = counted([LabelRow(sample_id="a", labels=drawn)], CAPABILITIES["player_detection"])
    assert [example.label for example in whole.geometry_faults.examples] == [1]
