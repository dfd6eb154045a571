"""Outermost middleware of the test controls, only with MODELHUB_TEST_CONTROLS."""

from collections.abc import Callable
from contextlib import nullcontext

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from modelhub.testing import gates
from modelhub.testing.sources import acting_for, replace_sources
from modelhub.testing.state import find_controls

CONTROLS = "/__admin/"


class TestControls:
    """Give each request of the API the controls of its organization."""

    # Not a class of tests, for pytest.
    __test__ = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        replace_sources()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(CONTROLS):
            return self.get_response(request)
        controls = find_controls(request)
        with gates.passing(controls.organization_id) if controls else nullcontext(), acting_for(controls):
            return self.get_response(request)
