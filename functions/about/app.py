"""What the API says of itself to anyone: that it is alive, and what it can do."""

from packhouse.about.routes import register
from packhouse.api.app import create_app, handler_of
from packhouse.api.endpoints import Endpoints

app = create_app()
endpoints = Endpoints(app)
register(endpoints)
handler = handler_of(app)
