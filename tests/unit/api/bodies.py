"""Bodies that a request may not have, each with the code that it must be refused with."""

import base64
import json
from dataclasses import dataclass
from itertools import product
from typing import Any

Json = dict[str, Any]
JSON = "application/json"


@dataclass(frozen=True)
class Bad:
    """A body as API Gateway hands it over."""

    name: str
    code: str
    body: str | None
    content_type: str | None = JSON
    base64: bool = False

    def event(self) -> Json:
        headers = {} if self.content_type is None else {"Content-Type": self.content_type}
        return {"headers": headers, "body": self.body, "isBase64Encoded": self.base64}


def _nested(opening: str, closing: str, depth: int, inside: str = "1") -> str:
    return opening * depth + inside + closing * depth


_NOT_JSON = (
    "{", "}", "[", "]", "{]", "[}", "nul", "tru", "None", "True", "undefined", "'a'", "{'a': 1}", "{a: 1}", '{"a"}',
    '{"a":}',
    '{"a": 1,}', "[1,]", "[1 2]", "[,1]", '{"a": 1 "b": 2}', '{"a": 1}{"b": 2}', "{}{}", "{} x", "x {}", "1 2", '"',
    '"a', "a\"",
    "// no\n{}", "/* no */ {}", "{} // no", "\ufeff{}", '"\x00"', '"\x1f"', '{"a": "\n"}', '{"a": "\t"}', r'"\x41"',
    r'"\u12"',
    r'"\u12g4"', '"\\"', "01", "-01", "+1", ".5", "5.", "1.e5", "1e", "1e+", "-", "--1", "0x10", "1_000", "1,000",
    "\u0661",
    "\x00", "\x0b{}", "\u00a0{}", "\u2028{}", "<a/>", "a=1&b=2", "--boundary", "---\na: 1", "%7B%7D", "{\\}", "[1;2]",
    "@", "\x7f",
)  # fmt: skip
_NOT_FINITE = ("NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1e999999", "1.5e309", "9" * 310 + ".0")
_LONG = ("1" * 401, "-" + "1" * 400, "1" * 5000, "1" * 100_000)
_WRAPS = ("{}", "[{}]", '{{"a": {}}}', '{{"a": {{"b": [{}]}}}}')
_TWICE = (
    '{"a": 1, "a": 1}', '{"a": 1, "a": 2}', '{"a": 1, "b": 2, "a": 3}', '{"x": {"a": 1, "a": 2}}', '[{"a": 1, "a": 2}]',
    '{"a": 1, "\\u0061": 2}', '{"": 1, "": 2}', '{"é": 1, "\\u00e9": 2}',
)  # fmt: skip
_SURROGATES = (
    r'"\ud800"', r'"\udfff"', r'"\udc00\ud800"', r'"a\ud83d"', r'"\ud83dx\ude00"', r'{"\ud800": 1}', r'["a", "\udead"]',
)  # fmt: skip
_DEEP = (
    _nested("[", "]", 65), _nested("[", "]", 100), _nested("[", "]", 100_000), _nested('{"a":', "}", 65),
    _nested('{"a":', "}", 50_000), _nested('[{"a":', "}]", 33), "[" * 200_000, '{"a":' * 200_000,
)  # fmt: skip
_BYTES = (
    b"\xff", b'"\xff"', b'{"a": "\xc3"}', b"\xfe\xff\x00{", b'"\xed\xa0\x80"', b'"\xc0\x80"', b'"\xf5\x80\x80\x80"',
    b"\x80{}",
)  # fmt: skip
_NOT_BASE64 = ("{}", "e30", "e30===", "e3 0=", "e30=\n!", "é", "\uff45\uff13\uff10\uff1d", "====", "e", "\ud800")
_TYPES = (
    None, "", "text/plain", "text/json", "application/x-www-form-urlencoded", "multipart/form-data",
    "multipart/form-data; boundary",
    "application/xml", "application/octet-stream", "application/jsonx", "application/x-ndjson", "json",
    "application/json, text/plain",
    " application/json", "application/json/", "*/*", "application/*", "é",
)  # fmt: skip
_LARGE = 5 * 1024 * 1024


def bad_bodies() -> list[Bad]:
    """Return all of them."""
    found = [Bad(f"no JSON {text[:20]!r}", "INVALID_JSON", text) for text in _NOT_JSON]
    for text, wrap in product((*_NOT_FINITE, *_LONG), _WRAPS):
        found.append(Bad(f"number {text[:9]} of {len(text)} in {wrap}", "INVALID_JSON", wrap.format(text)))
    found += [Bad(f"key twice {text}", "INVALID_JSON", text) for text in _TWICE]
    found += [Bad(f"surrogate {text}", "INVALID_JSON", text) for text in _SURROGATES]
    found.append(Bad("surrogate as it stands", "INVALID_JSON", '"\ud800"'))
    found += [Bad(f"deep {text[:7]} of {len(text)}", "INVALID_JSON", text) for text in _DEEP]
    for raw in _BYTES:
        found.append(Bad(f"bytes {raw!r}", "INVALID_JSON", base64.b64encode(raw).decode(), base64=True))
    found += [Bad(f"no base64 {text!r}", "INVALID_JSON", text, base64=True) for text in _NOT_BASE64]
    found += [Bad(f"type {kind!r}", "UNSUPPORTED_MEDIA_TYPE", '{"a": 1}', kind) for kind in _TYPES]
    large = json.dumps("x" * (_LARGE - 1))
    found.append(Bad("a byte over 5 MB", "BODY_TOO_LARGE", large))
    found.append(Bad("over 5 MB of UTF-8", "BODY_TOO_LARGE", json.dumps("é" * (_LARGE // 2), ensure_ascii=False)))
    found.append(Bad("over 5 MB as base64", "BODY_TOO_LARGE", base64.b64encode(large.encode()).decode(), base64=True))
    found.append(Bad("20 MB", "BODY_TOO_LARGE", "[" * 4 * _LARGE))
    found.append(Bad("20 MB of another type", "BODY_TOO_LARGE", "[" * 4 * _LARGE, "text/plain"))
    return found


GOOD: list[tuple[str, Any]] = [
    ("{}", {}), ("[]", []), ("null", None), ("true", True), ("0", 0), ("-0", 0), ("1.5", 1.5), ("1e5", 1e5),
    ("1E-400", 0.0),
    ('""', ""), (' \t\r\n{"a": 1}\n', {"a": 1}), ('{"a": {"a": 1}, "b": {"a": 1}}', {"a": {"a": 1}, "b": {"a": 1}}),
    (r'"\ud83d\ude00"', "😀"), ('"😀"', "😀"), (r'"\u0000"', "\x00"), ('"\\u2028\u2028"', "\u2028\u2028"), ("9" * 400,
    int("9" * 400)),
    (_nested("[", "]", 63, "[]"), json.loads(_nested("[", "]", 63, "[]"))), ('{"a": 1, "A": 2, "a ": 3}', {"a": 1,
    "A": 2, "a ": 3}),
]  # fmt: skip
GOOD_TYPES = (
    "application/json", "Application/JSON", "application/json; charset=utf-8", "application/json;charset=UTF-8",
    "application/json ; x=y", "application/merge-patch+json", "application/vnd.api+json; v=1",
)  # fmt: skip
