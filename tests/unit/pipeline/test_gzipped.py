"""Parts that are packed apart are one gzip member, whatever is in them and however it was written."""

import gzip
import tarfile
import zlib
from io import BytesIO

from hypothesis import given
from hypothesis import strategies as st

from packhouse.pipeline.gzipped import GZIP_HEAD, PartPacker, gzip_tail
from packhouse.pipeline.yolo import ARCHIVE_END, tar_member
from tests.unit.pipeline.drawn_files import packed

GZIP_WBITS = 31

blocks = st.binary(max_size=300) | st.builds(
    lambda unit, times: unit * times, st.binary(max_size=5), st.integers(0, 9000)
)
part_lists = st.lists(st.lists(blocks, max_size=3), max_size=5)


@given(part_lists)
def test_parts_are_one_member_with_a_sound_checksum(parts: list[list[bytes]]) -> None:
    content = b"".join(block for part in parts for block in part)
    file = GZIP_HEAD
    for part in parts:
        packer = PartPacker()
        file += b"".join([*map(packer.compress, part), packer.finish()])
    file += gzip_tail(zlib.crc32(content), len(content))
    assert gzip.decompress(file) == content
    member = zlib.decompressobj(wbits=GZIP_WBITS)
    assert member.decompress(file) + member.flush() == content
    assert (member.eof, member.unused_data) == (True, b"")


def test_readers_of_streams_see_every_part_and_of_members_behind_each_other_only_the_first() -> None:
    contents = [tar_member("a", b"1"), tar_member("b", b"2"), ARCHIVE_END]
    names = []
    for file in (packed(contents), b"".join(map(gzip.compress, contents))):
        with tarfile.open(fileobj=BytesIO(file), mode="r|gz") as archive:
            names.append([member.name for member in archive])
    assert names == [["a", "b"], ["a"]]
