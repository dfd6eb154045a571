"""Bodies of requests, for rules and failures: no body is an error."""

from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest
from django.http.request import UnreadablePostError
from rest_framework.request import Request

from modelhub.core import exact_json
from modelhub.core.envelope import rename
from modelhub.core.errors import Invalid
from modelhub.core.ids import spell_uuid
from modelhub.scores.views import BULK_FIELDS, SCORE_FIELDS

FIELDS = (*BULK_FIELDS, *SCORE_FIELDS, "filter")


def read_body(request: HttpRequest | Request) -> bytes:
    """Return the body, which the view can read again; empty for an unreadable one."""
    try:
        return bytes(request.body)
    except (RequestDataTooBig, UnreadablePostError):
        return b""


def read_fields(request: HttpRequest | Request) -> dict[str, Any]:
    """Return the fields of a JSON object, in snake_case; empty for any other body."""
    try:
        body = exact_json.loads(read_body(request))
    except ValueError:
        return {}
    return _renamed(body)


def labels_of(request: HttpRequest) -> set[str]:
    """Return the ids of labels that a request names: in its body, query or path."""
    fields = read_fields(request)
    entries = fields.get("scores")
    objects = [fields, fields.get("filter"), *(entries if isinstance(entries, list) else [])]
    words = [_renamed(one).get("label_id") for one in objects]
    words += [word for name in ("label_id", "labelId") for word in request.GET.getlist(name)]
    words += request.path_info.split("/")
    return {label_id for word in words if (label_id := spell_uuid(word))}


def _renamed(value: object) -> dict[str, Any]:
    try:
        return rename(value, FIELDS) if isinstance(value, dict) else {}
    except Invalid:
        return {}
