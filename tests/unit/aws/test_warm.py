"""What a warm function has read is not read again, and never takes more than its bound."""

import random

import pytest

from packhouse.aws.objects import Objects
from packhouse.aws.warm import WarmObjects
from packhouse.errors import UnitFailedError
from tests.bench.wire import Wire

KIND = "application/octet-stream"
ENTRY = 512


@pytest.fixture
def bucket(wire: Wire) -> Objects:
    """Objects `0` to `9` of 1,000 bytes each."""
    bucket = Objects("databucket")
    for number in range(10):
        bucket.write_once(str(number), bytes([number]) * 1000, KIND)
    wire.take()
    return bucket


@pytest.mark.usefixtures("bucket")
def test_what_was_read_is_not_read_again(wire: Wire) -> None:
    warm = WarmObjects("databucket")
    for _ in range(3):
        assert warm.read("1") == bytes([1]) * 1000
        assert warm.read_range("1", 5, 9) == bytes([1]) * 4
        assert warm.read_range("1", 5, 10) == bytes([1]) * 5
        assert warm.read_range("2", 5, 9) == bytes([2]) * 4
    assert wire.of("s3") == ("GetObject",) * 4


@pytest.mark.usefixtures("bucket")
def test_nothing_read_is_kept_too(wire: Wire) -> None:
    Objects("databucket").write_once("empty", b"", KIND)
    wire.take()
    warm = WarmObjects("databucket")
    assert (warm.read("empty"), warm.read("empty")) == (b"", b"")
    assert len(wire.of("s3")) == 1


@pytest.mark.usefixtures("bucket")
def test_what_was_not_asked_for_the_longest_goes_first(wire: Wire) -> None:
    warm = WarmObjects("databucket", most_bytes=3 * (1000 + ENTRY))
    for key in ("0", "1", "2", "0", "3"):  # `1` goes
        warm.read(key)
    assert len(wire.take().of("s3")) == 4
    for key in ("0", "2", "3"):
        warm.read(key)
    assert wire.take().of("s3") == ()
    warm.read("1")
    assert wire.take().of("s3") == ("GetObject",)


@pytest.mark.usefixtures("bucket")
@pytest.mark.parametrize("most", [0, 999, 1000 + ENTRY, 5000])
def test_no_more_is_kept_than_the_bound(most: int, wire: Wire) -> None:
    warm = WarmObjects("databucket", most_bytes=most)
    chance = random.Random(3)  # noqa: S311  a walk, no secret
    for _ in range(300):
        key, start = str(chance.randrange(10)), chance.randrange(999)
        end = chance.randrange(start + 1, 1000)
        assert warm.read_range(key, start, end) == bytes([int(key)]) * (end - start)
        assert sum(len(body) + ENTRY for body in warm._kept.values()) == warm._bytes <= most
    wire.take()


@pytest.mark.usefixtures("bucket")
def test_what_is_larger_than_the_bound_is_read_each_time(wire: Wire) -> None:
    warm = WarmObjects("databucket", most_bytes=1000)
    assert warm.read("1") == warm.read("1")
    assert wire.of("s3") == ("GetObject",) * 2


def test_what_is_not_there_is_looked_for_each_time(bucket: Objects) -> None:
    warm = WarmObjects("databucket")
    with pytest.raises(UnitFailedError):
        warm.read("later")
    bucket.write_once("later", b"there", KIND)
    assert warm.read("later") == b"there"
