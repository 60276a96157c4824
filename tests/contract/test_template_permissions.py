"""Who may do what: every role names its actions and resources, and what cannot be named has its reason here."""

import json
from collections.abc import Iterator
from typing import Any

from tests.contract.sources import Json, as_list, functions, made, written

NO_RESOURCES = {
    # the delivery of a machine's logs is an account's affair: these actions know no resource
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
}
MANAGED = {
    # SAM attaches these itself: a function writes its logs and traces, a machine its traces
    "AWSLambdaBasicExecutionRole",
    "AWSXrayWriteOnlyAccess",
    # one role a region and account, which AWS offers no narrower policy for
    "AmazonAPIGatewayPushToCloudWatchLogs",
}


def iter_allowed() -> Iterator[tuple[str, Json]]:
    """Yield every statement that allows something to a role, with the role's name."""
    for name, role in made("AWS::IAM::Role").items():
        for policy in role.get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                assert statement["Effect"] == "Allow"
                yield name, statement
    for name, policy in made("AWS::IAM::ManagedPolicy").items():
        for statement in policy["PolicyDocument"]["Statement"]:
            yield name, statement


def test_no_role_is_allowed_a_wildcard_of_actions() -> None:
    actions = [(role, action) for role, allowed in iter_allowed() for action in as_list(allowed["Action"])]
    assert [found for found in actions if "*" in found[1]] == []


def test_no_role_is_allowed_every_resource_but_for_actions_that_know_none() -> None:
    wild = [
        (role, action)
        for role, allowed in iter_allowed()
        for action in as_list(allowed["Action"])
        if "*" in as_list(allowed["Resource"]) and action not in NO_RESOURCES
    ]
    assert wild == []


def test_every_resource_that_a_role_may_touch_is_one_of_this_stack() -> None:
    def is_named(resource: Any) -> bool:
        text = json.dumps(resource)
        return '"Fn::GetAtt"' in text or "${" in text or '"KmsKeyArn"' in text

    foreign = [
        (role, resource)
        for role, allowed in iter_allowed()
        for resource in as_list(allowed["Resource"])
        if resource != "*" and not is_named(resource)
    ]
    assert foreign == []


def test_managed_policies_are_those_with_a_reason() -> None:
    roles = made("AWS::IAM::Role").values()
    attached = {json.dumps(arn) for role in roles for arn in role.get("ManagedPolicyArns", [])}
    assert {arn.strip('"}').rpartition("/")[2] for arn in attached if '"KeyUse"' not in arn} == MANAGED


def test_every_function_has_a_role_of_its_own() -> None:
    roles = [properties["Role"]["Fn::GetAtt"][0] for properties in made("AWS::Lambda::Function").values()]
    assert len(roles) == len(functions())
    assert len(set(roles)) == len(roles)


def test_every_machine_has_a_role_of_its_own() -> None:
    roles = [properties["RoleArn"]["Fn::GetAtt"][0] for properties in made("AWS::StepFunctions::StateMachine").values()]
    assert len(set(roles)) == len(roles) == len(written("AWS::Serverless::StateMachine"))


def test_every_role_that_meets_encrypted_bytes_may_use_the_customer_managed_key() -> None:
    use = {"Fn::If": ["HasKmsKey", {"Ref": "KeyUse"}, {"Ref": "AWS::NoValue"}]}
    without = [
        name
        for kind in ("AWS::Serverless::Function", "AWS::Serverless::StateMachine")
        for name, properties in written(kind).items()
        if use not in properties["Policies"]
    ]
    assert without == []


def test_a_function_that_may_read_objects_can_tell_a_missing_one_from_a_forbidden_one() -> None:
    """Without s3:ListBucket on the bucket, S3 answers 403 to a key that is not there, and no code of ours knows it."""
    for name, properties in functions().items():
        allowed = [part for policy in properties.get("Policies", []) for part in policy.get("Statement", [])]
        for bucket in ("DataBucket", "UploadsBucket"):
            actions = {
                action for part in allowed if bucket in str(part["Resource"]) for action in as_list(part["Action"])
            }
            assert ("s3:GetObject" in actions) == ("s3:ListBucket" in actions), f"{name}: {bucket}"


def test_a_machine_may_call_exactly_the_functions_that_its_definition_names() -> None:
    for name, properties in written("AWS::Serverless::StateMachine").items():
        named = [arn for arn in map(str, properties["DefinitionSubstitutions"].values()) if "Function'" in arn]
        allowed = [part for policy in properties["Policies"] for part in policy.get("Statement", [])]
        (callable_,) = [part["Resource"] for part in allowed if part["Action"] == "lambda:InvokeFunction"]
        assert sorted(map(str, callable_)) == sorted(named), name
