"""S3 as moto plays it: what lies in its buckets, from inside."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import FakeKey, s3_backends

Objects = dict[str, dict[str, list[Any]]]
"""The objects of every bucket by their keys, as moto has them."""


class Buckets:
    """All buckets. `remember` and `recall` take their objects back to an earlier state, inside a block of `keeping`.

    Uploads in parts that are not finished are forgotten with it.
    """

    def __init__(self) -> None:
        self._known: list[Any] = []

    @contextmanager
    def keeping(self) -> Iterator[None]:
        """Hold on to objects that are deleted or replaced in the block: moto would close them, they may come back."""

        def keep(closed: Any, **_: object) -> None:
            self._known.append(closed)

        with mock.patch.object(FakeKey, "dispose", keep):
            yield
        for known in self._known:
            known.dispose()

    def remember(self) -> Objects:
        """Return the objects as they are now; moto writes none of them over, it puts another in its place."""
        held = {
            name: {key: list(bucket.keys.getlist(key)) for key in bucket.keys} for name, bucket in self._all().items()
        }
        self._known += [one for objects in held.values() for versions in objects.values() for one in versions]
        return held

    def recall(self, objects: Objects) -> None:
        """Make the objects what they were."""
        for name, bucket in self._all().items():
            bucket.keys.clear()
            bucket.multiparts.clear()
            dict.update(bucket.keys, {key: list(versions) for key, versions in objects[name].items()})

    def contents(self) -> Iterator[tuple[str, str, bytes]]:
        """Yield bucket, key and bytes of every object."""
        for name, bucket in self._all().items():
            for key in bucket.keys:
                yield name, key, bucket.keys[key].value

    def unfinished(self) -> list[str]:
        """Return the key of every upload in parts that nobody finished or gave up."""
        return [upload.key_name for bucket in self._all().values() for upload in bucket.multiparts.values()]

    def _all(self) -> dict[str, Any]:
        backend: Any = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
        buckets: dict[str, Any] = backend.buckets
        return buckets
