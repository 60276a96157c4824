"""Canonical JSON and the fingerprints made of it.

Canonical form: keys sorted by code point, no white space, UTF-8, strings in NFC, no floats (ratios are integers per
10,000), and an absent value is an absent key, never null.
"""

import hashlib
import json
import unicodedata
from typing import Any

PREFIX = "sha256:"


def canonical(document: Any) -> bytes:
    """Return the canonical bytes of a document; `TypeError` for a float.

    >>> canonical({"b": [1, "é"], "a": None, "c": True})
    b'{"b":[1,"\\xc3\\xa9"],"c":true}'
    """
    return json.dumps(_plain(document), ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def fingerprint(document: Any) -> str:
    """Return `sha256:` and the hex digest of the canonical bytes.

    >>> fingerprint({"capability": "ball_detection", "split": {"seed": 0}})
    'sha256:92ff6eb6459585edfb30e93ec173af76d7d4f51dca147d5b75d770aa1d778c50'
    """
    return digest(canonical(document))


def digest(body: bytes) -> str:
    """Return `sha256:` and the hex digest of bytes."""
    return PREFIX + hashlib.sha256(body).hexdigest()


def merkle_root(hashes: list[str]) -> str:
    """Return the root over hex SHA-256 leaves, in their order (RFC 6962 §2.1: leaf 0x00, node 0x01 prefixes).

    An empty list has the SHA-256 of the empty string as its root.
    """
    if not hashes:
        return hashlib.sha256(b"").hexdigest()
    return _subtree([hashlib.sha256(b"\x00" + bytes.fromhex(leaf)).digest() for leaf in hashes]).hex()


def _subtree(nodes: list[bytes]) -> bytes:
    if len(nodes) == 1:
        return nodes[0]
    middle = 1 << (len(nodes) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + _subtree(nodes[:middle]) + _subtree(nodes[middle:])).digest()


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {unicodedata.normalize("NFC", key): _plain(part) for key, part in value.items() if part is not None}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, float):
        raise TypeError(f"a float has no canonical form: {value!r}")
    return value
