"""Fixtures of the tests of the test controls."""

import pytest

from tests.servers import Server
from tests.testing.tester import Tester, new_tester


@pytest.fixture
def tester(controlled: Server) -> Tester:
    """Return a fresh organization."""
    return new_tester(controlled)
