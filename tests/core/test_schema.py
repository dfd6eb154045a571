"""The OpenAPI schema: committed, complete and kept by a running server."""

import json
import re
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.test import Client

from modelhub import not_implemented
from modelhub.scores.filters import FILTERS
from modelhub.urls import urlpatterns
from tests.client import BULK, Caller
from tests.repeats import LONG
from tests.servers import API_KEY, ROOT, SECRET_KEY, Server

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def committed() -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text())
    return parsed


def test_the_committed_schema_is_the_one_of_the_server(committed: dict[str, Any]) -> None:
    """If it differs intentionally: `make schema`."""
    assert yaml.safe_load(Client().get("/schema/").content) == committed


@pytest.mark.parametrize(
    ("query", "accept", "content_type"),
    [
        ("", None, "text/yaml; charset=utf-8"),
        ("", "*/*", "text/yaml; charset=utf-8"),
        ("", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", "text/yaml; charset=utf-8"),
        ("", "application/json", "application/json"),
        ("", "application/json, */*", "application/json"),
        ("", "application/json;q=0.5, application/yaml", "application/yaml"),
        ("", "application/vnd.oai.openapi+json", "application/vnd.oai.openapi+json"),
        ("", "application/vnd.oai.openapi, */*;q=0.1", "application/vnd.oai.openapi"),
        ("", "image/png", "text/yaml; charset=utf-8"),
        ("?format=json", "text/html", "application/json"),
        ("?format=yaml", "application/json", "text/yaml; charset=utf-8"),
    ],
)
def test_the_format_is_that_of_the_query_or_of_accept(
    committed: dict[str, Any], query: str, accept: str | None, content_type: str
) -> None:
    answer = Client().get(f"/schema/{query}", headers={"Accept": accept} if accept else {})

    assert (answer.status_code, answer["Content-Type"]) == (200, content_type)
    kind = "json" if "json" in content_type else "yaml"
    assert answer["Content-Disposition"] == f'inline; filename="modelhub-openapi.{kind}"'
    assert answer["Vary"] == "Accept"
    assert (json.loads(answer.content) if kind == "json" else yaml.safe_load(answer.content)) == committed


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("application/json; charset=utf-8", "application/json"),
        ("application/vnd.oai.openapi+json;version=3.0, */*;q=0.1", "application/vnd.oai.openapi+json"),
        ("text/yaml; Q=0.5, application/json; indent=4; q=0.9", "application/json"),
    ],
)
def test_of_accept_types_and_weights_count(live: Server, accept: str, content_type: str) -> None:
    answer = live.request("GET", "/schema/", headers={"Accept": accept})
    assert answer.headers["Content-Type"] == content_type
    assert answer.json()["openapi"]


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("version=%0a", 'Unknown query parameter "version". Known are format'),
        ("version=x", 'Unknown query parameter "version". Known are format'),
        ("lang=de", 'Unknown query parameter "lang". Known are format'),
        ("formt=json", 'Unknown query parameter "formt". Did you mean "format"?'),
        ("format=xml", 'format must be one of yaml, json, got "xml"'),
        ("format=", 'format must be one of yaml, json, got ""'),
        ("format=%00", r'format must hold no NUL characters, got "\u0000"'),
    ],
)
def test_other_parameters_are_rejected(query: str, sentence: str) -> None:
    answer = Client(raise_request_exception=False).get(f"/schema/?{query}")
    assert (answer.status_code, answer.json()["message"]) == (400, sentence)


def test_the_schema_is_sent_again_only_when_it_has_changed() -> None:
    first = Client().get("/schema/")
    again = Client().get("/schema/", headers={"If-None-Match": first["ETag"]})
    as_json = Client().get("/schema/?format=json", headers={"If-None-Match": first["ETag"]})

    assert first["Cache-Control"] == "no-cache"
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    assert (again["Cache-Control"], again["Vary"]) == ("no-cache", "Accept")
    assert as_json.status_code == 200
    assert as_json["ETag"] != first["ETag"]


def test_the_schema_is_rendered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    Client().get("/schema/?format=json")
    monkeypatch.setattr("modelhub.core.pages.SchemaGenerator", None)
    assert Client().get("/schema/?format=json").status_code == 200


def test_the_schema_has_no_other_methods() -> None:
    answer = Client().post("/schema/")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert Client().head("/schema/").status_code == 200


def test_the_bulk_request_comes_first_and_health_last(committed: dict[str, Any]) -> None:
    paths = list(committed["paths"])
    assert (paths[0], paths[-2:]) == (BULK, ["/healthz", "/readyz"])
    tags = [tag["name"] for tag in committed["tags"]]
    used = {tag for methods in committed["paths"].values() for one in methods.values() for tag in one["tags"]}
    assert (tags[0], tags[-1], set(tags)) == ("scores", "health", used)


def test_answers_have_examples_and_filters_have_none(committed: dict[str, Any]) -> None:
    """Swagger UI sends the example of a parameter."""
    for name in ("Score", "Label", "Source", "Project", "Problem"):
        fields = committed["components"]["schemas"][name]["properties"]
        counts = ("archived", "allow_notes", "trace_annotations_count", "annotation_count")
        missing = [field for field, one in fields.items() if "example" not in one and "$ref" not in str(one)]
        assert set(missing) <= set(counts), name
    for path, methods in committed["paths"].items():
        for operation in methods.values():
            for one in operation.get("parameters", []):
                assert ("example" in one) == bool(one.get("required")), f"{path} {one['name']}"


def test_every_route_is_described(committed: dict[str, Any]) -> None:
    described = [pattern for pattern in urlpatterns if pattern not in not_implemented.urlpatterns]
    routes = {re.sub(r"<id:(\w+)>", r"{\1}", f"/{pattern.pattern}").replace("{pk}", "{id}") for pattern in described}
    api = {route for route in routes if route.startswith(("/model-hub/", "/tracer/", "/healthz", "/readyz"))}
    assert api == set(committed["paths"])


def test_every_route_answers_options(committed: dict[str, Any], alice: Caller) -> None:
    for path in committed["paths"]:
        assert alice.request("OPTIONS", re.sub(r"\{\w+\}", str(uuid.uuid4()), path)).status == 200, path


def test_a_change_has_no_defaults(committed: dict[str, Any]) -> None:
    """A generated client would send them, and overwrite fields that were not given."""
    for path, methods in committed["paths"].items():
        if "patch" in methods:
            schema = methods["patch"]["requestBody"]["content"]["application/json"]["schema"]
            if "$ref" in schema:
                schema = committed["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
            assert not [name for name, field in schema["properties"].items() if "default" in field], path


def test_every_operation_has_a_summary_examples_and_its_errors(committed: dict[str, Any]) -> None:
    operations = {
        f"{method} {path}": operation
        for path, methods in committed["paths"].items()
        for method, operation in methods.items()
    }
    assert len({operation["operationId"] for operation in operations.values()}) == len(operations)
    for name, operation in operations.items():
        assert operation["summary"], name
        for content in operation.get("requestBody", {}).get("content", {}).values():
            assert content["examples"], name
        if "/model-hub/" in name or "/tracer/" in name:
            assert {"401", "403", "429", "503"} <= set(operation["responses"]), name
            assert operation["security"], name


def test_the_body_of_every_write_of_scores_is_required(committed: dict[str, Any]) -> None:
    bodies = {
        f"{method} {path}": operation["requestBody"]
        for path, methods in committed["paths"].items()
        for method, operation in methods.items()
        if "/scores/" in path and "requestBody" in operation
    }
    assert len(bodies) == 5
    assert [name for name, body in bodies.items() if not body.get("required")] == []


def test_every_filter_of_scores_is_a_parameter(committed: dict[str, Any]) -> None:
    for path in ("/model-hub/scores/", "/model-hub/scores/export/"):
        assert set(FILTERS) <= {parameter["name"] for parameter in committed["paths"][path]["get"]["parameters"]}


def test_both_ways_to_authenticate_are_described(committed: dict[str, Any]) -> None:
    assert set(committed["components"]["securitySchemes"]) == {"ApiKey", "SecretKey", "Bearer"}
    assert committed["paths"][BULK]["post"]["security"] == [{"ApiKey": [], "SecretKey": []}, {"Bearer": []}]


def test_answers_have_the_described_fields(committed: dict[str, Any], alice: Caller) -> None:
    label = alice.post("/model-hub/annotations-labels/", {"name": "L", "type": "star"}).body["result"]
    source = alice.post("/model-hub/sources/", {"source_type": "trace", "source_id": "t"}).body
    score = {"source_type": "trace", "source_id": "t", "label_id": label["id"], "value": 4}
    made = {
        "annotations-labels": label,
        "sources": source,
        "scores": alice.post("/model-hub/scores/", score).body,
        "annotation-queues": alice.post("/model-hub/annotation-queues/", {"name": "Q"}).body,
    }

    for noun, body in made.items():
        response = committed["paths"][f"/model-hub/{noun}/{{id}}/"]["get"]["responses"]["200"]
        name = response["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        assert set(body) == set(committed["components"]["schemas"][name]["required"]), name


def test_the_root_links_to_the_page() -> None:
    assert 'href="/docs/"' in Client().get("/").content.decode()


@pytest.mark.parametrize(
    ("phases", "examples"),
    [
        ("examples,fuzzing", 5),
        pytest.param("examples,coverage,fuzzing", 100 if LONG else 20, marks=pytest.mark.slow),
    ],
)
def test_a_running_server_keeps_to_the_schema(
    live: Server, tmp_path: Path, phases: str, examples: int, committed: dict[str, Any]
) -> None:
    """Run schemathesis with all checks that tests/schemathesis.toml leaves on."""
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        *("--config-file", str(ROOT / "tests" / "schemathesis.toml")),
        "run",
        live.base_url + "/schema/",
        *("--header", f"X-Api-Key: {API_KEY}", "--header", f"X-Secret-Key: {SECRET_KEY}"),
        *("--phases", phases, "--max-examples", str(examples), "--seed", "1"),
        *("--generation-database", "none"),
    ]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False)
    assert result.returncode == 0, result.stdout[-5000:]
    operations = sum(len(methods) for methods in committed["paths"].values())
    assert f"Tested: {operations}" in result.stdout


def test_a_field_without_an_effect_says_so(committed: dict[str, Any]) -> None:
    schemas = [one["properties"] for one in committed["components"]["schemas"].values() if "properties" in one]
    described = [fields["allow_notes"].get("description", "") for fields in schemas if "allow_notes" in fields]
    assert len(described) > 1
    assert all("stored whatever it says" in text for text in described)
