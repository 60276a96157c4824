"""A line is a label row or has a fault with a rule and a place."""

import json

import pytest
from hypothesis import given

from packhouse.pipeline.rows import LINE_BYTES, RowError, decode_canonical, encode_row, parse_row
from tests.unit.pipeline.labels import row, rows

BALL = '{"class":"ball","point":{"x":0.5,"y":0.5}}'

FAULTY = [
    ("", "NOT_JSON", ""),
    ("\ufeff{}", "NOT_JSON", ""),
    ("[]", "ROW_FORM", ""),
    ("7", "ROW_FORM", ""),
    ('{"sample_id":"a"}', "ROW_FORM", ""),
    ('{"labels":[]}', "ROW_FORM", ""),
    ('{"sample_id":"a","labels":[],"lables":[]}', "ROW_FORM", ""),
    ('{"sample_id":7,"labels":[]}', "ROW_FORM", "/sample_id"),
    ('{"sample_id":"a b","labels":[]}', "ROW_FORM", "/sample_id"),
    ('{"sample_id":"a\\n","labels":[]}', "ROW_FORM", "/sample_id"),
    ('{"sample_id":"","labels":[]}', "ROW_FORM", "/sample_id"),
    (f'{{"sample_id":"{"a" * 201}","labels":[]}}', "ROW_FORM", "/sample_id"),
    ('{"sample_id":"a","labels":{}}', "ROW_FORM", "/labels"),
    ('{"sample_id":"a","labels":[7]}', "ROW_FORM", "/labels/0"),
    (f'{{"sample_id":"a","labels":[{BALL},{{"point":{{"x":1,"y":1}}}}]}}', "ROW_FORM", "/labels/1"),
    ('{"sample_id":"a","labels":[{"class":"ball","point":{"x":true,"y":1}}]}', "ROW_FORM", "/labels/0/point/x"),
    ('{"sample_id":"a","labels":[{"class":"ball","point":{"x":"1","y":1}}]}', "ROW_FORM", "/labels/0/point/x"),
    ('{"sample_id":"a","labels":[{"class":"ball","point":{"x":1e999,"y":1}}]}', "ROW_FORM", "/labels/0/point/x"),
    ('{"sample_id":"a","labels":[{"class":"ball","point":{"x":NaN,"y":1}}]}', "NOT_JSON", ""),
    ('{"sample_id":"a","labels":[{"class":"ball"}]}', "LABEL_GEOMETRY", "/labels/0"),
    (
        '{"sample_id":"a","labels":[{"class":"b","point":{"x":1,"y":1},"segment":{"start_ms":0,"end_ms":1}}]}',
        "LABEL_GEOMETRY",
        "/labels/0",
    ),
    ('{"sample_id":"a","labels":[],"labels":null}', "DUPLICATE_KEY", "/labels"),
    ('{"sample_id":"a","labels" :[],"labels":[]}', "DUPLICATE_KEY", "/labels"),
    ('{"sample_id" :"a","labels":[],"labels":[]}', "DUPLICATE_KEY", "/labels"),
    ('{"sample_id":"a","group":"x\\":","labels" :[],"labels":[]}', "DUPLICATE_KEY", "/labels"),
    ('{"sample_id":"a","labels":[{"class":"ball","point":{"x":1,"x":2,"y":1}}]}', "DUPLICATE_KEY", "/x"),
    ('{"sample_id":"a","group":"\\ud800","labels":[]}', "NOT_JSON", ""),
    ('{"sample_id":"a","width":0,"labels":[]}', "ROW_FORM", "/width"),
    ('{"sample_id":"a","width":1.5,"labels":[]}', "ROW_FORM", "/width"),
    ('{"sample_id":"a","split":"dev","labels":[]}', "ROW_FORM", "/split"),
    *[
        (json.dumps({"sample_id": "a", "labels": [], "asset": asset}), "ASSET_PATH", "/asset")
        for asset in (
            "/etc/passwd", "../x.jpg", "a/../../x.jpg", "a//b.jpg", "a\\b.jpg", "s3://bucket/key", "file:x",
            "a\x00.jpg", "./a.jpg", "a/", "a\u202e.jpg",
        )
    ],
]  # fmt: skip


@pytest.mark.parametrize(("line", "rule", "pointer"), FAULTY)
def test_a_faulty_line_names_its_rule_and_place(line: str, rule: str, pointer: str) -> None:
    with pytest.raises(RowError) as fault:
        parse_row(line.encode("utf-8", "surrogatepass"))
    assert (fault.value.rule, fault.value.pointer) == (rule, pointer)
    assert fault.value.detail


@pytest.mark.parametrize(
    "line",
    [
        '{"sample_id":"a","labels":null}',
        '{"sample_id":"a.B_c:d-9","labels":[]}',
        '{ "labels" : [ ] , "sample_id" : "a" }\r',
        '{"sample_id":"a","group":"a \\":b","labels":[]}',
        '{"sample_id":"a","asset":"frames/m17/000123.jpg","labels":[]}',
        '{"sample_id":"a","group":null,"asset":null,"width":null,"labels":[]}',
    ],
)
def test_an_odd_but_well_formed_line_is_a_row(line: str) -> None:
    encoded = encode_row(parse_row(line.encode()))
    assert encode_row(parse_row(encoded)) == encoded


def test_unlabelled_and_labelled_as_empty_stay_apart() -> None:
    unlabelled = encode_row(parse_row(b'{"sample_id":"a","labels":null}'))
    assert unlabelled != encode_row(parse_row(b'{"sample_id":"a","labels":[]}'))
    assert parse_row(unlabelled).labels is None


def test_one_group_has_one_spelling() -> None:
    composed, decomposed = "M\u00fcller", "Mu\u0308ller"
    spelt = [encode_row(parse_row(json.dumps(row("a", group)).encode())) for group in (composed, decomposed)]
    assert spelt[0] == spelt[1]


@pytest.mark.parametrize("name", ["group", "camera_type"])
def test_a_name_is_as_long_as_it_is_in_its_one_spelling(name: str) -> None:
    """U+0958 has no composed form: it is two characters in NFC."""
    fits, over = ({"sample_id": "a", "labels": None, name: "\u0958" * count} for count in (100, 101))
    fitting = parse_row(json.dumps(fits, ensure_ascii=False).encode())
    assert decode_canonical(encode_row(fitting)) == fitting
    with pytest.raises(RowError, match="200 in NFC") as error:
        parse_row(json.dumps(over, ensure_ascii=False).encode())
    assert (error.value.rule, error.value.pointer) == ("ROW_FORM", f"/{name}")


@given(rows)
def test_canonical_lines_do_not_depend_on_spacing_or_key_order(given_rows: list[dict[str, object]]) -> None:
    for each in given_rows:
        spaced = json.dumps(dict(reversed(each.items())), indent=1).replace("\n", " ").encode()
        compact = json.dumps(each, separators=(",", ":"), ensure_ascii=False).encode()
        assert encode_row(parse_row(spaced)) == encode_row(parse_row(compact))


def test_a_line_may_have_a_million_bytes_by_the_contract() -> None:
    assert LINE_BYTES == 1_000_000
