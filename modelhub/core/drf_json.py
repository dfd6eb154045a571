"""JSON in and JSON out: parser, renderer and content negotiation of DRF."""

from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from modelhub.core import exact_json
from modelhub.core.errors import Invalid, TooLarge


class JSONParser(BaseParser):
    """Parse JSON of at most `MODELHUB_MAX_BODY_BYTES`; numbers keep their digits."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Return the parsed body. Raise `TooLarge`, or `Invalid` for other than JSON."""
        limit = settings.MAX_BODY_BYTES
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise TooLarge(f"The body must have at most {limit} bytes", code="request_too_large")
        try:
            return exact_json.loads(body)
        except ValueError as error:
            raise Invalid(f"The body is not valid JSON: {error}", code="malformed_json") from error


class JSONRenderer(BaseRenderer):
    """Render JSON in UTF-8; numbers keep their digits."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        # A 204 has no body, not even `null`.
        return b"" if data is None else exact_json.encode(data)


class JSONContentNegotiation(BaseContentNegotiation):
    """Accept uncompressed JSON only; answer JSON to any Accept header."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        """Return the parser, or `None` (415) for another media type or a compressed body.

        Nothing is decompressed: a few bytes could become gigabytes.
        """
        media_type = (request.content_type or "application/json").partition(";")[0].strip().lower()
        is_json = media_type == "application/json" or media_type.endswith("+json")
        coding = request.headers.get("Content-Encoding", "identity").strip().lower()
        return parsers[0] if is_json and coding == "identity" else None

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type
