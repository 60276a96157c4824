"""Environments: makes what a command needs below `.local/`, then becomes that command.

Standard library only, because it runs before anything is installed:

    python3 local/bootstrap.py dev emulator sam -- -m local run     make three environments, then run in the first
    python3 local/bootstrap.py lock                                 write the lock beside each requirements file

An environment is made anew when its lock or the interpreter changed, and skipped otherwise. Every Python environment
uses the interpreter that runs this file: the emulator runs the functions on its own, so all must be one version.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENVS = ROOT / ".local" / "venvs"
CACHE = ROOT / ".local" / "cache"
NODE = ROOT / "local" / "node"
REQUIREMENTS = Path("local/requirements")
TORCH = REQUIREMENTS / "torch.txt"
LEFT_OUT = REQUIREMENTS / "left-out.txt"
LAYERS = (Path("layers/vendor/requirements.in"), Path("layers/auth/requirements.in"))
IN_RUNTIME = ("botocore", "urllib3", "python-dateutil", "six")  # come with boto3, which every Lambda runtime has

CACHES = {
    "UV_CACHE_DIR": str(CACHE / "uv"),
    "PIP_CACHE_DIR": str(CACHE / "pip"),
    "npm_config_cache": str(CACHE / "npm"),
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "SAM_CLI_TELEMETRY": "0",
}


def lock_of(name: str) -> Path:
    """Return the file that pins everything in an environment."""
    return NODE / "package-lock.json" if name == "node" else ROOT / REQUIREMENTS / f"{name}.txt"


def stamp_of(name: str) -> Path:
    """Return the file that says what an environment was made from."""
    return (NODE / "node_modules" if name == "node" else VENVS / name) / ".made-from"


def digest_of(name: str) -> str:
    """Return what an environment would be made from now."""
    beside = (ROOT / TORCH, ROOT / LEFT_OUT) if name == "conformance" else ()
    pins = b"".join(path.read_bytes() for path in (lock_of(name), *beside))
    return hashlib.sha256(pins + f"{sys.base_prefix} {sys.version}".encode()).hexdigest()


def is_ready(name: str) -> bool:
    """Whether an environment is there and up to date."""
    stamp = stamp_of(name)
    return stamp.exists() and stamp.read_text() == digest_of(name)


def call(*command: str | Path, cwd: Path = ROOT) -> None:
    """Run a command with all caches below `.local/`; its output is shown only when it fails."""
    line = [str(part) for part in command]
    done = subprocess.run(line, cwd=cwd, env={**os.environ, **CACHES}, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(line[:4])} … failed:\n{(done.stdout + done.stderr)[-4000:]}")


def python_of(name: str) -> Path:
    """Return an environment's interpreter."""
    return VENVS / name / "bin" / "python"


def uv() -> Path:
    """Return the command that makes the Python environments."""
    return VENVS / "uv" / "bin" / "uv"


def make_uv() -> None:
    """Make the one environment that plain pip installs."""
    shutil.rmtree(VENVS / "uv", ignore_errors=True)
    call(sys.executable, "-m", "venv", VENVS / "uv")
    call(VENVS / "uv" / "bin" / "python", "-m", "pip", "install", "-qq", "--require-hashes", "-r", lock_of("uv"))


def make_node() -> None:
    """Install the Node tools."""
    try:
        version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        version = "none"
    if not version.startswith("v") or int(version[1:].partition(".")[0]) < 20:
        sys.exit(f"Node 20 or later is needed (found: {version}).")
    call("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=NODE)


def make_python(name: str, *options: str) -> None:
    """Make one locked Python environment."""
    call(uv(), "venv", "--quiet", "--clear", "--python", sys.executable, VENVS / name)
    install = (uv(), "pip", "install", "--quiet", "--python", python_of(name))
    call(*install, "--require-hashes", *options, "-r", lock_of(name))


def check_nothing_else_is_left_out(*pip: str | Path) -> None:
    """Run `pip check`, which has to complain of every package of `left-out.txt` and of nothing else."""
    expected = {line.split("#")[0].strip() for line in (ROOT / LEFT_OUT).read_text().splitlines()} - {""}
    done = subprocess.run([*pip, "check"], env={**os.environ, **CACHES}, capture_output=True, text=True, check=False)
    complaint = r"ultralytics \S+ requires (\S+), which is not installed\."
    if {re.sub(complaint, r"\1", line) for line in done.stdout.splitlines()} != expected:
        sys.exit(f"pip check has to miss {', '.join(sorted(expected))}, but says:\n{done.stdout}{done.stderr}")


def make_conformance() -> None:
    """Make the environment with torch: the lock without what torch brings, then torch by pip (`torch.txt` says why)."""
    make_python("conformance", "--no-deps")
    pip = (VENVS / "uv" / "bin" / "python", "-m", "pip", "--python", python_of("conformance"))
    call(*pip, "install", "-qq", "-r", TORCH)
    check_nothing_else_is_left_out(*pip)


def make(name: str) -> None:
    """Make one environment and say how long it took."""
    started = time.monotonic()
    special = {"uv": make_uv, "node": make_node, "conformance": make_conformance}
    special.get(name, lambda: make_python(name))()
    stamp_of(name).write_text(digest_of(name))
    print(f"  {name} environment … {time.monotonic() - started:.1f} s", flush=True)


def make_missing(names: list[str]) -> None:
    """Make what is not ready, `uv` first and the others side by side."""
    missing = [name for name in names if not is_ready(name)]
    if not missing:
        return
    print(f"Making environments below .local/: {', '.join(missing)} (once)", flush=True)
    if not is_ready("uv"):
        make("uv")
    with ThreadPoolExecutor() as pool:
        for made in [pool.submit(make, name) for name in missing if name != "uv"]:
            made.result()


def lock() -> None:
    """Pin every requirements file with hashes, keeping the versions that a lock already names."""
    make_missing(["uv"])
    shared = ("--quiet", "--universal", "--python-version", "3.11", "--generate-hashes", "--no-emit-index-url",
              "--custom-compile-command", "make lock")
    of_layers = [option for package in IN_RUNTIME for option in ("--no-emit-package", package)]
    of_conformance = ["--excludes", str(TORCH), "--excludes", str(LEFT_OUT)]
    special = {**dict.fromkeys(LAYERS, of_layers), REQUIREMENTS / "conformance.in": of_conformance}
    for source in (*LAYERS, *sorted(path.relative_to(ROOT) for path in (ROOT / REQUIREMENTS).glob("*.in"))):
        call(uv(), "pip", "compile", *shared, *special.get(source, ()), source, "-o", source.with_suffix(".txt"))
        print(f"  {source.with_suffix('.txt')}")


def main(arguments: list[str]) -> None:
    """Make the environments named before `--`, then become the Python command after it, in the first of them."""
    if arguments == ["lock"]:
        lock()
        return
    names, command = arguments, []
    if "--" in arguments:
        cut = arguments.index("--")
        names, command = arguments[:cut], arguments[cut + 1 :]
    started = time.monotonic()
    make_missing(names)
    if command:
        python = python_of(names[0])
        phases = json.dumps({"environments": round(time.monotonic() - started, 1)})
        os.chdir(ROOT)
        environment = {**os.environ, **CACHES, "PACKHOUSE_PHASES": phases}
        os.execve(python, [str(python), *command], environment)  # noqa: S606  # no shell is the point


if __name__ == "__main__":
    main(sys.argv[1:])
