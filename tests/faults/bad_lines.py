"""Lines that are no label row and no rollout, by the thousand: families of faults, each with the rule that it breaks.

Where a family determines the place too, `pointer` is it, else `None`. Equal seeds give equal lines.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

from packhouse.pipeline.rows import LINE_BYTES
from tests.faults.good_rows import Json, Path, at, iter_containers, iter_leaves

DEEP = 100_000
_MARK = "@@the place of the fault@@"
_NULLABLE = {
    *("group", "camera_type", "asset", "width", "height", "split", "labels"),
    *("scores", "loglik", "quality_score", "complexity_score", "ifd_score"),
}


@dataclass(frozen=True)
class BadLine:
    """A line without its end, its family, and what it must be told as; `first`: it may be an upload's first."""

    family: str
    line: bytes
    rule: str
    pointer: str | None = ""
    first: bool = True


@dataclass(frozen=True)
class Kind:
    """What the lines of an upload are: how a good one is made, and the families that only they have."""

    good: Callable[[Random, int], Json]
    id_field: str
    integers: tuple[str, ...]
    families: dict[str, Callable[["Making"], BadLine]]


@dataclass(frozen=True)
class Making:
    """A good row that is about to be spoilt."""

    kind: Kind
    random: Random
    row: Json

    def text(self) -> bytes:
        """Return the row as a line, in any spelling of JSON."""
        ascii_only, tight = self.random.random() < 0.5, self.random.random() < 0.7
        separators = (",", ":") if tight else (" , ", self.random.choice([": ", " :", "\t: "]))
        return json.dumps(self.row, ensure_ascii=ascii_only, separators=separators).encode()

    def spliced(self, path: Path, raw: bytes) -> bytes:
        """Return the row with raw bytes in the place of one of its values."""
        at(self.row, path[:-1])[path[-1]] = _MARK
        return self.text().replace(json.dumps(_MARK).encode(), raw)

    def leaf(self, *kinds: type) -> tuple[Path, Any]:
        """Return the place and value of something in the row that is of one of these types."""
        return self.random.choice([found for found in iter_leaves(self.row) if type(found[1]) in kinds])

    def container(self) -> tuple[Path, Json]:
        """Return the place and pairs of an object in the row, maybe the row itself."""
        return self.random.choice(list(iter_containers(self.row)))

    def in_string(self, raw: bytes) -> bytes:
        """Return the row with raw bytes inside one of its texts, or inside a key that is none of its own."""
        if self.random.random() < 0.2:
            return self.text()[:-1] + b',"' + raw + b'":1}'
        path, value = self.leaf(str)
        return self.spliced(path, json.dumps(value).encode()[:-1] + raw + b'"')


def pointer_of(path: Path) -> str:
    """Return the JSON pointer of a place.

    >>> pointer_of(("labels", 0, "class")), pointer_of(())
    ('/labels/0/class', '')
    """
    return "".join(f"/{step}" for step in path)


def _no_json(*choices: bytes) -> Callable[[Making], bytes]:
    return lambda making: making.in_string(making.random.choice(choices))


def _deep(making: Making) -> BadLine:
    opening, closing = making.random.choice([(b"[", b"]"), (b'{"a":', b"}"), (b'[{"type":', b"}]")])
    deep = opening * DEEP + (b"1" + closing * DEEP if making.random.random() < 0.5 else b"")
    where = making.random.choice(["alone", "value", "unknown first", "unknown last"])
    if where == "alone":
        return BadLine("depth", deep[: LINE_BYTES - 1], "ROW_FORM", "")
    if where == "value":
        path, _ = making.leaf(str, int, float)
        return BadLine("depth", making.spliced(path, deep)[:LINE_BYTES], "ROW_FORM", None)
    path, pairs = making.container()
    row = {"zz": _MARK, **pairs} if where == "unknown first" else {**pairs, "zz": _MARK}
    if path:
        at(making.row, path[:-1])[path[-1]] = row
    else:
        making = Making(making.kind, making.random, row)
    return BadLine("depth", making.text().replace(json.dumps(_MARK).encode(), deep)[:LINE_BYTES], "ROW_FORM", None)


def _not_finite(making: Making) -> BadLine:
    path, _ = making.leaf(int, float)
    raw = making.random.choice([b"NaN", b"Infinity", b"-Infinity", b"nan", b"inf", b"-NaN"])
    return BadLine("not finite", making.spliced(path, raw), "NOT_JSON")


def _out_of_range(making: Making) -> BadLine:
    path, _ = making.leaf(int, float)
    numbers = [b"1e999", b"-1e999", b"1e309", b"-1.5E+400", b"9" * making.random.randint(310, 6000)]
    return BadLine("out of range", making.spliced(path, making.random.choice(numbers)), "ROW_FORM", pointer_of(path))


def _malformed_number(making: Making) -> BadLine:
    path, _ = making.leaf(int, float)
    raw = making.random.choice([b"01", b"+1", b".5", b"1.", b"1e", b"--1", b"1e+", b"-", b"\xd9\xa1"])
    return BadLine("malformed number", making.spliced(path, raw), "NOT_JSON")


def _huge_integer(making: Making) -> BadLine:
    path, _ = making.random.choice(
        [found for found in iter_leaves(making.row) if type(found[1]) is int and found[0][-1] in making.kind.integers]
    )
    digits = making.random.choice([20, 25, 40, 300, 4_299, 4_301, 9_000])
    raw = making.random.choice([b"", b"-"]) + b"9" * digits
    return BadLine("huge integer", making.spliced(path, raw), "ROW_FORM", pointer_of(path))


def _duplicate_key(making: Making) -> BadLine:
    path, pairs = making.container()
    key = making.random.choice(list(pairs))
    at_letter = making.random.randrange(len(key))
    spelt = making.random.choice([key, key[:at_letter] + f"\\u{ord(key[at_letter]):04x}" + key[at_letter + 1 :]])
    again = f'"{spelt}"{making.random.choice(["", " ", chr(9), chr(13)])}:{json.dumps(pairs[key])}'.encode()
    written = json.dumps(pairs, separators=(",", ":")).encode()
    doubled = b"{" + again + b"," + written[1:] if making.random.random() < 0.5 else written[:-1] + b"," + again + b"}"
    return BadLine("duplicate key", making.spliced(path, doubled) if path else doubled, "DUPLICATE_KEY", f"/{key}")


def _too_long(making: Making) -> BadLine:
    text = making.text()
    over = LINE_BYTES + making.random.choice([1, 2, 500, LINE_BYTES]) - len(text)
    filled = text[:-1] + b" " * over + b"}" if making.random.random() < 0.5 else b"\t" * over + text
    return BadLine("too long", filled, "LINE_TOO_LONG")


def _carriage_return(making: Making) -> BadLine:
    if making.random.random() < 0.5:
        return BadLine("carriage return", making.in_string(b"\r"), "NOT_JSON")
    other = json.dumps(making.kind.good(making.random, 0)).encode()
    return BadLine("carriage return", making.text() + b"\r" + other, "NOT_JSON")


def _byte_order_mark(making: Making) -> BadLine:
    mark = making.random.choice([b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf\xef\xbb\xbf"])
    text = making.text()
    return BadLine("byte-order mark", making.random.choice([mark + text, text + mark]), "NOT_JSON", "", first=False)


def _null_byte(making: Making) -> BadLine:
    text = making.text()
    line = making.random.choice(
        [making.in_string(b"\0"), text + b"\0", b"\0" + text, text[:1] + b"\0" + text[1:], b"\0\0"]
    )
    return BadLine("NUL", line, "NOT_JSON")


def _wrong_type(making: Making) -> BadLine:
    found = [*iter_leaves(making.row), *(pair for pair in iter_containers(making.row) if pair[0])]
    path, value = making.random.choice(found)
    raws = {b"7": int, b'"x"': str, b"[]": list, b"{}": dict, b"true": bool, b"1.5": float, b"null": type(None)}
    wrong = [raw for raw, kind in raws.items() if kind is not type(value)]
    if isinstance(value, float):
        wrong.remove(b"7")
    if path[-1] in _NULLABLE:
        wrong.remove(b"null")
    return BadLine("wrong type", making.spliced(path, making.random.choice(wrong)), "ROW_FORM", pointer_of(path))


def _missing(making: Making) -> BadLine:
    path, pairs = making.random.choice([pair for pair in iter_containers(making.row) if _required(pair[1])])
    del pairs[making.random.choice(_required(pairs))]
    return BadLine("missing field", making.text(), "ROW_FORM", pointer_of(path))


def _required(pairs: Json) -> list[str]:
    """Return the keys without which an object is not of its form, whatever else it has."""
    return [key for key in pairs if key not in _NULLABLE - {"labels"} and key not in {"point", "bbox", "segment"}]


def _unknown(making: Making) -> BadLine:
    path, pairs = making.container()
    name = making.random.choice(
        ["lables", "", "a.b[0]", "ä", "x - at `$.foo`", "X", "sample_id ", "labels\\", "…" * 99]
    )
    pairs[name] = making.random.choice([1, "x", None, [], {"labels": []}])
    return BadLine("unknown field", making.text(), "ROW_FORM", pointer_of(path))


def _truncated(making: Making) -> BadLine:
    text = making.text()
    return BadLine("truncated", text[: making.random.randrange(1, len(text))], "NOT_JSON")


def _two_objects(making: Making) -> BadLine:
    other = json.dumps(making.kind.good(making.random, 0)).encode()
    between = making.random.choice([b"", b" ", b",", b"\t", b";", b"\x1e"])
    return BadLine("two objects", making.text() + between + other, "NOT_JSON")


def _trailing_comma(making: Making) -> BadLine:
    text = making.text()
    line = making.random.choice([text[:-1] + b",}", text + b",", b"," + text, text[:1] + b"," + text[1:]])
    return BadLine("trailing comma", line, "NOT_JSON")


def _no_object(making: Making) -> BadLine:
    line = making.random.choice([b"7", b'"x"', b"null", b"true", b"[]", b"-0.5e3", b"[" + making.text() + b"]", b"{}"])
    return BadLine("no object", line, "ROW_FORM")


def _other_language(making: Making) -> BadLine:
    text = json.dumps(making.row)
    lines = [
        text.replace('"', "'"), f"{text} // good", f"/* good */{text}", f"({text})", text.replace('": ', '"= '),
        f"{text};", str(making.row), "sample_id,labels", "<row/>", "---", f"data: {text}", f"{text}]",
    ]  # fmt: skip
    return BadLine("other language", making.random.choice(lines).encode(), "NOT_JSON")


def _odd_space(making: Making) -> BadLine:
    text = making.text()
    space = making.random.choice(["\u00a0", "\u2028", "\u3000", "\x0b", "\x0c", "\u0085", "\u200b"]).encode()
    return BadLine(
        "odd space", making.random.choice([text[:1] + space + text[1:], text + space, space + text]), "NOT_JSON"
    )


def _empty(making: Making) -> BadLine:
    return BadLine("empty line", making.random.choice([b"", b" ", b"\t", b"\r", b"  \t ", b"\x0c"]), "LINE_EMPTY")


def _bad_id(making: Making) -> BadLine:
    path: Path = (making.kind.id_field,)
    longest = "a" * 200
    ids = ["", "a b", "a/b", "ä", "\uff11", "a\n", "\na", f"{longest}a", "a\u200d", "a\x00", "a\\", 'a"', "😀", "a\x7f"]
    return BadLine(
        "bad id", making.spliced(path, json.dumps(making.random.choice(ids)).encode()), "ROW_FORM", pointer_of(path)
    )


_NOT_UTF8 = (b"\xff", b"\xc0\xaf", b"\xe2\x82", b"\xf4\x90\x80\x80", b"\x80", b"\xf8\x88\x80\x80\x80", b"\xc3", b"\xfe")
_RAW_SURROGATES = (b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xed\xa0\xbd\xed\xb8\x80")
_ESCAPED_SURROGATES = (b"\\ud800", b"\\uDFFF", b"\\ud83d x", b"\\ude00\\ud83d", b"\\ud83d\\ud83d", b"\\ud83d\\n")
_BAD_ESCAPES = (b"\\x41", b"\\u12", b"\\u12g4", b"\\ ", b"\\U00000041", b"\\'", b"\\0", b"\\a")
_CONTROLS = tuple(bytes([code]) for code in range(1, 32) if code not in b"\n\r")

HEAVY: dict[str, Callable[[Making], BadLine]] = {"depth": _deep, "too long": _too_long}
_OF_BYTES = {
    "raw surrogate": _RAW_SURROGATES,
    "escaped surrogate": _ESCAPED_SURROGATES,
    "no UTF-8": _NOT_UTF8,
    "control character": _CONTROLS,
    "bad escape": _BAD_ESCAPES,
}


def _of_bytes(making: Making, family: str) -> BadLine:
    return BadLine(family, _no_json(*_OF_BYTES[family])(making), "NOT_JSON")


COMMON: dict[str, Callable[[Making], BadLine]] = {
    **{family: partial(_of_bytes, family=family) for family in _OF_BYTES},
    "not finite": _not_finite,
    "out of range": _out_of_range,
    "malformed number": _malformed_number,
    "huge integer": _huge_integer,
    "duplicate key": _duplicate_key,
    "carriage return": _carriage_return,
    "byte-order mark": _byte_order_mark,
    "NUL": _null_byte,
    "wrong type": _wrong_type,
    "missing field": _missing,
    "unknown field": _unknown,
    "truncated": _truncated,
    "two objects": _two_objects,
    "trailing comma": _trailing_comma,
    "no object": _no_object,
    "other language": _other_language,
    "odd space": _odd_space,
    "empty line": _empty,
    "bad id": _bad_id,
}


def iter_bad_lines(kind: Kind, count: int, heavy: int, seed: int) -> Iterator[BadLine]:
    """Yield `count` bad lines, the families in turn, of which `heavy` are of those with very long lines."""
    light = COMMON | kind.families
    for families, wanted in ((HEAVY, heavy), (light, count - heavy)):
        makers = list(families.values())
        for number in range(wanted):
            random = Random(f"{seed} {len(makers)} {number}")  # noqa: S311  a line, no secret
            yield makers[number % len(makers)](Making(kind, random, kind.good(random, number)))
