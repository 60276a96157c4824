"""`/api/v1/live`, `/api/v1/openapi.json` and a page that reads it, `/api/v1/docs`."""

import base64
import functools
import hashlib
import re
from pathlib import Path
from typing import Any, Literal

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel

from packhouse.api.app import answer
from packhouse.api.endpoints import Call, Endpoints
from packhouse.api.paging import NoQuery

_FRESH = {"Cache-Control": "public, max-age=60"}


class Live(BaseModel):
    """The answer of the liveness probe."""

    status: Literal["live"] = "live"


def register(api: Endpoints) -> None:
    """Declare the endpoints."""

    @api.get("/api/v1/live", None, public=True)
    def live(call: Call[NoQuery]) -> Live:
        """Tell that the API is alive."""
        return Live()

    @api.get("/api/v1/openapi.json", None, public=True, result=dict[str, Any])
    def get_openapi(call: Call[NoQuery]) -> Response[str]:
        """Get this document: every operation with its schemas, codes and examples."""
        from packhouse.about.document import as_text  # all contexts: the liveness probe starts without them

        return answer(200, as_text(), dict(_FRESH))

    @api.get("/api/v1/docs", None, public=True, result=str)
    def read_docs(call: Call[NoQuery]) -> Response[str]:
        """Read this document as a page."""
        text, policy = _page()
        headers = {"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff", **_FRESH}
        return Response(status_code=200, content_type="text/html; charset=utf-8", body=text, headers=headers)


@functools.cache
def _page() -> tuple[str, str]:
    """Return the page and the policy that lets nothing run but what stands in it."""
    text = Path(__file__).with_name("docs.html").read_text("utf-8")
    allowed = {
        tag: " ".join(f"'sha256-{_digest(inline)}'" for inline in re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL))
        for tag in ("style", "script")
    }
    policy = (
        f"default-src 'none'; script-src {allowed['script']}; style-src {allowed['style']}; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return text, policy


def _digest(inline: str) -> str:
    return base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
