"""How the launcher reaches the emulator: clients and environments with its endpoint and no real credentials."""

import os
from typing import Any

import boto3
from botocore.config import Config

REGION = "us-east-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION}
SAM = {"SAM_CLI_TELEMETRY": "0", "SAM_CLI_POLL_DELAY": "0.2"}  # between looks at a deployment; 5 s unless told


def clean_environment() -> dict[str, str]:
    """Return this process's environment without anything that would lead an AWS client elsewhere."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SAM_CLI", "PYTHON"))}


def environment(endpoint: str) -> dict[str, str]:
    """Return the environment for a command that talks to the emulator."""
    return {**clean_environment(), **CREDENTIALS, **SAM, "AWS_ENDPOINT_URL": endpoint}


def client(service: str, endpoint: str) -> Any:
    """Return a boto3 client of the emulator."""
    # Only a version 4 signature covers the content type of a presigned upload; boto3's default here is version 2.
    signature = Config(signature_version="s3v4") if service == "s3" else None
    return boto3.client(
        service,
        endpoint_url=endpoint,
        config=signature,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106  # the emulator asks for none
    )
