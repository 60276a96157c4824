"""The samples of dataset versions over HTTP; this function changes nothing."""

from packhouse.api.app import create_app, handler_of
from packhouse.api.endpoints import Endpoints
from packhouse.api.paging import Cursors
from packhouse.aws.warm import WarmObjects
from packhouse.builds.store import BuildStore
from packhouse.samples.routes import register
from packhouse.samples.service import Samples
from packhouse.settings import SamplesSettings

_settings = SamplesSettings.from_env()
_data = WarmObjects(_settings.data_bucket)

app = create_app()
endpoints = Endpoints(app)
register(endpoints, Samples(BuildStore(_settings.builds_table), _data), Cursors(_settings.cursor_secret))
handler = handler_of(app)
