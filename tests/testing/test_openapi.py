"""The OpenAPI schema of a server with test controls."""

import re
import subprocess
import sys
from pathlib import Path

import yaml

from tests.servers import ROOT, environment


def test_the_schema_has_every_route_of_the_controls(folder: Path) -> None:
    command = [sys.executable, str(ROOT / "manage.py"), "spectacular", "--fail-on-warn"]
    env = environment(folder, MODELHUB_TEST_CONTROLS="true")
    result = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    schema = yaml.safe_load(result.stdout)
    routes = re.findall(r'^ +path\("([^"]*)"', (ROOT / "modelhub/testing/urls.py").read_text(), re.MULTILINE)
    assert routes
    found = {path: methods for path, methods in schema["paths"].items() if path.startswith("/__admin/")}
    assert set(found) == {"/__admin/" + re.sub(r"<id:\w+>", "{id}", route) for route in routes}
    operations = [one for methods in found.values() for one in methods.values()]
    assert {tag for one in operations for tag in one["tags"]} == {"test controls"}
    assert all(one["summary"] for one in operations)
    # Without a key.
    assert not [one["operationId"] for one in operations if one.get("security")]
