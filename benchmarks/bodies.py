"""The same scores for every subject: as bodies of requests, and as rows for PostgreSQL. Plain Python, no Django."""

import json
from dataclasses import dataclass
from typing import Any

from modelhub.core.ids import new_id

TEXTS = (
    "The answer is right, but it takes three paragraphs to say what one sentence could have said.",
    "Cites the wrong section of the manual; the steps themselves would work.",
    "As good as it gets: short, correct, polite, and it asks before it deletes anything.",
)
OPTIONS = ("positive", "neutral", "negative")


@dataclass(frozen=True, slots=True)
class Batch:
    """The scores of one source: `number` tells batches apart, `source` is the row's id, `key` what requests name."""

    number: int
    source: str
    key: str
    size: int


def value_of(kind: str, turn: int) -> dict[str, Any]:
    """A legal value; two turns in a row never give the same one."""
    if kind == "star":
        return {"rating": 1 + turn % 5}
    if kind == "categorical":
        return {"selected": [OPTIONS[turn % 3]]}
    if kind == "text":
        return {"text": TEXTS[turn % 3]}
    if kind == "numeric":
        return {"value": turn % 21 / 2}
    return {"value": "up" if turn % 2 else "down"}


def scores_of(batch: Batch, labels: list[tuple[str, str]], version: int) -> list[dict[str, Any]]:
    """The entries of a request; another `version` has the same labels and none of the values."""
    first = batch.number * batch.size
    chosen = (labels[(first + at) % len(labels)] for at in range(batch.size))
    return [
        {"label_id": label, "value": value_of(kind, batch.number + at + version), "score_source": "human"}
        for at, (label, kind) in enumerate(chosen)
    ]


def body_of(batch: Batch, labels: list[tuple[str, str]], version: int) -> bytes:
    """The body of `POST /model-hub/scores/bulk/`."""
    body = {
        "source_type": "trace",
        "source_id": batch.key,
        "scores": scores_of(batch, labels, version),
        "notes": "Benchmark",
    }
    return json.dumps(body).encode()


def rows_of(batch: Batch, labels: list[tuple[str, str]], version: int) -> str:
    """The rows of the same scores as one JSON array; what all of them share travels beside it."""
    rows = [score | {"id": str(new_id())} for score in scores_of(batch, labels, version)]
    return json.dumps(rows)


def value_dump(kind: str, turn: int) -> str:
    """The same as compact JSON."""
    return json.dumps(value_of(kind, turn))
