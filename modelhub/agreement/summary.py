"""Summary of the scores of a label (contract 7.12), by one statement."""

import uuid
from collections import Counter
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import QuerySet

from modelhub.core import exact_json
from modelhub.core.bounded import MAX_ANSWER_BYTES
from modelhub.core.errors import Invalid
from modelhub.core.sql import read_sql
from modelhub.labels.models import Label
from modelhub.labels.rules import LabelRule
from modelhub.labels.types import get_type
from modelhub.scores.models import Score

SUMMARY = read_sql("agreement", "label_summary")
COLUMNS = ("value", "annotator_id", "score_source", "source_id", "created_at")

NUMBERS = ("numeric", "star")
MOST_VALUES, MOST_TEXTS, LONGEST_TEXT = 1000, 100, 255
MOST_PEOPLE, MOST_DAYS = 1000, 366
# Decimals of a share: one of a million scores is seen.
PLACES = 6


def get_summary(label: Label, scores: QuerySet[Score]) -> dict[str, Any]:
    """Return the summary of scores of one label; figures of numbers are exact.

    Raise `Invalid` above `MAX_ANSWER_BYTES`: each number may have 64 KB.
    """
    rule = LabelRule.of(label)
    found = _execute(rule, label.organization_id, scores)
    count, values = found.pop("count"), found.pop("values")
    listed = _merge(rule, _read(found.pop("distribution")))
    people, days = _read(found.pop("per_annotator")), _read(found.pop("over_time"))
    return {
        "label_id": rule.id,
        "label_name": rule.name,
        "label_type": rule.type,
        "count": count,
        **found,
        "distribution": [
            {"value": value, "count": number, "share": round(number / count, PLACES)} for value, number in listed
        ],
        "other": values - sum(number for _, number in listed),
        "per_annotator": [
            {"annotator_id": user_id, "annotator_name": name, "count": number, "mean": mean}
            for user_id, name, number, mean in people
        ],
        "over_time": [{"date": day, "count": number, "mean": mean} for day, number, mean in days],
        "score_sources": exact_json.loads(found["score_sources"] or "{}"),
        **{name: exact_json.timestamp(found[name]) if count else None for name in ("first_at", "last_at")},
    }


def _execute(rule: LabelRule, organization_id: uuid.UUID, scores: QuerySet[Score]) -> dict[str, Any]:
    """Return the row of the statement by its columns."""
    is_number, is_text = rule.type in NUMBERS, rule.type == "text"
    limits = [LONGEST_TEXT if is_text else None, MOST_TEXTS if is_text else MOST_VALUES, MOST_PEOPLE, MOST_DAYS]
    of_label = [organization_id, get_type(rule.type).key, is_number, *limits]
    # Filters that nothing can satisfy must not raise `EmptyResultSet`.
    compiler = scores.order_by().values_list(*COLUMNS).query.get_compiler(DEFAULT_DB_ALIAS, elide_empty=False)
    selected, parameters = compiler.as_sql()
    statement = SUMMARY.replace("{of_day}", "content, day" if is_number else "day").replace("{scores}", selected)
    with connection.cursor() as cursor:
        cursor.execute(statement, [*of_label, *parameters])
        names = [column.name for column in cursor.description or ()]
        [row] = cursor.fetchall()
    if sum(len(text) for text in row if isinstance(text, str)) > MAX_ANSWER_BYTES:
        sentence = f"The answer must have at most {MAX_ANSWER_BYTES} bytes; ask for fewer scores, by a filter"
        raise Invalid(sentence, code="answer_too_large")
    return dict(zip(names, row, strict=True))


def _merge(rule: LabelRule, listed: list[tuple[Any, int]]) -> list[tuple[Any, int]]:
    """Return values in their order: numbers ascending, others by their frequency.

    Values that are spelled alike are one: an option by its label or value, a text in NFC.
    """
    if rule.type in NUMBERS:
        return sorted(listed)
    counts: Counter[str] = Counter()
    for value, number in listed:
        counts[rule.spell(value)] += number
    return sorted(counts.items(), key=lambda one: (-one[1], one[0]))


def _read(text: str | None) -> list[Any]:
    return exact_json.loads(text) if text else []
