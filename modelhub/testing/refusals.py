"""Scores that the database refuses on demand, by a trigger of the test controls."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest
from django.urls import resolve

from modelhub.accounts.models import User
from modelhub.core.errors import Refused
from modelhub.labels.cache import read_labels
from modelhub.scores.entries import FIELDS
from modelhub.scores.recording import Batch, judge
from modelhub.sources.refs import check_source_ref
from modelhub.testing.bodies import read_fields
from modelhub.testing.state import Controls

SET = "SELECT set_config('modelhub_testing.refused_labels', %s, false)"


def find_refused(request: HttpRequest, controls: Controls, indexes: Collection[int]) -> list[str]:
    """Return the labels of the entries at these indexes that would be stored.

    An entry that is rejected anyway, such as the second one of a label, takes no label along.
    """
    entries = entries_of(request) if indexes else []
    if not 0 < len(entries) <= settings.MAX_SCORES:
        return []
    try:
        ref = check_source_ref("trace", "any")
        batch = Batch(User(organization_id=controls.organization_id), ref, entries)
        drafts, _ = judge(batch, read_labels(controls.organization_id, batch.label_ids))
    except Refused:  # at the request's timeout
        return []
    return [draft.label.id for draft in drafts if draft.index in indexes]


def entries_of(request: HttpRequest) -> list[Any]:
    """Return the scores in the body of a request that stores scores."""
    route = resolve(request.path_info).view_name if request.method == "POST" else ""
    fields = read_fields(request)
    if route == "scores":
        return [{name: value for name, value in fields.items() if name in FIELDS}]
    entries = fields.get("scores") if route == "scores-bulk" else None
    return entries if isinstance(entries, list) else []


@contextmanager
def refusing(label_ids: Collection[str]) -> Iterator[None]:
    """Let the database refuse the scores of these labels on the thread's connection."""
    if not label_ids:
        yield
        return
    set_refused(label_ids)
    try:
        yield
    finally:
        set_refused(())


def set_refused(label_ids: Collection[str]) -> None:
    """Set the labels of the session. A lost session has none."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(SET, [",".join(label_ids)])
    except (DatabaseError, InterfaceError):
        # The pool drops a closed session, whatever it has set.
        if session := connection.connection:
            session.close()
        connection.close()
