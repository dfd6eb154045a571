"""The renderer of answers."""

from collections.abc import Mapping
from typing import Any

from rest_framework.renderers import BaseRenderer

from modelhub.core import exact_json


class JSONRenderer(BaseRenderer):
    """Render JSON in UTF-8; numbers keep their digits."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        return exact_json.encode(data)
