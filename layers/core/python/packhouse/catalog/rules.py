"""What of the catalog is decided without looking anything up."""

import hashlib

from packhouse.access.model import Workspace

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""The digits of ids, in base 32."""


def project_id(workspace: Workspace) -> str:
    """Return the id of the project with these two slugs: the first 130 bits of their SHA-256, in Crockford base 32.

    A project keeps its slugs for ever and is never deleted, so the hash names one project, and whoever knows the slugs
    knows the id without a read.

    >>> project_id(Workspace("acme", "match-day"))
    'prj_PD945P97HYRFDK573A49T3D0WB'
    """
    bits = int.from_bytes(hashlib.sha256(str(workspace).encode()).digest(), "big") >> 126
    return f"prj_{crockford(bits)}"


def crockford(number: int) -> str:
    """Return a number of up to 130 bits as 26 digits.

    >>> crockford(33)
    '00000000000000000000000011'
    """
    return "".join(CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))
