"""Content negotiation: JSON in, JSON out."""

from typing import Any

from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request


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
