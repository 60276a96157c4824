"""JWTs: whose signature is believed, and the strict form of the claims. Only the authorizer imports this.

PyJWT checks signature, `iss`, `aud`, `exp`, `nbf`; alone it takes `exp` as a string or as 10^30, so the claims pass a
strict model afterwards.
"""

import time
from collections.abc import Callable
from typing import Annotated, Any

import jwt
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

ALGORITHMS = ["RS256", "ES256", "EdDSA"]
LEEWAY_SECONDS = 30
LONGEST_SECONDS = 24 * 3600
TOKEN_BYTES = 8192


class Claims(BaseModel):
    """What a token may claim; claims not named here are not looked at."""

    model_config = ConfigDict(strict=True, frozen=True)

    sub: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:@|-]{0,127}$")]
    exp: Annotated[int, Field(gt=0)]
    is_developer: bool = False
    is_support: bool = False


class TokenVerifier:
    """Believes tokens of one issuer for one audience, signed with a key of the configured set.

    The set is fetched from `jwks_url` only (keys that a token embeds or links are ignored), kept for five minutes, and
    an unknown `kid` leads to at most one more fetch in thirty seconds.
    """

    def __init__(self, jwks_url: str, issuer: str, audience: str, clock: Callable[[], float] = time.time) -> None:
        self._keys = jwt.PyJWKClient(jwks_url, timeout=3)
        self._issuer = issuer
        self._audience = audience
        self._clock = clock

    def find_claims(self, token: str) -> Claims | None:
        """Return the claims of a token that holds, or `None`. A key set that cannot be fetched raises."""
        if len(token) > TOKEN_BYTES or not token.isascii():
            return None
        try:
            claims = Claims.model_validate(self._decode(token))
        except jwt.PyJWKClientConnectionError:
            raise
        except (jwt.PyJWTError, ValidationError):
            return None
        return claims if claims.exp <= self._clock() + LONGEST_SECONDS + LEEWAY_SECONDS else None

    def _decode(self, token: str) -> dict[str, Any]:
        return jwt.decode(
            token,
            self._keys.get_signing_key_from_jwt(token),
            algorithms=ALGORITHMS,
            issuer=self._issuer,
            audience=self._audience,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iss", "aud", "sub"]},
        )
