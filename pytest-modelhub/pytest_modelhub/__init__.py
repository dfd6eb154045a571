"""Fixtures that run tests against a real modelhub server."""

from pytest_modelhub.errors import ModelhubError, ModelhubWarning
from pytest_modelhub.http import Response
from pytest_modelhub.organization import Clock, Fault, Faults, Ids, Modelhub, Person, RecordedRequest
from pytest_modelhub.server import ModelhubServer
from pytest_modelhub.version import __version__

__all__ = [
    "Clock",
    "Fault",
    "Faults",
    "Ids",
    "Modelhub",
    "ModelhubError",
    "ModelhubServer",
    "ModelhubWarning",
    "Person",
    "RecordedRequest",
    "Response",
    "__version__",
]
