"""The unmodified template onto the emulator: build, deploy, and what the emulator leaves undone.

Decides when nothing changed and neither is needed. Uses the ordinary client (`sam`) with the `local` section of
samconfig.toml, exactly as a deployment to AWS uses `dev` or `prod`. The build is kept apart from the one for AWS,
because its layers hold this machine's binaries.
"""

import fcntl
import hashlib
import platform
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from local import LOCAL, ROOT, VENVS, aws
from local.process import LocalStackError

BUILD = LOCAL / "build"
SOURCES = ("template.yaml", "samconfig.toml", "layers", "functions", "statemachines")
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
STAGE = "local"
WHOLE = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
NEVER_MADE = ("CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED")  # such a stack can only be deleted
MACHINE = {
    "Runtime": f"python{PYTHON}",
    "Architecture": "arm64" if platform.machine().lower() in ("arm64", "aarch64") else "x86_64",
    "Stage": STAGE,
}
NATIVE_LAYERS = {
    "PYTHON": str(VENVS / "uv" / "bin" / "python"),
    "PACKHOUSE_PYTHON": PYTHON,
    "PACKHOUSE_MACHINE": "native",
    "PIP_CACHE_DIR": str(LOCAL / "cache" / "pip"),
}


def settings() -> dict[str, Any]:
    """Return the stack's name and its artifact bucket, as samconfig.toml has them."""
    with (ROOT / "samconfig.toml").open("rb") as file:
        found: dict[str, Any] = tomllib.load(file)["local"]["deploy"]["parameters"]
    return found


def digest(*more: str) -> str:
    """Return the digest of everything that goes into a deployment."""
    total = hashlib.sha256("\n".join((sys.version, *more)).encode())
    for path in sorted(path for source in SOURCES for path in (ROOT / source, *(ROOT / source).rglob("*"))):
        if path.is_file() and "__pycache__" not in path.parts:
            total.update(f"{path.relative_to(ROOT)}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return total.hexdigest()


def sam(endpoint: str, *arguments: str, **more: str) -> None:
    """Run one `sam` command against the emulator; what it prints is shown only when it fails."""
    environment = {**aws.environment(endpoint), **more}
    environment["PATH"] = f"{VENVS / 'dev' / 'bin'}:{environment['PATH']}"
    done = subprocess.run(
        [VENVS / "sam" / "bin" / "sam", *arguments],
        cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )
    if done.returncode:
        raise LocalStackError(f"sam {arguments[0]} failed:\n{(done.stdout + done.stderr)[-4000:]}")


def overrides(parameters: dict[str, str]) -> list[str]:
    """Return the options that hand parameters to a `sam` command."""
    return ["--parameter-overrides", *(f"{name}={value}" for name, value in parameters.items())]


def build() -> bool:
    """Build for this machine; false if the last build is of the same sources. One process at a time."""
    LOCAL.mkdir(exist_ok=True)
    with (LOCAL / "build.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _build()


def _build() -> bool:
    stamp, wanted = LOCAL / "build.digest", digest()
    if stamp.exists() and stamp.read_text() == wanted and (BUILD / "template.yaml").exists():
        return False
    stamp.unlink(missing_ok=True)
    sam(
        "http://127.0.0.1:9", "build", "--cached", "--parallel", "--build-dir", str(BUILD),
        "--cache-dir", str(LOCAL / "cache" / "sam"), *overrides(MACHINE), **NATIVE_LAYERS,
    )
    stamp.write_text(wanted)
    return True


def stack_status(cloudformation: Any, name: str) -> str:
    """Return the status of the deployed stack, or an empty string."""
    try:
        return str(cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"])
    except ClientError:
        return ""


def deploy(state: Path, endpoint: str, parameters: dict[str, str]) -> bool:
    """Deploy the build; false if this state already has it. The caller saves the state and then calls `record`."""
    name, bucket = settings()["stack_name"], settings()["s3_bucket"]
    cloudformation = aws.client("cloudformation", endpoint)
    status = stack_status(cloudformation, name)
    if status in WHOLE and recorded(state) == digest(str(parameters)):
        return False
    if status in NEVER_MADE:
        cloudformation.delete_stack(StackName=name)
        cloudformation.get_waiter("stack_delete_complete").wait(StackName=name)
    aws.client("s3", endpoint).create_bucket(Bucket=bucket)
    sam(
        endpoint, "deploy", "--template-file", str(BUILD / "template.yaml"), "--config-env", "local",
        "--config-file", str(ROOT / "samconfig.toml"),
        "--no-confirm-changeset", "--no-fail-on-empty-changeset", "--no-progressbar",
        *overrides({**MACHINE, **parameters}),
    )
    turn_on_expiry(endpoint)
    return True


def recorded(state: Path) -> str:
    """Return the digest of what this state has deployed."""
    path = state / "deployed"
    return path.read_text() if path.exists() else ""


def record(state: Path, parameters: dict[str, str]) -> None:
    """Note what this state has deployed."""
    (state / "deployed").write_text(digest(str(parameters)))


def expiring_tables(endpoint: str) -> dict[str, str]:
    """Return each deployed table whose items expire, with the attribute that says when."""
    cloudformation = aws.client("cloudformation", endpoint)
    name = settings()["stack_name"]
    resources = cloudformation.get_template(StackName=name, TemplateStage="Processed")["TemplateBody"]["Resources"]
    deployed = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
    specified = {
        logical: resource["Properties"]["TimeToLiveSpecification"]
        for logical, resource in resources.items()
        if "TimeToLiveSpecification" in resource.get("Properties", {})
    }
    return {
        found["PhysicalResourceId"]: specified[found["LogicalResourceId"]]["AttributeName"]
        for found in deployed
        if found["LogicalResourceId"] in specified
    }


def turn_on_expiry(endpoint: str) -> None:
    """Turn on what the emulator's CloudFormation ignores: items that expire."""
    dynamodb = aws.client("dynamodb", endpoint)
    for table, attribute in expiring_tables(endpoint).items():
        found = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
        if found["TimeToLiveStatus"] != "ENABLED":
            specification = {"Enabled": True, "AttributeName": attribute}
            dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification=specification)


def outputs(endpoint: str) -> dict[str, str]:
    """Return the outputs of the deployed stack."""
    stack = aws.client("cloudformation", endpoint).describe_stacks(StackName=settings()["stack_name"])["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
