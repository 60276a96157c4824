"""The emulator as a process: started in its own session, found again by its recorded id, stopped gracefully or killed.

Knows nothing of what is deployed on it.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import httpx

from local import ROOT, VENVS, aws

START_SECONDS = 30
STOP_SECONDS = 20


class LocalStackError(Exception):
    """The local stack cannot do what was asked; the message is one line for a person."""


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_taken(port: int) -> bool:
    """Whether somebody listens on a port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def port_of(state: Path) -> int | None:
    """Return the port of the emulator that serves a state folder, if one does."""
    running = state / "running"
    port = int(running.read_text().split()[1]) if running.exists() else 0
    return port if port and Emulator(state, port).pid else None


class Emulator:
    """One emulator over one state folder. `running` there says which process serves it on which port."""

    def __init__(self, state: Path, port: int) -> None:
        self.state, self.port = state.resolve(), port
        self.endpoint = f"http://127.0.0.1:{port}"
        self.log = self.state / "emulator.log"
        self.running = self.state / "running"
        self.process: subprocess.Popen[bytes] | None = None

    def environment(self) -> dict[str, str]:
        """Return the emulator's settings: loopback only, everything in the state folder, no Docker."""
        return {
            **aws.clean_environment(),
            "GATEWAY_PORT": str(self.port),
            "BIND_HOST": "127.0.0.1",
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "PERSIST_STATE": "1",
            "STATE_DIR": str(self.state / "services"),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(self.state / "s3"),
            "LAMBDA_EXECUTOR": "local",
            "DOCKER_HOST": f"unix://{self.state}/none.sock",
            "TMPDIR": str(self.state / "tmp"),
            "LOG_LEVEL": "WARNING",
        }

    @property
    def pid(self) -> int | None:
        """The id of the running emulator of this state folder, whoever started it."""
        if self.process:
            return self.process.pid if self.process.poll() is None else None
        if not self.running.exists():
            return None
        pid = self.running.read_text().split()[0]
        ps = subprocess.run(["ps", "-o", "stat=,args=", "-p", pid], capture_output=True, text=True, check=False)
        return int(pid) if "local.emulator" in ps.stdout and not ps.stdout.startswith("Z") else None

    def start(self) -> None:
        """Start, and return when it answers."""
        if is_taken(self.port):
            raise LocalStackError(f"Port {self.port} is taken by another program. Name another one: PORT=4600 make up")
        shutil.rmtree(self.state / "tmp", ignore_errors=True)  # unpacked functions of an emulator that was killed
        for folder in ("services", "s3", "tmp"):
            (self.state / folder).mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [VENVS / "emulator" / "bin" / "python", "-m", "local.emulator"],
                cwd=ROOT,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.running.write_text(f"{self.process.pid} {self.port}")
        self._await_answer(self.process)

    def _await_answer(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{self.endpoint}/_ministack/health", timeout=2).is_success:
                    return
            time.sleep(0.05)
        self.kill()
        raise LocalStackError(f"The emulator does not start; {self.log} says:\n{self.log.read_text()[-2000:]}")

    def save(self) -> None:
        """Have all state written out now, and return when it is."""
        saved = self.state / "services" / "saved"
        before = saved.stat().st_mtime_ns if saved.exists() else 0
        pid = self.pid
        if pid:
            os.kill(pid, signal.SIGUSR1)
        while pid and self.pid == pid:
            if saved.exists() and saved.stat().st_mtime_ns != before:
                return
            time.sleep(0.02)

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self._end(signal.SIGKILL, STOP_SECONDS)

    def stop(self) -> None:
        """Let it save and end; end it at once if it takes too long."""
        if not self._end(signal.SIGTERM, STOP_SECONDS):
            self.kill()

    def _end(self, sign: signal.Signals, seconds: float) -> bool:
        pid = self.pid
        if pid is None:
            return True
        os.kill(pid, sign)
        deadline = time.monotonic() + seconds
        while self.pid == pid and time.monotonic() < deadline:
            time.sleep(0.02)
        return self.pid != pid
