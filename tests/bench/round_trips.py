"""P2: round trips per request, counted on the wire between the real handlers and the emulator."""

from collections import Counter

from local.deploy import STAGE
from local.stack import Stack
from tests.bench.endpoints import iter_spent
from tests.bench.figure import Figure, Run
from tests.bench.handlers import Handlers
from tests.bench.template import iter_functions, iter_routes
from tests.bench.walk import Spent
from tests.bench.wire import Wire, fresh_clients

COLUMNS = ("request", "DynamoDB", "budget", "which", "S3", "budget", "which", "verdict")
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
SILENT = {"POWERTOOLS_LOG_LEVEL": "CRITICAL"}


def measure(run: Run) -> Figure:
    """Count what every endpoint costs on a freshly deployed stack."""
    stack = run.stack
    wire = Wire()
    with run.steps("P2 round trips", 0) as bar:
        variables = {
            function.name: deployed_variables(stack, function.name) | SILENT
            for function in iter_functions()
            if function.routes or function.name == "authorizer"
        }
        everything = {name: value for told in variables.values() for name, value in told.items()}
        region = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": stack.endpoint}
        with fresh_clients(CREDENTIALS | region) as session:
            wire.listen(session)
            wire.answer_executions(session)
            # A process's first call fetches the key set; a warm function has it.
            handlers = Handlers(variables)
            handlers.authorize({"Authorization": f"Bearer {stack.tokens['owner']}"})
            spent = []
            for one in iter_spent(handlers, wire, everything, stack.tokens["owner"]):
                spent.append(one)
                bar.advance()
    return as_figure(spent)


def deployed_variables(stack: Stack, function: str) -> dict[str, str]:
    """Return the environment of a function as it is deployed."""
    name = f"packhouse-{STAGE}-{function.replace('_', '-')}"
    told: dict[str, str] = stack.client("lambda").get_function_configuration(FunctionName=name)["Environment"][
        "Variables"
    ]
    return told


def as_figure(spent: list[Spent]) -> Figure:
    """Return the table of what was spent."""
    uncounted = {f"{route.method} {route.path}" for route in iter_routes()} - {one.route for one in spent}
    over = [one.request for one in spent if not one.kept]
    notes = [f"not counted: {route}" for route in sorted(uncounted)]
    notes += [f"over its budget: {name}" for name in over]
    notes.append("Budgets marked * are not numbers of the design; they follow its rule: one read, one transaction.")
    return Figure(
        number="P2",
        title="Round trips per request",
        goal="no endpoint costs more DynamoDB calls than its budget in the design",
        basis="every endpoint called once in process with the deployed variables; each attempt that botocore hands to "
        "the socket counts, the authorizer apart; StartExecution is answered in place of the service",
        columns=COLUMNS,
        rows=[_row(one) for one in spent],
        met=not over and not uncounted,
        notes=notes,
    )


def _row(one: Spent) -> tuple[str, ...]:
    mark = "" if one.budget.stated else " *"
    return (
        one.request,
        str(len(one.dynamodb)),
        f"{one.budget.dynamodb}{mark}",
        _named(one.dynamodb),
        str(len(one.s3)),
        str(one.budget.s3),
        _named(one.s3),
        "met" if one.kept else "MISSED",
    )


def _named(operations: tuple[str, ...]) -> str:
    counts = Counter(operations)
    return " + ".join(name if count == 1 else f"{count} {name}" for name, count in counts.items())
