"""Sizes from headers, against Pillow's own; what they cost; and bytes that are no picture, or no longer one."""

import io
import struct
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from packhouse.pipeline.pictures import FIRST_BYTES, LONGEST_SIDE, MOST_BYTES, MOST_READS, Size, picture_size
from tests.unit.pipeline import shots
from tests.unit.pipeline.shots import FORMATS, HIGH, TURNED, WIDE, CutShort, Stored, displayed, noise, picture, tiff

UPRIGHT, SIDEWAYS = Size(WIDE, HIGH), Size(HIGH, WIDE)
SIDES = [(256, 3, WIDE), (257, 3, HIGH)]
PICTURES = {
    **{form: picture(form) for form in FORMATS},
    **{f"{form} turned": picture(form, 6) for form in TURNED},
    "JPEG progressive": picture("JPEG", progressive=True),
    "JPEG of CMYK": picture("JPEG", mode="CMYK"),
    "JPEG of greys": picture("JPEG", mode="L"),
    "JPEG with EXIF and profile": picture("JPEG", 8, icc_profile=noise(3000)),
    "PNG of a palette": picture("PNG", mode="P"),
    "PNG with a profile": picture("PNG", 5, icc_profile=noise(3000)),
    "WebP lossless": picture("WEBP", lossless=True),
    "WebP lossless, turned": picture("WEBP", 7, lossless=True),
    "WebP with transparency": picture("WEBP", mode="RGBA"),
    "WebP with a profile": picture("WEBP", 5, icc_profile=noise(3000)),
    "BMP of bits": picture("BMP", mode="1"),
    "BMP of a palette": picture("BMP", mode="P"),
    "TIFF packed": picture("TIFF", compression="tiff_lzw"),
    "TIFF big": picture("TIFF", 6, big_tiff=True),
}


def size_of(content: bytes) -> Size | None:
    """Return what the header tells."""
    return picture_size(Stored(content).read, len(content))


@pytest.mark.parametrize("name", PICTURES)
def test_the_size_is_the_one_that_pillow_shows_and_costs_one_read(name: str) -> None:
    stored = Stored(PICTURES[name])
    assert picture_size(stored.read, stored.size) == Size(*displayed(stored.content))
    assert stored.reads == [stored.size]


@pytest.mark.parametrize("form", TURNED)
@pytest.mark.parametrize("orientation", range(10))
def test_orientations_from_5_to_8_swap_the_sides(form: str, orientation: int) -> None:
    content = picture(form, orientation)
    assert size_of(content) == (SIDEWAYS if 5 <= orientation <= 8 else UPRIGHT)
    assert size_of(content) == Size(*displayed(content))


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("kinds", [(3, 3), (4, 4), (3, 4)])
def test_a_tiff_is_read_in_both_byte_orders_with_its_directory_at_the_end(
    order: str, big: bool, kinds: tuple[int, int]
) -> None:
    entries = [(256, kinds[0], WIDE), (257, kinds[1], HIGH), (274, 3, 8)]
    stored = Stored(tiff(order, entries, gap=5_000_000, big=big))
    assert picture_size(stored.read, stored.size) == SIDEWAYS
    assert len(stored.reads) == 2
    assert sum(stored.reads) <= FIRST_BYTES + 100


def test_a_preview_of_a_raw_camera_file_is_not_its_picture() -> None:
    assert size_of(tiff("<", SIDES)) == UPRIGHT
    assert size_of(tiff("<", [(254, 4, 0), *SIDES])) == UPRIGHT
    assert size_of(tiff("<", [(254, 4, 1), *SIDES])) is None


@pytest.mark.parametrize(("form", "reads", "most"), [
    ("JPEG", 1, FIRST_BYTES), ("PNG", 1, FIRST_BYTES), ("WEBP", 2, 2 * FIRST_BYTES),
    ("GIF", 1, FIRST_BYTES), ("BMP", 1, FIRST_BYTES), ("TIFF", 2, 2 * FIRST_BYTES),
])
def test_a_picture_of_20_mb_costs_some_kilobytes(form: str, reads: int, most: int) -> None:
    content = picture(form, 6 if form in TURNED else None)
    middle = b"" if form in {"WEBP", "TIFF"} else noise(20_000_000)
    if form == "WEBP":  # its EXIF is behind the pixels
        cut = content.index(b"EXIF")
        content = content[:cut] + b"LONG" + struct.pack("<I", 20_000_000) + noise(20_000_000) + content[cut:]
        content = content[:4] + struct.pack("<I", len(content) - 8) + content[8:]
    elif form == "TIFF":
        content = tiff(">", [*SIDES, (274, 3, 6)], gap=20_000_000)
    stored = Stored(content + middle)
    assert picture_size(stored.read, stored.size) == (SIDEWAYS if form in TURNED else UPRIGHT)
    assert len(stored.reads) == reads
    assert sum(stored.reads) <= most


@pytest.mark.parametrize("count", [1, 2, 5, 13])
def test_large_segments_before_the_frame_are_passed_over(count: int) -> None:
    """Profiles and previews come in segments of 64 KB."""
    content = shots.with_segments(picture("JPEG", 6), shots.segments(0xE2, b"ICC_PROFILE\0" + noise(65_000), count))
    stored = Stored(content + noise(5_000_000))
    assert picture_size(stored.read, stored.size) == SIDEWAYS
    assert len(stored.reads) <= 6
    assert sum(stored.reads) <= MOST_BYTES


def test_exif_of_64_kb_with_a_thumbnail_is_read() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x927C] = noise(60_000)
    written = io.BytesIO()
    Image.new("RGB", (WIDE, HIGH)).save(written, "JPEG", exif=exif)
    assert size_of(written.getvalue()) == SIDEWAYS


def test_exif_after_the_frame_and_a_profile_before_it_are_found() -> None:
    plain, exif = picture("JPEG"), Image.Exif()
    exif[0x0112] = 6
    frame = plain.index(b"\xff\xc4")
    late = plain[:frame] + shots.segments(0xE1, exif.tobytes()) + plain[frame:]
    assert displayed(late) == (HIGH, WIDE)
    assert size_of(late) == SIDEWAYS


def test_the_first_exif_counts_and_an_orientation_of_two_numbers_is_none() -> None:
    turned, upright = Image.Exif(), Image.Exif()
    turned[0x0112], upright[0x0112] = 6, 1
    for first, second, expected in ((turned, upright, SIDEWAYS), (upright, turned, UPRIGHT)):
        both = shots.segments(0xE1, first.tobytes()) + shots.segments(0xE1, second.tobytes())
        assert size_of(shots.with_segments(PICTURES["JPEG"], both)) == expected
    two = struct.pack(">HHIHH", 0x0112, 3, 2, 6, 6)
    exif = b"Exif\0\0MM\0*" + struct.pack(">IH", 8, 1) + two + bytes(4)
    assert size_of(shots.with_segments(PICTURES["JPEG"], shots.segments(0xE1, exif))) == UPRIGHT


def test_bytes_that_fill_up_before_a_segment_are_passed_over() -> None:
    filled = shots.with_segments(PICTURES["JPEG turned"], b"\xff" * 9)
    assert displayed(filled) == (HIGH, WIDE)
    assert size_of(filled) == SIDEWAYS


@pytest.mark.parametrize("components", [2, 4])
def test_a_frame_of_another_length_than_it_says_is_none(components: int) -> None:
    jpeg = bytearray(PICTURES["JPEG"])
    jpeg[jpeg.index(b"\xff\xc0") + 9] = components
    assert size_of(bytes(jpeg)) is None


def test_a_jpeg_of_two_frames_is_none() -> None:
    frame = shots.segments(0xC0, struct.pack(">BHHB", 8, 5, 5, 3) + bytes(9))
    assert size_of(shots.with_segments(PICTURES["JPEG"], frame)) is None


@pytest.mark.parametrize(("code", "payload"), [(0xC0, b""), (0xC4, b"?" * 20), (0xCC, b"?" * 20)])
def test_tables_are_no_frames(code: int, payload: bytes) -> None:
    found = size_of(shots.with_segments(PICTURES["JPEG"], shots.segments(code, payload)))
    assert found == (UPRIGHT if payload else None)


@pytest.mark.parametrize("exif", [
    b"Exif\0\0", b"Exif\0\0II*\0", b"Exif\0\0" + noise(300), b"Exif\0\0II*\0\xff\xff\xff\xff" + bytes(40),
    b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + bytes(40),
])
def test_a_damaged_exif_turns_nothing(exif: bytes) -> None:
    assert size_of(shots.with_segments(PICTURES["JPEG"], shots.segments(0xE1, exif))) == UPRIGHT


def test_a_header_that_costs_too_much_has_no_size() -> None:
    jpeg = PICTURES["JPEG"]
    for inserted in (
        shots.segments(0xE2, noise(65_000), 40),
        shots.segments(0xE5, b"", 250_000),
        b"\xff" * 3_000_000,
    ):
        stored = Stored(shots.with_segments(jpeg, inserted))
        assert picture_size(stored.read, stored.size) is None
        assert len(stored.reads) <= MOST_READS
        assert sum(stored.reads) <= MOST_BYTES


def test_chunks_that_lie_far_apart_are_followed_a_dozen_times() -> None:
    webp = picture("WEBP", 6)
    cut = webp.index(b"EXIF")
    far = b"ANMF" + struct.pack("<I", 200_000) + bytes(200_000)
    for count, expected in ((10, SIDEWAYS), (30, None)):
        content = webp[:cut] + far * count + webp[cut:]
        stored = Stored(content[:4] + struct.pack("<I", len(content) - 8) + content[8:])
        assert picture_size(stored.read, stored.size) == expected
        assert len(stored.reads) <= MOST_READS


def test_no_more_is_held_than_may_be_read() -> None:
    hostile = [
        shots.with_segments(PICTURES["JPEG"], shots.segments(0xE5, b"", 250_000)),
        shots.with_segments(PICTURES["JPEG"], shots.segments(0xE2, noise(65_000), 40)),
        tiff("<", [(256, 4, 10)] * 60_000),
        b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0, 0, 0) + b"!\xfe" + (b"\x01a" * 1_000_000),
    ]
    for content in hostile:
        tracemalloc.start()
        assert size_of(content) is None
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak <= 3 * MOST_BYTES


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_cut_short_anywhere_has_its_own_size_or_none(name: str) -> None:
    content = PICTURES[name]
    expected = size_of(content)
    sizes = [size_of(content[:length]) for length in range(len(content))]
    assert set(sizes) <= {None, expected}
    assert sizes[:16] == [None] * 16


@pytest.mark.parametrize("name", PICTURES)
def test_an_object_that_turns_out_shorter_than_it_was_has_its_own_size_or_none(name: str) -> None:
    content = PICTURES[name]
    for length in range(0, len(content), 7):
        assert picture_size(CutShort(content, length).read, len(content)) in {None, size_of(content)}


@pytest.mark.parametrize("content", [
    b"", b"a", b"\n" * 100, b"sample,asset\nB1,a.jpg\n" * 100, b"BMW builds cars in Bavaria. " * 10,
    b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"></svg>',
    b"%PDF-1.7\n" + bytes(300), b"RIFF" + struct.pack("<I", 300) + b"WAVEfmt " + bytes(300),
    b"\0\0\0\x18ftypheic" + bytes(300), b"\x1f\x8b" + bytes(300), b"PK\x03\x04" + bytes(300),
])
def test_what_is_no_picture_has_no_size(content: bytes) -> None:
    assert size_of(content) is None


@pytest.mark.parametrize("length", [16, 100, 40_000])
def test_random_bytes_behind_a_picture_s_first_ones_raise_nothing(length: int) -> None:
    starts = [b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"BM", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"]
    starts += [b"RIFF\0\1\0\0WEBPVP8" + last for last in (b" ", b"L", b"X")]
    for start in starts:
        for seed in range(100):
            found = size_of(start + noise(length, seed))
            assert found is None or 1 <= min(found.width, found.height) <= LONGEST_SIDE


@given(name=st.sampled_from(sorted(PICTURES)), flips=st.lists(
    st.tuples(st.integers(0, 20_000), st.integers(0, 255)), min_size=1, max_size=6))
def test_a_picture_with_bytes_changed_has_a_size_or_none(name: str, flips: list[tuple[int, int]]) -> None:
    content = bytearray(PICTURES[name])
    for place, value in flips:
        content[place % min(len(content), 400)] = value
    stored = Stored(bytes(content))
    found = picture_size(stored.read, stored.size)
    assert found is None or (1 <= found.width <= LONGEST_SIDE and 1 <= found.height <= LONGEST_SIDE)
    assert len(stored.reads) <= MOST_READS


def test_sides_of_no_pixels_or_of_more_than_a_million_are_none() -> None:
    assert size_of(tiff("<", [(256, 4, LONGEST_SIDE), (257, 4, 1)])) == Size(LONGEST_SIDE, 1)
    for wide, high in ((0, 5), (5, 0), (LONGEST_SIDE + 1, 5), (5, LONGEST_SIDE + 1), (2**32 - 1, 2**32 - 1)):
        assert size_of(tiff("<", [(256, 4, wide), (257, 4, high)])) is None
    jpeg = PICTURES["JPEG"]
    frame = jpeg.index(b"\xff\xc0") + 5
    assert size_of(jpeg[:frame] + bytes(4) + jpeg[frame + 4 :]) is None


def test_a_png_whose_sides_do_not_match_their_checksum_is_none() -> None:
    png = bytearray(PICTURES["PNG"])
    png[19] += 1
    assert size_of(bytes(png)) is None


def test_a_bitmap_from_the_top_down_and_one_of_os2_have_sizes() -> None:
    upside = bytearray(PICTURES["BMP"])
    upside[22:26] = struct.pack("<i", -HIGH)
    assert size_of(bytes(upside)) == UPRIGHT
    assert displayed(bytes(upside)) == (WIDE, HIGH)
    core = b"BM" + struct.pack("<IHHI", 26, 0, 0, 26) + struct.pack("<IHHHH", 12, WIDE, HIGH, 1, 24)
    assert size_of(core + bytes(184 * HIGH)) == UPRIGHT


def test_text_that_begins_like_a_bitmap_is_none() -> None:
    for planes, expected in ((1, Size(3, 2)), (0, None), (0x2020, None)):
        assert size_of(b"BM" + bytes(12) + struct.pack("<IiiH", 40, 3, 2, planes) + b"a bit of text") == expected


def test_a_chunk_of_odd_length_is_followed_by_one_byte_more() -> None:
    webp = picture("WEBP", 6)
    cut = webp.index(b"EXIF")
    content = webp[:cut] + b"ODD!\x03\0\0\0abc\0" + webp[cut:]
    assert size_of(content[:4] + struct.pack("<I", len(content) - 8) + content[8:]) == SIDEWAYS


def test_a_webp_that_begins_within_a_film_is_none() -> None:
    webp = bytearray(PICTURES["WEBP"])
    webp[20] |= 1
    assert size_of(bytes(webp)) is None


def test_a_gif_is_as_large_as_its_first_frame_where_its_screen_is_smaller() -> None:
    gif = bytearray(PICTURES["GIF"])
    gif[6:10] = struct.pack("<HH", WIDE - 20, HIGH - 10)
    assert displayed(bytes(gif)) == (WIDE, HIGH)
    assert size_of(bytes(gif)) == UPRIGHT


def test_what_reading_raises_is_raised() -> None:
    def refuse(start: int, end: int) -> bytes:
        raise TimeoutError(f"{start}-{end}")

    with pytest.raises(TimeoutError, match=f"0-{FIRST_BYTES}"):
        picture_size(refuse, 5_000_000)
    assert picture_size(refuse, 0) is None


def test_many_threads_read_side_by_side() -> None:
    expected = {name: size_of(content) for name, content in PICTURES.items()}
    names = list(PICTURES) * 40
    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(lambda name: size_of(PICTURES[name]), names)) == [expected[name] for name in names]
