"""Models that share a table are bound in any order: each finds its own indexes."""

import pytest

from packhouse.access.model import Workspace
from packhouse.rollouts.store import RolloutStore
from packhouse.training.store import TrainingStore
from tests.bench.wire import Wire

TABLE = "TrainingTable"
HERE = Workspace("acme", "match-day")


@pytest.mark.usefixtures("wire")
@pytest.mark.parametrize("order", [(RolloutStore, TrainingStore), (TrainingStore, RolloutStore)])
def test_an_index_is_asked_whichever_model_of_its_table_was_bound_first(
    order: tuple[type[RolloutStore | TrainingStore], ...],
) -> None:
    for store in order:
        store(TABLE)
    assert TrainingStore(TABLE).list_datasets(HERE, {}, 1, None) == ([], None)
    assert RolloutStore(TABLE).list_bodies("prj_1", {}, 1, None) == ([], None)


def test_a_table_is_described_once(wire: Wire) -> None:
    for _ in range(2):
        RolloutStore(TABLE), TrainingStore(TABLE)
    TrainingStore(TABLE).list_datasets(HERE, {}, 1, None)
    assert wire.take().calls == [("dynamodb", "Query")]
