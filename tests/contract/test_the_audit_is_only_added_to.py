"""What is in the audit stays as it was written: no role may change or remove it, and no code writes over it.

DynamoDB has no permission that tells a put from one that replaces: roles keep everything else out, and the condition of
each put is held to here.
"""

import ast
import json
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from tests.contract.reach import reached
from tests.contract.sources import FUNCTIONS, PACKAGE, Json, as_list, folders, functions, made, modules, tree, written

TABLE = "AuditTable"
ADDING = {"dynamodb:PutItem", "dynamodb:Query", "dynamodb:ConditionCheckItem"}
EVERYTHING = {
    "dynamodb:BatchWriteItem",
    "dynamodb:DeleteItem",
    "dynamodb:DeleteTable",
    "dynamodb:PartiQLDelete",
    "dynamodb:PartiQLInsert",
    "dynamodb:PartiQLUpdate",
    "dynamodb:RestoreTableToPointInTime",
    "dynamodb:UpdateContinuousBackups",
    "dynamodb:UpdateItem",
    "dynamodb:UpdateTable",
    "dynamodb:UpdateTimeToLive",
    *ADDING,
}
"""What changes a table, what takes its protection away, and what adds to it: a wildcard is held against these."""

ARN = ("arn", "", "dynamodb", "", "", "table/packhouse-${Stage}-audit")
"""The table's name in a policy, part by part; empty where every table of the account has the same."""

STORE = PACKAGE / "audit" / "store.py"
WRITES = {"put", "update", "delete", "save", "update_alone", "batch_write"}


def iter_statements() -> Iterator[tuple[str, Json]]:
    """Yield every statement of every policy of the expanded template, with whose it is."""
    for kind in ("AWS::IAM::Role", "AWS::IAM::ManagedPolicy", "AWS::IAM::Policy"):
        for name, properties in made(kind).items():
            documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
            documents += [properties["PolicyDocument"]] if "PolicyDocument" in properties else []
            for document in documents:
                yield from ((name, statement) for statement in as_list(document["Statement"]))


def covers_the_audit(resource: Json | str) -> bool:
    """Whether a resource is the audit's table, or a pattern that it falls under."""
    if isinstance(resource, dict) and "Fn::Sub" not in resource:
        return TABLE in resource.get("Fn::GetAtt", ())
    pattern = str(resource["Fn::Sub"]) if isinstance(resource, dict) else resource
    if owner := re.match(r"\${(\w+)\.Arn}", pattern):
        return owner[1] == TABLE
    parts = pattern.replace("AWS::", "").split(":", 5)
    if len(parts) < len(ARN):
        return "*" in pattern
    return all(fnmatchcase(part, wanted) for part, wanted in zip(ARN[2:], parts[2:], strict=True) if part)


def allowed_over_the_audit(statement: Json) -> set[str]:
    """Return what a statement allows to be done with the audit's table, wildcards spelt out."""
    if statement["Effect"] != "Allow":
        return set()
    assert statement.keys() <= {"Effect", "Action", "Resource", "Condition", "Sid"}, "NotAction, NotResource: unread"
    if not any(covers_the_audit(resource) for resource in as_list(statement["Resource"])):
        return set()
    wanted = as_list(statement["Action"])
    spelt = {action for action in EVERYTHING if any(fnmatchcase(action.lower(), found.lower()) for found in wanted)}
    return spelt | {action for action in wanted if action.startswith("dynamodb:") and "*" not in action}


def test_no_role_may_do_more_with_the_audit_than_add_to_it_and_read_it() -> None:
    allowed = {name: found for name, statement in iter_statements() if (found := allowed_over_the_audit(statement))}
    assert allowed
    assert {name: found - ADDING for name, found in allowed.items() if found - ADDING} == {}


def test_only_the_function_of_the_freezes_has_to_do_with_it() -> None:
    assert [folder for folder in folders() if TABLE in json.dumps(functions()[folder])] == ["freezes"]
    assert {folder for folder in folders() if any(table == TABLE for _, table in reached(folder))} == {"freezes"}
    assert {action for action, table in reached("freezes") if table == TABLE} <= ADDING


@pytest.mark.parametrize(
    ("action", "resource", "found"),
    [
        ("dynamodb:PutItem", {"Fn::GetAtt": [TABLE, "Arn"]}, {"dynamodb:PutItem"}),
        ("dynamodb:*", {"Fn::GetAtt": [TABLE, "Arn"]}, EVERYTHING),
        ("*", "*", EVERYTHING),
        ("dynamodb:Delete*", {"Fn::Sub": "${AuditTable.Arn}"}, {"dynamodb:DeleteItem", "dynamodb:DeleteTable"}),
        ("dynamodb:UpdateItem", {"Fn::Sub": "${AuditTable.Arn}/index/*"}, {"dynamodb:UpdateItem"}),
        ("dynamodb:UpdateItem", "arn:aws:dynamodb:*:*:table/packhouse-*", {"dynamodb:UpdateItem"}),
        ("dynamodb:UpdateItem", {"Fn::Sub": "arn:${AWS::Partition}:*:*:*:*"}, {"dynamodb:UpdateItem"}),
        ("dynamodb:UpdateItem", {"Fn::Sub": "arn:aws:dynamodb:*:*:table/packhouse-${Stage}-builds"}, set()),
        ("dynamodb:GetItem", {"Fn::GetAtt": [TABLE, "Arn"]}, {"dynamodb:GetItem"}),
        ("dynamodb:UpdateItem", {"Fn::GetAtt": ["EvaluationTable", "Arn"]}, set()),
        ("dynamodb:Query", {"Fn::Sub": "${BuildsTable.Arn}/index/*"}, set()),
        ("s3:DeleteObject", {"Fn::Sub": "${DataBucket.Arn}/*"}, set()),
    ],
)
def test_a_statement_is_read_with_its_wildcards(action: str, resource: Json | str, found: set[str]) -> None:
    """Guards the reading itself."""
    assert allowed_over_the_audit({"Effect": "Allow", "Action": action, "Resource": resource}) == found


def test_the_audit_is_kept_and_restorable() -> None:
    table = written("AWS::DynamoDB::Table")[TABLE]
    assert table["DeletionProtectionEnabled"] is True
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert "TimeToLiveSpecification" not in table


def iter_calls(path: Path, names: set[str]) -> Iterator[ast.Call]:
    """Yield the calls in a source file of functions and methods by these names."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
            if name in names:
                yield node


def test_every_put_into_the_audit_is_of_an_entry_that_is_not_there() -> None:
    writes = list(iter_calls(STORE, WRITES))
    assert writes
    for call in writes:
        assert ast.unparse(call.func) == "tx.put"
        assert ast.unparse(call.args[1]) == "_AuditItem.pk.does_not_exist()"


def test_nothing_else_writes_the_audit() -> None:
    """Neither its model nor its table is named elsewhere, and its store has no other verbs."""
    elsewhere = [path for path in [*modules(), *FUNCTIONS.glob("*/app.py")] if path != STORE]
    assert [str(path) for path in elsewhere if "_AuditItem" in path.read_text()] == []
    named = {path.parent.name + "/" + path.name for path in elsewhere if "audit_table" in path.read_text()}
    assert named == {"freezes/app.py", "packhouse/settings.py"}
    assert "AuditStore(_settings.audit_table)" in (FUNCTIONS / "freezes" / "app.py").read_text()
    (store,) = [node for node in tree(STORE).body if isinstance(node, ast.ClassDef) and node.name == "AuditStore"]
    verbs = {node.name for node in store.body if isinstance(node, ast.FunctionDef)}
    assert verbs == {"__init__", "put", "list_bodies"}
