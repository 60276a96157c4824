"""A function of the tests' own: endpoints over things, and events as API Gateway hands them over."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, Field

from packhouse.access.model import Action, Principal, Role
from packhouse.api.app import answer, create_app, handler_of
from packhouse.api.bodies import NoBody, RequestBody
from packhouse.api.endpoints import Call, Endpoints, Success
from packhouse.api.fields import Name
from packhouse.api.paging import NoQuery, RequestQuery, Whole
from packhouse.aws.dynamo import Transaction
from packhouse.aws.once import OnceTable
from packhouse.errors import ConflictError, InvalidInputError
from tests.unit.aws.things import Thing, bound

Json = dict[str, Any]
THINGS = "/namespaces/{slug}/projects/{projectSlug}/things"
THING = f"{THINGS}/{{name}}"
OF_PROJECT = "/api/v1/things"
LOOKED_AT = f"{OF_PROJECT}/look"
PUBLIC = "/api/v1/open"
HELD = "/api/v1/held"
ENDED = "/api/v1/ended"
PLACE = {"slug": "acme", "projectSlug": "match-day"}
EDITOR = Principal(principal_id="user-1", memberships={"acme": Role.EDITOR})
VIEWER = Principal(principal_id="user-2", memberships={"acme": Role.VIEWER})
STRANGER = Principal(principal_id="user-3")
KEY = {"Idempotency-Key": "key-1"}
WISH = {"name": "a", "state": "s"}


class Wish(RequestBody):
    """A thing to make."""

    name: Name
    state: str = ""

    @classmethod
    def screen(cls, document: Any) -> None:
        if isinstance(document, dict) and "filters" in document:
            raise InvalidInputError("FILTERS_NOT_SUPPORTED_V1", "No filters.")


class Which(RequestQuery):
    """How to look at a thing."""

    size: Whole = Field(default=1, ge=1)


class Made(BaseModel):
    """A thing as it is shown."""

    name: str
    state: str
    etag: str = ""


@dataclass(frozen=True)
class Said:
    """What the function answered."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def body(self) -> Json:
        found: Json = json.loads(self.text)
        return found

    @property
    def code(self) -> str:
        """The code of a refusal, or where its one fault is."""
        faults = self.body.get("errors")
        return str(faults[0]["loc"] if faults else self.body["code"])


@dataclass
class Function:
    """The function, and the calls that its handlers were given. `raising` is what the next of them raises."""

    calls: list[Call[Any]] = field(default_factory=list)
    raising: Exception | None = None
    made: Made = field(default_factory=lambda: Made(name="a", state="s", etag="rev_1"))
    endpoints: Endpoints = field(default_factory=lambda: Endpoints(create_app()))

    def __post_init__(self) -> None:
        bound()
        OnceTable("IdempotencyTable")
        _declare_things(self)
        _declare_others(self)
        _declare_reads(self)
        self._handler = handler_of(self.endpoints.app)

    def note(self, call: Call[Any]) -> None:
        self.calls.append(call)
        if self.raising is not None:
            raise self.raising

    def send(
        self,
        method: str,
        resource: str,
        caller: Principal | None = EDITOR,
        body: Json | str | None = None,
        query: Mapping[str, list[str]] | None = None,
        headers: Mapping[str, str] | None = None,
        **names: str,
    ) -> Said:
        """Hand the function a request; a body is JSON unless the headers say otherwise."""
        sent = {"Content-Type": "application/json"} | dict(headers or {})
        event = {
            "resource": resource,
            "path": "/as/the/gateway/saw/it",
            "httpMethod": method,
            "headers": sent,
            "multiValueHeaders": {name: [value] for name, value in sent.items()},
            "queryStringParameters": None,
            "multiValueQueryStringParameters": query,
            "pathParameters": (PLACE | names) if "{" in resource else None,
            "requestContext": {
                "requestId": "request-17",
                "stage": "local",
                "path": resource,
                "authorizer": {"principal": caller.model_dump_json()} if caller else None,
            },
            "body": json.dumps(body) if isinstance(body, dict) else body,
            "isBase64Encoded": False,
        }
        answered = self._handler(event, None)
        flat = {name: values[0] for name, values in answered["multiValueHeaders"].items()}
        return Said(answered["statusCode"], flat, answered["body"])


def _declare_things(function: Function) -> None:
    api = function.endpoints

    @api.post(THINGS, Action.WRITE, status=201, refusals=("DATASET_EXISTS",))
    def make_thing(call: Call[Wish]) -> Made:
        """Make a thing."""
        function.note(call)
        tx = Transaction()
        taken = ConflictError("DATASET_EXISTS", "It is there already.")
        tx.put(Thing(call.wanted.name, "META", state=call.wanted.state), Thing.pk.does_not_exist(), taken)
        return call.once.commit(tx, Made(name=call.wanted.name, state=call.wanted.state, etag="rev_1"))

    @api.get(THING, Action.READ)
    def get_thing(call: Call[Which]) -> Made:
        """Get a thing."""
        function.note(call)
        return function.made

    @api.get(THINGS, Action.READ, result=dict[str, Any])
    def list_things(call: Call[NoQuery]) -> dict[str, Any]:
        """List things."""
        function.note(call)
        return {"things": [function.made.name]}

    @api.patch(THING, Action.WRITE)
    def change_thing(call: Call[NoBody]) -> Made:
        """Change a thing."""
        function.note(call)
        return function.made


def _declare_others(function: Function) -> None:
    api = function.endpoints

    @api.put(THING, Action.WRITE)
    def put_thing(call: Call[NoBody]) -> Success:
        """Put a thing."""
        function.note(call)
        return Success()

    @api.delete(THING, Action.WRITE, if_match=True)
    def delete_thing(call: Call[NoBody]) -> Success:
        """Delete a thing."""
        function.note(call)
        return Success()

    def shown(call: Call[Wish], made: Made) -> Response[str]:
        return answer(202, {"shown": made.name, "to": call.caller.principal_id}, {"Location": "/there"})

    @api.post(OF_PROJECT, Action.WRITE, status=202, show=shown)
    def start_thing(call: Call[Wish]) -> Made:
        """Start a thing."""
        function.note(call)
        return call.once.keep(Made(name=call.wanted.name, state=""))

    @api.post(LOOKED_AT, Action.WRITE, reads=True)
    def look_at_thing(call: Call[Wish]) -> Made:
        """Look what a thing would be."""
        function.note(call)
        return Made(name=call.wanted.name, state=call.wanted.state)


def _declare_reads(function: Function) -> None:
    api = function.endpoints

    @api.get(HELD, Action.READ, max_age=60)
    def get_held(call: Call[NoQuery]) -> Made:
        """Get what holds for a minute."""
        function.note(call)
        return function.made

    @api.head(THING, Action.READ)
    def look_at_head(call: Call[Which]) -> Made:
        """Get what is told of a thing beside itself."""
        function.note(call)
        return function.made

    @api.get(ENDED, Action.READ)
    def get_ended(call: Call[NoQuery]) -> Response[str]:
        """Get how something stands that will never be there."""
        function.note(call)
        return answer(409, {"state": "cancelled"})

    @api.get(PUBLIC, None, public=True)
    def get_open(call: Call[NoQuery]) -> Response[str]:
        """Get what is open to everyone."""
        function.note(call)
        return answer(200, '{"open":true}')
