"""Every function: its limits, its log group, its alarms and its sentence of description."""

import re

from local import ROOT
from tests.contract.sources import folders, functions, made, snake, template, written

RESOURCES = template()["Resources"]
GLOBALS = template()["Globals"]["Function"]
LINES = (ROOT / "template.yaml").read_text().splitlines()


def alarmed(dimension: str) -> set[str]:
    """Return what the alarms look at by a dimension: the names of resources."""
    alarms = written("AWS::CloudWatch::Alarm").values()
    return {
        part["Value"]["Ref"] for alarm in alarms for part in alarm.get("Dimensions", []) if part["Name"] == dimension
    }


def test_functions_in_the_template_are_the_folders_below_functions() -> None:
    assert sorted(functions()) == folders()


def test_a_function_is_named_after_its_folder_everywhere() -> None:
    for name, properties in written("AWS::Serverless::Function").items():
        folder = snake(name.removesuffix("Function"))
        assert properties["CodeUri"] == f"functions/{folder}/"
        assert properties["FunctionName"] == {"Fn::Sub": f"packhouse-${{Stage}}-{folder.replace('_', '-')}"}
        assert properties["LoggingConfig"]["LogGroup"] == {"Ref": name.removesuffix("Function") + "Logs"}


def test_every_function_has_timeout_and_memory() -> None:
    for name, properties in made("AWS::Lambda::Function").items():
        assert 1 <= properties["Timeout"] <= 900, name
        assert 128 <= properties["MemorySize"] <= 1769, name


def test_a_function_behind_the_api_ends_before_the_gateway_gives_up() -> None:
    for name, properties in functions().items():
        if any(event["Type"] == "Api" for event in properties.get("Events", {}).values()):
            assert properties.get("Timeout", GLOBALS["Timeout"]) < 29, name


def test_every_memory_and_timeout_that_differs_says_why() -> None:
    silent = [line for line in LINES if re.match(r"\s+(MemorySize|Timeout): \d+\s*$", line)]
    assert silent == []


def test_every_function_writes_to_a_log_group_with_retention() -> None:
    groups = made("AWS::Logs::LogGroup")
    for name, properties in made("AWS::Lambda::Function").items():
        group = groups[properties["LoggingConfig"]["LogGroup"]["Ref"]]
        assert group["RetentionInDays"] == {"Ref": "LogRetentionDays"}, name
        assert group["LogGroupName"]["Fn::Sub"] == "/aws/lambda/" + properties["FunctionName"]["Fn::Sub"]


def test_every_function_is_traced() -> None:
    assert {properties["TracingConfig"]["Mode"] for properties in made("AWS::Lambda::Function").values()} == {"Active"}


def test_every_function_carries_each_layer_once() -> None:
    for name, properties in made("AWS::Lambda::Function").items():
        layers = [layer["Ref"] for layer in properties["Layers"]]
        assert len(layers) == len(set(layers)), name


def test_every_function_has_an_alarm() -> None:
    by_name = alarmed("FunctionName") | alarmed("service")
    by_log = {
        metrics["LogGroupName"]["Ref"].removesuffix("Logs") + "Function"
        for metrics in written("AWS::Logs::MetricFilter").values()
    }
    assert by_name | by_log == set(written("AWS::Serverless::Function"))


def test_a_function_behind_the_api_has_an_alarm_for_errors_that_no_code_foresaw() -> None:
    """Such an error is answered 500 and is none of Lambda's; the metric carries the function as its `service`."""
    behind = {
        name
        for name, properties in written("AWS::Serverless::Function").items()
        if any(event["Type"] == "Api" for event in properties.get("Events", {}).values())
    }
    assert behind <= alarmed("service")


def test_every_machine_has_an_alarm() -> None:
    assert alarmed("StateMachineArn") == set(written("AWS::Serverless::StateMachine"))


def test_every_alarm_notifies_the_topic_and_is_quiet_without_metrics() -> None:
    for name, alarm in written("AWS::CloudWatch::Alarm").items():
        assert "AlarmTopicArn" in str(alarm["AlarmActions"]), name
        assert alarm["TreatMissingData"] == "notBreaching", name
        assert alarm["AlarmDescription"], name


def test_every_metric_of_a_filter_is_alarmed_or_on_the_dashboard() -> None:
    looked_at = {alarm["MetricName"] for alarm in written("AWS::CloudWatch::Alarm").values()}
    dashboard = str(written("AWS::CloudWatch::Dashboard"))
    for metrics in written("AWS::Logs::MetricFilter").values():
        for metric in metrics["MetricTransformations"]:
            assert metric["MetricName"] in looked_at or metric["MetricName"] in dashboard


def test_everything_a_reader_meets_says_a_sentence_of_itself() -> None:
    described = {name: parameter.get("Description", "") for name, parameter in template()["Parameters"].items()}
    described |= {name: output.get("Description", "") for name, output in template()["Outputs"].items()}
    for kind in ("Function", "LayerVersion", "Api"):
        described |= {name: found.get("Description", "") for name, found in written(f"AWS::Serverless::{kind}").items()}
    for kind in ("AWS::DynamoDB::Table", "AWS::S3::Bucket"):
        described |= {name: RESOURCES[name].get("Metadata", {}).get("Description", "") for name in written(kind)}
    wordless = [name for name, text in described.items() if not re.fullmatch(r"[A-Z].+\.", text)]
    assert wordless == []
