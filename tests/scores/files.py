"""Exports and imports as tests run them."""

import csv
import io
from pathlib import Path
from typing import Any

from django.core.management import call_command

from modelhub.core import exact_json
from tests.client import Caller

EXPORT = "/model-hub/scores/export/"

Line = dict[str, Any]


def export(caller: Caller, query: str = "") -> tuple[str, Any]:
    """Return the text of an export, and its headers."""
    headers = {"X-Api-Key": caller.key.api_key, "X-Secret-Key": caller.secret}
    response = caller.client.get(EXPORT + query, headers=headers)
    assert response.status_code == 200
    return b"".join(response.streaming_content).decode(), response.headers  # type: ignore[attr-defined]


def lines_of(text: str) -> list[dict[str, Any]]:
    return [exact_json.loads(line) for line in text.splitlines()]


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def run_import(file: Path, *arguments: str) -> tuple[str, int]:
    """Return the standard output and the exit status of an import."""
    out = io.StringIO()
    try:
        call_command("import_scores", str(file), *arguments, stdout=out)
    except SystemExit as end:
        return out.getvalue().strip(), int(end.code or 0)
    return out.getvalue().strip(), 0


def write(folder: Path, *lines: Line) -> Path:
    """Write a file of JSON lines."""
    file = folder / "scores.jsonl"
    file.write_text("".join(exact_json.dumps(line) + "\n" for line in lines))
    return file
