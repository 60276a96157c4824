"""Who may call the local stack: a key pair of its own, the persons of the demo, and their tokens.

Stands in for the identity provider that a real deployment is pointed at. The public key is served from a bucket of the
emulator, so the authorizer takes its ordinary way: fetch the key set, verify the signature.
"""

import json
import time
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from local import aws

ISSUER = "https://local.packhouse.test"
AUDIENCE = "packhouse"
BUCKET = "packhouse-local-identity"
KEY_ID = "local-1"
LIFETIME = 24 * 3600 - 60  # the authorizer refuses a token that lives a whole day or longer
PERSONS = ("owner", "editor", "viewer", "developer", "support", "stranger")
FLAGS = {"developer": {"is_developer": True}, "support": {"is_support": True}}


def signing_key(state: Path) -> ec.EllipticCurvePrivateKey:
    """Return the key of this state folder, made on first use and readable by its owner only."""
    path = state / "identity.pem"
    if not path.exists():
        pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path.touch(mode=0o600)
        path.write_bytes(pem)
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{path} does not hold an elliptic curve key")
    return key


def publish(state: Path, endpoint: str) -> str:
    """Put the public key where the authorizer finds it; return the address."""
    public = json.loads(ECAlgorithm.to_jwk(signing_key(state).public_key()))
    keys = {"keys": [{**public, "kid": KEY_ID, "use": "sig", "alg": "ES256"}]}
    s3 = aws.client("s3", endpoint)
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="jwks.json", Body=json.dumps(keys).encode(), ContentType="application/json")
    return f"{endpoint}/{BUCKET}/jwks.json"


def mint(state: Path, person: str, **claims: Any) -> str:
    """Return a token of one person; `claims` replace or add to the ordinary ones."""
    now = int(time.time())
    ordinary = {"iss": ISSUER, "aud": AUDIENCE, "sub": f"user-{person}", "iat": now, "nbf": now, "exp": now + LIFETIME}
    return jwt.encode(
        {**ordinary, **FLAGS.get(person, {}), **claims}, signing_key(state), algorithm="ES256", headers={"kid": KEY_ID}
    )


def tokens(state: Path) -> dict[str, str]:
    """Return a fresh token for each person."""
    return {person: mint(state, person) for person in PERSONS}
