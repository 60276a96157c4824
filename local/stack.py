"""One local stack: an emulator over a state folder, with the template deployed on it. For the launcher and for tests.

    stack = Stack.start(tmp_path)       # a free port of its own
    stack.deploy()
    httpx.get(stack.api_url + "/api/v1/live")
    stack.kill(); stack.restart()       # a crash, and the way back
    stack.stop()
"""

from functools import cached_property
from pathlib import Path
from typing import Any

from local import aws, deploy, identity
from local.process import Emulator, free_port


class Stack:
    """An emulator and what is deployed on it."""

    workspace = "acme/match-day"  # the demo's project

    def __init__(self, state_dir: Path, port: int = 0) -> None:
        state_dir.mkdir(parents=True, exist_ok=True)
        self.state_dir = state_dir.resolve()
        self.port = port or free_port()
        self.emulator = Emulator(self.state_dir, self.port)
        self.endpoint = self.emulator.endpoint

    @classmethod
    def start(cls, state_dir: Path, port: int = 0) -> "Stack":
        """Return a stack whose emulator answers; a free port if none is named."""
        stack = cls(state_dir, port)
        stack.emulator.start()
        return stack

    def deploy(self) -> bool:
        """Build and deploy what changed; false if nothing did. A deployment survives a crash from here on."""
        deploy.build()
        parameters = {
            "JwksUrl": identity.publish(self.state_dir, self.endpoint),
            "JwtIssuer": identity.ISSUER,
            "JwtAudience": identity.AUDIENCE,
        }
        deployed = deploy.deploy(self.state_dir, self.endpoint, parameters)
        if deployed:
            self.__dict__.pop("outputs", None)
            self.emulator.save()
            deploy.record(self.state_dir, parameters)
        return deployed

    def kill(self) -> None:
        """End the emulator as a crash would."""
        self.emulator.kill()

    def stop(self) -> None:
        """End the emulator gracefully."""
        self.emulator.stop()

    def restart(self) -> None:
        """Start the emulator again, on the same port and state, after `kill` or `stop`."""
        self.emulator.start()

    def client(self, service: str) -> Any:
        """Return a boto3 client of this stack."""
        return aws.client(service, self.endpoint)

    @cached_property
    def outputs(self) -> dict[str, str]:
        """The outputs of the template."""
        return deploy.outputs(self.endpoint)

    @cached_property
    def tokens(self) -> dict[str, str]:
        """A token for each person, minted when first asked for."""
        return identity.tokens(self.state_dir)

    @property
    def api_url(self) -> str:
        """Where the API serves."""
        return f"{self.endpoint}/_aws/execute-api/{self.outputs['ApiId']}/{deploy.STAGE}"

    @property
    def buckets(self) -> dict[str, str]:
        """The stack's buckets by purpose."""
        return {"data": self.outputs["DataBucketName"], "uploads": self.outputs["UploadsBucketName"]}

    def headers(self, person: str) -> dict[str, str]:
        """Return the headers with which a person calls."""
        return {"Authorization": f"Bearer {self.tokens[person]}"}
