"""What `sam build` made: compiled for the target, complete, and nothing that the runtime has already.

Skips before the first build; `make test` builds before it tests.
"""

import json
import re
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest

from local import LOCAL, ROOT
from local.aws import clean_environment
from tests.contract.sources import folders, functions, template, written

BUILD = LOCAL / "build"
LAYERS = ("CoreLayer", "VendorLayer", "AuthLayer")
TAG = f"cpython-{sys.version_info.major}{sys.version_info.minor}"
IN_RUNTIME = ("boto3", "botocore", "s3transfer", "jmespath", "urllib3", "python-dateutil", "six")
"""What every Lambda runtime brings: boto3 and what it stands on."""

pytestmark = pytest.mark.skipif(not (BUILD / "template.yaml").exists(), reason="nothing is built yet")

IMPORT_ALL = """
import importlib.util, json, sys
apart, *paths = json.loads(sys.argv[1])
sys.path[:0] = paths
failed = {}
for app in apart:
    try:
        spec = importlib.util.spec_from_file_location("app", app)
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
    except Exception as error:
        failed[app] = repr(error)
print(json.dumps(failed))
"""


def layer(name: str) -> Path:
    """Return where a built layer's Python lies."""
    return BUILD / name / "python"


def built(folder: str) -> Path:
    """Return a function's edge as it was built, with the layers of the same build."""
    names = {Path(found["CodeUri"]).name: name for name, found in written("AWS::Serverless::Function").items()}
    return BUILD / names[folder] / "app.py"


def layers_of(folder: str) -> tuple[str, ...]:
    """Return the layers of a function: those of all, and its own."""
    shared = template()["Globals"]["Function"]["Layers"]
    return tuple(part["Ref"] for part in [*shared, *functions()[folder].get("Layers", [])])


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the Lambda runtime brings, and nothing else."""
    folder = tmp_path_factory.mktemp("runtime")
    for name in IN_RUNTIME:
        found = distribution(name)
        tops = {Path(file).parts[0] for file in found.files or [] if ".." not in Path(file).parts}
        for top in tops - {"__pycache__"}:
            (folder / top).symlink_to(Path(str(found.locate_file(top))))
    return folder


def test_there_is_a_built_layer_for_each_of_the_template() -> None:
    resources = template()["Resources"]
    assert {name for name in resources if resources[name]["Type"].endswith("LayerVersion")} == set(LAYERS)
    assert all(layer(name).is_dir() for name in LAYERS)


@pytest.mark.parametrize("name", LAYERS)
def test_every_compiled_file_bears_the_tag_of_the_target(name: str) -> None:
    foreign = [
        path.name
        for path in layer(name).rglob("*.so")
        if TAG not in path.name and ".abi3." not in path.name and re.search(r"\.(cpython|pypy)-", path.name)
    ]
    foreign += [path.name for path in layer(name).rglob("*.pyc") if not path.stem.endswith(TAG)]
    assert foreign == []


@pytest.mark.parametrize("name", LAYERS)
def test_every_source_comes_with_its_byte_code(name: str) -> None:
    """Worth half of a cold start: a layer cannot be written to, so Lambda would compile it anew each time."""
    sources = [path for path in layer(name).rglob("*.py") if "tests" not in path.parts]
    bare = [path for path in sources if not (path.parent / "__pycache__" / f"{path.stem}.{TAG}.pyc").exists()]
    assert [str(path.relative_to(layer(name))) for path in bare] == []


@pytest.mark.parametrize("name", LAYERS)
def test_no_layer_carries_what_the_runtime_has(name: str) -> None:
    carried = {path.name.split("-")[0].lower() for path in layer(name).glob("*.dist-info")}
    twice = carried & {package.replace("-", "_") for package in IN_RUNTIME}
    assert twice <= {"jmespath"}  # Powertools asks for it by itself; 22 KB


def test_no_two_layers_carry_the_same_package() -> None:
    carried = [path.name for name in LAYERS for path in layer(name).iterdir() if path.name != "__pycache__"]
    assert sorted(carried) == sorted(set(carried))


@pytest.mark.parametrize("layers", sorted({layers_of(folder) for folder in folders()}), ids="+".join)
def test_a_function_imports_with_its_own_layers_and_the_runtime_alone(layers: tuple[str, ...], runtime: Path) -> None:
    """The emulator's functions see its site-packages: a dependency that no layer has hides there, not on AWS."""
    apps = [str(built(folder)) for folder in folders() if layers_of(folder) == layers]
    variables = {
        name
        for folder in folders()
        for name in functions()[folder].get("Environment", {}).get("Variables", {})
    }
    environment = clean_environment() | dict.fromkeys(variables, "https://packhouse.example/")
    environment["AWS_DEFAULT_REGION"] = "us-east-1"
    paths = [str(layer(name)) for name in layers] + [str(runtime)]
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", IMPORT_ALL, json.dumps([apps, *paths])],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {}
