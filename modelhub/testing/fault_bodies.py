"""Bodies of rules: their schema for OpenAPI, and the rule of each field."""

import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.conf import settings

from modelhub.core.envelope import read_object
from modelhub.core.errors import Invalid
from modelhub.core.exact_json import check_storable
from modelhub.core.ids import parse_uuid, spell_uuid
from modelhub.core.text import Hint, show
from modelhub.examples import ORGANIZATION_ID
from modelhub.testing.failures import STATUSES, WITH_RETRY_AFTER, api_view_of, find_api_view
from modelhub.testing.faults import Effect, Match, Rule
from modelhub.urls import urlpatterns

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
DROPS = ("before", "after_commit")
MAX_TIMES = MAX_INDEX = 1_000_000
MAX_RETRY_AFTER = 3600
# A worker is replaced when a request takes twice the timeout, and its state is lost.
MAX_DELAY_MS = 1000 * min(30, settings.SERVE_TIMEOUT)
MAX_PATH_LENGTH = 2000

EFFECT_RULE = "an object with at least one of status, delay_ms, drop, refuse_scores"

MATCH: dict[str, Any] = {
    "type": "object",
    "properties": {
        "method": {"type": "string", "enum": list(METHODS)},
        "path": {
            "type": "string",
            "description": "A path of the API without its query, or a pattern: `*` stands for any characters.",
        },
        "label_id": {"type": "string", "format": "uuid"},
    },
}
THEN: dict[str, Any] = {
    "type": "object",
    "properties": {
        "status": {"type": "integer", "enum": list(STATUSES)},
        "retry_after": {"type": "integer", "minimum": 0, "maximum": MAX_RETRY_AFTER},
        "delay_ms": {"type": "integer", "minimum": 0, "maximum": MAX_DELAY_MS},
        "drop": {"type": "string", "enum": list(DROPS)},
        "refuse_scores": {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1},
    },
}
FAULT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "organization": {"type": "string", "format": "uuid"},
        "match": MATCH,
        "times": {"type": "integer", "minimum": 1, "maximum": MAX_TIMES},
        "probability": {"type": "number", "minimum": 0, "maximum": 1},
        "seed": {"oneOf": [{"type": "integer"}, {"type": "string"}]},
        "then": THEN,
    },
    "required": ["organization", "then"],
}
EXAMPLE_FAULT: dict[str, Any] = {
    "organization": ORGANIZATION_ID,
    "match": {"method": "POST", "path": "/model-hub/scores/bulk/"},
    "times": 1,
    "then": {"status": 429, "retry_after": 2},
}
# Without ids in them: proposed for a path that no route has.
PATHS = [f"/{route.pattern}" for route in urlpatterns if "<" not in str(route.pattern) and api_view_of(route.callback)]
MATCH_FIELDS, THEN_FIELDS, FAULT_FIELDS = (tuple(schema["properties"]) for schema in (MATCH, THEN, FAULT))


def read_fault(data: object) -> tuple[uuid.UUID, Rule]:
    """Return the organization's id and the rule. Raise `Invalid`."""
    fields = _given(read_object(data, FAULT_FIELDS, strict=True))
    if (organization_id := parse_uuid(fields.get("organization"))) is None:
        raise _invalid("organization", "a UUID", fields.get("organization"))
    times, probability, seed = (fields.get(name) for name in ("times", "probability", "seed"))
    if "times" in fields and "probability" in fields:
        raise Invalid("Either times or probability must be given, not both", code="conflicting_fields", field="times")
    if "times" in fields:
        times = _read_whole("times", times, least=1, most=MAX_TIMES)
    if "probability" in fields:
        probability = _read_probability(probability)
    if "seed" in fields and (probability is None or isinstance(seed, bool) or not isinstance(seed, int | str)):
        sentence = f"seed must be a whole number or a string, beside a probability, got {show(seed)}"
        raise Invalid(sentence, field="seed")
    check_storable(seed, max_bytes=MAX_PATH_LENGTH, max_depth=1, name="seed")
    match, then = (_read_part(fields, name, names) for name, names in (("match", MATCH_FIELDS), ("then", THEN_FIELDS)))
    if "then" not in fields:
        raise _invalid("then", EFFECT_RULE, None)
    rule = Rule(read_match(match), read_effect(then), times=times, probability=probability, seed=seed)
    return organization_id, rule


def read_match(fields: Mapping[str, Any]) -> Match:
    """Return the requests that a rule is about. Raise `Invalid`."""
    method, path, label_id = (fields.get(name) for name in MATCH_FIELDS)
    if method is not None and (not isinstance(method, str) or method.upper() not in METHODS):
        raise _invalid("match.method", f"one of {', '.join(METHODS)}", method)
    if path is not None and not (isinstance(path, str) and path[:1] in {"/", "*"} and len(path) <= MAX_PATH_LENGTH):
        rule = f"a path of at most {MAX_PATH_LENGTH} characters that begins with / or *"
        raise _invalid("match.path", rule, path)
    if path is not None and "?" in path:
        raise _invalid("match.path", "a path without a query", path)
    if path is not None and "*" not in path and find_api_view(path) is None:
        # A rule that no request can meet would let a test pass for nothing.
        hint = Hint(path, PATHS) if find_api_view(f"{path}/") is None else f". Did you mean {show(f'{path}/')}?"
        raise _invalid("match.path", "a path of the API that needs a key, or have a *", path, hint=hint)
    if label_id is not None and spell_uuid(label_id) is None:
        raise _invalid("match.label_id", "a UUID", label_id)
    return Match(method.upper() if method else None, path, spell_uuid(label_id))


def read_effect(fields: Mapping[str, Any]) -> Effect:
    """Return the effect of a rule. Raise `Invalid`, also for a contradiction."""
    if not fields.keys() - {"retry_after"}:
        raise _invalid("then", EFFECT_RULE, dict(fields))
    status, drop = fields.get("status"), fields.get("drop")
    if status is not None and not (isinstance(status, int) and status in STATUSES):
        raise _invalid("then.status", f"one of {', '.join(map(str, STATUSES))}", status)
    if drop is not None and drop not in DROPS:
        raise _invalid("then.drop", f"one of {', '.join(DROPS)}", drop)
    for one, other in (("status", "drop"), ("status", "refuse_scores")):
        if one in fields and other in fields:
            raise _conflict(one, other)
    if drop == "before" and "refuse_scores" in fields:
        raise _conflict("drop", "refuse_scores")
    if "retry_after" in fields and status not in WITH_RETRY_AFTER:
        words = " or ".join(map(str, sorted(WITH_RETRY_AFTER)))
        raise _invalid("then.retry_after", f"beside the status {words}", fields["retry_after"])
    return Effect(
        status=status,
        retry_after=_read_whole("then.retry_after", fields.get("retry_after"), most=MAX_RETRY_AFTER),
        delay_ms=_read_whole("then.delay_ms", fields.get("delay_ms"), most=MAX_DELAY_MS),
        drop=drop,
        refuse_scores=_read_indexes(fields.get("refuse_scores")),
    )


def _given(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Drop fields that are null, which means not given (contract 0.5)."""
    return {name: value for name, value in fields.items() if value is not None}


def _read_part(fields: Mapping[str, Any], name: str, names: tuple[str, ...]) -> dict[str, Any]:
    """Return an object inside of the body. Raise `Invalid` for unknown keys."""
    part = fields.get(name, {})
    if not isinstance(part, dict):
        raise _invalid(name, "an object", part)
    return _given(read_object(part, names, strict=True))


def _read_whole(name: str, sent: object, *, least: int = 0, most: int) -> int | None:
    if sent is not None and (isinstance(sent, bool) or not isinstance(sent, int) or not least <= sent <= most):
        raise _invalid(name, f"a whole number from {least} to {most}", sent)
    return sent


def _read_probability(sent: object) -> float:
    # A comparison with a decimal that is not a number raises an error.
    number = sent if isinstance(sent, Decimal) and sent.is_finite() else None
    if isinstance(sent, int) and not isinstance(sent, bool):
        number = Decimal(sent)
    if number is not None and 0 <= number <= 1:
        return float(number)
    raise _invalid("probability", "a number from 0 to 1", sent)


def _read_indexes(sent: object) -> tuple[int, ...]:
    if sent is None:
        return ()
    if not isinstance(sent, list) or not sent or len(sent) > settings.MAX_SCORES:
        raise _invalid("then.refuse_scores", f"a list of 1 to {settings.MAX_SCORES} indexes", sent)
    indexes = [_read_whole(f"then.refuse_scores[{at}]", one, most=MAX_INDEX) for at, one in enumerate(sent)]
    return tuple(index for index in indexes if index is not None)


def _invalid(name: str, rule: str, sent: object, *, hint: object = "") -> Invalid:
    return Invalid(f"{name} must be {rule}, got {show(sent)}", field=name, hint=hint)


def _conflict(one: str, other: str) -> Invalid:
    sentence = f"Either then.{one} or then.{other} must be given, not both"
    return Invalid(sentence, code="conflicting_fields", field=f"then.{one}")
