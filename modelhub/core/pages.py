"""`/schema/` and `/docs/`: the OpenAPI document, and a page that shows it."""

import functools
import hashlib
from dataclasses import dataclass

from django.http import HttpResponse
from django.utils.decorators import method_decorator
from django.utils.encoding import force_bytes
from django.views.decorators.http import conditional_page
from django.views.generic import TemplateView
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiYamlRenderer
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from modelhub.core.envelope import read_query
from modelhub.core.errors import Invalid
from modelhub.core.health import OpenView
from modelhub.core.text import show
from modelhub.examples import IDS

# The first type of a format is its default; the first of all answers browsers, which show text/yaml and download
# application/yaml.
MEDIA_TYPES = {
    "text/yaml": "yaml",
    "application/yaml": "yaml",
    "application/vnd.oai.openapi": "yaml",
    "application/json": "json",
    "application/vnd.oai.openapi+json": "json",
}
RENDERERS = {"yaml": OpenApiYamlRenderer, "json": OpenApiJsonRenderer}


@dataclass(frozen=True)
class Document:
    content: bytes
    etag: str


@functools.cache
def render_document(name: str) -> Document:
    """Return the OpenAPI document as "yaml" or "json"; generated once per process."""
    schema = SchemaGenerator().get_schema(request=None, public=True)
    content = force_bytes(RENDERERS[name]().render(schema, renderer_context={}))
    return Document(content, f'"{hashlib.sha256(content).hexdigest()[:32]}"')


def choose_media_type(request: Request) -> str:
    """Return the media type that `format`, else Accept selects. Raise `Invalid`."""
    given = read_query(request, ("format",)).get("format")
    if given is None:
        return request.get_preferred_type(list(MEDIA_TYPES)) or next(iter(MEDIA_TYPES))
    for media_type, name in MEDIA_TYPES.items():
        if name == given:
            return media_type
    raise Invalid(f"format must be one of {', '.join(RENDERERS)}, got {show(given)}", field="format")


@method_decorator(conditional_page, name="dispatch")
class SchemaView(OpenView):
    """The OpenAPI document, shown by browsers; read again only when it has changed."""

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        """Return YAML, or JSON with `?format=json` or by Accept."""
        media_type = choose_media_type(request)
        name = MEDIA_TYPES[media_type]
        document = render_document(name)
        headers = {
            "ETag": document.etag,
            "Content-Disposition": f'inline; filename="modelhub-openapi.{name}"',
            "Cache-Control": "no-cache",
            "Vary": "Accept",
        }
        if media_type.startswith("text/"):
            media_type += "; charset=utf-8"
        return HttpResponse(document.content, content_type=media_type, headers=headers)


class DocsView(TemplateView):
    template_name = "modelhub/docs.html"
    extra_context = {"example_ids": IDS}
