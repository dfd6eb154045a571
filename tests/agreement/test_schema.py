"""The document of the API has the fields of the answers about agreement, and no others (contract 7.8)."""

from typing import Any

import pytest
import yaml

from tests.agreement.panel import make_panel
from tests.client import Caller
from tests.servers import ROOT

pytestmark = pytest.mark.django_db

SCHEMAS: dict[str, Any] = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text())["components"]["schemas"]


def check_fields(schema: dict[str, Any], value: Any) -> None:
    """Compare the fields of each object of a value with the properties of its schema."""
    if "allOf" in schema:
        [schema] = schema["allOf"]
    if "$ref" in schema:
        schema = SCHEMAS[schema["$ref"].rsplit("/")[-1]]
    if isinstance(value, list):
        assert value
        for one in value:
            check_fields(schema["items"], one)
    elif isinstance(value, dict) and "properties" in schema:
        assert value.keys() == schema["properties"].keys()
        for name, one in value.items():
            check_fields(schema["properties"][name], one)


@pytest.mark.parametrize("component", ["QueueAgreement", "Agreement"])
def test_the_answer_has_the_fields_of_its_schema(alice: Caller, component: str) -> None:
    panel = make_panel(alice)
    label = panel.attach("categorical", options=["a", "b"], multi_choice=True)
    panel.fill(label, {"Ann": [["a"], ["b"]], "Ben": [["a", "b"], ["b"]]})
    panel.fill(label, {"Judge": [["a"], ["a"]]}, score_source="model")
    answer = panel.ask() if component == "QueueAgreement" else alice.get("/model-hub/agreement/")
    assert answer.status == 200
    check_fields({"$ref": component}, answer.body)
