"""What the API says of itself to anyone: that it is alive."""

from aws_lambda_powertools.event_handler import Response

from packhouse.api.app import answer, create_app, handler_of

app = create_app()


@app.get("/api/v1/live")
def live() -> Response[str]:
    """Answer the liveness probe."""
    return answer(200, {"status": "live"})


handler = handler_of(app)
