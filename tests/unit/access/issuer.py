"""An identity provider of the tests: keys of each accepted kind, their set served over HTTP, and tokens of any form."""

import base64
import json
import threading
import time
from collections.abc import Callable, Mapping
from functools import cache
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Self

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

ISSUER, AUDIENCE = "https://issuer.test", "packhouse"
Json = dict[str, Any]
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


@cache
def keys() -> dict[str, PrivateKey]:
    """The issuer's private keys by their `kid`, which is the algorithm in lower case."""
    return {
        "rs256": rsa.generate_private_key(65537, 2048),
        "es256": ec.generate_private_key(ec.SECP256R1()),
        "eddsa": ed25519.Ed25519PrivateKey.generate(),
    }


@cache
def foreign_key() -> ec.EllipticCurvePrivateKey:
    """A key that the issuer does not have."""
    return ec.generate_private_key(ec.SECP256R1())


def public_jwk(key: PrivateKey, **more: str) -> Json:
    """Return the public half as JWK."""
    if isinstance(key, rsa.RSAPrivateKey):
        text = RSAAlgorithm.to_jwk(key.public_key())
    elif isinstance(key, ec.EllipticCurvePrivateKey):
        text = ECAlgorithm.to_jwk(key.public_key())
    else:
        text = OKPAlgorithm.to_jwk(key.public_key())
    found: Json = json.loads(text)
    return {**found, **more}


def key_set() -> Json:
    """Return the issuer's JWKS; one secret key is in it, which no token may be signed with."""
    names = {"rs256": "RS256", "es256": "ES256", "eddsa": "EdDSA"}
    public = [public_jwk(key, kid=kid, use="sig", alg=names[kid]) for kid, key in keys().items()]
    return {"keys": [*public, {"kty": "oct", "kid": "hs256", "alg": "HS256", "use": "sig", "k": segment(b"s" * 32)}]}


def claims(**changed: Any) -> Json:
    """Return good claims, changed; a claim changed to `...` is left out."""
    now = int(time.time())
    good = {"iss": ISSUER, "aud": AUDIENCE, "sub": "user-1", "iat": now, "nbf": now, "exp": now + 3600}
    return {name: value for name, value in (good | changed).items() if value is not ...}


def token(payload: Json, alg: str = "ES256", key: Any = None, **header: Any) -> str:
    """Return a token signed with the issuer's key of that algorithm, or with another key."""
    kid = {"kid": alg.lower()} | header
    return jwt.encode(payload, key or keys()[alg.lower()], algorithm=alg, headers=kid)


def signed(header: bytes | Mapping[str, Any], payload: bytes | Mapping[str, Any]) -> str:
    """Return a token of exactly these bytes, with the issuer's ES256 signature under it."""
    signer = jwt.get_algorithm_by_name("ES256")
    head, body = (part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, payload))
    signing_input = f"{segment(head)}.{segment(body)}"
    return f"{signing_input}.{segment(signer.sign(signing_input.encode(), keys()['es256']))}"


def segment(body: bytes) -> str:
    """Return bytes as a segment of a token."""
    return base64.urlsafe_b64encode(body).decode().rstrip("=")


class KeyServer:
    """Serves a JWKS on a free port of the loopback and counts how often it was fetched."""

    def __init__(self, document: Callable[[], Json] = key_set) -> None:
        self.fetched: list[str] = []
        server = self

        class _Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.fetched.append(self.path)
                body = json.dumps(document()).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Stay silent."""

        self._server = HTTPServer(("127.0.0.1", 0), _Answer)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/jwks.json"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
