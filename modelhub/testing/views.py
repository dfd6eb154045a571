"""Routes of the test controls, which need no API key (docs/testing.md)."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

import modelhub
from modelhub.core.schema import endpoint
from modelhub.core.views import ApiView
from modelhub.testing import state


class ControlsOutput(serializers.Serializer[Any]):
    version = serializers.CharField()
    organizations = serializers.IntegerField()


# Without a docstring, which drf-spectacular would show for methods without one.
class ControlView(ApiView):
    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()


@extend_schema(tags=["test controls"])
class Index(ControlView):
    @endpoint(
        operation_id="get_test_controls", summary="Check that the test controls are on", responses={200: ControlsOutput}
    )
    def get(self, request: Request) -> Response:
        return Response({"version": modelhub.__version__, "organizations": state.count()})
