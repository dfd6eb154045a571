"""The route that shows whether the test controls are on (docs/testing.md)."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

import modelhub
from modelhub.core.schema import endpoint
from modelhub.testing import state
from modelhub.testing.base import TAGS, ControlView


class ControlsOutput(serializers.Serializer[Any]):
    version = serializers.CharField()
    organizations = serializers.IntegerField()


@extend_schema(tags=TAGS)
class Index(ControlView):
    @endpoint(
        operation_id="get_test_controls", summary="Check that the test controls are on", responses={200: ControlsOutput}
    )
    def get(self, request: Request) -> Response:
        return Response({"version": modelhub.__version__, "organizations": len(state.list_made())})
