"""The parser of request bodies."""

from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework.parsers import BaseParser

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
        # config.wsgi replaces the missing Content-Length of a chunked body by the limit.
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
