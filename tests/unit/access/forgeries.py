"""Tokens that must open nothing, each by a name that says what is wrong with it."""

import json
import re
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import jwt
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.unit.access.issuer import claims, foreign_key, keys, public_jwk, segment, signed, token

Make = Callable[[], str]
_HEADER = {"alg": "ES256", "kid": "es256", "typ": "JWT"}


def _unsigned(alg: Any, signature: str = "") -> str:
    head = segment(json.dumps(_HEADER | {"alg": alg}).encode())
    return f"{head}.{segment(json.dumps(claims()).encode())}.{signature}"


def _with_secret(secret: bytes, alg: str = "HS256", **header: Any) -> str:
    head = segment(json.dumps({"alg": alg, "kid": "rs256", **header}).encode())
    signing_input = f"{head}.{segment(json.dumps(claims()).encode())}"
    # The library refuses to sign with a public key, so the forger uses its HMAC directly.
    algorithm = jwt.get_algorithm_by_name(alg)
    return f"{signing_input}.{segment(algorithm.sign(signing_input.encode(), secret))}"


def _public(kid: str, encoding: serialization.Encoding) -> bytes:
    return keys()[kid].public_key().public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)


def _der_signature() -> str:
    signing_input = token(claims()).rpartition(".")[0]
    key = keys()["es256"]
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return f"{signing_input}.{segment(key.sign(signing_input.encode(), ec.ECDSA(hashes.SHA256())))}"


def _by_header() -> Iterator[tuple[str, Make]]:
    for alg in ("none", "None", "NONE", "nOnE", "", None, 1, True, [], ["ES256"], {"ES256": 1}, "es256", "XX256"):
        yield f"unsigned with alg {alg!r}", partial(_unsigned, alg)
    yield "alg none over a good signature", lambda: _unsigned("none", token(claims()).rpartition(".")[2])
    yield "no alg", lambda: signed({"kid": "es256"}, claims())
    for form, encoding in (("PEM", serialization.Encoding.PEM), ("DER", serialization.Encoding.DER)):
        secret = _public("rs256", encoding)
        yield f"HS256 with the public key as {form} for its secret", partial(_with_secret, secret)
    yield "HS256 with an empty secret", lambda: _with_secret(b"")
    yield "HS256 with the set's own secret key", lambda: _with_secret(b"s" * 32, kid="hs256")
    yield "HS512 with the public key", lambda: _with_secret(_public("es256", serialization.Encoding.PEM), "HS512")
    for alg in ("RS384", "RS512", "PS256", "PS512"):
        yield f"{alg} with the RSA key", partial(token, claims(), alg, keys()["rs256"], kid="rs256")
    yield "ES256 under the kid of the RSA key", lambda: token(claims(), kid="rs256")
    yield "RS256 under the kid of the EC key", lambda: token(claims(), "RS256", kid="es256")
    yield "EdDSA under the kid of the EC key", lambda: token(claims(), "EdDSA", kid="es256")
    traversal, injection = "../../../../dev/null", "x' UNION SELECT 'key"
    for kid in ("", "unknown", "ES256", traversal, injection, "es256\x00", "k" * 2000, 1, None, ["es256"]):
        yield f"kid {str(kid)[:24]!r}", partial(signed, _HEADER | {"kid": kid}, claims())
    yield "no kid", lambda: signed({"alg": "ES256"}, claims())
    yield "embedded jwk", lambda: token(claims(), key=foreign_key(), jwk=public_jwk(foreign_key()))
    yield "embedded jwk and no such kid", lambda: token(
        claims(), key=foreign_key(), kid="new", jwk=public_jwk(foreign_key(), kid="new")
    )
    for name in ("jku", "x5u"):
        yield name, partial(token, claims(), key=foreign_key(), **{name: "http://127.0.0.1:9/jwks.json"})
    yield "x5c", lambda: token(claims(), key=foreign_key(), x5c=["MIIB"])
    yield "unknown critical extension", lambda: token(claims(), crit=["exp"])
    yield "empty crit", lambda: token(claims(), crit=[])
    yield "b64 false", lambda: signed(_HEADER | {"b64": False, "crit": ["b64"]}, claims())
    for name, head in (("no JSON", b"{"), ("an array", b"[]"), ("null", b"null"), ("no UTF-8", b'{"alg":"\xff"}')):
        yield f"header is {name}", partial(signed, head, claims())
    yield "header nested deeply", lambda: signed(b'{"a":' + b"[" * 2500 + b"]" * 2500 + b"}", claims())


def _by_claim() -> Iterator[tuple[str, Make]]:
    now = int(time.time())
    hour, day = 3600, 24 * 3600  # far enough off for a suite that takes its time
    wrong: dict[str, tuple[Any, ...]] = {
        "exp": (
            ..., None, now - hour, 0, -1, str(now + hour), now + hour + 0.5, True, [now], 10**30,
            now + day + hour,
        ),
        "nbf": (now + hour, 10**30, "soon", None),
        "iat": (now + hour, 10**30, "now", None),
        "aud": (..., None, "", "other", [], ["other"], {"packhouse": 1}, 1, "PACKHOUSE"),
        "iss": (..., None, "", "https://other.test", "https://issuer.test/", "HTTPS://ISSUER.TEST"),
        "sub": (..., None, "", 1, "a b", "a\nb", "a/b", "a#b", "\x00", ".a", "ü", "a" * 129, ["a"], "../a", "user-1\n"),
        "is_developer": ("true", 1, None, "yes"),
        "is_support": ("true", 1, []),
    }
    for name, values in wrong.items():
        for value in values:
            written = "missing" if value is ... else repr(value)[:24]
            # The same name in every process that collects it.
            shown = re.sub(r"\b\d{10}\b", lambda moment: f"now{int(moment[0]) - now:+}", written)
            yield f"{name} {shown}", partial(signed, _HEADER, claims(**{name: value}))
    for text in ("NaN", "Infinity", "-Infinity", "1e400", "1e3"):
        written = json.dumps(claims(exp="?")).replace('"?"', text)
        yield f"exp {text}", partial(signed, _HEADER, written.encode())
    bodies = {"no JSON": b"{", "an array": b"[]", "a string": b'"a"', "nothing": b"", "no UTF-8": b'{"sub":"\xff"}'}
    for shown, body in bodies.items():
        yield f"claims are {shown}", partial(signed, _HEADER, body)
    yield "claims nested deeply", lambda: signed(_HEADER, b'{"a":' + b"[" * 2000 + b"]" * 2000 + b"}")
    yield "more than 8 KB", lambda: token(claims(padding="p" * 8192))


def _by_form() -> Iterator[tuple[str, Make]]:
    for text in ("", ".", "..", "...", "a.b", "a.b.c", "a.b.c.d.e", "phk", "null", "é.é.é", "\ud800.a.b", "\x00",
    "=.=.="):
        yield f"the text {text!r}", partial(str, text)
    yield "another token's signature", lambda: (
        f"{token(claims(sub='user-2')).rpartition('.')[0]}.{token(claims()).rpartition('.')[2]}"
    )
    yield "no signature", lambda: token(claims()).rpartition(".")[0] + "."
    yield "two segments", lambda: token(claims()).rpartition(".")[0]
    yield "four segments", lambda: token(claims()) + ".AAAA"
    yield "a signature of zeros", lambda: f"{token(claims()).rpartition('.')[0]}.{segment(bytes(64))}"
    yield "a signature in DER", _der_signature
    yield "a foreign key under a known kid", lambda: token(claims(), key=foreign_key())
    yield "white space before it", lambda: " " + token(claims())
    yield "a line break behind it", lambda: token(claims()) + "\n"
    yield "signature in the other base64", lambda: token(claims()) + "+/"


FORGERIES: dict[str, Make] = dict([*_by_header(), *_by_claim(), *_by_form()])
