"""JSON in and out: one parser, one renderer, whatever the client says it accepts."""

from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from modelhub.core import exact_json
from modelhub.core.errors import Invalid, TooLarge

# What is wrong with a body that the parser refuses: nobody can read it a second time.
UNREADABLE = frozenset({"malformed_json", "incomplete_body", "request_too_large"})


class ExactJSONParser(BaseParser):
    """Reads a body of at most `MODELHUB_MAX_BODY_BYTES`; numbers keep their digits (modelhub.core.exact_json).

    Raises `TooLarge` (413), or `Invalid` (400) for what is not JSON.
    """

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """The value that the body spells."""
        limit = settings.MAX_BODY_BYTES
        # A chunked body promises nothing: config.wsgi sets how much of it may be read.
        headers = parser_context["request"].headers if parser_context else {}
        promised = "" if "Transfer-Encoding" in headers else headers.get("Content-Length", "")
        if promised.isdigit() and int(promised) > limit:
            raise TooLarge(f"The body must have at most {limit} bytes, got {promised}", code="request_too_large")
        try:
            body = stream.read(limit + 1)
        except OSError as error:
            sentence = "The body stopped before the length that Content-Length names, or its chunks are malformed"
            raise Invalid(sentence, code="incomplete_body") from error
        if len(body) > limit:
            raise TooLarge(f"The body must have at most {limit} bytes", code="request_too_large")
        try:
            return exact_json.loads(body)
        except ValueError as error:
            raise Invalid(f"The body is not valid JSON: {error}", code="malformed_json") from error


class ExactJSONRenderer(BaseRenderer):
    """Writes JSON in UTF-8; numbers keep their digits."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        """The bytes of the answer."""
        return exact_json.encode(data)


class AlwaysJSON(BaseContentNegotiation):
    """Every client reads JSON here, also one whose Accept header asks for something else first."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        """The JSON parser for anything that calls itself JSON and is not compressed, or nothing at all."""
        kind = (request.content_type or "application/json").partition(";")[0].strip().lower()
        fits = kind == "application/json" or kind.endswith("+json")
        return parsers[0] if fits and not _is_compressed(request) else None

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        """The first renderer of the view."""
        return renderers[0], renderers[0].media_type


def _is_compressed(request: Request) -> bool:
    """Nothing is ever inflated here: a few bytes could become gigabytes."""
    headers = request.headers
    codings = headers.get("Content-Encoding", "identity"), headers.get("Transfer-Encoding", "chunked")
    return tuple(coding.strip().lower() for coding in codings) != ("identity", "chunked")
