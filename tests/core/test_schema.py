"""The OpenAPI schema: committed, complete, and true of a running server."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from django.test import Client

from modelhub.scores.filters import FILTERS
from tests.servers import API_KEY, ROOT, SECRET_KEY, Server

pytestmark = pytest.mark.django_db


def test_the_committed_schema_is_the_servers() -> None:
    """`make schema` writes it anew; the difference is what clients will notice."""
    committed = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text())
    assert yaml.safe_load(Client().get("/schema/").content) == committed


def test_every_operation_says_what_it_does_and_what_can_go_wrong() -> None:
    paths = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text())["paths"]
    operations = {
        f"{method} {path}": operation for path, methods in paths.items() for method, operation in methods.items()
    }
    assert len({operation["operationId"] for operation in operations.values()}) == len(operations)
    for name, operation in operations.items():
        assert operation["summary"], name
        for content in operation.get("requestBody", {}).get("content", {}).values():
            assert content["examples"], name
        if "/model-hub/" in name or "/tracer/" in name:
            assert {"401", "403", "429", "503"} <= set(operation["responses"]), name
            assert operation["security"], name


def test_every_filter_is_a_parameter() -> None:
    paths = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text())["paths"]
    for path in ("/model-hub/scores/", "/model-hub/scores/export/"):
        assert set(FILTERS) <= {parameter["name"] for parameter in paths[path]["get"]["parameters"]}


def test_a_running_server_does_what_the_schema_says(live: Server, tmp_path: Path) -> None:
    """schemathesis with every check; tests/schemathesis.toml says which do not hold where, and why."""
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        *("--config-file", str(ROOT / "tests" / "schemathesis.toml")),
        "run",
        live.base_url + "/schema/",
        *("--header", f"X-Api-Key: {API_KEY}", "--header", f"X-Secret-Key: {SECRET_KEY}"),
        *("--phases", "examples,coverage,fuzzing", "--max-examples", "20", "--seed", "1"),
        *("--generation-database", "none"),
    ]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stdout[-5000:]
    assert "Tested: 27" in result.stdout
