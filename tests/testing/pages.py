"""Pages of docs whose examples are sessions of Python, run on a server with test controls."""

import doctest
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.servers import Server, create_key
from tests.testing.tester import new_tester


@contextmanager
def key_of_a_page(server: Server) -> Iterator[dict[str, str]]:
    """Yield the headers of a key as pages have it, in an organization of its own."""
    tester = new_tester(server)
    yield create_key(server, tester.email, "read", "write", "admin", "act-as")
    server.request("DELETE", f"/__admin/organizations/{tester.id}", headers={})


def run_sessions(page: Path, sessions: Iterable[str], server: Server, headers: Mapping[str, str]) -> tuple[int, str]:
    """Run sessions one after the other. Return the number of examples, and a report of the failed ones."""
    names = {"BASE_URL": server.base_url, "API_KEY": headers["X-Api-Key"], "SECRET_KEY": headers["X-Secret-Key"]}
    example = doctest.DocTestParser().get_doctest("\n".join(sessions), names, page.name, str(page), 0)
    report: list[str] = []
    outcome = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example, out=report.append)
    assert bool(report) == bool(outcome.failed)
    return outcome.attempted, "".join(report)
