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
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise TooLarge(f"The body must have at most {limit} bytes", code="request_too_large")
        try:
            return exact_json.loads(body)
        except ValueError as error:
            raise Invalid(f"The body is not valid JSON: {error}", code="malformed_json") from error
