"""Tables and buckets: nothing is lost by accident, nothing is open, everything can be under one key."""

import pytest

from tests.contract.sources import template, written

TABLES = sorted(written("AWS::DynamoDB::Table"))
BUCKETS = sorted(written("AWS::S3::Bucket"))
RESOURCES = template()["Resources"]


def test_there_are_tables_and_buckets_to_look_at() -> None:
    assert len(TABLES) >= 4
    assert BUCKETS == ["DataBucket", "UploadsBucket"]


FORGETFUL = {"IdempotencyTable"}
"""Answers of a day: storage.md excepts it."""


@pytest.mark.parametrize("name", FORGETFUL)
def test_a_table_that_forgets_says_when(name: str) -> None:
    assert written("AWS::DynamoDB::Table")[name]["TimeToLiveSpecification"] == {
        "AttributeName": "expires_at",
        "Enabled": True,
    }


@pytest.mark.parametrize("name", sorted(set(TABLES) - FORGETFUL))
def test_a_table_can_be_restored_and_is_not_deleted_by_accident(name: str) -> None:
    table = RESOURCES[name]
    properties = table["Properties"]
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert properties["DeletionProtectionEnabled"] is True
    assert table["DeletionPolicy"] == table["UpdateReplacePolicy"] == "Retain"
    assert properties["BillingMode"] == "PAY_PER_REQUEST"


@pytest.mark.parametrize("name", BUCKETS)
def test_a_bucket_is_closed_encrypted_and_kept(name: str) -> None:
    bucket = RESOURCES[name]
    properties = bucket["Properties"]
    block = properties["PublicAccessBlockConfiguration"]
    asked = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    assert [block[field] for field in asked] == [True] * 4
    assert properties["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert properties["BucketEncryption"]
    assert bucket["DeletionPolicy"] == bucket["UpdateReplacePolicy"] == "Retain"


@pytest.mark.parametrize("name", BUCKETS)
def test_a_bucket_is_reached_over_tls_only(name: str) -> None:
    policies = [found for found in written("AWS::S3::BucketPolicy").values() if found["Bucket"] == {"Ref": name}]
    (statement,) = policies[0]["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": False}}
    assert len(statement["Resource"]) == 2


def test_a_bucket_policy_allows_nothing() -> None:
    statements = [
        statement
        for policy in written("AWS::S3::BucketPolicy").values()
        for statement in policy["PolicyDocument"]["Statement"]
    ]
    assert {statement["Effect"] for statement in statements} == {"Deny"}


@pytest.mark.parametrize("name", BUCKETS)
def test_abandoned_parts_of_uploads_are_cleared_away(name: str) -> None:
    rules = RESOURCES[name]["Properties"]["LifecycleConfiguration"]["Rules"]
    assert any("AbortIncompleteMultipartUpload" in rule for rule in rules)


def test_data_is_versioned_and_uploads_expire_after_seven_days() -> None:
    assert RESOURCES["DataBucket"]["Properties"]["VersioningConfiguration"] == {"Status": "Enabled"}
    rules = RESOURCES["UploadsBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    assert {rule["ExpirationInDays"] for rule in rules} == {7}


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("AWS::DynamoDB::Table", "SSESpecification"),
        ("AWS::S3::Bucket", "BucketEncryption"),
        ("AWS::Logs::LogGroup", "KmsKeyId"),
        ("AWS::SecretsManager::Secret", "KmsKeyId"),
    ],
)
def test_everything_that_holds_bytes_takes_the_customer_managed_key(kind: str, field: str) -> None:
    found = written(kind)
    assert found
    without = [
        name
        for name, properties in found.items()
        if "'HasKmsKey'" not in str(properties.get(field)) or "{'Ref': 'KmsKeyArn'}" not in str(properties[field])
    ]
    assert without == []


def test_the_variables_of_functions_take_the_customer_managed_key() -> None:
    key = {"Fn::If": ["HasKmsKey", {"Ref": "KmsKeyArn"}, {"Ref": "AWS::NoValue"}]}
    assert template()["Globals"]["Function"]["KmsKeyArn"] == key
